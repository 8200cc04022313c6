/** `npm run pages`: updates the parts of README.md and of docs/ that show figures, limits, flags and output of the package. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateFromCommands } from './command-output.ts'
import { ROOT } from './parts.ts'
import { generateFromSources } from './source-data.ts'

const pages = { ...generateFromSources(), ...(await generateFromCommands()) }
for (const [path, text] of Object.entries(pages)) writeFileSync(join(ROOT, path), text)
