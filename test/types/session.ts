/** The types of the option `session`, and of `client`. As in context.ts, nothing here runs. */
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
        // A claim can have other types than a string, which are refused at run time. String() would hide a missing claim.
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

// The type can be that of middy's own request, with a property that another middleware added to the context.
crossAccountDynamo({
  session: ({ event, context }: middy.Request<HttpEvent, unknown, Error, Context & { tenant: string }>) => ({
    sessionTags: { TenantId: context.tenant, path: event.rawPath },
  }),
})

// Without a declared event, any handler fits.
const anyEvent = crossAccountDynamo({
  session: ({ event, context, internal }) => {
    expectTypeOf(event).toBeAny()
    expectTypeOf(context.tenantId).toEqualTypeOf<string | undefined>()
    expectTypeOf(internal).toEqualTypeOf<Record<string, unknown>>()
    return { sessionTags: { TenantId: context.tenantId }, sessionName: context.tenantId }
  },
})
middy()
  .use(anyEvent)
  .handler(async (event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    return event.id
  })

// Each parameter, synchronously or not; literals keep their type.
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

// A function can be declared on its own.
const session: SessionFunction<HttpEvent> = ({ event, context }) => ({
  sessionTags: { TenantId: context.tenantId ?? event.headers.tenant },
})
const orders = crossAccountDynamo({ contextKey: 'orders', documentClient: false, session })
middy()
  .use(orders)
  .handler(async (event, context) => {
    expectTypeOf(event).toEqualTypeOf<HttpEvent>()
    expectTypeOf(context.orders).toEqualTypeOf<DynamoDBClient>()
  })

// clientFor() takes the event of the function.
const ofRecords = crossAccountDynamo({
  session: ({ event }: SessionRequest<SQSRecord>) => ({
    sessionTags: { TenantId: event.messageAttributes.TenantId?.stringValue },
  }),
})
declare const record: SQSRecord
declare const context: Context
expectTypeOf(ofRecords.clientFor({ event: record, context })).resolves.toEqualTypeOf<DynamoDBDocumentClient>()
// @ts-expect-error: the function reads a record
ofRecords.clientFor({ event: { id: '1' }, context })

// The client of the middleware, unless there is a session function.
expectTypeOf(crossAccountDynamo().client).toEqualTypeOf<DynamoDBDocumentClient>()
expectTypeOf(
  crossAccountDynamo({ roleArn: false, documentClient: false }).client,
).toEqualTypeOf<DynamoDBClient>()
expectTypeOf(crossAccountDynamo({ session: undefined }).client).toEqualTypeOf<DynamoDBDocumentClient>()
expectTypeOf(ofRecords).not.toHaveProperty('client')
expectTypeOf(orders).not.toHaveProperty('client')
expectTypeOf(anyEvent).not.toHaveProperty('client')
// @ts-expect-error: read only
crossAccountDynamo().client = crossAccountDynamo().client

// Options of the wide type may have a session function.
const options: CrossAccountDynamoOptions = { externalId: 'example-external-id' }
const withOptions = crossAccountDynamo(options)
expectTypeOf(withOptions).not.toHaveProperty('client')
middy()
  .use(withOptions)
  .handler(async (event: Event, context) => {
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
    return event.id
  })

// So may a middleware of the wide type.
const either: CrossAccountDynamoMiddleware[] = [
  crossAccountDynamo(),
  crossAccountDynamo({ session: () => null }),
]
expectTypeOf(either[0]).not.toHaveProperty('client')

// A returned role needs its external ID beside it.
expectTypeOf<{ roleArn: string; externalId: string }>().toExtend<ReturnedSession>()
expectTypeOf<{ roleArn: string }>().not.toExtend<ReturnedSession>()
// @ts-expect-error: no externalId
crossAccountDynamo({ session: () => ({ roleArn: 'arn:aws:iam::222222222222:role/R' }) })
// @ts-expect-error: no externalId, also in the options
crossAccountDynamo({ externalId: 'example', session: async () => ({ roleArn: 'x' }) })
declare const customer: { roleArn: string; externalId: string | undefined }
// @ts-expect-error: the external ID of a role is not optional
crossAccountDynamo({ session: () => customer })
// @ts-expect-error: false is for the option
crossAccountDynamo({ session: () => ({ roleArn: false, externalId: false }) })
// @ts-expect-error: a Region cannot vary per invocation
crossAccountDynamo({ session: () => ({ region: 'eu-west-1' }) })
// @ts-expect-error: policyArns cannot vary per invocation
crossAccountDynamo({ session: () => ({ policyArns: [], sessionName: 'orders' }) })
// @ts-expect-error: a number is not a role ARN
crossAccountDynamo({ session: () => ({ roleArn: 7, externalId: false }) })
// @ts-expect-error: not a parameter of a session
crossAccountDynamo({ session: () => ({ tags: { TenantId: 'acme' } }) })
// @ts-expect-error: a scope has an access
crossAccountDynamo({ session: () => ({ scope: { tables: ['Orders'] } }) })
// @ts-expect-error: 'all' is not an access
crossAccountDynamo({ session: () => ({ scope: { tables: ['Orders'], access: 'all' } }) })

// Static options are values.
crossAccountDynamo({ roleArn: false })
// @ts-expect-error: true is not an external ID
crossAccountDynamo({ externalId: true })
// @ts-expect-error: true is not a role
crossAccountDynamo({ roleArn: true })
// @ts-expect-error: options are not functions
crossAccountDynamo({ sessionTags: () => ({ TenantId: 'acme' }) })
// @ts-expect-error: a scope has an access
crossAccountDynamo({ scope: { tables: ['Orders'] } })
// @ts-expect-error: 'all' is not an access
crossAccountDynamo({ scope: { tables: ['Orders'], access: 'all' } })
