/** What the Lambda runtime gives a function, as far as a test needs it. */
import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import type { Context } from 'aws-lambda'
import type { Sandbox } from '../sandbox/index.ts'
import { EXECUTION_ROLE_ARN, EXTERNAL_ID, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'

/** The name of the function, and so of its sessions. */
export const FUNCTION_NAME = 'orders-function'

/** The variables that the runtime gives a function. */
export const runtimeVariables = (sandbox: Sandbox, roleArn = EXECUTION_ROLE_ARN): Record<string, string> => ({
  // What a developer's machine has in its configuration files is not the function's.
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  ...sandbox.env,
  ...sandbox.createLambdaEnvironment(roleArn, FUNCTION_NAME),
})

/** The variables of a function that is set up right: the runtime's own, and ours. */
export const functionVariables = (
  sandbox: Sandbox,
  roleArn = EXECUTION_ROLE_ARN,
): Record<string, string> => ({
  ...runtimeVariables(sandbox, roleArn),
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: TARGET_ROLE_ARN,
  CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
})

/** Replaces the function's environment; call it before the middleware is made. */
export const setEnvironment = (variables: Readonly<Record<string, string>>): void => {
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS_|CROSS_ACCOUNT_DYNAMO_|ORDERS_DYNAMO_|AUDIT_DYNAMO_)/.test(name)) delete process.env[name]
  }
  Object.assign(process.env, variables)
}

/**
 * The context of an invocation with `remaining` milliseconds to go. Untyped, because middy's types want the caller of
 * a handler to bring what the middlewares will add.
 */
// biome-ignore lint/suspicious/noExplicitAny: as above
export const lambdaContext = (remaining = 10_000): any => {
  const end = performance.now() + remaining
  return {
    functionName: FUNCTION_NAME,
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => end - performance.now(),
  } satisfies Partial<Context>
}

/** Moves the clocks of the function and of AWS alike, which read the same one, until mocks are restored. */
export const travel = (ms: number): void => {
  const now = Date.now() + ms
  jest.spyOn(Date, 'now').mockImplementation(() => now)
}

/** Waits until something holds, and fails when it does not within a few seconds. */
export const eventually = async (holds: () => boolean): Promise<void> => {
  const end = performance.now() + 5000
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never came true: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
