/** Middlewares that copy values to the context, or that use the key of the client. */
import assert from 'node:assert/strict'
import { json } from 'node:stream/consumers'
import { beforeEach } from 'node:test'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import newestMiddy from '@middy/core'
import ssm from '@middy/ssm'
import { getInternal } from '@middy/util'
import oldestMiddy from 'middy-6'
import {
  type CrossAccountDynamoContext,
  type CrossAccountDynamoMiddleware,
  crossAccountDynamo,
} from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createTwoAccounts } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startHttpServer } from '../support/http-server.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const sandbox = await startSandboxProcess({ accounts: createTwoAccounts({ canTagSession: true }) })

/** SSM, where each parameter has its name as the value. */
const endpoint = await startHttpServer(async (request, response) => {
  const { Names } = (await json(request)) as { Names: string[] }
  const Parameters = Names.map((Name) => ({ Name, Type: 'String', Value: Name }))
  response
    .writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
    .end(JSON.stringify({ Parameters }))
})

beforeEach(async () => {
  await sandbox.clear()
  setEnvironment({
    ...(await sandbox.createFunctionVariables()),
    AWS_ENDPOINT_URL_SSM: endpoint,
  })
})

const TableName = 'MyTable'
const putAndGet = async (event: { id: string }, { dynamo }: CrossAccountDynamoContext) => {
  await dynamo.send(new PutCommand({ TableName, Item: { id: event.id } }))
  return (await dynamo.send(new GetCommand({ TableName, Key: { id: event.id } }))).Item
}
const getRequests = async () =>
  (await sandbox.getCalls())
    .filter(({ service, operation }) => service === 'dynamodb' && operation !== 'Health')
    .map(({ operation }) => operation)

const createSsm = (key: string, setToContext: boolean) =>
  ssm({ fetchData: { [key]: '/value' }, cacheKey: `${key} ${setToContext}`, cacheExpiry: 0, setToContext })

// biome-ignore lint/suspicious/noExplicitAny: any event, as the package infers it
type MiddlewareFactory = () => CrossAccountDynamoMiddleware<'dynamo', true, any, never>
const MIDDLEWARES: readonly (readonly [string, MiddlewareFactory])[] = [
  ['with one session', () => crossAccountDynamo()],
  [
    'with a `session` function',
    // The type without a session function, because the tests of both are the same.
    (() =>
      crossAccountDynamo({
        session: () => ({ sessionTags: { TenantId: 'acme' } }),
      })) as unknown as MiddlewareFactory,
  ],
]

/** Defines a test that runs with and without a `session` function. */
const testBoth = (
  packages: readonly [string, ...string[]],
  behavior: string,
  run: (createMiddleware: MiddlewareFactory) => Promise<void>,
): void =>
  testCombination(packages, behavior, async (context) => {
    for (const [name, createMiddleware] of MIDDLEWARES)
      await context.test(name, async () => {
        await sandbox.clear()
        await run(createMiddleware)
      })
  })

for (const [packageName, middy] of [
  ['@middy/core', newestMiddy],
  ['middy-6', oldestMiddy as unknown as typeof newestMiddy],
] as const) {
  testBoth(
    ['@middy/util', packageName],
    'keeps the client next to values that a middleware copies by name',
    async (createMiddleware) => {
      const handler = middy(putAndGet)
        .before(({ internal }) => void Object.assign(internal, { region: 'eu' }))
        .use(createMiddleware())
        .before(async (request) => {
          Object.assign(request.context, await getInternal(['region'], request))
        })
        .after((request) => {
          request.response = { ...request.response, region: (request.context as { region?: string }).region }
        })
      assert.deepEqual(await handler({ id: '1' }, createLambdaContext()), { id: '1', region: 'eu' })
    },
  )

  testBoth(
    ['@middy/util', packageName],
    'reports with `CONFIG_INVALID` that a copy of all values of `request.internal` replaced the client',
    async (createMiddleware) => {
      const handler = middy(putAndGet)
        .use(createMiddleware())
        .before(async (request) => {
          Object.assign(request.context, await getInternal(true, request))
        })
      await assert.rejects(async () => handler({ id: '1' }, createLambdaContext()), {
        code: 'CONFIG_INVALID',
      })
      assert.deepEqual(await getRequests(), [])
    },
  )
}

for (const setToContext of [false, true]) {
  const place = setToContext ? '`setToContext`' : '`request.internal`'

  testBoth(
    ['@middy/ssm', '@middy/core'],
    `provides a parameter with ${place} next to the client, in any order of the middlewares`,
    async (createMiddleware) => {
      const middleware = createMiddleware()
      const parameter = createSsm('parameter', setToContext)
      for (const middlewares of [
        [middleware, parameter],
        [parameter, middleware],
      ]) {
        const values: unknown[] = []
        const handler = newestMiddy(putAndGet)
          .use(middlewares)
          .before(async (request) => {
            const source = setToContext ? request.context : await getInternal(['parameter'], request)
            values.push((source as { parameter?: unknown }).parameter)
          })
        assert.deepEqual(await handler({ id: '1' }, createLambdaContext()), { id: '1' })
        assert.deepEqual(values, ['/value'])
      }
    },
  )

  testBoth(
    ['@middy/ssm', '@middy/core'],
    `is refused with \`CONFIG_INVALID\` if it runs first and stores a parameter with ${place} under the key of the client`,
    async (createMiddleware) => {
      const handler = newestMiddy(putAndGet).use(createSsm('dynamo', setToContext)).use(createMiddleware())
      for (const id of ['1', '2'])
        await assert.rejects(async () => handler({ id }, createLambdaContext()), { code: 'CONFIG_INVALID' })
      assert.deepEqual(await getRequests(), [])
    },
  )
}

testBoth(
  ['@middy/ssm', '@middy/core'],
  'leaves the client on the context if it runs last and stores a parameter with `request.internal` under the key of the client',
  async (createMiddleware) => {
    const handler = newestMiddy(putAndGet).use(createMiddleware()).use(createSsm('dynamo', false))
    for (const id of ['1', '2']) assert.deepEqual(await handler({ id }, createLambdaContext()), { id })
  },
)

testBoth(
  ['@middy/ssm', '@middy/core'],
  'replaces the client if it runs last and stores a parameter with `setToContext` under the key of the client',
  async (createMiddleware) => {
    const handler = newestMiddy(async (_event: unknown, context: object) =>
      'dynamo' in context ? context.dynamo : undefined,
    )
      .use(createMiddleware())
      .use(createSsm('dynamo', true))
    assert.equal(await handler({}, createLambdaContext()), '/value')
  },
)
