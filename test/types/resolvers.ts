/** What TypeScript makes of resolvers. As in context.ts, nothing here runs. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context, SQSRecord } from 'aws-lambda'
import { expectTypeOf } from 'expect-type'
import { crossAccountDynamo, type Resolver, type Scope } from 'middy-cross-account-dynamo'

type HttpEvent = APIGatewayProxyEventV2WithJWTAuthorizer

// A resolver says what its event is, and middy knows it from then on.
middy()
  .use(
    crossAccountDynamo({
      sessionTags: ({ event }: { event: HttpEvent }) => ({
        // What a claim may be besides text is refused at run time; String() would make a name of nothing.
        TenantId: event.requestContext.authorizer.jwt.claims.tenant,
      }),
    }),
  )
  .handler(async (event, context) => {
    expectTypeOf(event).toEqualTypeOf<HttpEvent>()
    expectTypeOf(context.dynamo).toEqualTypeOf<DynamoDBDocumentClient>()
  })

// As middy's own request, and with what another middleware has put on the context.
crossAccountDynamo({
  sessionTags: ({
    event,
    context,
  }: middy.Request<HttpEvent, unknown, Error, Context & { tenant: string }>) => ({
    TenantId: context.tenant,
    path: event.rawPath,
  }),
})

// Without an event, the request is known all the same; what may be missing is an error at run time.
crossAccountDynamo({
  sessionTags: ({ event, context, internal }) => {
    expectTypeOf(event).toBeAny()
    expectTypeOf(context.tenantId).toEqualTypeOf<string | undefined>()
    expectTypeOf(internal).toEqualTypeOf<Record<string, unknown>>()
    return { TenantId: context.tenantId }
  },
  sessionName: ({ context }) => context.tenantId,
})

// Each of the seven, at once or later.
const customerOf = async ({ id }: { id: string }) => ({
  role: `arn:aws:iam::222222222222:role/${id}`,
  secret: id,
})
crossAccountDynamo({
  roleArn: async ({ event }: { event: { id: string } }) => (await customerOf(event)).role,
  externalId: async ({ event }: { event: { id: string } }) => (await customerOf(event)).secret,
  sessionName: ({ event }: { event: { id: string } }) => event.id,
  sourceIdentity: ({ event }: { event: { id: string } }) => event.id,
  scope: async ({ event }: { event: { id: string } }): Promise<Scope> => ({
    tables: [event.id],
    access: 'read',
  }),
})
crossAccountDynamo({ policy: async () => ({ Version: '2012-10-17', Statement: [] }), externalId: false })
crossAccountDynamo({ policy: () => '{}' })
// What may be missing is refused at run time, in leading keys as in tags.
crossAccountDynamo({
  scope: ({ context }) => ({ tables: ['Orders'], access: 'read', leadingKeys: [context.tenantId] }),
})

// A resolver of one's own may be shared.
const tenantTag: Resolver<Record<string, string | undefined>, HttpEvent> = ({ event, context }) => ({
  TenantId: context.tenantId ?? event.headers.tenant,
})
const dynamo = crossAccountDynamo({ contextKey: 'orders', documentClient: false, sessionTags: tenantTag })
middy()
  .use(dynamo)
  .handler(async (event, context) => {
    expectTypeOf(event).toEqualTypeOf<HttpEvent>()
    expectTypeOf(context.orders).not.toBeAny()
  })

// One record of a batch: the event of the resolver, and the client of the options.
const ofRecords = crossAccountDynamo({
  sessionTags: ({ event }: { event: SQSRecord }) => ({
    TenantId: event.messageAttributes.TenantId?.stringValue,
  }),
})
declare const record: SQSRecord
declare const context: Context
expectTypeOf(ofRecords.clientFor({ event: record, context })).resolves.toEqualTypeOf<DynamoDBDocumentClient>()
// @ts-expect-error: the resolver reads a record
ofRecords.clientFor({ event: { id: '1' }, context })

// @ts-expect-error: a role's ARN is text
crossAccountDynamo({ roleArn: () => 7, externalId: false })
// @ts-expect-error: true is no external ID
crossAccountDynamo({ externalId: true })
// @ts-expect-error: a scope says what may be done
crossAccountDynamo({ scope: { tables: ['Orders'] } })
// @ts-expect-error: 'all' is no access
crossAccountDynamo({ scope: { tables: ['Orders'], access: 'all' } })
