/**
 * GET /tenants/{tenant}/orders/{order}: tenants share one table, and IAM isolates them. The session has the tenant of the
 * caller's token as the session tag TenantId, and the role can access only items whose partition key is the value of that tag.
 *
 * Setup: an HTTP API with a JWT authorizer whose tokens contain the claim tenantId, the roles of policies.json, and the ARN
 * and the external ID of the role in the variables. In Lambda's tenant isolation mode, the session function is
 * `({ context }) => ({ sessionTags: { TenantId: context.tenantId } })`.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

const TableName = process.env.TABLE_NAME ?? 'Orders'

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<APIGatewayProxyEventV2WithJWTAuthorizer>) => ({
        sessionTags: { TenantId: event.requestContext.authorizer.jwt.claims.tenantId },
      }),
    }),
  )
  .handler(async ({ pathParameters }, context) => {
    // The path can name any tenant. The handler does not compare it with the tenant of the token, because IAM does.
    const Key = { tenant: pathParameters?.tenant, order: pathParameters?.order }
    const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
