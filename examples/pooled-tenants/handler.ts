/**
 * GET /tenants/{tenant}/orders/{order}: tenants share one table, and IAM keeps them apart. The session bears the tenant
 * of the caller's token as the tag TenantId, and the role reaches only items whose partition key is that tag.
 *
 * Set-up: an HTTP API with a JWT authorizer whose tokens hold the claim tenantId, the roles of policies.json, and the
 * role's ARN and external ID in the variables. In Lambda's tenant isolation mode the resolver is
 * `({ context }) => ({ TenantId: context.tenantId })`.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const TableName = process.env.TABLE_NAME ?? 'Orders'

export const handler = middy()
  .use(
    crossAccountDynamo({
      sessionTags: ({ event }: { event: APIGatewayProxyEventV2WithJWTAuthorizer }) => ({
        TenantId: event.requestContext.authorizer.jwt.claims.tenantId,
      }),
    }),
  )
  .handler(async ({ pathParameters }, context) => {
    // The path may name any tenant. Nothing here compares it with the token's: IAM does.
    const Key = { tenant: pathParameters?.tenant, order: pathParameters?.order }
    const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
