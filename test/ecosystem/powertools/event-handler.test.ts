/** The HTTP router of Powertools Event Handler, inside a middy handler and with a middleware of the router. */
import assert from 'node:assert/strict'
import { beforeEach } from 'node:test'
import { Router } from '@aws-lambda-powertools/event-handler/http'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda'
import {
  type CrossAccountDynamoContext,
  crossAccountDynamo,
  type SessionRequest,
} from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { createIsolatedTenantAccounts } from '../../sandbox/tenant-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startSandboxProcess } from '../support/sandbox.ts'
import { createBarrier } from './barrier.ts'

const TENANTS = ['acme', 'globex'] as const

const sandbox = await startSandboxProcess()
const tenantSandbox = await startSandboxProcess({ accounts: createIsolatedTenantAccounts() })
beforeEach(async () => {
  await sandbox.clear()
  await tenantSandbox.clear()
})

const createEvent = (
  method: string,
  path: string,
  headers: Record<string, string> = {},
): APIGatewayProxyEventV2 => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: path,
  rawQueryString: '',
  headers,
  isBase64Encoded: false,
  requestContext: {
    accountId: '111111111111',
    apiId: 'api',
    domainName: 'example.com',
    domainPrefix: 'example',
    http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
    requestId: 'request',
    routeKey: '$default',
    stage: '$default',
    time: '01/Jan/2026:00:00:00 +0000',
    timeEpoch: 1_767_225_600_000,
  },
})

const readBody = (response: unknown): unknown => JSON.parse((response as { body: string }).body)

testCombination(
  ['@aws-lambda-powertools/event-handler', '@middy/core'],
  'routes use the client on the context, if `resolve()` is called in a middy handler',
  async () => {
    setEnvironment(await sandbox.createFunctionVariables())
    const app = new Router()
    // The type of the router's context is that of Lambda, so declare the client.
    const getClient = (context: Context) => (context as CrossAccountDynamoContext).dynamo
    app.put('/items/:id', async ({ params, context }) => {
      await getClient(context).send(new PutCommand({ TableName: 'MyTable', Item: { id: params.id } }))
      return { stored: params.id }
    })
    app.get('/items/:id', async ({ params, context }) => {
      const { Item } = await getClient(context).send(
        new GetCommand({ TableName: 'MyTable', Key: { id: params.id } }),
      )
      return { item: Item ?? null }
    })
    const handler = middy()
      .use(crossAccountDynamo())
      .handler(async (event: APIGatewayProxyEventV2, context) => app.resolve(event, context))
    const stored = await handler(createEvent('PUT', '/items/7'), createLambdaContext())
    assert.deepEqual(readBody(stored), { stored: '7' })
    const found = await handler(createEvent('GET', '/items/7'), createLambdaContext())
    assert.deepEqual(readBody(found), { item: { id: '7' } })
    const operations = (await sandbox.getCalls()).map(({ operation }) => operation)
    assert.deepEqual(operations.toSorted(), ['AssumeRole', 'GetItem', 'Health', 'PutItem'])
  },
)

testCombination(
  ['@aws-lambda-powertools/event-handler'],
  'a middleware of the router gives each request the client of its tenant with `clientFor()`, without middy',
  async () => {
    setEnvironment(await tenantSandbox.createFunctionVariables())
    const dynamo = crossAccountDynamo({
      session: ({ event }: SessionRequest<APIGatewayProxyEventV2>) => ({
        sessionTags: { TenantId: event.headers['x-tenant'] },
      }),
    })
    const waitForAll = createBarrier(TENANTS.length)
    const app = new Router<{ store: { request: { dynamo: DynamoDBDocumentClient } } }>()
    app.use(async ({ reqCtx, next }) => {
      const { event, context } = reqCtx as { event: APIGatewayProxyEventV2; context: Context }
      reqCtx.set('dynamo', await dynamo.clientFor({ event, context }))
      await next()
    })
    app.put('/orders/:order', async (reqCtx) => {
      await waitForAll()
      const { 'x-tenant': tenant } = reqCtx.event.headers as Record<string, string>
      const Item = { tenant, order: reqCtx.params.order }
      await reqCtx.get('dynamo')?.send(new PutCommand({ TableName: 'Orders', Item }))
      return { tenant: tenant ?? '' }
    })
    const handler = (event: APIGatewayProxyEventV2, context: Context) => app.resolve(event, context)
    const responses = await Promise.all(
      TENANTS.map((tenant) =>
        handler(createEvent('PUT', '/orders/1', { 'x-tenant': tenant }), createLambdaContext()),
      ),
    )
    assert.deepEqual(
      responses.map(readBody),
      TENANTS.map((tenant) => ({ tenant })),
    )
    const puts = (await tenantSandbox.getCalls()).filter(({ operation }) => operation === 'PutItem')
    assert.deepEqual(
      puts
        .map(({ status, tags, input }) => ({
          status,
          session: tags?.TenantId,
          item: (input as { Item: { tenant: { S: string } } }).Item.tenant.S,
        }))
        .toSorted((a, b) => a.item.localeCompare(b.item)),
      TENANTS.map((tenant) => ({ status: 200, session: tenant, item: tenant })),
    )
    const withoutTenant = await handler(createEvent('PUT', '/orders/1'), createLambdaContext())
    assert.equal(withoutTenant.statusCode, 500)
    assert.ok(!JSON.stringify(withoutTenant).includes('SESSION_IDENTITY_MISSING'))
  },
)
