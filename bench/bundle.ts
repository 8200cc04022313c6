/** Prints how much each file of the package adds to the bundle of a function, and the total. */
import { measureBundle } from './measure-bundle.ts'

const formatKilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(5)} KB`

const { files, totalBytes } = await measureBundle()
for (const [file, bytes] of files) console.log(`${formatKilobytes(bytes)}  ${file}`)
console.log(`${formatKilobytes(totalBytes)}  total`)
