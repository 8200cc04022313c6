import type { SandboxAccount } from './account.ts'
import type { Clients } from './clients.ts'
import type { Sandbox } from './index.ts'
import { OWN_TENANT, policy, statement } from './policies.ts'
import { ACCOUNT_B, EXECUTION_ROLE_ARN, TARGET_ROLE_ARN, textbook } from './textbook.ts'

/** The textbook with a table of orders, whose partition key is the tenant, and an index of them by region. */
export const ORDERS = 'Orders'
export const ORDERS_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${ORDERS}`

export function tenants(): SandboxAccount[] {
  const accounts = textbook({ sessionTags: true })
  accounts[1]?.tables?.push({
    TableName: ORDERS,
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

/** A second role in account B; and a second target, alike in all but its number. */
export const SECOND_ROLE_ARN = `${TARGET_ROLE_ARN}2`
export const ACCOUNT_C = '333333333333'
export const TARGET_ROLE_IN_C_ARN = TARGET_ROLE_ARN.replace(ACCOUNT_B, ACCOUNT_C)

/** Two target accounts, whose roles the function may assume under any name, and which may do anything with the orders. */
export function twoTargets(): SandboxAccount[] {
  const [caller, target] = tenants()
  if (!caller || !target) throw new Error('The textbook has two accounts')
  const actions = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
  for (const role of caller.roles ?? [])
    role.policies = [
      policy(statement(actions, { Resource: [TARGET_ROLE_ARN, SECOND_ROLE_ARN, TARGET_ROLE_IN_C_ARN] })),
    ]
  const targetIn = (id: string): SandboxAccount => ({
    ...target,
    id,
    roles: ['CrossAccountDynamoRole', 'CrossAccountDynamoRole2'].map((name) => ({
      name,
      trustPolicy: policy(statement(actions, { Principal: { AWS: EXECUTION_ROLE_ARN } })),
      policies: [policy(statement('dynamodb:*', { Resource: ORDERS_ARN.replace(ACCOUNT_B, id) }))],
    })),
  })
  return [caller, targetIn(ACCOUNT_B), targetIn(ACCOUNT_C)]
}

/** A session of the tenant acme, which may do these actions on orders under this condition. */
export async function asAcme(
  sandbox: Sandbox,
  clients: Clients,
  actions: string | string[] = 'dynamodb:*',
  condition: object = OWN_TENANT,
) {
  sandbox.role(TARGET_ROLE_ARN).policies = [
    policy(statement(actions, { Resource: [ORDERS_ARN, `${ORDERS_ARN}/index/*`], Condition: condition })),
  ]
  return clients.documents(await clients.assume({ Tags: [{ Key: 'TenantId', Value: 'acme' }] }))
}
