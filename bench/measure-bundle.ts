import { build } from 'esbuild'

export interface BundleSize {
  /** The bytes of the whole bundle. */
  readonly totalBytes: number
  /** The bytes of each source file in the bundle, the largest first. */
  readonly files: readonly (readonly [file: string, bytes: number])[]
}

/** Measures how much the package adds to the bundle of a function: its own code, minified, without the AWS SDK and middy. */
export const measureBundle = async (): Promise<BundleSize> => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: `${import.meta.dirname}/..`,
    entryPoints: ['src/index.ts'],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['@aws-sdk/*', '@middy/*'],
    metafile: true,
    write: false,
  })
  const [output] = Object.values(metafile.outputs)
  const files = Object.entries(output?.inputs ?? {}).map(
    ([file, { bytesInOutput }]) => [file, bytesInOutput] as const,
  )
  return {
    totalBytes: outputFiles[0]?.contents.length ?? 0,
    files: files.toSorted(([, a], [, b]) => b - a),
  }
}
