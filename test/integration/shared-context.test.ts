/** Several handlers on one Lambda context: batch processors, concurrent and nested handlers, and unit tests do that. Shows CODE-1 of SECURITY.md. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import type { Context, SQSRecord } from 'aws-lambda'
import fc from 'fast-check'
import { crossAccountDynamo, type SessionFunction, type SessionRequest } from 'middy-cross-account-dynamo'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createTwoAccounts, TABLE } from '../sandbox/two-accounts.ts'
import { FUNCTION_NAME, functionVariables, lambdaContext, setEnvironment } from './lambda.ts'

interface Event {
  readonly tenant?: string | undefined
  readonly id: string
}
type ContextWithClient = Context & { readonly dynamo: DynamoDBDocumentClient }

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
})
afterAll(() => sandbox.close())
beforeEach(() => {
  jest.restoreAllMocks()
  sandbox.clear()
  setEnvironment(functionVariables(sandbox))
})

/** Sends a request whose key names the tenant that the handler works for. */
const read = ({ dynamo }: { dynamo: DynamoDBDocumentClient }, tenant: string | undefined) =>
  dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: `item of ${tenant}` } }))

/** For each DynamoDB request, the tenant whose item it read and the tenant whose session signed it. */
const readers = () =>
  sandbox.calls
    .filter(({ operation }) => operation === 'GetItem')
    .map(({ input, tags }) => {
      const { Key } = input as { Key: { id: { S: string } } }
      return { item: Key.id.S, session: `item of ${tags?.TenantId}` }
    })
const expectOwnSessions = (count: number) => {
  expect(readers()).toHaveLength(count)
  for (const { item, session } of readers()) expect(item).toBe(session)
}

const tenantSession = ({ event }: SessionRequest<Event>) => ({ sessionTags: { TenantId: event.tenant } })
const asynchronousTenantSession = async (request: SessionRequest<Event>) => {
  await new Promise(setImmediate)
  return tenantSession(request)
}
const sessionFunctions: readonly (readonly [string, SessionFunction<Event>])[] = [
  ['a synchronous', tenantSession],
  ['an asynchronous', asynchronousTenantSession],
]

const handlerOf = (session: SessionFunction<Event>) =>
  middy()
    .use(crossAccountDynamo({ session }))
    .handler(async (event: Event, context) => {
      await read(context, event.tenant)
      await new Promise(setImmediate)
      await read(context, event.tenant)
    })

/** As a context of durable execution: its methods use private fields. */
class DurableContext {
  readonly #executionId = 'execution-1'
  executionId() {
    return this.#executionId
  }
}

const TENANTS = ['acme', 'globex', 'initech']
const events = Array.from({ length: 12 }, (_, index) => ({ id: `${index}`, tenant: TENANTS[index % 3] }))

describe.each(sessionFunctions)('with %s session function, each record has its own session', (_, session) => {
  test('in Promise.all on one context, cold and warm', async () => {
    const handler = handlerOf(session)
    for (let round = 1; round <= 2; round += 1) {
      const context = lambdaContext()
      await Promise.all(events.map((event) => handler(event, context)))
      expectOwnSessions(2 * events.length * round)
    }
  })

  test('one after another on one context', async () => {
    const handler = handlerOf(session)
    const context = lambdaContext()
    for (const event of events) await handler(event, context)
    expectOwnSessions(2 * events.length)
  })

  test.each([true, false])('in Powertools Batch with processInParallel: %s', async (processInParallel) => {
    const handler = handlerOf(session)
    const Records = events.map(
      ({ tenant, id }) => ({ messageId: id, body: tenant, eventSource: 'aws:sqs' }) as unknown as SQSRecord,
    )
    const recordHandler = ({ body, messageId }: SQSRecord, context: Context) =>
      handler({ tenant: body, id: messageId }, context as ContextWithClient)
    const context = lambdaContext()
    const { batchItemFailures } = await processPartialResponse(
      { Records },
      recordHandler,
      new BatchProcessor(EventType.SQS),
      { context, processInParallel },
    )
    expect(batchItemFailures).toEqual([])
    expectOwnSessions(2 * events.length)
  })

  test('in a nested handler, and the outer handler keeps its own', async () => {
    const inner = handlerOf(session)
    const outer = middy()
      .use(crossAccountDynamo({ session }))
      .handler(async (event: Event, context) => {
        await inner({ id: 'inner', tenant: 'globex' }, context)
        await read(context, event.tenant)
      })
    await outer({ id: 'outer', tenant: 'acme' }, lambdaContext())
    expectOwnSessions(3)
  })

  test('and a record without a tenant finds no client, not even in its error handlers', async () => {
    const seen: unknown[] = []
    const handler = middy()
      .use(crossAccountDynamo({ session }))
      .onError(({ context }) => {
        seen.push('dynamo' in context)
      })
      .handler(async (event: Event, context) => {
        await read(context, event.tenant)
      })
    const context = lambdaContext()
    await handler({ id: '1', tenant: 'acme' }, context)
    const [, refused] = await Promise.allSettled([
      handler({ id: '2', tenant: 'globex' }, context),
      handler({ id: '3' }, context),
    ])
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'SESSION_IDENTITY_MISSING' } })
    expect(seen).toEqual([false])
    expectOwnSessions(2)
  })
})

test('a static session under another static session of the same context key gets its own client', async () => {
  const sessionOf = (sessionName: string) => crossAccountDynamo({ sessionName })
  const inner = middy()
    .use(sessionOf('inner'))
    .handler(async (_event: Event, context) => read(context, undefined))
  const outer = middy()
    .use(sessionOf('outer'))
    .handler(async (event: Event, context) => {
      await inner(event, context)
      await read(context, undefined)
    })
  await outer({ id: '1' }, lambdaContext())
  const requests = sandbox.calls.filter(({ operation }) => operation === 'GetItem')
  expect(requests.map(({ sessionName }) => sessionName)).toEqual(['inner', 'outer'])
})

describe('the context of its own that an invocation gets', () => {
  /** As the runtime makes it: `callbackWaitsForEmptyEventLoop` is an accessor of a variable in a closure. */
  const runtimeContext = () => {
    let waits = true
    return Object.defineProperties(lambdaContext(5000), {
      callbackWaitsForEmptyEventLoop: {
        get: () => waits,
        set: (value: boolean) => {
          waits = value
        },
        enumerable: true,
        configurable: true,
      },
      hidden: { value: 'not enumerable', enumerable: false },
    })
  }
  const seenBy = async (context: object, tenant: string) => {
    let seen: Record<string, unknown> = {}
    const handler = middy()
      .use(crossAccountDynamo({ session: tenantSession }))
      .before(({ context }) => {
        context.callbackWaitsForEmptyEventLoop = false
      })
      .handler(async (_event: Event, given) => {
        seen = given as unknown as Record<string, unknown>
      })
    await handler({ id: '1', tenant }, context as ContextWithClient)
    return seen
  }

  test('has everything that the given one has, and its setters reach the runtime', async () => {
    const context = runtimeContext()
    const { dynamo, ...own } = await seenBy(context, 'acme')
    expect(dynamo).toBeDefined()
    expect(context).not.toHaveProperty('dynamo')
    expect(context.callbackWaitsForEmptyEventLoop).toBe(false)
    expect(Object.keys(own).sort()).toEqual(Object.keys(context).sort())
    expect((await seenBy(context, 'globex')).hidden).toBe('not enumerable')
    expect(own.functionName).toBe(FUNCTION_NAME)
    expect((own.getRemainingTimeInMillis as () => number)()).toBeGreaterThan(4000)
    expect(JSON.parse(JSON.stringify(own))).toEqual(JSON.parse(JSON.stringify(context)))
  })

  test('is made when the given one is frozen', async () => {
    const context = Object.freeze(lambdaContext())
    expect(await seenBy(Object.freeze(runtimeContext()), 'acme')).toHaveProperty('dynamo')
    const handler = handlerOf(tenantSession)
    await Promise.all(events.map((event) => handler(event, context)))
    expectOwnSessions(2 * events.length)
    expect(context).not.toHaveProperty('dynamo')
  })

  test('is not made for a session that all invocations share', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: Event, given) => given)
    const shared = lambdaContext()
    expect(await handler({ id: '1' }, shared)).toBe(shared)
    expect(await handler({ id: '2' }, shared)).toBe(shared)
    expect(shared).toHaveProperty('dynamo')
  })
})

describe.each(sessionFunctions)('with %s session function, no other client is found', (_, session) => {
  test('by the error handlers of a record whose earlier middleware fails', async () => {
    const seen: unknown[] = []
    const handler = middy()
      .before(({ event }) => {
        if ((event as Event).id === 'invalid') throw new Error('invalid')
      })
      .use(crossAccountDynamo({ session }))
      .onError(({ context }) => {
        seen.push((context as Partial<ContextWithClient>).dynamo)
      })
      .handler(async (event: Event, context) => {
        await read(context, event.tenant)
        await new Promise(setImmediate)
      })
    const context = lambdaContext()
    await handler({ id: '1', tenant: 'acme' }, context)
    await Promise.allSettled([
      handler({ id: '2', tenant: 'acme' }, context),
      handler({ id: 'invalid', tenant: 'globex' }, context),
    ])
    expect(seen).toEqual([undefined])
    expectOwnSessions(2)
  })

  test('by the error handlers of a record whose client cannot be created', async () => {
    const seen: unknown[] = []
    let first: DynamoDBClient | undefined
    const handler = middy()
      .use(
        crossAccountDynamo({
          session,
          awsClientCapture: (client) => {
            first ??= client
            return first
          },
        }),
      )
      .onError(({ context }) => {
        seen.push((context as Partial<ContextWithClient>).dynamo)
      })
      .handler(async (event: Event, context) => {
        await read(context, event.tenant)
      })
    const contexts = [lambdaContext(), new DurableContext() as unknown as ContextWithClient]
    for (const context of contexts) {
      await handler({ id: '1', tenant: 'acme' }, context)
      const failed = handler({ id: '2', tenant: 'globex' }, context)
      await expect(failed).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
    expect(seen).toEqual([undefined, undefined])
    expectOwnSessions(2)
  })

  test('by code that keeps the context from before the middleware ran', async () => {
    const contexts = new AsyncLocalStorage<Partial<ContextWithClient>>()
    const handler = middy()
      .use(crossAccountDynamo({ session }))
      .handler(async (_event: Event) => contexts.getStore()?.dynamo)
    const context = lambdaContext()
    const found = await Promise.all(
      events.map((event) => contexts.run(context, () => handler(event, context))),
    )
    expect(new Set(found)).toEqual(new Set([undefined]))
  })
})

describe('a context that cannot be copied, because its class may have private fields,', () => {
  test('serves one session', async () => {
    const handler = handlerOf(tenantSession)
    const context = new DurableContext() as unknown as ContextWithClient
    await Promise.all([
      handler({ id: '1', tenant: 'acme' }, context),
      handler({ id: '2', tenant: 'acme' }, context),
    ])
    expectOwnSessions(4)
  })

  test.each(sessionFunctions)(
    'fails a second one with an error that names clientFor(), with %s session function',
    async (_kind, session) => {
      const seen: unknown[] = []
      const handler = middy()
        .use(crossAccountDynamo({ session }))
        .onError(({ context }) => {
          seen.push(context.dynamo)
        })
        .handler(async (event: Event, context) => {
          await read(context, event.tenant)
        })
      const context = new DurableContext() as unknown as ContextWithClient
      await handler({ id: '1', tenant: 'acme' }, context)
      await expect(handler({ id: '2', tenant: 'globex' }, context)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('clientFor('),
      })
      await expect(handler({ id: '3' }, context)).rejects.toMatchObject({ code: 'SESSION_IDENTITY_MISSING' })
      expect(seen).toEqual([undefined, undefined])
      await handler({ id: '4', tenant: 'acme' }, context)
      expectOwnSessions(2)
    },
  )

  test('also when it is frozen, and its error handlers still read it', async () => {
    class FrozenContext {
      readonly getRemainingTimeInMillis = () => 3000
      constructor() {
        Object.freeze(this)
      }
    }
    const seen: unknown[] = []
    const handler = middy()
      .use(crossAccountDynamo({ session: tenantSession }))
      .onError(({ context }) => {
        seen.push(context.getRemainingTimeInMillis(), 'dynamo' in context)
      })
      .handler(async () => {})
    const invocation = handler(
      { id: '1', tenant: 'acme' },
      new FrozenContext() as unknown as ContextWithClient,
    )
    await expect(invocation).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(seen).toEqual([3000, false])
  })

  test('also when it is a proxy that throws', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async () => {})
    const refuse = () => {
      throw new TypeError('no')
    }
    const context = new Proxy(lambdaContext(), {
      set: refuse,
      getOwnPropertyDescriptor: refuse,
      ownKeys: refuse,
    })
    await expect(handler({}, context)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

/** A handler that calls others, at once or one after another, on its own context or on new ones. */
interface Tree {
  readonly tenant: number
  readonly isStatic: boolean
  readonly isAsync: boolean
  readonly turns: number
  readonly isConcurrent: boolean
  readonly contexts: 'shared' | 'separate'
  readonly children: readonly Tree[]
}
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    tenant: fc.nat({ max: 4 }),
    isStatic: fc.integer({ min: 0, max: 4 }).map((one) => one === 0),
    isAsync: fc.boolean(),
    turns: fc.nat({ max: 3 }),
    isConcurrent: fc.boolean(),
    contexts: fc.constantFrom('shared' as const, 'shared' as const, 'separate' as const),
    children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 3 })),
  }),
}))

test('in any tree of nested and concurrent handlers, each request is signed by the session of its handler', async () => {
  const middlewares = {
    sync: crossAccountDynamo({ session: tenantSession }),
    async: crossAccountDynamo({ session: asynchronousTenantSession }),
    static: crossAccountDynamo({ sessionTags: { TenantId: 'static' } }),
  }
  let handlers = 0
  const run = async (node: Tree, context: ContextWithClient): Promise<void> => {
    handlers += 1
    const kind = node.isStatic ? 'static' : node.isAsync ? 'async' : 'sync'
    const tenant = node.isStatic ? 'static' : `tenant-${node.tenant}`
    const handler = middy()
      .use(middlewares[kind])
      .handler(async (_event: Event, given) => {
        const child = (each: Tree) =>
          run(each, node.contexts === 'shared' ? (given as ContextWithClient) : lambdaContext())
        await read(given, tenant)
        for (let turn = 0; turn < node.turns; turn += 1) await new Promise(setImmediate)
        if (node.isConcurrent) await Promise.all([...node.children.map(child), read(given, tenant)])
        else for (const each of node.children) await child(each)
        await read(given, tenant)
      })
    await handler({ id: '1', tenant }, context)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(tree, { minLength: 1, maxLength: 4 }), async (roots) => {
      const context = lambdaContext()
      await Promise.all(roots.map((root) => run(root, context)))
      expectOwnSessions(readers().length)
    }),
    { numRuns: 15, seed: Number(process.env.SEED ?? 1) },
  )
  expect(handlers).toBeGreaterThan(50)
  expect(readers().length).toBeGreaterThanOrEqual(2 * handlers)
}, 60_000)
