/** Starts a function in another process, which a tracer can patch without affecting the test. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { after } from 'node:test'

export interface Invocation {
  readonly event: unknown
  /** The X-Ray trace header of the invocation. */
  readonly traceId?: string
}

/** What the function sends: `initialized` when its INIT phase has ended, and then the outcome of each invocation. */
export type FunctionMessage = 'initialized' | InvocationOutcome

/** The outcome of an invocation. */
export interface InvocationOutcome {
  readonly result?: unknown
  /** The name and the code of the error that the handler threw. */
  readonly failure?: { readonly name: string; readonly code: string | undefined }
  /** What the tracer has recorded since the last invocation, if its file defines `takeRecorded`. */
  readonly recorded?: unknown
}

export interface FunctionProcess {
  /** What the function has written to stdout and stderr. */
  readonly output: { readonly stdout: string; readonly stderr: string }
  invoke(invocation: Invocation): Promise<InvocationOutcome>
}

export interface FunctionOptions {
  /** The file of the handler, relative to `test/ecosystem`. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  /** Options of Node.js, such as `--import` with the file of a tracer. */
  readonly nodeOptions?: readonly string[]
}

const FOLDER = join(import.meta.dirname, '..')
/** The limit for the INIT phase and for one invocation, in milliseconds. */
const TIMEOUT_MS = 30_000

/**
 * Starts a function, and resolves when its INIT phase has ended. The function stops when the tests of the file have ended.
 *
 * @throws if the function ends, or does not respond within 30 seconds.
 */
export const startFunction = async ({
  file,
  env,
  nodeOptions = [],
}: FunctionOptions): Promise<FunctionProcess> => {
  const child = fork(join(import.meta.dirname, 'fixtures/function-process.ts'), [join(FOLDER, file)], {
    cwd: FOLDER,
    execArgv: [...nodeOptions],
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  after(() => child.kill())

  const receive = (): Promise<FunctionMessage> =>
    new Promise((resolve, reject) => {
      const fail = (problem: string): void => {
        reject(new Error(`The function ${problem}. Its output: ${JSON.stringify(output)}`))
      }
      const onExit = (code: number | null): void => fail(`ended with exit code ${code}`)
      const timer = setTimeout(fail, TIMEOUT_MS, `did not respond within ${TIMEOUT_MS} ms`)
      child.once('exit', onExit).once('message', (message: FunctionMessage) => {
        clearTimeout(timer)
        child.off('exit', onExit)
        resolve(message)
      })
    })

  await receive()
  return {
    output,
    invoke: async (invocation) => {
      child.send(invocation)
      return (await receive()) as InvocationOutcome
    },
  }
}

/** Waits until `condition` holds. @throws Error if it does not within ten seconds. */
export const waitUntil = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  const endMs = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`the condition is still false: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
