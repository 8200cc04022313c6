/** The accounts, handlers and calls of tests in which several tenants use one library at the same time. */
import assert from 'node:assert/strict'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import type { Call, SandboxAccount } from '../../sandbox/index.ts'
import { allowStatement, createPolicy, OWN_TENANT_CONDITION } from '../../sandbox/policies.ts'
import { createTenantAccounts, ORDERS_TABLE_ARN } from '../../sandbox/tenant-accounts.ts'
import { TABLE } from '../../sandbox/two-accounts.ts'
import { type SandboxProcess, startSandboxProcess } from '../support/sandbox.ts'

export const TENANTS = ['acme', 'globex', 'initech'] as const
export type Tenant = (typeof TENANTS)[number]

/** An event of the recipes with several tenants. */
export interface OrderEvent {
  readonly tenant: string
  readonly order: string
}
type Handler<Event> = (event: Event, context: ReturnType<typeof createLambdaContext>) => Promise<unknown>

/** The time that each request to DynamoDB takes at least, so that concurrent invocations wait for DynamoDB at the same time. */
const LATENCY_MS = 100

/**
 * Adds permissions to the role of `createTenantAccounts()`: item actions on orders of the tenant that the session tag names, and
 * `DescribeTable`.
 */
export const createLibraryAccounts = (): SandboxAccount[] => {
  const accounts = createTenantAccounts()
  const [role] = accounts[1]?.roles ?? []
  const actions = [
    'GetItem',
    'PutItem',
    'UpdateItem',
    'DeleteItem',
    'Query',
    'BatchGetItem',
    'BatchWriteItem',
  ]
  const tableArns = [ORDERS_TABLE_ARN, ORDERS_TABLE_ARN.replace(/Orders$/, TABLE)]
  role?.policies?.push(
    createPolicy(
      allowStatement(
        actions.map((action) => `dynamodb:${action}`),
        {
          Resource: ORDERS_TABLE_ARN,
          Condition: { ...OWN_TENANT_CONDITION, Null: { 'dynamodb:LeadingKeys': 'false' } },
        },
      ),
      allowStatement('dynamodb:DescribeTable', { Resource: tableArns }),
    ),
  )
  return accounts
}

/** The `session` function of the tests: the tenant of the event, as a session tag. */
export const getTenantSession = ({ event }: SessionRequest<OrderEvent>) => ({
  sessionTags: { TenantId: event.tenant },
})

/** Returns a handler without code, whose context has the document client of the tenant. */
export const createTenantHandler = () => middy().use(crossAccountDynamo({ session: getTenantSession }))

/** Starts the sandbox with `createLibraryAccounts()`, and sets the variables of the function. */
export const startLibrarySandbox = async (): Promise<SandboxProcess> => {
  const sandbox = await startSandboxProcess({ accounts: createLibraryAccounts() })
  setEnvironment(await sandbox.createFunctionVariables())
  return sandbox
}

/** Invokes a handler with the event of the recipes with one tenant. */
export const invoke = <Event>(handler: Handler<Event>, event: Event): Promise<unknown> =>
  handler(event, createLambdaContext())

let lastOrderNumber = 0
const createOrderEvent = (tenant: Tenant): OrderEvent => {
  lastOrderNumber += 1
  return { tenant, order: `${tenant}-${lastOrderNumber}` }
}

export interface ConcurrentInvocations {
  readonly events: readonly OrderEvent[]
  /** What the handler returned or threw for each event. */
  readonly outcomes: readonly PromiseSettledResult<unknown>[]
  readonly calls: readonly TenantCall[]
}

/**
 * Invokes a handler once for each tenant, so that each has a session, and then twice for each tenant at the same time. Returns only
 * the concurrent invocations. Each event names a new order.
 */
export const invokeConcurrently = async (
  sandbox: SandboxProcess,
  handler: Handler<OrderEvent>,
  tenants: readonly Tenant[] = TENANTS,
): Promise<ConcurrentInvocations> => {
  await sandbox.clear()
  for (const tenant of tenants) await invoke(handler, createOrderEvent(tenant))
  const firstCalls = await sandbox.getCalls()
  const tenantsByAccessKeyId = new Map(
    firstCalls.map(({ issuedAccessKeyId, tags }) => [issuedAccessKeyId, tags?.TenantId]),
  )
  await sandbox.injectFault({ service: 'dynamodb', kind: 'latency', ms: LATENCY_MS })
  const events = [...tenants, ...tenants].map(createOrderEvent)
  const outcomes = await Promise.allSettled(events.map((event) => invoke(handler, event)))
  const calls = (await sandbox.getCalls()).slice(firstCalls.length)
  return { events, outcomes, calls: calls.map((call) => toTenantCall(call, tenantsByAccessKeyId)) }
}

/** A call to DynamoDB: the tenants whose items it names, and the tenant whose session signed it. */
export interface TenantCall {
  readonly operation: string
  readonly order: string | undefined
  readonly itemsOf: readonly string[]
  readonly sessionOf: string | undefined
  readonly error?: string
}

const toTenantCall = (
  call: Call,
  tenantsByAccessKeyId: ReadonlyMap<string | undefined, string | undefined>,
): TenantCall => {
  const body = JSON.stringify(call.input)
  const sessionOf = tenantsByAccessKeyId.get(call.accessKeyId)
  assert.equal(
    call.tags?.TenantId,
    sessionOf,
    'the tags of a session differ from those of its AssumeRole call',
  )
  return {
    operation: call.operation,
    order: /"S":"(\w+-\d+)"/.exec(body)?.[1],
    itemsOf: TENANTS.filter((tenant) => body.includes(`"S":"${tenant}"`)),
    sessionOf,
    ...(call.error !== undefined && { error: call.error }),
  }
}

/** Returns the calls that used the session of another tenant than the one whose items they name. */
export const findForeignCalls = (calls: readonly TenantCall[]): TenantCall[] =>
  calls.filter(({ itemsOf, sessionOf }) => itemsOf.length !== 1 || itemsOf[0] !== sessionOf)

/** Returns the operations of the calls that name an order, in the order in which DynamoDB received them. */
export const listOperations = (calls: readonly TenantCall[], order: string): string[] =>
  calls.filter((call) => call.order === order).map(({ operation }) => operation)

/** Asserts that between the first and the last call of each invocation, there is a call for another tenant. */
export const assertInterleaved = (calls: readonly TenantCall[], events: readonly OrderEvent[]): void => {
  for (const { tenant, order } of events) {
    const orders = calls.map((call) => call.order)
    const between = calls.slice(orders.indexOf(order), orders.lastIndexOf(order))
    assert.ok(
      between.some(({ itemsOf }) => itemsOf[0] !== tenant),
      `no call of another tenant during the invocation for ${order}`,
    )
  }
}

/**
 * Invokes a handler that writes and reads the order of its event. Asserts that concurrent invocations of three tenants return their own
 * order, and that each call is signed with the session of the tenant whose item it names.
 */
export const assertTenantsAreSeparate = async (
  sandbox: SandboxProcess,
  handler: Handler<OrderEvent>,
): Promise<void> => {
  const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler)
  assert.deepEqual(
    outcomes.map(toOrder),
    events.map((event) => ({ ...event, status: 'open' })),
  )
  assertInterleaved(calls, events)
  assert.deepEqual(findForeignCalls(calls), [])
  assert.deepEqual(
    calls.map(({ operation, order }) => `${operation} ${order}`).sort(),
    events.flatMap(({ order }) => [`GetItem ${order}`, `PutItem ${order}`]).sort(),
  )
}

/** Returns the attributes that the handler wrote. A library can add attributes of its own. */
const toOrder = (outcome: PromiseSettledResult<unknown>): unknown => {
  if (outcome.status === 'rejected') return outcome.reason
  const { tenant, order, status } = outcome.value as Record<string, unknown>
  return { tenant, order, status }
}

/**
 * Invokes a handler that gives a shared object the client of its invocation, and then writes and reads an order. Asserts that IAM
 * denies a request for each order of the tenant acme, because it is signed with the session of globex. The invocation of globex is the
 * last one that sets its client.
 */
export const assertTenantsAreMixed = async (
  sandbox: SandboxProcess,
  handler: Handler<OrderEvent>,
): Promise<void> => {
  const { events, outcomes, calls } = await invokeConcurrently(sandbox, handler, ['acme', 'globex'])
  assert.deepEqual(
    findForeignCalls(calls).map(({ operation: _, ...call }) => call),
    events
      .filter(({ tenant }) => tenant === 'acme')
      .map(({ order }) => ({
        order,
        itemsOf: ['acme'],
        sessionOf: 'globex',
        error: 'AccessDeniedException',
      })),
  )
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    events.map(({ tenant }) => (tenant === 'acme' ? 'rejected' : 'fulfilled')),
  )
}
