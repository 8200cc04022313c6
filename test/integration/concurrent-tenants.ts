/**
 * Runs concurrent invocations of many tenants in one execution environment, injects faults, and checks which session signed
 * each request. Does not use Jest, so that the soak test can use it, too.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import fc from 'fast-check'
import { type AssumeRoleTrace, crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import type { AssumeRoleRequest } from '../sandbox/assume-role-limits.ts'
import type { Call, Fault, Sandbox } from '../sandbox/index.ts'
import { ORDERS_TABLE } from '../sandbox/tenant-accounts.ts'
import { EXECUTION_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { malformedTenant, type Tenant } from './tenant-generators.ts'

const MINUTE_MS = 60_000
/** The default maximum concurrency of a worker thread in Lambda Managed Instances. */
export const MAX_CONCURRENCY = 64

interface Event {
  readonly tenant: Tenant
  /** The sort key of the item that the invocation writes. It identifies the invocation's requests. */
  readonly order: string
  readonly requestCount: number
  /** Turns of the event loop before each request, and before the session function returns. */
  readonly turns: number
}

export interface Invocation extends Omit<Event, 'tenant' | 'order'> {
  /** The index of a tenant in the execution environment, or a malformed tenant. */
  readonly tenant: number | Tenant
  /** Turns of the event loop before the invocation starts. */
  readonly turnsBefore: number
  readonly clientSource: 'handler' | 'clientFor'
  /** Whether the invocation shares its context object with others, as the records of a batch do. */
  readonly isOnSharedContext: boolean
}

/** An event that affects all invocations of a wave. */
export type Disruption =
  | { readonly kind: 'clock-advance'; readonly minutes: number }
  | { readonly kind: 'revocation' }
  | { readonly kind: 'fault'; readonly fault: Fault }

/** Concurrent invocations, and the disruptions that happen while they run. */
export interface Wave {
  /** Minutes between the previous wave and this one. */
  readonly minutesBefore: number
  readonly invocations: readonly Invocation[]
  /** `turnsBefore` is the number of event loop turns from the start of the wave to the disruption. */
  readonly disruptions: readonly { readonly turnsBefore: number; readonly disruption: Disruption }[]
}

const fault: fc.Arbitrary<Fault> = fc
  .record({
    service: fc.constantFrom('sts', 'sts', 'dynamodb'),
    times: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom(
      { kind: 'reset' },
      { kind: 'throttle' },
      { kind: 'truncated' },
      { kind: 'status', status: 503 },
      { kind: 'status', status: 403, code: 'AccessDenied' },
      { kind: 'latency', ms: 20 },
    ),
  })
  .map(({ service, times, kind }) => ({ service, times, ...kind }) as Fault)

const disruption: fc.Arbitrary<Disruption> = fc.oneof(
  // AWS rejects a signature that is more than 15 minutes old.
  fc.record({ kind: fc.constant('clock-advance' as const), minutes: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ kind: fc.constant('revocation' as const) }),
  fc.record({ kind: fc.constant('fault' as const), fault }),
)

/** Turns of the event loop. Small numbers end before a pending response arrives, and large numbers after several responses. */
const turns = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 }))

export const wave: fc.Arbitrary<Wave> = fc.record({
  minutesBefore: fc.constantFrom(0, 1, 20, 43, 46, 46, 59, 61, 180),
  invocations: fc.array(
    fc.record({
      tenant: fc.oneof(
        // A few tenants return often, so that their sessions are refreshed before they are evicted.
        { weight: 6, arbitrary: fc.nat({ max: 3 }) },
        { weight: 6, arbitrary: fc.nat({ max: 1000 }) },
        { weight: 1, arbitrary: malformedTenant },
      ),
      requestCount: fc.integer({ min: 2, max: 6 }),
      turns,
      turnsBefore: turns,
      clientSource: fc.constantFrom('handler' as const, 'handler' as const, 'clientFor' as const),
      isOnSharedContext: fc.boolean(),
    }),
    { minLength: 8, maxLength: MAX_CONCURRENCY, size: 'max' },
  ),
  disruptions: fc.uniqueArray(fc.record({ turnsBefore: fc.integer({ min: 0, max: 120 }), disruption }), {
    maxLength: 3,
    size: 'max',
    selector: ({ disruption: { kind } }) => kind,
  }),
})

const waitForTurns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

/** Serializes the parameters of an AssumeRole request, except the session policy, which the sandbox evaluates itself. */
const serializeParameters = (parameters: {
  roleArn: string
  externalId?: string
  roleSessionName: string
  sourceIdentity?: string
  tags: readonly { key: string; value: string }[]
}): string =>
  JSON.stringify([
    parameters.roleArn,
    parameters.externalId,
    parameters.roleSessionName,
    parameters.sourceIdentity,
    parameters.tags.map(({ key, value }) => [key, value]).sort(),
  ])

/** Serializes the parameters that the middleware must send for the tenant. */
const serializeTenant = ({ sessionTags, sessionName, ...tenant }: Tenant): string =>
  serializeParameters({
    ...tenant,
    roleSessionName: sessionName,
    tags: Object.entries(sessionTags).map(([key, value]) => ({ key, value })),
  })

/**
 * Creates an audit of the requests that the sandbox receives. For each DynamoDB request, it compares the invocation's tenant
 * with the session that signed the request. Pass `recordCall` to the sandbox as its `log` option.
 */
export const createAudit = () => {
  const expectedParameters = new Set<string>()
  /** The session parameters of the tenant, by the sort key of the invocation. */
  const parametersByOrder = new Map<string, string>()
  /** The parameters of the AssumeRole request, by the access key ID that STS issued. */
  const parametersByAccessKeyId = new Map<string, string>()
  const leaks: string[] = []
  const counts = { requests: 0, rejectedTokens: 0, assumeRoles: 0 }
  let invocationCount = 0

  const recordAssumeRole = ({ input, issuedAccessKeyId }: Call) => {
    counts.assumeRoles += 1
    const parameters = serializeParameters(input as AssumeRoleRequest)
    if (!expectedParameters.has(parameters)) leaks.push(`AssumeRole for an unknown tenant: ${parameters}`)
    if (issuedAccessKeyId !== undefined) parametersByAccessKeyId.set(issuedAccessKeyId, parameters)
  }
  const recordRequest = ({ operation, input, accessKeyId = '', error = '' }: Call) => {
    counts.requests += 1
    if (/UnrecognizedClient|ExpiredToken/.test(error)) counts.rejectedTokens += 1
    const order = findOrder(input)
    const [tenant, signer] = [parametersByOrder.get(order), parametersByAccessKeyId.get(accessKeyId)]
    if (tenant === undefined || tenant !== signer)
      leaks.push(`${operation} of order ${order} for tenant ${tenant} was signed by session ${signer}`)
  }

  return {
    leaks,
    counts,
    recordCall: (call: Call): void => {
      if (call.operation === 'AssumeRole') recordAssumeRole(call)
      else if (call.operation !== 'Health') recordRequest(call)
    },
    /**
     * Returns a unique sort key for an invocation. If `tenant` is undefined, each request with this sort key counts as a
     * leak.
     */
    registerInvocation: (tenant?: Tenant): string => {
      invocationCount += 1
      const order = String(invocationCount)
      if (tenant !== undefined) {
        parametersByOrder.set(order, serializeTenant(tenant))
        expectedParameters.add(serializeTenant(tenant))
      }
      return order
    },
  }
}
export type Audit = ReturnType<typeof createAudit>

/** Finds the sort key in a request for an item, a request for a key, or a query. */
const findOrder = (input: object = {}): string => {
  const { Key, Item, ExpressionAttributeValues } = input as Record<string, Record<string, { S?: string }>>
  return (Key?.order ?? Item?.order ?? ExpressionAttributeValues?.[':order'])?.S ?? 'none'
}

/**
 * Errors that a disruption may cause. `AccessDeniedException` is not one of them, because it shows that the session of another
 * tenant was used.
 */
const DISRUPTION_ERRORS: ReadonlySet<string> = new Set([
  'STS_UNAVAILABLE',
  'STS_THROTTLED',
  'STS_TIMEOUT',
  'ASSUME_ROLE_DENIED',
  'UnrecognizedClientException',
  'ThrottlingException',
  'ServiceUnavailableException',
  'AccessDenied',
  'ECONNRESET',
  'SyntaxError',
])

export interface ExecutionEnvironmentOptions {
  readonly sandbox: Sandbox
  readonly audit: Audit
  readonly tenants: readonly Tenant[]
  readonly maxSessions: number
  /** Advances the clocks of the function and of AWS. */
  readonly advanceClock: (ms: number) => void
  readonly onClient?: (client: DynamoDBClient) => void
}

/** Starts an execution environment with one middleware, whose session function returns every parameter of a tenant. */
export const startExecutionEnvironment = (options: ExecutionEnvironmentOptions) => {
  const { sandbox, audit, tenants, maxSessions, advanceClock, onClient } = options
  const counts = {
    invocations: 0,
    onSharedContext: 0,
    maxConcurrent: 0,
    refused: 0,
    failedByDisruption: 0,
    clients: 0,
    refreshes: 0,
    disruptions: 0,
  }
  /** Descriptions of the outcomes that no disruption explains. */
  const unexpectedOutcomes: string[] = []
  const servedTenants = new Set<string>()
  let concurrentCount = 0
  let isDisrupted = false

  /** Returns the session parameters of the tenant, synchronously if `turns` is 0. */
  const session = ({ event: { tenant, turns } }: SessionRequest<Event>) => {
    const { partitionKey, ...parameters } = tenant
    const scope = { tables: [ORDERS_TABLE], access: 'read-write' as const, leadingKeys: [partitionKey] }
    const returned = { ...parameters, scope }
    return turns === 0 ? returned : waitForTurns(turns).then(() => returned)
  }
  const middleware = crossAccountDynamo({
    session,
    maxSessions,
    // Lambda renews the credentials of the execution role. In this test, they would expire when the clock advances by hours.
    stsClientOptions: { credentials: async () => sandbox.issueCredentials(EXECUTION_ROLE_ARN) },
    awsClientCapture: (client) => {
      counts.clients += 1
      onClient?.(client)
      return client
    },
  })
  const handler = middy()
    .use(middleware)
    .handler(async (event: Event, context) => sendRequests(context.dynamo, event))

  // biome-ignore lint/suspicious/noExplicitAny: middy's types require the properties that the middleware adds
  const createContext = (): any => ({ getRemainingTimeInMillis: () => 10_000 })
  const sharedContext = createContext()

  const invoke = async (invocation: Invocation): Promise<void> => {
    const { tenant, turnsBefore, clientSource, isOnSharedContext, ...rest } = invocation
    await waitForTurns(turnsBefore)
    const validTenant = typeof tenant === 'number' ? tenants[tenant % tenants.length] : undefined
    const event: Event = {
      ...rest,
      tenant: validTenant ?? (tenant as Tenant),
      order: audit.registerInvocation(validTenant),
    }
    const context = isOnSharedContext ? sharedContext : createContext()
    counts.onSharedContext += Number(isOnSharedContext)
    counts.invocations += 1
    concurrentCount += 1
    counts.maxConcurrent = Math.max(counts.maxConcurrent, concurrentCount)
    try {
      if (clientSource === 'handler') await handler(event, context)
      else await sendRequests(await middleware.clientFor({ event, context }), event)
      if (validTenant === undefined)
        unexpectedOutcomes.push(`served a malformed tenant: ${JSON.stringify(tenant)}`)
      else servedTenants.add(serializeTenant(validTenant) + validTenant.partitionKey)
    } catch (error) {
      const { code, name, message } = error as Error & { code?: string }
      const isRefusal = code === 'SESSION_IDENTITY_MISSING'
      if (validTenant === undefined && isRefusal) counts.refused += 1
      else if (validTenant !== undefined && isDisrupted && DISRUPTION_ERRORS.has(code ?? name))
        counts.failedByDisruption += 1
      else unexpectedOutcomes.push(`${code ?? name}: ${message}, for ${JSON.stringify(event.tenant)}`)
    } finally {
      concurrentCount -= 1
    }
  }

  const disrupt = async ({ turnsBefore, disruption }: Wave['disruptions'][number]): Promise<void> => {
    await waitForTurns(turnsBefore)
    if (disruption.kind === 'clock-advance') return advanceClock(disruption.minutes * MINUTE_MS)
    counts.disruptions += 1
    isDisrupted = true
    if (disruption.kind === 'revocation') sandbox.revokeSessions()
    else sandbox.faults.inject(disruption.fault)
  }

  const channel = tracingChannel<string, AssumeRoleTrace>('middy-cross-account-dynamo:assume-role')
  const subscriber = {
    start: ({ reason }: AssumeRoleTrace) => {
      if (reason === 'refresh' || reason === 'expired') counts.refreshes += 1
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => {},
    error: () => {},
  }
  channel.subscribe(subscriber)

  return {
    middleware,
    unexpectedOutcomes,
    runWave: async ({ minutesBefore, invocations, disruptions }: Wave): Promise<void> => {
      advanceClock(minutesBefore * MINUTE_MS)
      await Promise.all([...invocations.map(invoke), ...disruptions.map(disrupt)])
    },
    /** Removes all faults, invokes the handler for each tenant once more, and unsubscribes from the tracing channel. */
    finish: async (): Promise<void> => {
      sandbox.faults.clear()
      advanceClock(2 * MINUTE_MS)
      isDisrupted = false
      const invocations = tenants.map(
        (_, tenant): Invocation => ({
          tenant,
          turnsBefore: 0,
          turns: 1,
          requestCount: 4,
          clientSource: 'handler',
          isOnSharedContext: true,
        }),
      )
      for (let start = 0; start < invocations.length; start += MAX_CONCURRENCY)
        await Promise.all(invocations.slice(start, start + MAX_CONCURRENCY).map(invoke))
      // One tenant returns when its session is due for a refresh.
      for (const lastInvocation of invocations.slice(-1)) {
        await invoke(lastInvocation)
        advanceClock(46 * MINUTE_MS)
        await invoke(lastInvocation)
      }
      channel.unsubscribe(subscriber)
    },
    /**
     * Returns the counts, the number of tenants that were served, and how many clients the middleware created again after an
     * eviction.
     */
    getCounts: () => ({
      ...counts,
      tenants: servedTenants.size,
      evictions: counts.clients - servedTenants.size,
    }),
  }
}

/** Writes, reads, queries and deletes the invocation's item in turn. Before each request, other invocations run. */
const sendRequests = async (
  client: DynamoDBDocumentClient,
  { tenant, order, requestCount, turns }: Event,
): Promise<void> => {
  const TableName = ORDERS_TABLE
  const Key = { tenant: tenant.partitionKey, order }
  const operations = [
    () => client.send(new PutCommand({ TableName, Item: { ...Key, by: order } })),
    async () => {
      const { Item } = await client.send(new GetCommand({ TableName, Key }))
      if (Item?.by !== order)
        throw new Error(`read ${JSON.stringify(Item)} instead of the item of order ${order}`)
    },
    async () => {
      const query = new QueryCommand({
        TableName,
        KeyConditionExpression: 'tenant = :tenant AND #order = :order',
        ExpressionAttributeNames: { '#order': 'order' },
        ExpressionAttributeValues: { ':tenant': tenant.partitionKey, ':order': order },
      })
      const { Items } = await client.send(query)
      if (Items?.length !== 1)
        throw new Error(`found ${JSON.stringify(Items)} instead of the item of order ${order}`)
    },
    () => client.send(new DeleteCommand({ TableName, Key })),
  ]
  for (let index = 0; index < requestCount; index += 1) {
    await waitForTurns(turns)
    await operations[index % operations.length]?.()
  }
}
