/** Starts the sandbox in another process, with an item in its table. */
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { forkSandbox, type SandboxProcess } from '../../test/ecosystem/support/fork-sandbox.ts'
import { createTwoAccounts, TABLE, TARGET_ROLE_ARN } from '../../test/sandbox/two-accounts.ts'
import { ITEM_ID } from './item.ts'

export interface BenchSandbox {
  readonly sandbox: SandboxProcess
  /** The environment variables of a function in account A. */
  readonly variables: Readonly<Record<string, string>>
  /** The environment variables of a function that has access to the table without a role. */
  readonly ownVariables: Readonly<Record<string, string>>
}

const putItem = async (variables: Readonly<Record<string, string>>): Promise<void> => {
  const client = new DynamoDBClient({
    endpoint: variables.AWS_ENDPOINT_URL_DYNAMODB ?? '',
    region: variables.AWS_REGION ?? '',
    credentials: {
      accessKeyId: variables.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: variables.AWS_SECRET_ACCESS_KEY ?? '',
      sessionToken: variables.AWS_SESSION_TOKEN ?? '',
    },
  })
  await client.send(new PutItemCommand({ TableName: TABLE, Item: { id: { S: ITEM_ID } } }))
  client.destroy()
}

/** The sandbox accepts session tags, so that each tenant can have its own session. Close it when the bench ends. */
export const startBenchSandbox = async (): Promise<BenchSandbox> => {
  const sandbox = await forkSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
  const [variables, ownVariables] = [
    await sandbox.createFunctionVariables(),
    await sandbox.createFunctionVariables(TARGET_ROLE_ARN),
  ]
  await putItem(ownVariables)
  await sandbox.clear()
  return { sandbox, variables, ownVariables }
}
