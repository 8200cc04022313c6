import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { Engine, EngineFactory } from './engine.ts'
import { createRandomId } from './random.ts'

export interface PolicyDocument {
  Version: string
  Id?: string
  Statement: object
}

export interface SandboxRole {
  name: string
  /** Begins and ends with a slash. @default '/' */
  path?: string
  trustPolicy?: PolicyDocument
  policies?: PolicyDocument[]
  /** In seconds. @default 3600 */
  maxSessionDuration?: number
}

/** A customer managed KMS key. Changes that a test makes to it apply to the next request. */
export interface SandboxKmsKey {
  /** @default the default key policy, which lets the IAM policies of the account decide */
  policy?: PolicyDocument
  isDisabled?: boolean
}

export interface SandboxAccount {
  id: string
  roles?: SandboxRole[]
  /** A table with a customer managed key names the ARN of the key in `SSESpecification.KMSMasterKeyId`. */
  tables?: CreateTableCommandInput[]
  /** The customer managed KMS keys by ARN. */
  kmsKeys?: Record<string, SandboxKmsKey>
  /** Policies by ARN, which AssumeRole accepts as `PolicyArns`. Add the permissions of a role to its `policies`. */
  managedPolicies?: Record<string, PolicyDocument>
  /** Service control policies in addition to FullAWSAccess, which AWS Organizations attaches by default. */
  serviceControlPolicies?: PolicyDocument[]
  /** The organization of the account. Omit it for an account that is not a member of an organization. */
  organizationId?: string
}

/** A role of an account. `definition` is the test's own object. Changes to it apply to the next request. */
export interface Role {
  account: Account
  arn: string
  /** The unique ID, `AROA…`. */
  id: string
  definition: SandboxRole
}

export interface Account {
  id: string
  roles: Role[]
  /** The definitions of the existing tables by name. */
  tables: Map<string, CreateTableCommandInput>
  kmsKeys: Record<string, SandboxKmsKey>
  managedPolicies: Record<string, PolicyDocument>
  serviceControlPolicies: PolicyDocument[]
  /** A test can change it. The change applies to the next request. */
  organizationId: string | undefined
  engine: Engine
  /** Writes items directly to the engine, without a signature or a permission. */
  seed(table: string, items: Record<string, AttributeValue>[]): Promise<void>
  close(): Promise<void>
}

export async function openAccount(
  definition: SandboxAccount,
  region: string,
  engines: EngineFactory,
): Promise<Account> {
  const engine = await engines.open(definition.id, region)
  const account: Account = {
    id: definition.id,
    roles: [],
    tables: new Map(),
    kmsKeys: definition.kmsKeys ?? {},
    managedPolicies: definition.managedPolicies ?? {},
    serviceControlPolicies: definition.serviceControlPolicies ?? [],
    organizationId: definition.organizationId,
    engine,
    async seed(table, items) {
      for (const item of items) await sendOrThrow(engine, 'PutItem', { TableName: table, Item: item })
    },
    close: engine.close,
  }
  account.roles = (definition.roles ?? []).map((role) => ({
    account,
    arn: `arn:aws:iam::${definition.id}:role${role.path ?? '/'}${role.name}`,
    id: `AROA${createRandomId(17)}`,
    definition: role,
  }))
  for (const table of definition.tables ?? []) await createTable(account, table)
  return account
}

async function createTable(account: Account, table: CreateTableCommandInput) {
  const name = table.TableName ?? ''
  // The engines do not encrypt. The sandbox authorizes the use of the key itself.
  const { SSESpecification: _, ...engineTable } = table
  await sendOrThrow(account.engine, 'CreateTable', { BillingMode: 'PAY_PER_REQUEST', ...engineTable })
  account.tables.set(name, table)
  const isActive = async () =>
    JSON.parse(await sendOrThrow(account.engine, 'DescribeTable', { TableName: name })).Table.TableStatus ===
    'ACTIVE'
  while (!(await isActive())) await new Promise(setImmediate)
}

/** Sends a request to the engine and returns the body of the response. @throws if the status is not 200. */
async function sendOrThrow(engine: Engine, operation: string, input: unknown): Promise<string> {
  const { status, body } = await engine.send(operation, input)
  if (status !== 200) throw new Error(`${operation} failed in the engine of the sandbox: ${body}`)
  return body
}
