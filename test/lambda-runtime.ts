/** Imitates the Lambda runtime: the environment variables and the context of a function. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'aws-lambda'
import type { Sandbox } from './sandbox/index.ts'
import { EXECUTION_ROLE_ARN, EXTERNAL_ID, TARGET_ROLE_ARN } from './sandbox/two-accounts.ts'

/** The name of the function, which is also the default name of its sessions. */
export const FUNCTION_NAME = 'orders-function'

/** Returns the environment variables that the Lambda runtime sets, with new credentials of the execution role. */
export const createRuntimeVariables = (
  sandbox: Sandbox,
  roleArn = EXECUTION_ROLE_ARN,
): Record<string, string> => ({
  // Without these two, the SDK reads the configuration files of the developer's machine.
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  ...sandbox.env,
  ...sandbox.createLambdaEnvironment(roleArn, FUNCTION_NAME),
})

/** Returns the variables of a function that is configured correctly: those of the runtime and of this package. */
export const createFunctionVariables = (
  sandbox: Sandbox,
  roleArn = EXECUTION_ROLE_ARN,
): Record<string, string> => ({
  ...createRuntimeVariables(sandbox, roleArn),
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: TARGET_ROLE_ARN,
  CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
})

/** Replaces the function's environment variables. Call it before `crossAccountDynamo()`, which reads them. */
export const setEnvironment = (variables: Readonly<Record<string, string>>): void => {
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS_|CROSS_ACCOUNT_DYNAMO_|ORDERS_DYNAMO_|AUDIT_DYNAMO_)/.test(name)) delete process.env[name]
  }
  Object.assign(process.env, variables)
}

/**
 * Creates the context of an invocation whose timeout is `remainingMs` milliseconds away. It is untyped, because middy's
 * types require the caller of a handler to pass also the properties that middlewares add to the context.
 */
// biome-ignore lint/suspicious/noExplicitAny: see the comment above
export const createLambdaContext = (remainingMs = 10_000): any => {
  const endMs = performance.now() + remainingMs
  return {
    functionName: FUNCTION_NAME,
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => endMs - performance.now(),
  } satisfies Partial<Context>
}

/** Waits until `condition` returns true. @throws Error if it does not within five seconds. */
export const waitUntil = async (condition: () => boolean): Promise<void> => {
  const endMs = performance.now() + 5000
  while (!condition()) {
    if (performance.now() > endMs)
      throw new Error(`the condition is still false after 5 seconds: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
