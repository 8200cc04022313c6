/** `npm run readme`: updates the parts of the README that the package itself writes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readmeParts } from './readme-parts.ts'

for (const [path, text] of Object.entries(await readmeParts()))
  writeFileSync(join(import.meta.dirname, '..', path), text)
