/** webpack: CommonJS and ES modules, with the SDK inside and external. Each bundle runs without the packages that are inside. */
import { join } from 'node:path'
import webpack, { type Configuration } from 'webpack'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { createEmptyTask, createTaskWithRuntimeSdk, FIXTURES, requireWriteAndRead } from './function.ts'

const sandbox = await startSandboxProcess()

const COMMONJS: Configuration = { output: { filename: 'handler.cjs', library: { type: 'commonjs2' } } }
const ES_MODULE: Configuration = {
  experiments: { outputModule: true },
  output: { filename: 'handler.mjs', library: { type: 'module' }, module: true, chunkFormat: 'module' },
}
const EXTERNAL_SDK = { externals: [/^@aws-sdk\//] }

const bundle = (path: string, { output, ...configuration }: Configuration): Promise<string> =>
  new Promise((resolve, reject) => {
    const complete: Configuration = {
      mode: 'production',
      target: 'node22',
      entry: join(FIXTURES, 'handler.mjs'),
      // Otherwise, webpack uses the tsconfig.json of the tests, in which a package is mapped to its declarations.
      resolve: { tsconfig: false },
      output: { ...output, path },
      ...configuration,
    }
    webpack(complete, (error, stats) => {
      if (error) reject(error)
      else if (stats?.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true })))
      else resolve(join(path, String(output?.filename)))
    })
  })

for (const [format, configuration, externalsType] of [
  ['CommonJS', COMMONJS, 'commonjs'],
  ['an ES module', ES_MODULE, 'module'],
] as const) {
  testCombination(['webpack', '@middy/core'], `bundles to ${format} with the SDK inside`, async () => {
    // It takes ten seconds to minify the SDK.
    const inside = { ...configuration, optimization: { minimize: false } }
    await requireWriteAndRead(sandbox, await bundle(createEmptyTask(), inside))
  })
  testCombination(['webpack', '@middy/core'], `bundles to ${format} with the SDK external`, async () => {
    const external = { ...configuration, ...EXTERNAL_SDK, externalsType }
    await requireWriteAndRead(sandbox, await bundle(createTaskWithRuntimeSdk(), external))
  })
}
