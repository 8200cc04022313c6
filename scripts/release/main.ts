/** `npm run release`: checks whether the version in package.json can be released, and creates its tag. */
import { join } from 'node:path'
import { runRelease } from './release.ts'

try {
  process.exitCode = runRelease(process.argv.slice(2), {
    root: join(import.meta.dirname, '../..'),
    environment: process.env,
    output: console,
  })
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
