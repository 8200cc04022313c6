/** Creates folders of functions, and runs the functions against the sandbox. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import type { SandboxProcess } from '../support/sandbox.ts'
import type { Outcome } from './function-process.ts'

export const FIXTURES = join(import.meta.dirname, 'fixtures')
export const NODE_MODULES = join(import.meta.dirname, '../node_modules')

/**
 * The flags that Lambda sets on Node.js 22, if this version of Node.js has them. Node.js 24 has the same defaults as Node.js.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
 */
export const LAMBDA_NODE_OPTIONS: readonly string[] = ['require-module', 'detect-module']
  .filter((feature) => process.allowedNodeEnvironmentFlags.has(`--experimental-${feature}`))
  .map((feature) => `--no-experimental-${feature}`)

/** Creates a folder in the temporary folder of the system. It is removed when the tests of the file have ended. */
export const createFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ecosystem-bundlers-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Links an installed package, or a scope, into the `node_modules` of a folder. */
const linkPackage = (folder: string, name: string, installedName: string): void => {
  const link = join(folder, 'node_modules', name)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(join(NODE_MODULES, installedName), link, 'dir')
}

/** Creates a folder for a bundle whose packages are all inside. */
export const createEmptyTask = createFolder

/**
 * Creates a folder for a bundle without the SDK. As in Lambda, the SDK is in a folder above. No other package is there.
 */
export const createTaskWithRuntimeSdk = (): string => {
  const folder = createFolder()
  linkPackage(folder, '@aws-sdk', '@aws-sdk')
  const task = join(folder, 'task')
  mkdirSync(task)
  return task
}

export interface ProjectOptions {
  /** The fixture of each file. */
  readonly files: Readonly<Record<string, string>>
  /** The package that is installed as `@middy/core`. */
  readonly middy?: '@middy/core' | 'middy-6'
  /** The `type` in `package.json`. By default, the `package.json` has none. */
  readonly type?: 'module'
}

/** Creates the folder of a function that is not bundled: with a `package.json`, and with the packages in `node_modules`. */
export const createProject = ({ files, middy = '@middy/core', type }: ProjectOptions): string => {
  const folder = createFolder()
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
  for (const name of ['@aws-sdk', 'middy-cross-account-dynamo', 'aws-xray-sdk-core'])
    linkPackage(folder, name, name)
  linkPackage(folder, '@middy/core', middy)
  for (const [file, fixture] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    copyFileSync(join(FIXTURES, fixture), join(folder, file))
  }
  return folder
}

export interface InvokeOptions {
  readonly nodeOptions?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Loads and invokes a function in a process of its own.
 *
 * @throws if the process ends before it responds.
 */
export const invoke = async (
  sandbox: SandboxProcess,
  file: string,
  { nodeOptions = LAMBDA_NODE_OPTIONS, env = {} }: InvokeOptions = {},
): Promise<Outcome> => {
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const variables = await sandbox.createFunctionVariables()
  const child = fork(
    join(import.meta.dirname, 'function-process.ts'),
    [file, JSON.stringify({ id: '123' })],
    {
      execArgv: [...nodeOptions],
      env: { ...inherited, ...variables, ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`The function ended with exit code ${code}.`)))
  })
}

/** Requires that a function writes and reads an item in the other account, with one AssumeRole call. */
export const requireWriteAndRead = async (
  sandbox: SandboxProcess,
  file: string,
  options: InvokeOptions = {},
): Promise<void> => {
  await sandbox.clear()
  assert.deepEqual(await invoke(sandbox, file, options), { result: { id: '123' } })
  const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
  assert.deepEqual(operations.toSorted(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
}
