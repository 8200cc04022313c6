/**
 * How much the package adds to a function's bundle: its own code, minified, without the AWS SDK and middy. Prints the total
 * and the share of each file.
 */
import { build } from 'esbuild'

const { metafile, outputFiles } = await build({
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
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(5)} KB`
const [output] = Object.values(metafile.outputs)
for (const [file, { bytesInOutput }] of Object.entries(output?.inputs ?? {}).toSorted(
  ([, a], [, b]) => b.bytesInOutput - a.bytesInOutput,
))
  console.log(`${kilobytes(bytesInOutput)}  ${file}`)
console.log(`${kilobytes(outputFiles[0]?.contents.length ?? 0)}  in all`)
