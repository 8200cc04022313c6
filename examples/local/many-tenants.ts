/** The steps of the demo with many tenants in one table, on the accounts of the recipe pooled-tenants. */
import { isDeepStrictEqual } from 'node:util'
import { startSandbox } from '../../test/sandbox/index.ts'
import { createRecipeAccounts, defineTable } from '../../test/sandbox/recipes.ts'
import { ACCOUNT_B, EXECUTION_ROLE_ARN, EXTERNAL_ID } from '../../test/sandbox/two-accounts.ts'
import type { Demo } from './demo.ts'
import { apiEvent } from './events.ts'
import { coldStart, type Outcome, toOutcome } from './runtime.ts'

const TABLE = 'Orders'
const TENANTS = ['acme', 'globex']
const ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/TenantOrders`

/** Returns whether an invocation returned the first order of a tenant. */
const hasOrderOf = (tenant: string, { returned }: Outcome): boolean => {
  const { statusCode, body } = (returned ?? {}) as { statusCode?: number; body?: string }
  return (
    statusCode === 200 && isDeepStrictEqual(JSON.parse(body ?? 'null'), { tenant, order: '1', owner: tenant })
  )
}

const describeOutcome = ({ returned, error }: Outcome): string =>
  error === undefined ? `nothing, and returned ${JSON.stringify(returned)}` : error.message

export const demonstrateManyTenants = async (demo: Demo): Promise<void> => {
  const sandbox = await startSandbox({
    accounts: createRecipeAccounts('pooled-tenants', {
      [ACCOUNT_B]: [defineTable(TABLE, 'tenant', 'order')],
    }),
  })
  try {
    const items = TENANTS.map((tenant) => ({
      tenant: { S: tenant },
      order: { S: '1' },
      owner: { S: tenant },
    }))
    await sandbox.getAccount(ACCOUNT_B).seed(TABLE, items)
    const environment = await coldStart('../pooled-tenants/handler.ts', {
      ...sandbox.env,
      ...sandbox.createLambdaEnvironment(EXECUTION_ROLE_ARN, 'pooled-tenants'),
      TABLE_NAME: TABLE,
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE_ARN,
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
    })

    /** Requests the first order of a tenant, with a token that contains these claims. */
    const getOrder = (claims: Record<string, string>, tenant: string): Promise<Outcome> =>
      toOutcome(environment.invoke(apiEvent(claims, { tenant, order: '1' })))

    /** Prints the calls that the sandbox received since the previous call of this function, and returns them. */
    const printCalls = () => {
      const { sts, dynamodb } = sandbox.connections
      const assumeRoleCalls = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
      const tags = assumeRoleCalls.map((call) => `TenantId=${call.tags?.TenantId}`)
      demo.detail('calls to STS', [assumeRoleCalls.length, ...tags].join(' '))
      demo.detail('new connections', `${sts} to STS, ${dynamodb} to DynamoDB`)
      const seen = { tags, connections: { sts, dynamodb }, callCount: sandbox.calls.length }
      sandbox.clear()
      return seen
    }

    demo.step(
      'Two tenants that share a table (examples/pooled-tenants)',
      'Each tenant requests its own order. The token of a request names the tenant.',
    )
    const first = []
    for (const tenant of TENANTS) first.push(await getOrder({ tenantId: tenant }, tenant))
    for (const [index, tenant] of TENANTS.entries())
      demo.detail(`${tenant} got`, JSON.stringify(first[index]?.returned))
    const cold = printCalls()
    demo.check(
      'each tenant got its own order',
      first.every((outcome, index) => hasOrderOf(TENANTS[index] ?? '', outcome)),
    )
    demo.check(
      'each tenant has its own session, with its ID as a session tag',
      isDeepStrictEqual(
        cold.tags,
        TENANTS.map((tenant) => `TenantId=${tenant}`),
      ),
    )
    demo.check('both sessions use one connection', cold.connections.dynamodb === 1)

    demo.step(
      'Concurrent invocations (as on Lambda Managed Instances)',
      'Both tenants send ten requests each at the same time, and do so twice.',
    )
    const tenants = Array.from({ length: 20 }, (_, index) => TENANTS[index % 2] ?? '')
    const sendAll = async () => {
      const outcomes = await Promise.all(tenants.map((tenant) => getOrder({ tenantId: tenant }, tenant)))
      const correctCount = outcomes.filter((outcome, index) =>
        hasOrderOf(tenants[index] ?? '', outcome),
      ).length
      demo.detail('returned', `${correctCount} of ${tenants.length} times the order of the requesting tenant`)
      return { correctCount, ...printCalls() }
    }
    const concurrent = await sendAll()
    const repeated = await sendAll()
    demo.check(
      'every request returned the order of its own tenant',
      concurrent.correctCount + repeated.correctCount === 2 * tenants.length,
    )
    demo.check('there was no call to STS', concurrent.tags.length + repeated.tags.length === 0)
    demo.check(
      'the sessions share their connections: the second time, no new connection was necessary',
      repeated.connections.dynamodb === 0,
    )

    demo.step("A request for another tenant's order", 'The token names acme, and the path names globex.')
    const otherTenant = await getOrder({ tenantId: 'acme' }, 'globex')
    demo.detail('threw', describeOutcome(otherTenant))
    printCalls()
    demo.check(
      'the handler does not compare the tenants, and IAM in account B denied the request',
      otherTenant.error?.name === 'AccessDeniedException',
    )

    demo.step('A token without a tenant', 'The token has no tenantId claim.')
    const withoutTenant = await getOrder({}, 'acme')
    demo.detail('threw', describeOutcome(withoutTenant))
    const { callCount } = printCalls()
    demo.check(
      'the invocation got no session, and AWS received no call',
      withoutTenant.error?.code === 'SESSION_IDENTITY_MISSING' && callCount === 0,
    )
  } finally {
    await sandbox.close()
  }
}
