/** The parts of the Lambda runtime that the demo needs: execution environments, cold starts and invocations. */
import type { Context } from 'aws-lambda'

type Handler = (event: object, context: Context) => Promise<unknown>

export interface ExecutionEnvironment {
  readonly invoke: (event: object) => Promise<unknown>
}

const TIMEOUT_MS = 30_000
let environmentCount = 0

/**
 * Starts an execution environment: sets the variables of the function and loads its module again, as a cold start does.
 * Environments share the variables of this process, so use one at a time.
 */
export const coldStart = async (
  module: string,
  variables: Readonly<Record<string, string>>,
): Promise<ExecutionEnvironment> => {
  environmentCount += 1
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS_|CROSS_ACCOUNT_DYNAMO_|TABLE_NAME$)/.test(name)) delete process.env[name]
  }
  // The configuration files of this machine do not belong to the function.
  Object.assign(
    process.env,
    { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    variables,
  )
  const { handler } = (await import(`${module}?environment=${environmentCount}`)) as { handler: Handler }
  return {
    invoke: (event) => {
      const endMs = Date.now() + TIMEOUT_MS
      const context = {
        functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
        awsRequestId: crypto.randomUUID(),
        getRemainingTimeInMillis: () => endMs - Date.now(),
      }
      return handler(event, context as Context)
    },
  }
}

/** The outcome of an invocation: what it returned, or the error that it threw. */
export type Outcome =
  | { readonly returned: unknown; readonly error?: undefined }
  | { readonly returned?: undefined; readonly error: Error & { readonly code?: string } }

export const toOutcome = (invocation: Promise<unknown>): Promise<Outcome> =>
  invocation.then(
    (returned) => ({ returned }),
    (error: Error) => ({ error }),
  )
