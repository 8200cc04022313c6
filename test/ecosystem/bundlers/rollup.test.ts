/** Rollup: CommonJS and ES modules, with the SDK inside and external. Each bundle runs without the packages that are inside. */
import { join } from 'node:path'
import commonjsPlugin from '@rollup/plugin-commonjs'
import jsonPlugin from '@rollup/plugin-json'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { type InputOptions, rollup } from 'rollup'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { createEmptyTask, createTaskWithRuntimeSdk, FIXTURES, requireWriteAndRead } from './function.ts'

// For TypeScript, the default import is the whole module, because the declarations describe CommonJS.
const commonjs = commonjsPlugin as unknown as typeof commonjsPlugin.default
const json = jsonPlugin as unknown as typeof jsonPlugin.default

const sandbox = await startSandboxProcess()

/** Bundles the handler into a task folder, once for each format. The result has the same chunks in both formats. */
const bundle = async (task: string, options: InputOptions = {}): Promise<void> => {
  const result = await rollup({
    input: join(FIXTURES, 'handler.mjs'),
    plugins: [nodeResolve({ preferBuiltins: true }), commonjs(), json()],
    // Rollup reports that the AWS SDK has circular dependencies.
    logLevel: 'silent',
    ...options,
  })
  for (const [format, ending] of [
    ['cjs', 'cjs'],
    ['es', 'mjs'],
  ] as const) {
    await result.write({
      dir: task,
      format,
      entryFileNames: `handler.${ending}`,
      chunkFileNames: `[name]-[hash].${ending}`,
    })
  }
  await result.close()
}

const PACKAGES = [
  'rollup',
  '@rollup/plugin-node-resolve',
  '@rollup/plugin-commonjs',
  '@rollup/plugin-json',
] as const

for (const [title, createTask, options] of [
  ['inside', createEmptyTask, {}],
  ['external', createTaskWithRuntimeSdk, { external: /^@aws-sdk\// }],
] as const) {
  testCombination(PACKAGES, `bundles to CommonJS and to an ES module with the SDK ${title}`, async () => {
    const task = createTask()
    await bundle(task, options)
    await requireWriteAndRead(sandbox, join(task, 'handler.cjs'))
    await requireWriteAndRead(sandbox, join(task, 'handler.mjs'))
  })
}
