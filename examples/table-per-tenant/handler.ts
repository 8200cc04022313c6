/**
 * GET and PUT /tenants/{tenant}/orders/{order}: each tenant has a table, orders-<tenant>. The role can use all of them, and
 * each session is restricted to the table of the tenant in the caller's token.
 *
 * Setup: an HTTP API with a JWT authorizer whose tokens contain the claim tenantId, the roles of policies.json, and the ARN
 * and the external ID of the role in the variables. Use the prefix orders- only for the tables of tenants. Otherwise a tenant
 * named archive can use the table orders-archive.
 */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

type Event = APIGatewayProxyEventV2WithJWTAuthorizer

/** Returns the tenant of the token. A template would turn a missing tenant into the table name `orders-undefined`. */
const tenantOf = ({ requestContext }: Event): string => {
  const { tenantId } = requestContext.authorizer.jwt.claims
  if (typeof tenantId !== 'string' || tenantId === '') throw new Error('the token names no tenant')
  return tenantId
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<Event>) => ({
        scope: { tables: [`orders-${tenantOf(event)}`], access: 'read-write' },
      }),
    }),
  )
  .handler(async ({ requestContext, pathParameters, body }: Event, context) => {
    // The path can name any tenant. The handler does not compare it with the tenant of the token, because IAM does.
    const TableName = `orders-${pathParameters?.tenant}`
    const Key = { order: pathParameters?.order }
    if (requestContext.http.method === 'PUT')
      await context.dynamo.send(new PutCommand({ TableName, Item: { ...JSON.parse(body ?? '{}'), ...Key } }))
    const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key, ConsistentRead: true }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
