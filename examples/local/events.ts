/** Events as AWS sends them, as far as the recipes look at them. */
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'

/** A request to an HTTP API: the claims of its token, and what its path names. */
export const apiEvent = (
  claims: Readonly<Record<string, string>>,
  pathParameters: Readonly<Record<string, string>>,
  body?: object,
): APIGatewayProxyEventV2WithJWTAuthorizer => {
  const method = body === undefined ? 'GET' : 'PUT'
  return {
    version: '2.0',
    pathParameters,
    requestContext: { http: { method }, authorizer: { jwt: { claims, scopes: null } } },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  } as APIGatewayProxyEventV2WithJWTAuthorizer
}
