/**
 * What TypeScript makes of the public contract. Nothing here runs: `npm run types` compiles it, and each
 * `@ts-expect-error` must be one.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import httpErrorHandler from '@middy/http-error-handler'
import type { Context } from 'aws-lambda'
import { expectTypeOf } from 'expect-type'
import defaultExport, {
  type CrossAccountDynamoContext,
  type CrossAccountDynamoOptions,
  crossAccountDynamo,
} from 'middy-cross-account-dynamo'

interface Event {
  id: string
}

// The quick start: a document client at context.dynamo, and the rest of Lambda's context.
middy()
  .use(crossAccountDynamo())
  .handler(async (event: Event, context) => {
    expectTypeOf(event).toEqualTypeOf<Event>()
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    expectTypeOf(context.awsRequestId).toBeString()
    const { Item } = await context.dynamo.send(
      new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }),
    )
    // @ts-expect-error: there is no such client
    context.orders
    return Item
  })

// Another key, and only that one.
middy()
  .use(crossAccountDynamo({ contextKey: 'orders' }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBDocumentClient>()
    // @ts-expect-error: the client is at context.orders
    context.dynamo
  })

// The plain client.
middy()
  .use(crossAccountDynamo({ documentClient: false }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBClient>()
    expectTypeOf(context.dynamo).not.toEqualTypeOf<DynamoDBDocumentClient>()
  })

// A choice made at run time is one or the other.
middy()
  .use(crossAccountDynamo({ documentClient: Math.random() > 0.5 }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBClient | DynamoDBDocumentClient>()
  })

// Two targets, and another middleware's context, add up; in one call and as a list.
const withTenant: middy.MiddlewareObj<unknown, unknown, Error, Context & { tenant: string }> = {
  before: () => {},
}
middy()
  .use(crossAccountDynamo({ contextKey: 'orders' }))
  .use(withTenant)
  .use(httpErrorHandler())
  .use(crossAccountDynamo({ contextKey: 'audit', documentClient: false, envPrefix: 'AUDIT_DYNAMO' }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBDocumentClient>()
    expectTypeOf(context.audit).toEqualTypeOf<DynamoDBClient>()
    expectTypeOf(context.tenant).toBeString()
    // @ts-expect-error: neither of the two is here
    context.dynamo
  })
middy()
  .use([crossAccountDynamo()])
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
  })

// The handler first, typed by the context it wants.
middy(async (event: Event, context: CrossAccountDynamoContext) => {
  expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
  return event.id
}).use(crossAccountDynamo())
middy(async (event: Event, context: CrossAccountDynamoContext<'orders', DynamoDBClient>) => {
  expectTypeOf(context.orders).toEqualTypeOf<DynamoDBClient>()
  return event.id
}).use(crossAccountDynamo({ contextKey: 'orders', documentClient: false }))

// The provider of credentials for other middlewares, by the same key.
middy()
  .use(crossAccountDynamo({ contextKey: 'orders' }))
  .before((request) => {
    expectTypeOf(request.internal.orders).returns.resolves.toHaveProperty('accessKeyId')
    // @ts-expect-error: nothing is kept under this name
    request.internal.dynamo
  })

// Provisioned concurrency.
expectTypeOf(crossAccountDynamo().ready()).resolves.toBeVoid()
expectTypeOf(defaultExport).toEqualTypeOf(crossAccountDynamo)

// Options that are typed by themselves lose nothing.
const options: CrossAccountDynamoOptions = { externalId: 'example-external-id' }
middy()
  .use(crossAccountDynamo(options))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    // @ts-expect-error: there is no such client
    context.orders
  })
const plainOptions: CrossAccountDynamoOptions<'orders', false> = {
  contextKey: 'orders',
  documentClient: false,
}
middy()
  .use(crossAccountDynamo(plainOptions))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBClient>()
  })

// middy meets the event of middy<Event>() with the middleware's, which is any: a handler says itself what its event is.
middy<Event>()
  .use(crossAccountDynamo())
  .handler(async (event) => {
    expectTypeOf(event).toBeAny()
  })

// What a variable may hold is often undefined.
crossAccountDynamo({
  externalId: process.env.EXTERNAL_ID,
  sessionTags: { stage: 'prod' },
  transitiveTagKeys: ['stage'],
})
expectTypeOf<{ stage: string }>().toExtend<CrossAccountDynamoOptions['sessionTags']>()

// @ts-expect-error: misspelled
crossAccountDynamo({ rolearn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole' })
// @ts-expect-error: a number, in seconds
crossAccountDynamo({ durationSeconds: '900' })
// @ts-expect-error: a tag's value is a string
crossAccountDynamo({ sessionTags: { tenant: 7 } })
// @ts-expect-error: credentials are those of the session
crossAccountDynamo({ awsClientOptions: { credentials: { accessKeyId: '', secretAccessKey: '' } } })
// @ts-expect-error: the Region is an option of its own
crossAccountDynamo({ awsClientOptions: { region: 'us-east-1' } })
// @ts-expect-error: the SDK would log session tokens
crossAccountDynamo({ stsClientOptions: { logger: console } })
