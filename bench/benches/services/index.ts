/** Starts `server.ts` in a process of its own, and sets the environment variables of a function that uses it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { ServicesMessage, ServicesReport } from './server.ts'

export interface Services {
  readonly configure: (settings: Partial<ServicesMessage>) => Promise<void>
  readonly getReport: () => Promise<ServicesReport>
  readonly close: () => void
}

/** Starts STS and DynamoDB. The peers that this process imports later send its requests to them. */
export const startServices = async (): Promise<Services> => {
  const child = fork(new URL('server.ts', import.meta.url), { execArgv: [] })
  let settings: ServicesMessage = { stsResponseTimeMs: 0, clockOffsetMs: 0 }
  const receive = async (): Promise<ServicesReport> => (await once(child, 'message'))[0]
  const exchange = (message: ServicesMessage): Promise<ServicesReport> => {
    child.send(message)
    return receive()
  }
  const { stsUrl, dynamodbUrl } = await receive()
  Object.assign(process.env, {
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'ASIA0000000000000000',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
    AWS_LAMBDA_FUNCTION_NAME: 'orders-function',
    AWS_ENDPOINT_URL_STS: stsUrl,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodbUrl,
    CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
    CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id',
  })
  return {
    configure: async (changes) => {
      settings = { ...settings, ...changes }
      await exchange(settings)
    },
    getReport: () => exchange(settings),
    close: () => child.disconnect(),
  }
}
