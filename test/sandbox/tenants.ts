import type { SandboxAccount } from './account.ts'
import type { Clients } from './clients.ts'
import type { Sandbox } from './index.ts'
import { OWN_TENANT, policy, statement } from './policies.ts'
import { ACCOUNT_B, TARGET_ROLE_ARN, textbook } from './textbook.ts'

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
