import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { type Sandbox, type SandboxCredentials, type SandboxSetup, startSandbox } from './index.ts'
import { EXECUTION_ROLE_ARN, EXTERNAL_ID, TARGET_ROLE_ARN } from './textbook.ts'

type Identity = Pick<SandboxCredentials, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

/** The SDK's clients on a sandbox, each request tried once; closed together. */
export function clientsOf(sandbox: Sandbox) {
  const opened: { destroy(): void }[] = []
  const keep = <T extends { destroy(): void }>(client: T) => {
    opened.push(client)
    return client
  }
  const { AWS_ENDPOINT_URL_STS = '', AWS_ENDPOINT_URL_DYNAMODB = '', AWS_REGION: region = '' } = sandbox.env
  const executionRole = () => sandbox.credentials(EXECUTION_ROLE_ARN)

  const sts = (credentials: Identity = executionRole(), options: Partial<STSClientConfig> = {}) =>
    keep(new STSClient({ credentials, region, endpoint: AWS_ENDPOINT_URL_STS, maxAttempts: 1, ...options }))
  const dynamodb = (credentials: Identity, options: Partial<DynamoDBClientConfig> = {}) =>
    keep(
      new DynamoDBClient({
        credentials,
        region,
        endpoint: AWS_ENDPOINT_URL_DYNAMODB,
        maxAttempts: 1,
        ...options,
      }),
    )

  return {
    sts,
    dynamodb,
    documents: (credentials: Identity, options?: Partial<DynamoDBClientConfig>) =>
      DynamoDBDocumentClient.from(dynamodb(credentials, options)),
    /** AssumeRole on the target role with the right external ID, unless the input says otherwise. */
    async assume(
      input: Partial<AssumeRoleCommandInput> = {},
      caller: Identity = executionRole(),
    ): Promise<Identity> {
      const defaults = { RoleArn: TARGET_ROLE_ARN, RoleSessionName: 'orders', ExternalId: EXTERNAL_ID }
      const { Credentials } = await sts(caller).send(new AssumeRoleCommand({ ...defaults, ...input }))
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {}
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
    },
    close() {
      for (const client of opened) client.destroy()
    },
  }
}

export type Clients = ReturnType<typeof clientsOf>

/** A sandbox for one test, which is gone afterwards however the test goes. */
export async function withSandbox(
  setup: SandboxSetup,
  use: (sandbox: Sandbox, clients: Clients) => Promise<void>,
): Promise<void> {
  const sandbox = await startSandbox(setup)
  const clients = clientsOf(sandbox)
  try {
    await use(sandbox, clients)
  } finally {
    clients.close()
    await sandbox.close()
  }
}
