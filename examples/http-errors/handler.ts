/**
 * GET /orders/{order}, with a response for each error of the middleware: 503 with Retry-After if the client can try again, 403 if the
 * token names no tenant, and otherwise 500. No response contains the message of an error.
 *
 * Setup: see ../pooled-tenants/handler.ts.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import httpErrorHandler from '@middy/http-error-handler'
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'
import { CrossAccountDynamoError, crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

const readTenant = (event: APIGatewayProxyEventV2WithJWTAuthorizer) =>
  event.requestContext.authorizer.jwt.claims.tenantId

export const handler = middy()
  // Error handlers run in reverse order. This one runs last and handles errors that have no response yet.
  .use(httpErrorHandler())
  .use(
    crossAccountDynamo({
      session: ({ event }: SessionRequest<APIGatewayProxyEventV2WithJWTAuthorizer>) => ({
        sessionTags: { TenantId: readTenant(event) },
      }),
    }),
  )
  .onError((request) => {
    const { error } = request
    if (!(error instanceof CrossAccountDynamoError)) return
    console.error(error)
    request.response = error.retryable
      ? { statusCode: 503, headers: { 'Retry-After': '1' } }
      : { statusCode: error.statusCode }
  })
  .handler(async (event, context) => {
    const Key = { tenant: readTenant(event), order: event.pathParameters?.order }
    const { Item } = await context.dynamo.send(new GetCommand({ TableName: 'Orders', Key }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
