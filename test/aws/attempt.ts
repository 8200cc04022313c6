/** Tries a request with the middleware, as the handler of a function does, and returns the error. */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { CrossAccountDynamoError, crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext } from '../lambda-runtime.ts'
import type { FunctionRequest } from './misconfigurations.ts'

/** The session name of the caller and of the assumed session, so that the errors of AWS and of the sandbox contain the same ARNs. */
export const SESSION_NAME = 'aws-test'

export interface CallerCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

/** The caller, and the endpoints of the sandbox. Without endpoints, the SDK uses those of AWS. */
export interface Connection {
  readonly credentials: CallerCredentials
  readonly stsEndpoint?: string
  readonly dynamoDbEndpoint?: string
}

/** What identifies an error. */
export interface ExpectedResult {
  /** The code of the middleware's error, or the name of DynamoDB's error. */
  readonly code: string
  /** The action that AWS denies. `undefined` if AWS does not deny the request. */
  readonly action?: string
}

export interface AttemptError extends ExpectedResult {
  /** The name and the message of the error of AWS. */
  readonly name: string
  readonly message: string
  /** The whole message of the middleware's error, with its advice. `undefined` for an error of DynamoDB. */
  readonly advice?: string
}

/** Assumes the role and reads one item. Returns the error, or `undefined` if the request succeeds. */
export const attemptRequest = async (
  { roleArn, externalId, sessionTags, sourceIdentity, region, tableName }: FunctionRequest,
  { credentials, stsEndpoint, dynamoDbEndpoint }: Connection,
): Promise<AttemptError | undefined> => {
  const handler = middy()
    .use(
      crossAccountDynamo({
        // The variables of the maintainer's shell do not configure the middleware.
        envPrefix: 'AWS_TEST',
        roleArn,
        region,
        sessionName: SESSION_NAME,
        disablePrefetch: true,
        externalId: externalId ?? false,
        ...(sessionTags && { sessionTags }),
        ...(sourceIdentity !== undefined && { sourceIdentity }),
        stsRegions: [region],
        stsClientOptions: { credentials, ...(stsEndpoint !== undefined && { endpoint: stsEndpoint }) },
        awsClientOptions: { ...(dynamoDbEndpoint !== undefined && { endpoint: dynamoDbEndpoint }) },
      }),
    )
    .handler(async (_event: object, context) => {
      await context.dynamo.send(new GetCommand({ TableName: tableName, Key: { id: '1' } }))
    })
  try {
    await handler({}, createLambdaContext(30_000))
    return undefined
  } catch (error) {
    return toAttemptError(error as Error)
  }
}

const toAttemptError = (error: Error): AttemptError => {
  const isFromMiddleware = error instanceof CrossAccountDynamoError
  const { name, message } = (isFromMiddleware ? (error.cause ?? error) : error) as Error
  const [, action] = /is not authorized to perform: (\S+)/.exec(message) ?? []
  return {
    code: isFromMiddleware ? error.code : error.name,
    name,
    message,
    ...(action !== undefined && { action }),
    ...(isFromMiddleware && { advice: error.message }),
  }
}
