/** Type tests of the option `session` and of the property `client`. The code does not run. */
// cspell:ignore sesion
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context, SQSRecord } from 'aws-lambda'
import { expectTypeOf } from 'expect-type'
import {
  type CrossAccountDynamoMiddleware,
  type CrossAccountDynamoOptions,
  crossAccountDynamo,
  type ReturnedSession,
  type SessionFunction,
  type SessionRequest,
} from 'middy-cross-account-dynamo'

type HttpEvent = APIGatewayProxyEventV2WithJWTAuthorizer
interface Event {
  id: string
}

// The function declares its event, and middy uses that type for the handler.
middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<HttpEvent>) => ({
        // A claim is not always a string. The middleware refuses other types at run time, but String() would hide a missing claim.
        sessionTags: { TenantId: event.requestContext.authorizer.jwt.claims.tenant },
      }),
    }),
  )
  .handler(async (event, context) => {
    expectTypeOf(event).toEqualTypeOf<HttpEvent>()
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
  })
middy()
  .use(crossAccountDynamo({ session: async ({ event }: { event: Event }) => ({ sessionName: event.id }) }))
  .handler(async (event) => {
    expectTypeOf(event).toEqualTypeOf<Event>()
  })

// The parameter can have middy's request type, with a property that another middleware adds to the context.
crossAccountDynamo({
  session: ({ event, context }: middy.Request<HttpEvent, unknown, Error, Context & { tenant: string }>) => ({
    sessionTags: { TenantId: context.tenant, path: event.rawPath },
  }),
})

// Without a declared event type, the middleware accepts handlers of every event.
const middlewareOfAnyEvent = crossAccountDynamo({
  session: ({ event, context, internal }) => {
    expectTypeOf(event).toBeAny()
    expectTypeOf(context.tenantId).toEqualTypeOf<string | undefined>()
    expectTypeOf(internal).toEqualTypeOf<Record<string, unknown>>()
    return { sessionTags: { TenantId: context.tenantId }, sessionName: context.tenantId }
  },
})
middy()
  .use(middlewareOfAnyEvent)
  .handler(async (event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    return event.id
  })

// The function can return all session parameters, synchronously or in a promise. Literals keep their type.
const findCustomer = async (id: string) =>
  id === '' ? undefined : { roleArn: `arn:aws:iam::222222222222:role/${id}`, externalId: id }
crossAccountDynamo({
  session: async ({ event }: SessionRequest<Event>) => {
    const customer = await findCustomer(event.id)
    return (
      customer && {
        ...customer,
        sessionName: event.id,
        sourceIdentity: event.id,
        scope: { tables: [event.id], access: 'read', leadingKeys: [event.id] },
      }
    )
  },
})
crossAccountDynamo({ session: async () => ({ policy: { Version: '2012-10-17', Statement: [] } }) })
crossAccountDynamo({ session: () => ({ policy: '{}', externalId: false }) })
crossAccountDynamo({
  session: ({ event }: SessionRequest<Event>) => {
    if (event.id === '') return undefined
    if (event.id === 'own') return { sessionTags: { TenantId: 'own' } }
    return { roleArn: 'arn:aws:iam::222222222222:role/R', externalId: false }
  },
})

// A session function can be declared as a constant.
const session: SessionFunction<HttpEvent> = ({ event, context }) => ({
  sessionTags: { TenantId: context.tenantId ?? event.headers.tenant },
})
const ordersMiddleware = crossAccountDynamo({ contextKey: 'orders', documentClient: false, session })
middy()
  .use(ordersMiddleware)
  .handler(async (event, context) => {
    expectTypeOf(event).toEqualTypeOf<HttpEvent>()
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBClient>()
  })

// clientFor() accepts the event type of the session function.
const recordMiddleware = crossAccountDynamo({
  session: ({ event }: SessionRequest<SQSRecord>) => ({
    sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
  }),
})
declare const record: SQSRecord
declare const context: Context
expectTypeOf(
  recordMiddleware.clientFor({ event: record, context }),
).resolves.toEqualTypeOf<DynamoDBDocumentClient>()
// @ts-expect-error: the session function requires an SQS record
recordMiddleware.clientFor({ event: { id: '1' }, context })

// The middleware has the property client if there is no session function.
expectTypeOf(crossAccountDynamo().client).toEqualTypeOf<DynamoDBDocumentClient>()
expectTypeOf(
  crossAccountDynamo({ roleArn: false, documentClient: false }).client,
).toEqualTypeOf<DynamoDBClient>()
expectTypeOf(crossAccountDynamo({ session: undefined }).client).toEqualTypeOf<DynamoDBDocumentClient>()
expectTypeOf(recordMiddleware).not.toHaveProperty('client')
expectTypeOf(ordersMiddleware).not.toHaveProperty('client')
expectTypeOf(middlewareOfAnyEvent).not.toHaveProperty('client')
// @ts-expect-error: client is read-only
crossAccountDynamo().client = crossAccountDynamo().client

// Options of the type CrossAccountDynamoOptions can contain a session function, so the middleware has no property client.
const options: CrossAccountDynamoOptions = { externalId: 'example-external-id' }
const middlewareOfWideType = crossAccountDynamo(options)
expectTypeOf(middlewareOfWideType).not.toHaveProperty('client')
middy()
  .use(middlewareOfWideType)
  .handler(async (event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    return event.id
  })

// A middleware of the type CrossAccountDynamoMiddleware has no property client for the same reason.
const middlewares: CrossAccountDynamoMiddleware[] = [
  crossAccountDynamo(),
  crossAccountDynamo({ session: () => null }),
]
expectTypeOf(middlewares[0]).not.toHaveProperty('client')

// A returned roleArn requires externalId in the same return value.
expectTypeOf<{ roleArn: string; externalId: string }>().toExtend<ReturnedSession>()
expectTypeOf<{ roleArn: string }>().not.toExtend<ReturnedSession>()
// @ts-expect-error: externalId is missing
crossAccountDynamo({ session: () => ({ roleArn: 'arn:aws:iam::222222222222:role/R' }) })
// @ts-expect-error: externalId is missing in the return value, and the option does not replace it
crossAccountDynamo({ externalId: 'example', session: async () => ({ roleArn: 'x' }) })
declare const customer: { roleArn: string; externalId: string | undefined }
// @ts-expect-error: externalId must not be undefined if there is a roleArn
crossAccountDynamo({ session: () => customer })
// @ts-expect-error: only the option roleArn can be false
crossAccountDynamo({ session: () => ({ roleArn: false, externalId: false }) })
// @ts-expect-error: a Region cannot vary per invocation
crossAccountDynamo({ session: () => ({ region: 'eu-west-1' }) })
// @ts-expect-error: policyArns cannot vary per invocation
crossAccountDynamo({ session: () => ({ policyArns: [], sessionName: 'orders' }) })
// @ts-expect-error: a number is not a role ARN
crossAccountDynamo({ session: () => ({ roleArn: 7, externalId: false }) })
// @ts-expect-error: a misspelled key next to a known key
crossAccountDynamo({ session: () => ({ sessionTags: { TenantId: 'acme' }, sesionName: 'acme' }) })
declare const customerRecord: { readonly id: string; readonly roleArn: string; readonly externalId: string }
// @ts-expect-error: a whole record instead of its session parameters
crossAccountDynamo({ session: async () => customerRecord })
// @ts-expect-error: tags is not a session parameter
crossAccountDynamo({ session: () => ({ tags: { TenantId: 'acme' } }) })
// @ts-expect-error: access is missing in the scope
crossAccountDynamo({ session: () => ({ scope: { tables: ['Orders'] } }) })
// @ts-expect-error: 'all' is not a valid access
crossAccountDynamo({ session: () => ({ scope: { tables: ['Orders'], access: 'all' } }) })

// Options other than session are values and not functions.
crossAccountDynamo({ roleArn: false })
// @ts-expect-error: true is not an external ID
crossAccountDynamo({ externalId: true })
// @ts-expect-error: true is not a role
crossAccountDynamo({ roleArn: true })
// @ts-expect-error: options are not functions
crossAccountDynamo({ sessionTags: () => ({ TenantId: 'acme' }) })
// @ts-expect-error: access is missing in the scope
crossAccountDynamo({ scope: { tables: ['Orders'] } })
// @ts-expect-error: 'all' is not a valid access
crossAccountDynamo({ scope: { tables: ['Orders'], access: 'all' } })
