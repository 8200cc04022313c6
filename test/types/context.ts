// cspell:ignore rolearn
/**
 * Type tests of the middleware and its context. `npm run types` compiles this file and reports each `@ts-expect-error` that
 * is not an error. The code does not run.
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

// By default, the context contains a document client at context.dynamo, and the properties of the Lambda context.
middy()
  .use(crossAccountDynamo())
  .handler(async (event: Event, context) => {
    expectTypeOf(event).toEqualTypeOf<Event>()
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    expectTypeOf(context.awsRequestId).toBeString()
    const { Item } = await context.dynamo.send(
      new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }),
    )
    // @ts-expect-error: the context contains no client with this key
    context.orders
    return Item
  })

// With contextKey, the context contains the client only at that key.
middy()
  .use(crossAccountDynamo({ contextKey: 'orders' }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBDocumentClient>()
    // @ts-expect-error: the client is at context.orders
    context.dynamo
  })

// With documentClient: false, the client is a DynamoDBClient.
middy()
  .use(crossAccountDynamo({ documentClient: false }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBClient>()
    expectTypeOf(context.dynamo).not.toEqualTypeOf<DynamoDBDocumentClient>()
  })

// If documentClient is a boolean that is not known at compile time, the client has a union type.
middy()
  .use(crossAccountDynamo({ documentClient: Math.random() > 0.5 }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBClient | DynamoDBDocumentClient>()
  })

// The contexts of two targets and of another middleware are combined. use() accepts one middleware or a list.
const tenantMiddleware: middy.MiddlewareObj<unknown, unknown, Error, Context & { tenant: string }> = {
  before: () => {},
}
middy()
  .use(crossAccountDynamo({ contextKey: 'orders' }))
  .use(tenantMiddleware)
  .use(httpErrorHandler())
  .use(crossAccountDynamo({ contextKey: 'audit', documentClient: false, envPrefix: 'AUDIT_DYNAMO' }))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBDocumentClient>()
    expectTypeOf(context.audit).toEqualTypeOf<DynamoDBClient>()
    expectTypeOf(context.tenant).toBeString()
    // @ts-expect-error: no middleware sets this key
    context.dynamo
  })
middy()
  .use([crossAccountDynamo()])
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
  })

// A handler that is passed to middy() can declare the type of its context.
middy(async (event: Event, context: CrossAccountDynamoContext) => {
  expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
  return event.id
}).use(crossAccountDynamo())
middy(async (event: Event, context: CrossAccountDynamoContext<'orders', DynamoDBClient>) => {
  expectTypeOf(context.orders).toEqualTypeOf<DynamoDBClient>()
  return event.id
}).use(crossAccountDynamo({ contextKey: 'orders', documentClient: false }))

// request.internal contains the credential provider for other middlewares, with the same key.
middy()
  .use(crossAccountDynamo({ contextKey: 'orders' }))
  .before((request) => {
    expectTypeOf(request.internal.orders).returns.resolves.toHaveProperty('accessKeyId')
    // @ts-expect-error: request.internal contains no provider with this key
    request.internal.dynamo
  })

// ready() is awaited at module scope for functions with provisioned concurrency.
expectTypeOf(crossAccountDynamo().ready()).resolves.toBeVoid()
expectTypeOf(defaultExport).toEqualTypeOf(crossAccountDynamo)

// Options can be declared with their type before they are passed to the middleware.
const options: CrossAccountDynamoOptions = { externalId: 'example-external-id' }
middy()
  .use(crossAccountDynamo(options))
  .handler(async (_event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    // @ts-expect-error: the context contains no client with this key
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

// middy intersects the event type of middy<Event>() with that of the middleware, which is any. Declare the type of the event in
// the handler instead.
middy<Event>()
  .use(crossAccountDynamo())
  .handler(async (event) => {
    expectTypeOf(event).toBeAny()
  })

// Environment variables have the type string | undefined, so optional options accept undefined.
crossAccountDynamo({
  externalId: process.env.EXTERNAL_ID,
  sessionTags: { stage: 'prod' },
  transitiveTagKeys: ['stage'],
})
expectTypeOf<{ stage: string }>().toExtend<CrossAccountDynamoOptions['sessionTags']>()

// @ts-expect-error: the option is misspelled
crossAccountDynamo({ rolearn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole' })
// @ts-expect-error: durationSeconds is a number
crossAccountDynamo({ durationSeconds: '900' })
// @ts-expect-error: tag values are strings
crossAccountDynamo({ sessionTags: { tenant: 7 } })
// @ts-expect-error: the session provides the credentials
crossAccountDynamo({ awsClientOptions: { credentials: { accessKeyId: '', secretAccessKey: '' } } })
// @ts-expect-error: the Region is set with the option region
crossAccountDynamo({ awsClientOptions: { region: 'us-east-1' } })
// @ts-expect-error: the SDK would log session tokens
crossAccountDynamo({ stsClientOptions: { logger: console } })
