/** The middleware as an object: its hook, its client and its warning. */
import { expect, jest, test } from '@jest/globals'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { crossAccountDynamo } from '../../src/index.ts'

const ROLE = { roleArn: 'arn:aws:iam::222222222222:role/R', region: 'eu-west-1', disablePrefetch: true }
const DIRECT = { roleArn: false, region: 'eu-west-1' } as const
const session = () => ({ sessionName: 'acme' })

test.each([
  ['a shared session', {}],
  ['a session function', { session }],
])("middy's profiler shows the name of the hook: %s", async (_, options) => {
  const names: string[] = []
  const handler = middy(async () => 'done', { beforeMiddleware: (name: string) => names.push(name) }).use(
    crossAccountDynamo({ ...DIRECT, ...options }),
  )
  await handler({}, {} as never)
  expect(names).toEqual(['crossAccountDynamoMiddlewareBefore'])
})

test('the client is that of the context, in each invocation', async () => {
  const middleware = crossAccountDynamo(DIRECT)
  const handler = middy(
    async (_event: unknown, context: Context & { dynamo: unknown }) => context.dynamo,
  ).use(middleware)
  expect(await handler({}, {} as never)).toBe(middleware.client)
  expect(await handler({}, {} as never)).toBe(middleware.client)
  expect(await middleware.clientFor({ event: {}, context: {} as Context })).toBe(middleware.client)
})

test.each([
  ['with a role', ROLE],
  ['in direct mode', DIRECT],
])(
  'the client is not available with a session function, and copies of the middleware work: %s',
  (_, options) => {
    const middleware = crossAccountDynamo({ ...options, session })
    expect(() => Reflect.get(middleware, 'client')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    expect(Object.keys({ ...middleware })).toEqual(['before', 'ready', 'clientFor'])
    expect(JSON.stringify(middleware)).toBe('{}')
  },
)

test('one process warning names the options that direct mode ignores', () => {
  const emitWarning = jest.spyOn(process, 'emitWarning').mockReturnValue()
  crossAccountDynamo({ ...DIRECT, externalId: 'example-external-id', sessionName: 'orders' })
  expect(emitWarning).not.toHaveBeenCalled()
  crossAccountDynamo({
    ...DIRECT,
    session,
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
