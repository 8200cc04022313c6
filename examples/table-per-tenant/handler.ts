/**
 * GET and PUT /tenants/{tenant}/orders/{order}: each tenant has a table, orders-<tenant>. The role may use all of them,
 * and each session is narrowed to that of the caller's token.
 *
 * Set-up: an HTTP API with a JWT authorizer whose tokens hold the claim tenantId, the roles of policies.json, and the
 * role's ARN and external ID in the variables. Keep the prefix orders- for the tenants' tables: a tenant's name decides
 * the rest.
 */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

type Event = APIGatewayProxyEventV2WithJWTAuthorizer

/** The tenant of the token, asked for because a template makes a name of anything: `orders-undefined`, too. */
const tenantOf = ({ requestContext }: Event): string => {
  const { tenantId } = requestContext.authorizer.jwt.claims
  if (typeof tenantId !== 'string' || tenantId === '') throw new Error('the token names no tenant')
  return tenantId
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      scope: ({ event }: { event: Event }) => ({
        tables: [`orders-${tenantOf(event)}`],
        access: 'read-write',
      }),
    }),
  )
  .handler(async ({ requestContext, pathParameters, body }: Event, context) => {
    // The path may name any tenant. Nothing here compares it with the token's: IAM does.
    const TableName = `orders-${pathParameters?.tenant}`
    const Key = { order: pathParameters?.order }
    if (requestContext.http.method === 'PUT')
      await context.dynamo.send(new PutCommand({ TableName, Item: { ...JSON.parse(body ?? '{}'), ...Key } }))
    const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key, ConsistentRead: true }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
