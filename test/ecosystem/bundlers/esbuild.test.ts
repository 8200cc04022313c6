/**
 * esbuild, as a command and as the AWS SAM CLI, the CDK and the Serverless Framework call it: CommonJS and ES modules, with the SDK
 * inside and external. Each bundle runs without the packages that are inside.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, type NodejsFunctionProps, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { type BuildFailure, type BuildOptions, build } from 'esbuild'
import { parse } from 'yaml'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { FunctionStack } from './fixtures/cdk.ts'
import {
  createEmptyTask,
  createFolder,
  createProject,
  createTaskWithRuntimeSdk,
  FIXTURES,
  type InvokeOptions,
  invoke,
  NODE_MODULES,
  requireWriteAndRead,
} from './function.ts'

const sandbox = await startSandboxProcess()

const readFixture = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8')

/** Runs a command line in a project in which esbuild is installed. `npx` cannot download another version. */
const runCommandLine = (project: string, commandLine: string): void => {
  const commands = join(project, 'node_modules/.bin')
  mkdirSync(commands)
  symlinkSync(join(NODE_MODULES, '.bin/esbuild'), join(commands, 'esbuild'))
  execFileSync('sh', ['-c', commandLine], {
    cwd: project,
    env: { ...process.env, npm_config_offline: 'true' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** Runs a command line in a project, and returns the copy of the bundle in a task folder. */
const bundleWithCommand = (commandLine: string, fixture: string, task: string): string => {
  const project = createProject({ files: { 'src/handler.ts': fixture } })
  runCommandLine(project, commandLine)
  const [file = ''] = globSync('dist/handler.*js', { cwd: project })
  const copy = join(task, file.replace('dist/', ''))
  copyFileSync(join(project, file), copy)
  return copy
}

/** The banner in the command line of the documentation. */
const BANNER = /--banner:js="(.*)"/.exec(readFixture('esbuild-esm-banner.sh'))?.[1] ?? ''
/** There is no trace header, so the tracer ignores the calls. */
const TRACED: InvokeOptions = { env: { AWS_XRAY_CONTEXT_MISSING: 'IGNORE_ERROR' } }
const EXTERNAL_SDK = '--external:@aws-sdk/*'

for (const [format, fixture] of [
  ['CommonJS', 'esbuild-cjs.sh'],
  ['an ES module', 'esbuild-esm.sh'],
] as const) {
  const commandLine = readFixture(fixture).trim()
  testCombination(['esbuild', '@middy/core'], `bundles to ${format} with the SDK inside`, () =>
    requireWriteAndRead(sandbox, bundleWithCommand(commandLine, 'handler.ts', createEmptyTask())),
  )
  testCombination(['esbuild', '@middy/core'], `bundles to ${format} with the SDK external`, () =>
    requireWriteAndRead(
      sandbox,
      bundleWithCommand(`${commandLine} ${EXTERNAL_SDK}`, 'handler.ts', createTaskWithRuntimeSdk()),
    ),
  )
}

testCombination(
  ['esbuild', '@aws-sdk/lib-dynamodb'],
  'needs `--main-fields=module,main` for an ES module with the SDK inside',
  async () => {
    const commandLine = readFixture('esbuild-esm.sh').replace(' --main-fields=module,main', '')
    const outcome = await invoke(sandbox, bundleWithCommand(commandLine, 'handler.ts', createEmptyTask()))
    assert.ok('phase' in outcome)
    assert.equal(outcome.phase, 'load')
    // The page quotes the beginning of this message of esbuild, because the error has no code.
    assert.match(outcome.message, /^Dynamic require of "node:\w+" is not supported/)
  },
)

testCombination(
  ['esbuild', '@middy/core'],
  'needs `--conditions=import` to bundle code that calls `require()`',
  async () => {
    const bundle = (commandLine: string) => bundleWithCommand(commandLine, 'require.cjs', createEmptyTask())
    const commandLine = readFixture('esbuild-require.sh')
    assert.throws(
      () => bundle(commandLine.replace(' --conditions=import', '')),
      /Could not resolve "@middy\/core"/,
    )
    await requireWriteAndRead(sandbox, bundle(commandLine))
  },
)

testCombination(
  ['esbuild', 'aws-xray-sdk-core'],
  'needs a `require` in the banner for an ES module with a CommonJS package inside',
  async () => {
    const bundle = (fixture: string) =>
      bundleWithCommand(readFixture(fixture), 'traced.ts', createEmptyTask())
    const outcome = await invoke(sandbox, bundle('esbuild-esm.sh'), TRACED)
    assert.ok('phase' in outcome)
    assert.equal(outcome.phase, 'load')
    assert.match(outcome.message, /^Dynamic require of "/)
    await requireWriteAndRead(sandbox, bundle('esbuild-esm-banner.sh'), TRACED)
  },
)

testCombination(
  ['esbuild', '@middy/core'],
  'bundles a top-level `await` of `ready()` to an ES module, and not to CommonJS',
  async () => {
    await requireWriteAndRead(
      sandbox,
      bundleWithCommand(readFixture('esbuild-esm.sh'), 'ready.ts', createEmptyTask()),
    )
    const bundleToCommonJs = build({
      entryPoints: [join(FIXTURES, 'ready.ts')],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      write: false,
      logLevel: 'silent',
    })
    await assert.rejects(bundleToCommonJs, ({ errors }: BuildFailure) => {
      assert.deepEqual(
        errors.map(({ location }) => location?.lineText),
        ['await dynamo.ready()'],
      )
      return true
    })
  },
)

/**
 * Returns the arguments of esbuild for the `BuildProperties` of a SAM template.
 *
 * @see https://github.com/aws/aws-lambda-builders/blob/develop/aws_lambda_builders/workflows/nodejs_npm_esbuild/esbuild.py
 * (`build_default_values` and `build_esbuild_args_from_config`)
 */
const createSamArguments = (
  outputFolder: string,
  { EntryPoints, ...properties }: Readonly<Record<string, string | boolean | readonly string[]>>,
): string[] => {
  const defaults: Readonly<Record<string, string>> = {
    Target: '--target=es2020',
    Format: '--format=cjs',
    Minify: '--minify',
  }
  const missing = Object.keys(defaults).filter((name) => !(name in properties))
  const configured = Object.entries(properties).flatMap(([name, value]) => {
    const flag = `--${name.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase()}`
    if (typeof value === 'boolean') return value ? [flag] : []
    return typeof value === 'string' ? [`${flag}=${value}`] : value.map((item) => `${flag}:${item}`)
  })
  return [
    ...[EntryPoints].flat().map(String),
    '--bundle',
    '--platform=node',
    `--outdir=${outputFolder}`,
    ...missing.map((name) => defaults[name] ?? ''),
    ...configured,
  ]
}

const bundleWithSam = (
  properties: Parameters<typeof createSamArguments>[1],
  task: string,
  fixture = 'handler.ts',
): string => {
  const project = createProject({ files: { 'src/handler.ts': fixture } })
  const args = createSamArguments(task, { EntryPoints: ['src/handler.ts'], ...properties })
  execFileSync(join(NODE_MODULES, '.bin/esbuild'), args, { cwd: project, stdio: 'pipe' })
  return join(task, globSync('handler.*js', { cwd: task })[0] ?? '')
}

testCombination(['esbuild', '@middy/core'], 'bundles as the AWS SAM CLI does by default', async () => {
  const file = bundleWithSam({}, createEmptyTask())
  assert.match(file, /\.js$/)
  await requireWriteAndRead(sandbox, file)
  await requireWriteAndRead(sandbox, bundleWithSam({ External: ['@aws-sdk/*'] }, createTaskWithRuntimeSdk()))
})

testCombination(
  ['esbuild', '@middy/core'],
  'bundles to an ES module as the AWS SAM CLI does with the settings of the documentation',
  async () => {
    const template = parse(readFixture('sam.yaml'))
    const properties = template.Resources.Function.Metadata.BuildProperties
    const file = bundleWithSam(properties, createEmptyTask())
    assert.match(file, /\.mjs$/)
    await requireWriteAndRead(sandbox, file)
    const external = { ...properties, External: ['@aws-sdk/*'] }
    await requireWriteAndRead(sandbox, bundleWithSam(external, createTaskWithRuntimeSdk()))
    const withBanner = { ...properties, Banner: [`js=${BANNER}`] }
    const tracedFile = bundleWithSam(withBanner, createEmptyTask(), 'traced.ts')
    await requireWriteAndRead(sandbox, tracedFile, TRACED)
  },
)

/** Bundles with the CDK itself, which calls esbuild when it creates the asset. */
const synthesize = (createStack: (app: App) => Stack, task: string): string => {
  const outdir = createFolder()
  const app = new App({ outdir })
  createStack(app)
  app.synth()
  const [file = ''] = globSync('asset.*/index.*js', { cwd: outdir })
  const copy = join(task, file.replace(/.*[/\\]/, ''))
  copyFileSync(join(outdir, file), copy)
  return copy
}

const createDefaultStack =
  (bundling?: NodejsFunctionProps['bundling'], fixture = 'handler.ts') =>
  (app: App): Stack => {
    const stack = new Stack(app, 'Stack')
    new NodejsFunction(stack, 'Function', {
      entry: join(FIXTURES, fixture),
      runtime: Runtime.NODEJS_24_X,
      ...(bundling && { bundling }),
    })
    return stack
  }

testCombination(['esbuild', '@middy/core'], 'bundles as `NodejsFunction` of the CDK does', async () => {
  const file = synthesize(createDefaultStack(), createTaskWithRuntimeSdk())
  assert.match(file, /index\.js$/)
  await requireWriteAndRead(sandbox, file)
  await requireWriteAndRead(
    sandbox,
    synthesize(createDefaultStack({ bundleAwsSDK: true }), createEmptyTask()),
  )
})

testCombination(
  ['esbuild', '@middy/core'],
  'bundles to an ES module as `NodejsFunction` of the CDK does with the settings of the documentation',
  async () => {
    const file = synthesize((app) => new FunctionStack(app, 'Stack'), createEmptyTask())
    assert.match(file, /index\.mjs$/)
    await requireWriteAndRead(sandbox, file)
    const createTracedStack = createDefaultStack({ format: OutputFormat.ESM, banner: BANNER }, 'traced.ts')
    await requireWriteAndRead(sandbox, synthesize(createTracedStack, createTaskWithRuntimeSdk()), TRACED)
  },
)

/**
 * The options with which the Serverless Framework 4 calls esbuild. The format depends on the `package.json` of the service.
 *
 * @see https://github.com/serverless/serverless/blob/main/packages/serverless/lib/plugins/esbuild/index.js (`_buildProperties`,
 * `_externals` and `_build`)
 */
const SERVERLESS_OPTIONS: BuildOptions = {
  bundle: true,
  minify: false,
  sourcemap: true,
  platform: 'node',
  external: ['@aws-sdk/*'],
  logLevel: 'error',
}

for (const [type, format] of [
  ['commonjs', {}],
  ['module', { format: 'esm' }],
] as const) {
  testCombination(
    ['esbuild', '@middy/core'],
    `bundles as the Serverless Framework does with "type": "${type}"`,
    async () => {
      const task = createTaskWithRuntimeSdk()
      writeFileSync(join(task, 'package.json'), JSON.stringify({ type }))
      const outfile = join(task, 'handler.js')
      await build({
        ...SERVERLESS_OPTIONS,
        ...format,
        entryPoints: [join(FIXTURES, 'handler.ts')],
        outfile,
      })
      await requireWriteAndRead(sandbox, outfile)
    },
  )
}
