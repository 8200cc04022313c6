/** The chapters about many tenants in one table, on the accounts of the recipe pooled-tenants. */
import { isDeepStrictEqual } from 'node:util'
import { startSandbox } from '../../test/sandbox/index.ts'
import { createRecipeAccounts, defineTable } from '../../test/sandbox/recipes.ts'
import { ACCOUNT_B, EXECUTION_ROLE_ARN, EXTERNAL_ID } from '../../test/sandbox/two-accounts.ts'
import { apiEvent } from './events.ts'
import { coldStart } from './runtime.ts'
import type { Story } from './story.ts'

const TABLE = 'Orders'
const TENANTS = ['acme', 'globex']
const ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/TenantOrders`

/** What the function answers to a tenant that asks for its first order. */
const answerTo = (tenant: string) => ({
  statusCode: 200,
  body: JSON.stringify({ tenant, order: '1', of: tenant }),
})

/** The order of an item's attributes means nothing. */
const sorted = (answer: unknown): unknown => {
  const { statusCode, body } = (answer ?? {}) as { statusCode?: number; body?: string }
  return { statusCode, item: JSON.parse(body ?? 'null') }
}

/** Tells them, numbered from `first`. */
export const tellOfTenants = async (story: Story, first: number): Promise<void> => {
  const sandbox = await startSandbox({
    accounts: createRecipeAccounts('pooled-tenants', {
      [ACCOUNT_B]: [defineTable(TABLE, 'tenant', 'order')],
    }),
  })
  const chapter = (index: number, title: string) => story.chapter(`${first + index}. ${title}`)
  try {
    const items = TENANTS.map((tenant) => ({ tenant: { S: tenant }, order: { S: '1' }, of: { S: tenant } }))
    await sandbox.getAccount(ACCOUNT_B).seed(TABLE, items)
    const environment = await coldStart('../pooled-tenants/handler.ts', {
      ...sandbox.env,
      ...sandbox.createLambdaEnvironment(EXECUTION_ROLE_ARN, 'pooled-tenants'),
      TABLE_NAME: TABLE,
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE_ARN,
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: EXTERNAL_ID,
    })

    /** A request whose token holds these claims, for the first order of a tenant. */
    const get = (claims: Record<string, string>, tenant: string) =>
      environment.invoke(apiEvent(claims, { tenant, order: '1' })).then(
        (returned) => ({ returned, error: undefined }),
        (error: Error & { code?: string }) => ({ returned: undefined, error }),
      )
    /** Tells what AWS saw since the last time. */
    const tellOfCalls = () => {
      const { sts, dynamodb } = sandbox.connections
      const assumed = sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')
      const tenants = assumed.map(({ tags }) => `TenantId=${tags?.TenantId}`)
      story.line('STS calls', [assumed.length, ...tenants].join(' '))
      story.line('new connections', `${sts} to STS, ${dynamodb} to DynamoDB`)
      const seen = { tenants, connections: { sts, dynamodb }, calls: sandbox.calls.length }
      sandbox.clear()
      return seen
    }

    chapter(0, 'Two tenants that share a table, in turn (examples/pooled-tenants)')
    const inTurn = []
    for (const tenant of TENANTS) inTurn.push((await get({ tenantId: tenant }, tenant)).returned)
    for (const [index, tenant] of TENANTS.entries())
      story.line(`${tenant} read`, JSON.stringify(inTurn[index]))
    const cold = tellOfCalls()
    story.expect(
      'each read its own order',
      isDeepStrictEqual(inTurn.map(sorted), TENANTS.map(answerTo).map(sorted)),
    )
    story.expect(
      'each has a session of its own, with its name as a tag',
      isDeepStrictEqual(
        cold.tenants,
        TENANTS.map((tenant) => `TenantId=${tenant}`),
      ),
    )
    story.expect('and both go over one connection', cold.connections.dynamodb === 1)

    chapter(1, 'Both at once, ten times each, and again (as on Lambda Managed Instances)')
    const asked = Array.from({ length: 20 }, (_, index) => TENANTS[index % 2] ?? '')
    const allAtOnce = async () => {
      const answers = await Promise.all(asked.map((tenant) => get({ tenantId: tenant }, tenant)))
      const own = answers.filter(({ returned }, index) =>
        isDeepStrictEqual(sorted(returned), sorted(answerTo(asked[index] ?? ''))),
      )
      story.line('returned', `${own.length} of ${asked.length} times the caller’s own order`)
      return { own: own.length, ...tellOfCalls() }
    }
    const atOnce = await allAtOnce()
    const again = await allAtOnce()
    story.expect('nobody got another’s order', atOnce.own + again.own === 2 * asked.length)
    story.expect('STS was not asked again', atOnce.tenants.length + again.tenants.length === 0)
    story.expect(
      'the two sessions share their connections: the second time no other was needed',
      again.connections.dynamodb === 0,
    )

    chapter(2, 'acme asks for an order of globex')
    const others = await get({ tenantId: 'acme' }, 'globex')
    story.line('threw', others.error?.message ?? `nothing: it returned ${JSON.stringify(others.returned)}`)
    tellOfCalls()
    story.expect(
      'the function did not look whose it was; IAM in account B did',
      others.error?.name === 'AccessDeniedException',
    )

    chapter(3, 'A token that names no tenant')
    const nobody = await get({}, 'acme')
    story.line('threw', nobody.error?.message ?? `nothing: it returned ${JSON.stringify(nobody.returned)}`)
    const { calls } = tellOfCalls()
    story.expect(
      'there was no session for it, least of all one without a tag, and no call to AWS',
      nobody.error?.code === 'SESSION_IDENTITY_MISSING' && calls === 0,
    )
  } finally {
    await sandbox.close()
  }
}
