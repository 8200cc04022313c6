/** Runs the setups of `misconfigurations.ts` on the sandbox. */
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { defineTable } from '../sandbox/recipes.ts'
import { type AttemptError, attemptRequest, SESSION_NAME } from './attempt.ts'
import { type Setup, toCallerArn, toCallerName, toTableName, toTargetRoleName } from './misconfigurations.ts'
import { findOtherRegion, type TestTarget } from './target.ts'

/** Starts a sandbox with the accounts of the target, the roles of the setups, and their table. */
const startSandboxWithSetups = (target: TestTarget, setups: ReadonlyMap<string, Setup>): Promise<Sandbox> => {
  const { functionAccount, tableAccount, region } = target
  const entries = [...setups]
  return startSandbox({
    region,
    otherRegions: [findOtherRegion(target)],
    accounts: [
      {
        id: functionAccount,
        roles: entries.map(([name, { callerPolicy }]) => ({
          name: toCallerName(target, name),
          // IAM rejects a policy without statements, so the stacks omit it, too.
          policies: callerPolicy.Statement.length === 0 ? [] : [callerPolicy],
        })),
      },
      {
        id: tableAccount,
        roles: entries.map(([name, { trustPolicy, permissionsPolicy }]) => ({
          name: toTargetRoleName(target, name),
          trustPolicy,
          policies: [permissionsPolicy],
        })),
        tables: [defineTable(toTableName(target), 'id')],
      },
    ],
  })
}

/** Returns the error of each setup by name, or `undefined` if its request succeeds. */
export const attemptOnSandbox = async (
  target: TestTarget,
  setups: ReadonlyMap<string, Setup>,
): Promise<ReadonlyMap<string, AttemptError | undefined>> => {
  const sandbox = await startSandboxWithSetups(target, setups)
  try {
    const results = new Map<string, AttemptError | undefined>()
    for (const [name, { request }] of setups) {
      const credentials = sandbox.issueCredentials(toCallerArn(target, name), SESSION_NAME)
      const { AWS_ENDPOINT_URL_STS: stsEndpoint = '', AWS_ENDPOINT_URL_DYNAMODB: dynamoDbEndpoint = '' } =
        sandbox.env
      results.set(name, await attemptRequest(request, { credentials, stsEndpoint, dynamoDbEndpoint }))
    }
    return results
  } finally {
    await sandbox.close()
  }
}
