/** As much of the Lambda runtime as an example needs: an environment, a cold start, and invocations. */
import type { Context } from 'aws-lambda'

type Handler = (event: object, context: Context) => Promise<unknown>

/** One execution environment: `invoke` sends it an event. */
export interface ExecutionEnvironment {
  readonly invoke: (event: object) => Promise<unknown>
}

const TIMEOUT_MS = 30_000
let environments = 0

/**
 * Starts an execution environment: sets the function's variables, then loads its module anew, as a cold start does.
 * One at a time, since they share this process and its variables.
 */
export const coldStart = async (
  module: string,
  variables: Readonly<Record<string, string>>,
): Promise<ExecutionEnvironment> => {
  environments += 1
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS_|CROSS_ACCOUNT_DYNAMO_|TABLE_NAME$)/.test(name)) delete process.env[name]
  }
  // What a developer's machine has in its configuration files is not the function's.
  Object.assign(
    process.env,
    { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    variables,
  )
  const { handler } = (await import(`${module}?environment=${environments}`)) as { handler: Handler }
  return {
    invoke: (event) => {
      const end = Date.now() + TIMEOUT_MS
      const context = {
        functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
        awsRequestId: crypto.randomUUID(),
        getRemainingTimeInMillis: () => end - Date.now(),
      }
      return handler(event, context as Context)
    },
  }
}
