/**
 * Accounts for tests of generated policies. They contain the roles and tables that the policies name, and others that the
 * policies must exclude.
 */
import type { CrossAccountPolicies, PolicyDocument } from '../../src/iam/index.ts'
import type { SandboxAccount } from './account.ts'
import type { Sandbox } from './index.ts'
import { allowStatement, createPolicy } from './policies.ts'
import { defineTable } from './recipes.ts'
import { ACCOUNT_A, ACCOUNT_B, EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './two-accounts.ts'

export const ACCOUNT_C = '333333333333'
/** An execution role in account A with a path. */
export const SECOND_EXECUTION_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/lambda/SecondExecutionRole`
/** A role in account A that policies name only if they name the whole account. */
export const UNRELATED_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/UnrelatedRole`
/** A role in account C with the same name as the execution role. */
export const ROLE_IN_ACCOUNT_C_ARN = EXECUTION_ROLE_ARN.replace(ACCOUNT_A, ACCOUNT_C)
/** A role in account B whose trust policy trusts all principals of account A, as in a common misconfiguration. */
export const ADMIN_ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/AdminRole`
export const ORGANIZATION_ID = 'o-exampleorgid'
export const INDEX_NAME = 'byRegion'
/** A table that policies do not name. Its name starts with the name of a table that they name. */
export const ARCHIVE_TABLE = 'Orders-archive'

const defineTableWithIndex = (name: string) => {
  const { AttributeDefinitions = [], ...rest } = defineTable(name, 'tenant', 'order')
  return {
    ...rest,
    AttributeDefinitions: [...AttributeDefinitions, { AttributeName: 'region', AttributeType: 'S' as const }],
    GlobalSecondaryIndexes: [
      {
        IndexName: INDEX_NAME,
        KeySchema: [{ AttributeName: 'region', KeyType: 'HASH' as const }],
        Projection: { ProjectionType: 'ALL' as const },
      },
    ],
  }
}

/** A permissions policy that allows all actions on all resources. */
export const ALLOW_ALL_POLICY = createPolicy(allowStatement('*', { Resource: '*' }))

export const createPolicyTestAccounts = (): SandboxAccount[] => [
  {
    id: ACCOUNT_A,
    organizationId: ORGANIZATION_ID,
    roles: [
      { name: 'LambdaExecutionRole' },
      { name: 'SecondExecutionRole', path: '/lambda/' },
      { name: 'UnrelatedRole', policies: [ALLOW_ALL_POLICY] },
    ],
  },
  {
    id: ACCOUNT_B,
    roles: [
      { name: 'CrossAccountDynamoRole' },
      {
        name: 'AdminRole',
        trustPolicy: createPolicy(
          allowStatement('sts:AssumeRole', { Principal: { AWS: `arn:aws:iam::${ACCOUNT_A}:root` } }),
        ),
      },
    ],
    tables: ['Orders', 'Invoices', ARCHIVE_TABLE].map(defineTableWithIndex),
  },
  {
    id: ACCOUNT_C,
    organizationId: 'o-anotherorgid',
    roles: [{ name: 'LambdaExecutionRole', policies: [ALLOW_ALL_POLICY] }],
    tables: [defineTableWithIndex('Orders')],
  },
]

/** Returns no document if there are no statements, because IAM does not accept policies without statements. */
const toPolicies = (document: PolicyDocument): PolicyDocument[] =>
  document.Statement.length > 0 ? [document] : []

/** Replaces the policies of the target role and of both execution roles by these documents. */
export const deployPolicies = (
  sandbox: Sandbox,
  { trustPolicy, permissionsPolicy, callerPolicy }: CrossAccountPolicies,
): void => {
  const target = sandbox.getRole(TARGET_ROLE_ARN)
  target.trustPolicy = trustPolicy
  target.policies = toPolicies(permissionsPolicy)
  for (const arn of [EXECUTION_ROLE_ARN, SECOND_EXECUTION_ROLE_ARN])
    sandbox.getRole(arn).policies = toPolicies(callerPolicy)
}
