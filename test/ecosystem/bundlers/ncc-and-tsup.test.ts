/** ncc and tsup, with the SDK inside. Each bundle runs without packages. */
import { execFileSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { createEmptyTask, createProject, NODE_MODULES, requireWriteAndRead } from './function.ts'

const sandbox = await startSandboxProcess()

const runCommand = (folder: string, command: string, args: readonly string[] = []): void => {
  execFileSync(join(NODE_MODULES, '.bin', command), args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

for (const [title, file, output] of [
  ['CommonJS', 'handler.js', 'index.js'],
  ['an ES module', 'handler.mjs', 'index.mjs'],
] as const) {
  testCombination(['@vercel/ncc', '@middy/core'], `bundles ${file} to ${title}`, async () => {
    const project = createProject({ files: { [file]: 'handler.mjs' } })
    const task = createEmptyTask()
    runCommand(project, 'ncc', ['build', file, '--no-cache', '--out', task])
    await requireWriteAndRead(sandbox, join(task, output))
  })
}

/** By default, tsup leaves all packages outside. */
const TSUP_CONFIGURATION = `export default {
  entry: ['src/handler.ts'],
  format: ['cjs', 'esm'],
  noExternal: [/.*/],
}
`

testCombination(['tsup', '@middy/core'], 'bundles to CommonJS and to an ES module', async () => {
  const project = createProject({ files: { 'src/handler.ts': 'handler.ts' } })
  writeFileSync(join(project, 'tsup.config.mjs'), TSUP_CONFIGURATION)
  runCommand(project, 'tsup')
  const task = createEmptyTask()
  cpSync(join(project, 'dist'), task, { recursive: true })
  await requireWriteAndRead(sandbox, join(task, 'handler.js'))
  await requireWriteAndRead(sandbox, join(task, 'handler.mjs'))
})
