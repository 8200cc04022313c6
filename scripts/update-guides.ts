/** `npm run guides`: updates the generated parts of docs/reliability.md and docs/comparison.md. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateGuideParts } from './generate-guide-parts.ts'

for (const [path, text] of Object.entries(generateGuideParts()))
  writeFileSync(join(import.meta.dirname, '..', path), text)
