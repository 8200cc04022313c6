/**
 * Several handlers share one Lambda context, as in batch processors, in concurrent and nested handlers, and in unit tests. Each
 * handler gets the client of its own session. Shows CODE-1 of SECURITY.md.
 */
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
import { createFunctionVariables, createLambdaContext, FUNCTION_NAME, setEnvironment } from './lambda.ts'

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
  setEnvironment(createFunctionVariables(sandbox))
})

/** Sends a request whose key contains the tenant of the handler. */
const readItem = ({ dynamo }: { dynamo: DynamoDBDocumentClient }, tenant: string | undefined) =>
  dynamo.send(new GetCommand({ TableName: TABLE, Key: { id: `item of ${tenant}` } }))

/** Returns, for each DynamoDB request, the item that it read and the item that the tenant of its session may read. */
const listReads = () =>
  sandbox.calls
    .filter(({ operation }) => operation === 'GetItem')
    .map(({ input, tags }) => {
      const { Key } = input as { Key: { id: { S: string } } }
      return { item: Key.id.S, itemOfSession: `item of ${tags?.TenantId}` }
    })
const expectOwnSessions = (readCount: number) => {
  expect(listReads()).toHaveLength(readCount)
  for (const { item, itemOfSession } of listReads()) expect(item).toBe(itemOfSession)
}

const createTenantSession = ({ event }: SessionRequest<Event>) => ({
  sessionTags: { TenantId: event.tenant },
})
const createTenantSessionAsync = async (request: SessionRequest<Event>) => {
  await new Promise(setImmediate)
  return createTenantSession(request)
}
const sessionFunctions: readonly (readonly [string, SessionFunction<Event>])[] = [
  ['a synchronous', createTenantSession],
  ['an asynchronous', createTenantSessionAsync],
]

const createHandler = (session: SessionFunction<Event>) =>
  middy()
    .use(crossAccountDynamo({ session }))
    .handler(async (event: Event, context) => {
      await readItem(context, event.tenant)
      await new Promise(setImmediate)
      await readItem(context, event.tenant)
    })

/** A context like that of durable functions: it cannot be copied, because its methods use private fields. */
class DurableContext {
  readonly #executionId = 'execution-1'
  executionId() {
    return this.#executionId
  }
}

const TENANTS = ['acme', 'globex', 'initech']
const events = Array.from({ length: 12 }, (_, index) => ({ id: `${index}`, tenant: TENANTS[index % 3] }))

describe.each(sessionFunctions)('with %s session function', (_, session) => {
  test('uses the session of each record in Promise.all on one context, cold and warm', async () => {
    const handler = createHandler(session)
    for (let round = 1; round <= 2; round += 1) {
      const context = createLambdaContext()
      await Promise.all(events.map((event) => handler(event, context)))
      expectOwnSessions(2 * events.length * round)
    }
  })

  test('uses the session of each record when they run one after another on one context', async () => {
    const handler = createHandler(session)
    const context = createLambdaContext()
    for (const event of events) await handler(event, context)
    expectOwnSessions(2 * events.length)
  })

  test.each([true, false])(
    'uses the session of each record in Powertools Batch with processInParallel: %s',
    async (processInParallel) => {
      const handler = createHandler(session)
      const Records = events.map(
        ({ tenant, id }) => ({ messageId: id, body: tenant, eventSource: 'aws:sqs' }) as unknown as SQSRecord,
      )
      const recordHandler = ({ body, messageId }: SQSRecord, context: Context) =>
        handler({ tenant: body, id: messageId }, context as ContextWithClient)
      const context = createLambdaContext()
      const { batchItemFailures } = await processPartialResponse(
        { Records },
        recordHandler,
        new BatchProcessor(EventType.SQS),
        { context, processInParallel },
      )
      expect(batchItemFailures).toEqual([])
      expectOwnSessions(2 * events.length)
    },
  )

  test('uses its own session in a nested handler and in the outer handler', async () => {
    const inner = createHandler(session)
    const outer = middy()
      .use(crossAccountDynamo({ session }))
      .handler(async (event: Event, context) => {
        await inner({ id: 'inner', tenant: 'globex' }, context)
        await readItem(context, event.tenant)
      })
    await outer({ id: 'outer', tenant: 'acme' }, createLambdaContext())
    expectOwnSessions(3)
  })

  test('leaves no client on the context for the error handlers of a record without a tenant', async () => {
    const hasClient: boolean[] = []
    const handler = middy()
      .use(crossAccountDynamo({ session }))
      .onError(({ context }) => {
        hasClient.push('dynamo' in context)
      })
      .handler(async (event: Event, context) => {
        await readItem(context, event.tenant)
      })
    const context = createLambdaContext()
    await handler({ id: '1', tenant: 'acme' }, context)
    const [, result] = await Promise.allSettled([
      handler({ id: '2', tenant: 'globex' }, context),
      handler({ id: '3' }, context),
    ])
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SESSION_IDENTITY_MISSING' } })
    expect(hasClient).toEqual([false])
    expectOwnSessions(2)
  })
})

test('gives a nested handler with another static session and the same context key its own client', async () => {
  const createMiddleware = (sessionName: string) => crossAccountDynamo({ sessionName })
  const inner = middy()
    .use(createMiddleware('inner'))
    .handler(async (_event: Event, context) => readItem(context, undefined))
  const outer = middy()
    .use(createMiddleware('outer'))
    .handler(async (event: Event, context) => {
      await inner(event, context)
      await readItem(context, undefined)
    })
  await outer({ id: '1' }, createLambdaContext())
  const requests = sandbox.calls.filter(({ operation }) => operation === 'GetItem')
  expect(requests.map(({ sessionName }) => sessionName)).toEqual(['inner', 'outer'])
})

describe('copy of the context', () => {
  /** Creates a context like the Lambda runtime does: `callbackWaitsForEmptyEventLoop` is an accessor. */
  const createRuntimeContext = () => {
    let shouldWait = true
    return Object.defineProperties(createLambdaContext(5000), {
      callbackWaitsForEmptyEventLoop: {
        get: () => shouldWait,
        set: (value: boolean) => {
          shouldWait = value
        },
        enumerable: true,
        configurable: true,
      },
      hidden: { value: 'not enumerable', enumerable: false },
    })
  }
  const getContextOfHandler = async (context: object, tenant: string) => {
    let contextOfHandler: Record<string, unknown> = {}
    const handler = middy()
      .use(crossAccountDynamo({ session: createTenantSession }))
      .before(({ context }) => {
        context.callbackWaitsForEmptyEventLoop = false
      })
      .handler(async (_event: Event, context) => {
        contextOfHandler = context as unknown as Record<string, unknown>
      })
    await handler({ id: '1', tenant }, context as ContextWithClient)
    return contextOfHandler
  }

  test('gives the handler all properties of the given context, and its setters change the given context', async () => {
    const context = createRuntimeContext()
    const { dynamo, ...contextOfHandler } = await getContextOfHandler(context, 'acme')
    expect(dynamo).toBeDefined()
    expect(context).not.toHaveProperty('dynamo')
    expect(context.callbackWaitsForEmptyEventLoop).toBe(false)
    expect(Object.keys(contextOfHandler).sort()).toEqual(Object.keys(context).sort())
    expect((await getContextOfHandler(context, 'globex')).hidden).toBe('not enumerable')
    expect(contextOfHandler.functionName).toBe(FUNCTION_NAME)
    expect((contextOfHandler.getRemainingTimeInMillis as () => number)()).toBeGreaterThan(4000)
    expect(JSON.parse(JSON.stringify(contextOfHandler))).toEqual(JSON.parse(JSON.stringify(context)))
  })

  test('sets the client on a copy if the given context is frozen', async () => {
    const context = Object.freeze(createLambdaContext())
    expect(await getContextOfHandler(Object.freeze(createRuntimeContext()), 'acme')).toHaveProperty('dynamo')
    const handler = createHandler(createTenantSession)
    await Promise.all(events.map((event) => handler(event, context)))
    expectOwnSessions(2 * events.length)
    expect(context).not.toHaveProperty('dynamo')
  })

  test('sets the client of a static session on the given context', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (_event: Event, context) => context)
    const sharedContext = createLambdaContext()
    expect(await handler({ id: '1' }, sharedContext)).toBe(sharedContext)
    expect(await handler({ id: '2' }, sharedContext)).toBe(sharedContext)
    expect(sharedContext).toHaveProperty('dynamo')
  })
})

describe.each(sessionFunctions)('with %s session function', (_, session) => {
  test('sets no client for the error handlers of a record whose earlier middleware fails', async () => {
    const clientsInErrorHandlers: unknown[] = []
    const handler = middy()
      .before(({ event }) => {
        if ((event as Event).id === 'invalid') throw new Error('invalid')
      })
      .use(crossAccountDynamo({ session }))
      .onError(({ context }) => {
        clientsInErrorHandlers.push((context as Partial<ContextWithClient>).dynamo)
      })
      .handler(async (event: Event, context) => {
        await readItem(context, event.tenant)
        await new Promise(setImmediate)
      })
    const context = createLambdaContext()
    await handler({ id: '1', tenant: 'acme' }, context)
    await Promise.allSettled([
      handler({ id: '2', tenant: 'acme' }, context),
      handler({ id: 'invalid', tenant: 'globex' }, context),
    ])
    expect(clientsInErrorHandlers).toEqual([undefined])
    expectOwnSessions(2)
  })

  test('sets no client for the error handlers of a record whose client cannot be created', async () => {
    const clientsInErrorHandlers: unknown[] = []
    let firstClient: DynamoDBClient | undefined
    const handler = middy()
      .use(
        crossAccountDynamo({
          session,
          awsClientCapture: (client) => {
            firstClient ??= client
            return firstClient
          },
        }),
      )
      .onError(({ context }) => {
        clientsInErrorHandlers.push((context as Partial<ContextWithClient>).dynamo)
      })
      .handler(async (event: Event, context) => {
        await readItem(context, event.tenant)
      })
    const contexts = [createLambdaContext(), new DurableContext() as unknown as ContextWithClient]
    for (const context of contexts) {
      await handler({ id: '1', tenant: 'acme' }, context)
      const invocation = handler({ id: '2', tenant: 'globex' }, context)
      await expect(invocation).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
    expect(clientsInErrorHandlers).toEqual([undefined, undefined])
    expectOwnSessions(2)
  })

  test('sets no client on a context that other code stored before the middleware ran', async () => {
    const contexts = new AsyncLocalStorage<Partial<ContextWithClient>>()
    const handler = middy()
      .use(crossAccountDynamo({ session }))
      .handler(async (_event: Event) => contexts.getStore()?.dynamo)
    const context = createLambdaContext()
    const clients = await Promise.all(
      events.map((event) => contexts.run(context, () => handler(event, context))),
    )
    expect(new Set(clients)).toEqual(new Set([undefined]))
  })
})

describe('context that cannot be copied', () => {
  test('serves concurrent invocations of one session on a context that cannot be copied', async () => {
    const handler = createHandler(createTenantSession)
    const context = new DurableContext() as unknown as ContextWithClient
    await Promise.all([
      handler({ id: '1', tenant: 'acme' }, context),
      handler({ id: '2', tenant: 'acme' }, context),
    ])
    expectOwnSessions(4)
  })

  test.each(sessionFunctions)(
    'refuses a second session on a context that cannot be copied and recommends clientFor(), with %s session function',
    async (_description, session) => {
      const clientsInErrorHandlers: unknown[] = []
      const handler = middy()
        .use(crossAccountDynamo({ session }))
        .onError(({ context }) => {
          clientsInErrorHandlers.push(context.dynamo)
        })
        .handler(async (event: Event, context) => {
          await readItem(context, event.tenant)
        })
      const context = new DurableContext() as unknown as ContextWithClient
      await handler({ id: '1', tenant: 'acme' }, context)
      await expect(handler({ id: '2', tenant: 'globex' }, context)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('clientFor('),
      })
      await expect(handler({ id: '3' }, context)).rejects.toMatchObject({ code: 'SESSION_IDENTITY_MISSING' })
      expect(clientsInErrorHandlers).toEqual([undefined, undefined])
      await handler({ id: '4', tenant: 'acme' }, context)
      expectOwnSessions(2)
    },
  )

  test('refuses a frozen context that cannot be copied, and passes that context to the error handlers', async () => {
    class FrozenContext {
      readonly getRemainingTimeInMillis = () => 3000
      constructor() {
        Object.freeze(this)
      }
    }
    const valuesInErrorHandler: unknown[] = []
    const handler = middy()
      .use(crossAccountDynamo({ session: createTenantSession }))
      .onError(({ context }) => {
        valuesInErrorHandler.push(context.getRemainingTimeInMillis(), 'dynamo' in context)
      })
      .handler(async () => {})
    const invocation = handler(
      { id: '1', tenant: 'acme' },
      new FrozenContext() as unknown as ContextWithClient,
    )
    await expect(invocation).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(valuesInErrorHandler).toEqual([3000, false])
  })

  test('refuses a context that is a proxy that throws', async () => {
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async () => {})
    const throwTypeError = () => {
      throw new TypeError('no')
    }
    const context = new Proxy(createLambdaContext(), {
      set: throwTypeError,
      getOwnPropertyDescriptor: throwTypeError,
      ownKeys: throwTypeError,
    })
    await expect(handler({}, context)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

/** A handler that calls its children concurrently or one after another, on its own context or on new contexts. */
interface HandlerTree {
  readonly tenant: number
  readonly isStatic: boolean
  readonly isAsync: boolean
  readonly turns: number
  readonly isConcurrent: boolean
  readonly contexts: 'shared' | 'separate'
  readonly children: readonly HandlerTree[]
}
// cspell:ignore letrec
const { tree } = fc.letrec<{ tree: HandlerTree }>((tie) => ({
  tree: fc.record({
    tenant: fc.nat({ max: 4 }),
    isStatic: fc.integer({ min: 0, max: 4 }).map((value) => value === 0),
    isAsync: fc.boolean(),
    turns: fc.nat({ max: 3 }),
    isConcurrent: fc.boolean(),
    contexts: fc.constantFrom('shared' as const, 'shared' as const, 'separate' as const),
    children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 3 })),
  }),
}))

test('signs each request with the session of its handler in any tree of nested and concurrent handlers', async () => {
  const middlewares = {
    sync: crossAccountDynamo({ session: createTenantSession }),
    async: crossAccountDynamo({ session: createTenantSessionAsync }),
    static: crossAccountDynamo({ sessionTags: { TenantId: 'static' } }),
  }
  let handlerCount = 0
  const runHandler = async (node: HandlerTree, context: ContextWithClient): Promise<void> => {
    handlerCount += 1
    const kind = node.isStatic ? 'static' : node.isAsync ? 'async' : 'sync'
    const tenant = node.isStatic ? 'static' : `tenant-${node.tenant}`
    const handler = middy()
      .use(middlewares[kind])
      .handler(async (_event: Event, handlerContext) => {
        const runChild = (child: HandlerTree) =>
          runHandler(
            child,
            node.contexts === 'shared' ? (handlerContext as ContextWithClient) : createLambdaContext(),
          )
        await readItem(handlerContext, tenant)
        for (let turn = 0; turn < node.turns; turn += 1) await new Promise(setImmediate)
        if (node.isConcurrent)
          await Promise.all([...node.children.map(runChild), readItem(handlerContext, tenant)])
        else for (const child of node.children) await runChild(child)
        await readItem(handlerContext, tenant)
      })
    await handler({ id: '1', tenant }, context)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(tree, { minLength: 1, maxLength: 4 }), async (roots) => {
      const context = createLambdaContext()
      await Promise.all(roots.map((root) => runHandler(root, context)))
      expectOwnSessions(listReads().length)
    }),
    { numRuns: 15, seed: Number(process.env.SEED ?? 1) },
  )
  expect(handlerCount).toBeGreaterThan(50)
  expect(listReads().length).toBeGreaterThanOrEqual(2 * handlerCount)
}, 60_000)
