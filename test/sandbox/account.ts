import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { Engine, Engines } from './engine.ts'
import { randomId } from './random.ts'

export interface PolicyDocument {
  Version: string
  Id?: string
  Statement: object
}

export interface SandboxRole {
  name: string
  /** Begins and ends with a slash; default `/`. */
  path?: string
  trustPolicy?: PolicyDocument
  policies?: PolicyDocument[]
  /** In seconds; default 3600. */
  maxSessionDuration?: number
}

export interface SandboxAccount {
  id: string
  roles?: SandboxRole[]
  tables?: CreateTableCommandInput[]
  /** By ARN; for session policies (PolicyArns of AssumeRole). Roles have their policies in themselves. */
  managedPolicies?: Record<string, PolicyDocument>
  /** Besides FullAWSAccess, as an organisation attaches them by default. */
  serviceControlPolicies?: PolicyDocument[]
  /** That it is a member of; none for an account on its own. */
  organizationId?: string
}

/** A role of an account. Its definition stays the test's object: what a test changes there counts at once. */
export interface Role {
  account: Account
  arn: string
  /** The unique id, `AROA…`. */
  id: string
  definition: SandboxRole
}

export interface Account {
  id: string
  roles: Role[]
  /** Definitions of the tables that exist now, by name. */
  tables: Map<string, CreateTableCommandInput>
  managedPolicies: Record<string, PolicyDocument>
  serviceControlPolicies: PolicyDocument[]
  /** What a test changes here counts at once. */
  organizationId: string | undefined
  engine: Engine
  /** Puts items straight into the engine, past signatures and policies. */
  seed(table: string, items: Record<string, AttributeValue>[]): Promise<void>
  close(): Promise<void>
}

export async function openAccount(setup: SandboxAccount, region: string, engines: Engines): Promise<Account> {
  const engine = await engines.open(setup.id, region)
  const account: Account = {
    id: setup.id,
    roles: [],
    tables: new Map(),
    managedPolicies: setup.managedPolicies ?? {},
    serviceControlPolicies: setup.serviceControlPolicies ?? [],
    organizationId: setup.organizationId,
    engine,
    async seed(table, items) {
      for (const item of items) await must(engine, 'PutItem', { TableName: table, Item: item })
    },
    close: engine.close,
  }
  account.roles = (setup.roles ?? []).map((definition) => ({
    account,
    arn: `arn:aws:iam::${setup.id}:role${definition.path ?? '/'}${definition.name}`,
    id: `AROA${randomId(17)}`,
    definition,
  }))
  for (const table of setup.tables ?? []) await createTable(account, table)
  return account
}

async function createTable(account: Account, table: CreateTableCommandInput) {
  const name = table.TableName ?? ''
  await must(account.engine, 'CreateTable', { BillingMode: 'PAY_PER_REQUEST', ...table })
  account.tables.set(name, table)
  const isActive = async () =>
    JSON.parse(await must(account.engine, 'DescribeTable', { TableName: name })).Table.TableStatus ===
    'ACTIVE'
  while (!(await isActive())) await new Promise(setImmediate)
}

async function must(engine: Engine, operation: string, input: unknown): Promise<string> {
  const { status, body } = await engine.send(operation, input)
  if (status !== 200) throw new Error(`${operation} failed in the sandbox's engine: ${body}`)
  return body
}
