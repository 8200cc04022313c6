import { build } from 'esbuild'

/** The documented size, in kilobytes, rounded up. If it changes, also change docs/bundlers.md. */
export const MAXIMUM_KB = 68

export interface BundleSize {
  /** The bytes of the whole bundle. */
  readonly totalBytes: number
  /** The bytes of each folder of `src/`, the largest first. Files that are directly in `src/` have their own entry. */
  readonly folders: readonly (readonly [folder: string, bytes: number])[]
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
  const bytesByFolder = new Map<string, number>()
  for (const [file, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const [, folder = file] = file.split('/')
    bytesByFolder.set(folder, (bytesByFolder.get(folder) ?? 0) + bytesInOutput)
  }
  return {
    totalBytes: outputFiles[0]?.contents.length ?? 0,
    folders: [...bytesByFolder].toSorted(([, a], [, b]) => b - a),
  }
}
