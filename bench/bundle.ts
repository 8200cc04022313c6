/**
 * Measures how much the package adds to the bundle of a function: its own code, minified, without the AWS SDK and middy. Prints
 * the size of each file and the total.
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
const formatKilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(5)} KB`
const [output] = Object.values(metafile.outputs)
for (const [file, { bytesInOutput }] of Object.entries(output?.inputs ?? {}).toSorted(
  ([, a], [, b]) => b.bytesInOutput - a.bytesInOutput,
))
  console.log(`${formatKilobytes(bytesInOutput)}  ${file}`)
console.log(`${formatKilobytes(outputFiles[0]?.contents.length ?? 0)}  total`)
