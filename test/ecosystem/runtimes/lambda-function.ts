/** Runs a handler of fixtures/handlers under AWS's runtime client, in a process of its own. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { FUNCTION_NAME } from '../../lambda-runtime.ts'
import { type RuntimeApi, startRuntimeApi } from './runtime-api.ts'

const RUNTIME_CLIENT = join(import.meta.dirname, '../node_modules/aws-lambda-ric')

/**
 * Why the runtime client cannot run, if it cannot. Its installation compiles its HTTP client, `rapid-client.node`. It is an optional
 * dependency, so npm omits it on a machine without the compiler.
 */
export const RUNTIME_CLIENT_PROBLEM = existsSync(join(RUNTIME_CLIENT, 'rapid-client.node'))
  ? undefined
  : 'the installation of `aws-lambda-ric` needs Linux with a C++ compiler, make, cmake and Python'
/** The limit for a function, in milliseconds. */
const TIMEOUT_MS = 30_000

export type LambdaFunction = Pick<RuntimeApi, 'ready' | 'initError' | 'invoke'> & {
  /** Resolves with the exit code when the process has ended. */
  readonly exitCode: Promise<number | null>
}

/** The variables that the runtime client requires. */
const RUNTIME_VARIABLES = {
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: FUNCTION_NAME,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${FUNCTION_NAME}`,
  AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  LAMBDA_TASK_ROOT: join(import.meta.dirname, 'fixtures/handlers'),
}

/**
 * Starts a function, which stops at the end of the test.
 *
 * @param handler the file and the export, such as `standard.handler`
 * @param workerCount the number of worker threads. Each one runs invocations concurrently, as in Lambda Managed Instances. Use fewer
 *   than the four threads of libuv: each worker occupies one while it waits for an invocation, and the SDK needs one to read files.
 *   @default one invocation at a time, without worker threads
 */
export const startFunction = async (
  context: TestContext,
  handler: string,
  variables: Readonly<Record<string, string>>,
  workerCount?: number,
): Promise<LambdaFunction> => {
  const api = await startRuntimeApi(workerCount ?? 1)
  const child = spawn(process.execPath, [join(RUNTIME_CLIENT, 'index.mjs')], {
    env: {
      ...RUNTIME_VARIABLES,
      ...variables,
      _HANDLER: handler,
      AWS_LAMBDA_RUNTIME_API: api.address,
      ...(workerCount !== undefined && {
        AWS_LAMBDA_MAX_CONCURRENCY: '64',
        AWS_LAMBDA_NODEJS_WORKER_COUNT: String(workerCount),
      }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  const exitCode = new Promise<number | null>((resolve) => child.on('close', resolve))
  const failAtExit = exitCode.then((code): never => {
    throw new Error(`The runtime client ended with exit code ${code}:\n${output}`)
  })
  // Only the promises that the test awaits report the exit.
  const untilExit = <Value>(promise: Promise<Value>): Promise<Value> => {
    const value = Promise.race([promise, failAtExit])
    value.catch(() => {})
    return value
  }
  context.after(async () => {
    child.kill('SIGKILL')
    await exitCode
    api.close()
  })
  return {
    ready: untilExit(api.ready),
    initError: untilExit(api.initError),
    invoke: (event, onBody) => untilExit(api.invoke(event, onBody)),
    exitCode,
  }
}
