export const LAYERS: readonly {
  readonly name: string
  readonly paths: readonly string[]
  readonly isBeside?: string
}[]
