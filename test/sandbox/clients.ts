import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { type Sandbox, type SandboxCredentials, type SandboxOptions, startSandbox } from './index.ts'
import { EXECUTION_ROLE_ARN, EXTERNAL_ID, TARGET_ROLE_ARN } from './two-accounts.ts'

type ClientCredentials = Pick<SandboxCredentials, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>

/** Creates SDK clients for a sandbox. By default they do not retry. `close()` destroys all of them. */
export function createClients(sandbox: Sandbox) {
  const openClients: { destroy(): void }[] = []
  const track = <T extends { destroy(): void }>(client: T) => {
    openClients.push(client)
    return client
  }
  const { AWS_ENDPOINT_URL_STS = '', AWS_ENDPOINT_URL_DYNAMODB = '', AWS_REGION: region = '' } = sandbox.env
  const issueExecutionRoleCredentials = () => sandbox.issueCredentials(EXECUTION_ROLE_ARN)

  const createStsClient = (
    credentials: ClientCredentials = issueExecutionRoleCredentials(),
    options: Partial<STSClientConfig> = {},
  ) =>
    track(new STSClient({ credentials, region, endpoint: AWS_ENDPOINT_URL_STS, maxAttempts: 1, ...options }))
  const createDynamoDBClient = (
    credentials: ClientCredentials,
    options: Partial<DynamoDBClientConfig> = {},
  ) =>
    track(
      new DynamoDBClient({
        credentials,
        region,
        endpoint: AWS_ENDPOINT_URL_DYNAMODB,
        maxAttempts: 1,
        ...options,
      }),
    )

  return {
    createStsClient,
    createDynamoDBClient,
    createDocumentClient: (credentials: ClientCredentials, options?: Partial<DynamoDBClientConfig>) =>
      DynamoDBDocumentClient.from(createDynamoDBClient(credentials, options)),
    /** Assumes the target role with the expected external ID. `input` replaces single parameters. */
    async assumeRole(
      input: Partial<AssumeRoleCommandInput> = {},
      caller: ClientCredentials = issueExecutionRoleCredentials(),
    ): Promise<ClientCredentials> {
      const defaults = { RoleArn: TARGET_ROLE_ARN, RoleSessionName: 'orders', ExternalId: EXTERNAL_ID }
      const { Credentials } = await createStsClient(caller).send(
        new AssumeRoleCommand({ ...defaults, ...input }),
      )
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {}
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
    },
    close() {
      for (const client of openClients) client.destroy()
    },
  }
}

export type Clients = ReturnType<typeof createClients>

/** Starts a sandbox, runs `body`, and closes the sandbox, even if `body` throws. */
export async function withSandbox(
  options: SandboxOptions,
  body: (sandbox: Sandbox, clients: Clients) => Promise<void>,
): Promise<void> {
  const sandbox = await startSandbox(options)
  const clients = createClients(sandbox)
  try {
    await body(sandbox, clients)
  } finally {
    clients.close()
    await sandbox.close()
  }
}
