/** `npm run pages`: updates the parts of README.md and of docs/ that show figures, flags and output of the package. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatePageParts } from './generate-page-parts.ts'

for (const [path, text] of Object.entries(await generatePageParts()))
  writeFileSync(join(import.meta.dirname, '..', path), text)
