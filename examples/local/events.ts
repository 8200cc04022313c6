/** Events of AWS, with the properties that the recipes read. */
import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda'

/** Creates a request to an HTTP API, with the claims of its token and the parameters of its path. */
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
