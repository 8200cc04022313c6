/** Accounts in which tenants share one table, whose partition key is the tenant. */
import type { SandboxAccount } from './account.ts'
import type { Clients } from './clients.ts'
import type { Sandbox } from './index.ts'
import { allowStatement, createPolicy, OWN_TENANT_CONDITION } from './policies.ts'
import { ACCOUNT_B, createTwoAccounts, EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './two-accounts.ts'

export const ORDERS_TABLE = 'Orders'
export const ORDERS_TABLE_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${ORDERS_TABLE}`

/** Adds a table of orders to account B of `createTwoAccounts()`. Its index `byRegion` has another partition key. */
export function createTenantAccounts(): SandboxAccount[] {
  const accounts = createTwoAccounts({ canTagSession: true })
  accounts[1]?.tables?.push({
    TableName: ORDERS_TABLE,
    AttributeDefinitions: ['tenant', 'order', 'region'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    KeySchema: [
      { AttributeName: 'tenant', KeyType: 'HASH' },
      { AttributeName: 'order', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byRegion',
        KeySchema: [{ AttributeName: 'region', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
  })
  return accounts
}

/** Creates the accounts of `createTenantAccounts()`. A session can use only the orders of the tenant in its session tag. */
export function createIsolatedTenantAccounts(): SandboxAccount[] {
  const accounts = createTenantAccounts()
  const statement = allowStatement('dynamodb:*', {
    Resource: ORDERS_TABLE_ARN,
    Condition: OWN_TENANT_CONDITION,
  })
  for (const role of accounts[1]?.roles ?? []) role.policies?.push(createPolicy(statement))
  return accounts
}

/** A second role in account B. Its name differs from the target role only in the last character. */
export const SECOND_TARGET_ROLE_ARN = `${TARGET_ROLE_ARN}2`
export const ACCOUNT_C = '333333333333'
export const TARGET_ROLE_IN_ACCOUNT_C_ARN = TARGET_ROLE_ARN.replace(ACCOUNT_B, ACCOUNT_C)

/**
 * Creates a caller account and two target accounts, B and C. The execution role can assume two roles in account B and one
 * in account C, with any session parameters. The roles allow all DynamoDB actions on the table of orders.
 */
export function createTwoTargetAccounts(): SandboxAccount[] {
  const [caller, target] = createTenantAccounts()
  if (!caller || !target) throw new Error('createTenantAccounts() must return two accounts.')
  const actions = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
  for (const role of caller.roles ?? [])
    role.policies = [
      createPolicy(
        allowStatement(actions, {
          Resource: [TARGET_ROLE_ARN, SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN],
        }),
      ),
    ]
  const createTargetAccount = (id: string): SandboxAccount => ({
    ...target,
    id,
    roles: ['CrossAccountDynamoRole', 'CrossAccountDynamoRole2'].map((name) => ({
      name,
      trustPolicy: createPolicy(allowStatement(actions, { Principal: { AWS: EXECUTION_ROLE_ARN } })),
      policies: [
        createPolicy(allowStatement('dynamodb:*', { Resource: ORDERS_TABLE_ARN.replace(ACCOUNT_B, id) })),
      ],
    })),
  })
  return [caller, createTargetAccount(ACCOUNT_B), createTargetAccount(ACCOUNT_C)]
}

/** Creates a document client for a session of the tenant acme. The target role allows only `actions` under `condition`. */
export async function createAcmeClient(
  sandbox: Sandbox,
  clients: Clients,
  actions: string | string[] = 'dynamodb:*',
  condition: object = OWN_TENANT_CONDITION,
) {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(
      allowStatement(actions, {
        Resource: [ORDERS_TABLE_ARN, `${ORDERS_TABLE_ARN}/index/*`],
        Condition: condition,
      }),
    ),
  ]
  const credentials = await clients.assumeRole({ Tags: [{ Key: 'TenantId', Value: 'acme' }] })
  return clients.createDocumentClient(credentials)
}
