/** `npm run readme`: updates the parts of the README that show output of the package. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateReadmeParts } from './generate-readme-parts.ts'

for (const [path, text] of Object.entries(await generateReadmeParts()))
  writeFileSync(join(import.meta.dirname, '..', path), text)
