/** A whole CommonJS handler: the ways that work, without a bundler and with esbuild, and what fails. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type BuildFailure, type BuildOptions, build } from 'esbuild'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import {
  createEmptyTask,
  createProject,
  FIXTURES,
  invoke,
  LAMBDA_NODE_OPTIONS,
  requireWriteAndRead,
} from './function.ts'

const sandbox = await startSandboxProcess()

testCombination(
  ['@middy/core'],
  'runs without a bundler with `"type": "module"` in package.json',
  async () => {
    const project = createProject({ files: { 'handler.js': 'handler.mjs' }, type: 'module' })
    await requireWriteAndRead(sandbox, join(project, 'handler.js'))
  },
)

testCombination(['@middy/core'], 'runs in a CommonJS handler that imports it dynamically', async () => {
  const file = join(createProject({ files: { 'handler.cjs': 'dynamic-import.cjs' } }), 'handler.cjs')
  await requireWriteAndRead(sandbox, file)

  // The configuration is invalid when the handler is created, before the first invocation.
  const outcome = await invoke(sandbox, file, { env: { CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'not-an-arn' } })
  assert.ok('phase' in outcome)
  assert.deepEqual([outcome.phase, outcome.code], ['invoke', 'CONFIG_INVALID'])
})

testCombination(
  ['middy-6'],
  'runs in a CommonJS handler that requires it, if Node.js can require ES modules',
  async () => {
    const project = createProject({ files: { 'handler.cjs': 'require.cjs' }, middy: 'middy-6' })
    const file = join(project, 'handler.cjs')
    await requireWriteAndRead(sandbox, file, { nodeOptions: [] })

    if (!LAMBDA_NODE_OPTIONS.includes('--no-experimental-require-module')) return
    const outcome = await invoke(sandbox, file)
    assert.ok('phase' in outcome)
    assert.deepEqual([outcome.phase, outcome.code], ['load', 'ERR_REQUIRE_ESM'])
  },
)

testCombination(
  ['@middy/core'],
  'cannot be required, because its package.json exports only ES modules',
  async () => {
    const project = createProject({ files: { 'handler.cjs': 'require.cjs' } })
    const outcome = await invoke(sandbox, join(project, 'handler.cjs'), { nodeOptions: [] })
    assert.ok('phase' in outcome)
    assert.deepEqual([outcome.phase, outcome.code], ['load', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])
  },
)

testCombination(
  ['esbuild', '@middy/core'],
  'bundles a CommonJS handler with `require()` only with `--conditions=import`',
  async () => {
    const outfile = join(createEmptyTask(), 'handler.js')
    const options: BuildOptions = {
      entryPoints: [join(FIXTURES, 'require.cjs')],
      bundle: true,
      platform: 'node',
      outfile,
      logLevel: 'silent',
    }
    await assert.rejects(build(options), ({ errors }: BuildFailure) => {
      assert.deepEqual(
        errors.map(({ location }) => location?.lineText),
        ["const { default: middy } = require('@middy/core')"],
      )
      return true
    })
    await build({ ...options, conditions: ['import'] })
    await requireWriteAndRead(sandbox, outfile)
  },
)
