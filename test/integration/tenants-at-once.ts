/**
 * Many invocations of many tenants at once in one execution environment, whatever happens meanwhile, and who signed
 * each of their requests. In Jest and without it.
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
import { outlaw, type Tenant } from './hostile-tenants.ts'

const MINUTE = 60_000
/** What Lambda Managed Instances send to a thread by default. */
export const AT_ONCE = 64

interface Event {
  readonly tenant: Tenant
  /** The sort key of what it writes, by which each of its requests is known. */
  readonly order: string
  readonly requests: number
  /** Turns of the event loop between its requests, and before the session function resolves. */
  readonly turns: number
}

export interface Invocation extends Omit<Event, 'tenant' | 'order'> {
  /** One of the tenants by number, or one of nobody's. */
  readonly tenant: number | Tenant
  readonly before: number
  readonly by: 'handler' | 'clientFor'
  /** Whether it runs on one context object with others, as the records of a batch do. */
  readonly isOnSharedContext: boolean
}

/** What befalls all of them at once: time goes on, sessions are revoked, services fail. */
export type Mishap =
  | { readonly does: 'travel'; readonly minutes: number }
  | { readonly does: 'revoke' }
  | { readonly does: 'fail'; readonly fault: Fault }

export interface Wave {
  /** How long after the one before. */
  readonly minutes: number
  readonly invocations: readonly Invocation[]
  readonly mishaps: readonly { readonly before: number; readonly mishap: Mishap }[]
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

const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  // Not more than a signature may be late.
  fc.record({ does: fc.constant('travel' as const), minutes: fc.integer({ min: 1, max: 14 }) }),
  fc.record({ does: fc.constant('revoke' as const) }),
  fc.record({ does: fc.constant('fail' as const), fault }),
)

/** Turns of the event loop: some land before the answer to a request, some after several. */
const turns = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 }))

export const wave: fc.Arbitrary<Wave> = fc.record({
  minutes: fc.constantFrom(0, 1, 20, 43, 46, 46, 59, 61, 180),
  invocations: fc.array(
    fc.record({
      // Some come often, so that their sessions live to be refreshed.
      tenant: fc.oneof(
        { weight: 6, arbitrary: fc.nat({ max: 3 }) },
        { weight: 6, arbitrary: fc.nat({ max: 1000 }) },
        { weight: 1, arbitrary: outlaw },
      ),
      requests: fc.integer({ min: 2, max: 6 }),
      turns,
      before: turns,
      by: fc.constantFrom('handler' as const, 'handler' as const, 'clientFor' as const),
      isOnSharedContext: fc.boolean(),
    }),
    { minLength: 8, maxLength: AT_ONCE, size: 'max' },
  ),
  mishaps: fc.uniqueArray(fc.record({ before: fc.integer({ min: 0, max: 120 }), mishap }), {
    maxLength: 3,
    size: 'max',
    selector: ({ mishap: { does } }) => does,
  }),
})

const pause = async (times: number): Promise<void> => {
  for (let turn = 0; turn < times; turn += 1) await new Promise(setImmediate)
}

/**
 * All that an AssumeRole asks for, but for its policy. That is judged by IAM: with it the session reaches its own key,
 * and no other.
 */
const wordsOf = (asked: {
  roleArn: string
  externalId?: string
  roleSessionName: string
  sourceIdentity?: string
  tags: readonly { key: string; value: string }[]
}): string =>
  JSON.stringify([
    asked.roleArn,
    asked.externalId,
    asked.roleSessionName,
    asked.sourceIdentity,
    asked.tags.map(({ key, value }) => [key, value]).sort(),
  ])

/** The same, as a tenant has to be asked for. */
const wordsFor = ({ sessionTags, sessionName, ...tenant }: Tenant): string =>
  wordsOf({
    ...tenant,
    roleSessionName: sessionName,
    tags: Object.entries(sessionTags).map(([key, value]) => ({ key, value })),
  })

/** Judges each request as AWS saw it: was it signed by its own tenant's session? Its `note` is for the sandbox's `log`. */
export const openLedger = () => {
  const known = new Set<string>()
  /** By sort key, what the session of an invocation has to have been asked for with. */
  const owners = new Map<string, string>()
  /** By access key, what it was asked for with. */
  const sessions = new Map<string, string>()
  const leaks: string[] = []
  const counts = { requests: 0, rejectedTokens: 0, assumeRoles: 0 }
  let last = 0

  const noteAssumeRole = ({ input, issuedAccessKeyId }: Call) => {
    counts.assumeRoles += 1
    const words = wordsOf(input as AssumeRoleRequest)
    if (!known.has(words)) leaks.push(`AssumeRole for nobody: ${words}`)
    if (issuedAccessKeyId !== undefined) sessions.set(issuedAccessKeyId, words)
  }
  const noteRequest = ({ operation, input, accessKeyId = '', error = '' }: Call) => {
    counts.requests += 1
    if (/UnrecognizedClient|ExpiredToken/.test(error)) counts.rejectedTokens += 1
    const order = orderIn(input)
    const [owner, signer] = [owners.get(order), sessions.get(accessKeyId)]
    if (owner === undefined || owner !== signer)
      leaks.push(`${operation} of ${order}, ${owner}, was signed by ${signer}`)
  }

  return {
    leaks,
    counts,
    note: (call: Call): void => {
      if (call.operation === 'AssumeRole') noteAssumeRole(call)
      else if (call.operation !== 'Health') noteRequest(call)
    },
    /** A sort key for an invocation; without a tenant, for one of which no request may come. */
    enter: (tenant?: Tenant): string => {
      last += 1
      const order = String(last)
      if (tenant !== undefined) {
        owners.set(order, wordsFor(tenant))
        known.add(wordsFor(tenant))
      }
      return order
    },
  }
}
export type Ledger = ReturnType<typeof openLedger>

/** The sort key that a request names, be it of an item, a key or a query. */
const orderIn = (input: object = {}): string => {
  const { Key, Item, ExpressionAttributeValues } = input as Record<string, Record<string, { S?: string }>>
  return (Key?.order ?? Item?.order ?? ExpressionAttributeValues?.[':order'])?.S ?? 'nothing'
}

/** How an invocation may fail that was let down by AWS. `AccessDeniedException` is not among them: it tells of a leak. */
const EXCUSES: ReadonlySet<string> = new Set([
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

export interface EnvironmentOptions {
  readonly sandbox: Sandbox
  readonly ledger: Ledger
  readonly tenants: readonly Tenant[]
  readonly maxSessions: number
  /** Moves the clocks of the function and of AWS. */
  readonly travel: (ms: number) => void
  readonly onClient?: (client: DynamoDBClient) => void
}

/** Starts an execution environment with one middleware, whose session function returns all parameters that it can. */
export const startEnvironment = (options: EnvironmentOptions) => {
  const { sandbox, ledger, tenants, maxSessions, travel, onClient } = options
  const counts = {
    invocations: 0,
    onSharedContext: 0,
    mostAtOnce: 0,
    refused: 0,
    letDown: 0,
    clients: 0,
    refreshes: 0,
    mishaps: 0,
  }
  /** What may not happen, whatever does. */
  const strange: string[] = []
  const served = new Set<string>()
  let running = 0
  let troubled = false

  /** Returns the parameters of the tenant, and synchronously if the event has no turns. */
  const session = ({ event: { tenant, turns } }: SessionRequest<Event>) => {
    const { key, ...parameters } = tenant
    const scope = { tables: [ORDERS_TABLE], access: 'read-write' as const, leadingKeys: [key] }
    const returned = { ...parameters, scope }
    return turns === 0 ? returned : pause(turns).then(() => returned)
  }
  const middleware = crossAccountDynamo({
    session,
    maxSessions,
    // The Lambda service renews them; here they would end after hours of travelling.
    stsClientOptions: { credentials: async () => sandbox.issueCredentials(EXECUTION_ROLE_ARN) },
    awsClientCapture: (client) => {
      counts.clients += 1
      onClient?.(client)
      return client
    },
  })
  const handler = middy()
    .use(middleware)
    .handler(async (event: Event, context) => work(context.dynamo, event))

  // biome-ignore lint/suspicious/noExplicitAny: middy's types want the client to be there already
  const createContext = (): any => ({ getRemainingTimeInMillis: () => 10_000 })
  const sharedContext = createContext()

  const invoke = async ({ tenant, before, by, isOnSharedContext, ...rest }: Invocation): Promise<void> => {
    await pause(before)
    const own = typeof tenant === 'number' ? tenants[tenant % tenants.length] : undefined
    const event: Event = { ...rest, tenant: own ?? (tenant as Tenant), order: ledger.enter(own) }
    const context = isOnSharedContext ? sharedContext : createContext()
    counts.onSharedContext += Number(isOnSharedContext)
    counts.invocations += 1
    running += 1
    counts.mostAtOnce = Math.max(counts.mostAtOnce, running)
    try {
      if (by === 'handler') await handler(event, context)
      else await work(await middleware.clientFor({ event, context }), event)
      if (own === undefined) strange.push(`served: ${JSON.stringify(tenant)}`)
      else served.add(wordsFor(own) + own.key)
    } catch (error) {
      const { code, name, message } = error as Error & { code?: string }
      const missing = code === 'SESSION_IDENTITY_MISSING'
      if (own === undefined && missing) counts.refused += 1
      else if (own !== undefined && troubled && EXCUSES.has(code ?? name)) counts.letDown += 1
      else strange.push(`${code ?? name}: ${message}, for ${JSON.stringify(event.tenant)}`)
    } finally {
      running -= 1
    }
  }

  const befall = async ({ before, mishap }: Wave['mishaps'][number]): Promise<void> => {
    await pause(before)
    if (mishap.does === 'travel') return travel(mishap.minutes * MINUTE)
    counts.mishaps += 1
    troubled = true
    if (mishap.does === 'revoke') sandbox.revokeSessions()
    else sandbox.faults.inject(mishap.fault)
  }

  const trace = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: () => {}, error: () => {} }
  const channel = tracingChannel<string, AssumeRoleTrace>('middy-cross-account-dynamo:assume-role')
  const subscriber = {
    ...trace,
    start: ({ reason }: AssumeRoleTrace) => {
      if (reason === 'refresh' || reason === 'expired') counts.refreshes += 1
    },
  }
  channel.subscribe(subscriber)

  return {
    middleware,
    strange,
    live: async ({ minutes, invocations, mishaps }: Wave): Promise<void> => {
      travel(minutes * MINUTE)
      await Promise.all([...invocations.map(invoke), ...mishaps.map(befall)])
    },
    /** Once everything works again, so do all tenants. */
    end: async (): Promise<void> => {
      sandbox.faults.clear()
      travel(2 * MINUTE)
      troubled = false
      const all = tenants.map(
        (_, tenant): Invocation => ({
          tenant,
          before: 0,
          turns: 1,
          requests: 4,
          by: 'handler',
          isOnSharedContext: true,
        }),
      )
      for (let first = 0; first < all.length; first += AT_ONCE)
        await Promise.all(all.slice(first, first + AT_ONCE).map(invoke))
      // One of them comes twice, and finds its session due for a refresh.
      for (const last of all.slice(-1)) {
        await invoke(last)
        travel(46 * MINUTE)
        await invoke(last)
      }
      channel.unsubscribe(subscriber)
    },
    /** With how many tenants were served, and how often one needed a new client because its session had been let go. */
    figures: () => ({ ...counts, tenants: served.size, evictions: counts.clients - served.size }),
  }
}

/** Writes, reads and deletes an item of its own, again and again, with pauses in which others have their turn. */
const work = async (
  client: DynamoDBDocumentClient,
  { tenant, order, requests, turns }: Event,
): Promise<void> => {
  const TableName = ORDERS_TABLE
  const Key = { tenant: tenant.key, order }
  const steps = [
    () => client.send(new PutCommand({ TableName, Item: { ...Key, by: order } })),
    async () => {
      const { Item } = await client.send(new GetCommand({ TableName, Key }))
      if (Item?.by !== order) throw new Error(`read ${JSON.stringify(Item)} instead of what it wrote`)
    },
    async () => {
      const query = new QueryCommand({
        TableName,
        KeyConditionExpression: 'tenant = :tenant AND #order = :order',
        ExpressionAttributeNames: { '#order': 'order' },
        ExpressionAttributeValues: { ':tenant': tenant.key, ':order': order },
      })
      const { Items } = await client.send(query)
      if (Items?.length !== 1) throw new Error(`found ${JSON.stringify(Items)} instead of what it wrote`)
    },
    () => client.send(new DeleteCommand({ TableName, Key })),
  ]
  for (let step = 0; step < requests; step += 1) {
    await pause(turns)
    await steps[step % steps.length]?.()
  }
}
