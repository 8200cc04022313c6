/** Runs `check` and the handlers of the two deployed examples. */
import { join } from 'node:path'
import { apiEvent } from '../../examples/local/events.ts'
import { assumeCaller, invokeFunction, type Profile, putItem } from './accounts.ts'
import { runProgram } from './commands.ts'
import type { Result } from './report.ts'
import { createExamples, type TestTarget, toRoleArn } from './target.ts'

const COMMAND = join(import.meta.dirname, '../../dist/cli/main.js')

/** The flags of `check` for each example, besides those that follow from its settings. */
const CHECK_FLAGS = {
  PutAndGet: [],
  PooledTenants: ['--session-tags', 'TenantId=acme', '--tenant-tag', 'TenantId', '--key', 'tenant=acme'],
}
export type TestedExample = keyof typeof CHECK_FLAGS
export const TESTED_EXAMPLES = Object.keys(CHECK_FLAGS) as TestedExample[]

/** Returns the arguments of `check`. The external ID is in the environment. */
export const createCheckArguments = (target: TestTarget, example: TestedExample): string[] => {
  const { session, tableName, access, region } = createExamples(target)[example]
  return [
    'check',
    ...[
      '--role-arn',
      session.roleArn,
      '--table',
      tableName,
      '--access',
      access.join(','),
      '--region',
      region,
    ],
    ...CHECK_FLAGS[example],
    '--json',
  ]
}

/** Runs `check` with the credentials of the execution role. */
export const runCheckOfExample = async (
  target: TestTarget,
  example: TestedExample,
  functionProfile: Profile,
  signal: AbortSignal,
): Promise<Result> => {
  const { executionRoleName } = createExamples(target)[example]
  const { accessKeyId, secretAccessKey, sessionToken } = await assumeCaller(
    functionProfile,
    toRoleArn(target.functionAccount, executionRoleName),
  )
  const { exitCode, stdout } = await runProgram(
    process.execPath,
    [COMMAND, ...createCheckArguments(target, example)],
    {
      signal,
      env: {
        // Settings such as HTTPS_PROXY and NODE_EXTRA_CA_CERTS apply to `check`, too.
        ...process.env,
        AWS_PROFILE: undefined,
        AWS_REGION: target.region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: target.externalId,
      },
    },
  )
  return { title: `check of ${example}`, isExpected: exitCode === 0, detail: describeCheck(stdout) }
}

/** Returns the messages of the steps that failed, or the number of steps. */
export const describeCheck = (stdout: string): string => {
  if (!stdout.startsWith('{')) return 'check wrote no result.'
  const { steps } = JSON.parse(stdout) as { steps: { outcome: string; message: string }[] }
  const failed = steps.filter(({ outcome }) => outcome === 'failed')
  if (failed.length === 0) return `${steps.length} steps, none failed`
  return failed.map(({ message }) => message).join(' ')
}

interface Invocation {
  readonly title: string
  readonly example: TestedExample
  readonly event: unknown
  /** A text that the result contains. */
  readonly contains: string
  readonly isError: boolean
}

const readOrder = (tenant: string) => apiEvent({ tenantId: 'acme' }, { tenant, order: '1' })

export const INVOCATIONS: readonly Invocation[] = [
  {
    title: 'put-and-get writes and reads an item',
    example: 'PutAndGet',
    event: { id: '123' },
    contains: '{"id":"123"}',
    isError: false,
  },
  {
    title: 'pooled-tenants reads an order of the tenant of the token',
    example: 'PooledTenants',
    event: readOrder('acme'),
    contains: '"statusCode":200',
    isError: false,
  },
  {
    title: 'pooled-tenants cannot read an order of another tenant',
    example: 'PooledTenants',
    event: readOrder('globex'),
    contains: 'is not authorized to perform: dynamodb:GetItem',
    isError: true,
  },
]

/** Writes one order of each tenant with the profile of account B, and invokes the functions. */
export const invokeHandlers = async (
  target: TestTarget,
  functionProfile: Profile,
  tableProfile: Profile,
): Promise<Result[]> => {
  const examples = createExamples(target)
  for (const tenant of ['acme', 'globex'])
    await putItem(tableProfile, examples.PooledTenants.tableName, { tenant, order: '1' })
  const results: Result[] = []
  for (const { title, example, event, contains, isError } of INVOCATIONS) {
    const result = await invokeFunction(functionProfile, examples[example].functionName, event)
    const detail = JSON.stringify(result.payload)
    results.push({ title, detail, isExpected: result.isError === isError && detail.includes(contains) })
  }
  return results
}
