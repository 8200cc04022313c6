/** The middleware object: the name of its hook, its client and its warning. */
import { expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import { getInternal } from '@middy/util'
import type { Context } from 'aws-lambda'
import { crossAccountDynamo } from '../../src/index.ts'

const ROLE_OPTIONS = {
  roleArn: 'arn:aws:iam::222222222222:role/R',
  region: 'eu-west-1',
  disablePrefetch: true,
}
const DIRECT_MODE_OPTIONS = { roleArn: false, region: 'eu-west-1' } as const
const getSession = () => ({ sessionName: 'acme' })

test.each([
  ['a shared session', {}],
  ['a session function', { session: getSession }],
])("middy's profiler shows the name of the hook with %s", async (_, options) => {
  const hookNames: string[] = []
  const handler = middy(async () => 'done', { beforeMiddleware: (name: string) => hookNames.push(name) }).use(
    crossAccountDynamo({ ...DIRECT_MODE_OPTIONS, ...options }),
  )
  await handler({}, {} as never)
  expect(hookNames).toEqual(['crossAccountDynamoMiddlewareBefore'])
})

test('the client of the middleware is the client on the context in each invocation', async () => {
  const middleware = crossAccountDynamo(DIRECT_MODE_OPTIONS)
  const handler = middy(
    async (_event: unknown, context: Context & { dynamo: unknown }) => context.dynamo,
  ).use(middleware)
  expect(await handler({}, {} as never)).toBe(middleware.client)
  expect(await handler({}, {} as never)).toBe(middleware.client)
  expect(await middleware.clientFor({ event: {}, context: {} as Context })).toBe(middleware.client)
})

test.each([
  ['a shared session', {}],
  ['a session function', { session: getSession }],
])('invocations can share request.internal, as in middy 6, with %s', async (_, options) => {
  const { before } = crossAccountDynamo({ ...DIRECT_MODE_OPTIONS, ...options })
  const internal = {}
  for (let invocation = 0; invocation < 2; invocation += 1) {
    const request = { event: {}, context: {} as Context & { dynamo?: unknown }, internal }
    await before?.(request as never)
    expect(request.context.dynamo).toBeDefined()
  }
})

test('a value that another middleware stored at the same key of request.internal is not replaced', async () => {
  const handle = jest.fn(async () => {})
  const handler = middy(handle)
    .before(({ internal }) => {
      Object.assign(internal, { dynamo: 'a value' })
    })
    .use(crossAccountDynamo(DIRECT_MODE_OPTIONS))
  await expect(handler({}, {} as never)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  expect(handle).not.toHaveBeenCalled()
})

test.each([
  ['a shared session', {}],
  ['a session function', { session: getSession }],
])('a handler gets an error if all of request.internal replaced the client, with %s', async (_, options) => {
  const handler = middy()
    .use(crossAccountDynamo({ ...DIRECT_MODE_OPTIONS, ...options }))
    .before(async (request) => {
      Object.assign(request.context, await getInternal(true, request as never))
    })
    .handler(async ({ property }: { property: 'send' | 'config' }, { dynamo }) => dynamo[property])
  for (const property of ['send', 'config'] as const)
    await expect(handler({ property }, {} as never)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('a copy of the middleware has the same client', () => {
  const middleware = crossAccountDynamo(DIRECT_MODE_OPTIONS)
  expect({ ...middleware, onError: () => {} }.client).toBe(middleware.client)
  expect(JSON.parse(JSON.stringify(middleware))).toEqual({ client: '[DynamoDBDocumentClient]' })
})

test.each([
  ['with a role', ROLE_OPTIONS],
  ['in direct mode', DIRECT_MODE_OPTIONS],
])(
  'with a session function, the property client throws, but the middleware can be copied and serialized: %s',
  (_, options) => {
    const middleware = crossAccountDynamo({ ...options, session: getSession })
    expect(() => Reflect.get(middleware, 'client')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    expect(Object.keys({ ...middleware })).toEqual(['before', 'ready', 'clientFor'])
    expect(JSON.stringify(middleware)).toBe('{}')
  },
)

test('one process warning names the options that direct mode ignores', () => {
  const emitWarning = jest.spyOn(process, 'emitWarning').mockReturnValue()
  crossAccountDynamo({ ...DIRECT_MODE_OPTIONS, externalId: 'example-external-id', sessionName: 'orders' })
  expect(emitWarning).not.toHaveBeenCalled()
  crossAccountDynamo({
    ...DIRECT_MODE_OPTIONS,
    session: getSession,
    sessionTags: { team: 'orders' },
    externalId: 'example-external-id',
  })
  const type = 'CrossAccountDynamoWarning'
  const code = 'CROSS_ACCOUNT_DYNAMO_DIRECT_MODE'
  expect(emitWarning.mock.calls).toEqual([[expect.any(String), { type, code }]])
  const [[message]] = emitWarning.mock.calls as unknown as [[string]]
  expect(message).toContain('session and sessionTags')
  expect(message).not.toContain('externalId')
  emitWarning.mockRestore()
})
