/** Accounts in which policies are tried, with roles and tables that resemble those that the policies name. */
import type { CrossAccountPolicies, PolicyDocument } from '../../src/iam/index.ts'
import type { SandboxAccount } from './account.ts'
import type { Sandbox } from './index.ts'
import { policy, statement } from './policies.ts'
import { table } from './recipes.ts'
import { ACCOUNT_A, ACCOUNT_B, EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './textbook.ts'

export const ACCOUNT_C = '333333333333'
/** Both in account A. */
export const SECOND_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/lambda/SecondExecutionRole`
export const COLLEAGUE_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/ColleagueRole`
/** In account C, with the name of the execution role. */
export const STRANGER_ROLE_ARN = EXECUTION_ROLE_ARN.replace(ACCOUNT_A, ACCOUNT_C)
/** In account B. It trusts all of account A, as an administrator may configure by mistake. */
export const ADMIN_ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/AdminRole`
export const ORGANIZATION = 'o-exampleorgid'
export const INDEX = 'byRegion'
/** Its name starts with the name of a table that the policies name. */
export const ARCHIVE = 'Orders-archive'

const withIndex = (name: string) => {
  const { AttributeDefinitions = [], ...rest } = table(name, 'tenant', 'order')
  return {
    ...rest,
    AttributeDefinitions: [...AttributeDefinitions, { AttributeName: 'region', AttributeType: 'S' as const }],
    GlobalSecondaryIndexes: [
      {
        IndexName: INDEX,
        KeySchema: [{ AttributeName: 'region', KeyType: 'HASH' as const }],
        Projection: { ProjectionType: 'ALL' as const },
      },
    ],
  }
}

/** Everything that the account of a role can allow it. */
export const EVERYTHING = policy(statement('*', { Resource: '*' }))

export const setUpAccounts = (): SandboxAccount[] => [
  {
    id: ACCOUNT_A,
    organizationId: ORGANIZATION,
    roles: [
      { name: 'LambdaExecutionRole' },
      { name: 'SecondExecutionRole', path: '/lambda/' },
      { name: 'ColleagueRole', policies: [EVERYTHING] },
    ],
  },
  {
    id: ACCOUNT_B,
    roles: [
      { name: 'CrossAccountDynamoRole' },
      {
        name: 'AdminRole',
        trustPolicy: policy(
          statement('sts:AssumeRole', { Principal: { AWS: `arn:aws:iam::${ACCOUNT_A}:root` } }),
        ),
      },
    ],
    tables: ['Orders', 'Invoices', ARCHIVE].map(withIndex),
  },
  {
    id: ACCOUNT_C,
    organizationId: 'o-anotherorgid',
    roles: [{ name: 'LambdaExecutionRole', policies: [EVERYTHING] }],
    tables: [withIndex('Orders')],
  },
]

/** IAM has no documents without statements. */
const present = (document: PolicyDocument): PolicyDocument[] =>
  document.Statement.length > 0 ? [document] : []

/** Gives the target role and the execution roles these documents, and no others. */
export const deploy = (
  sandbox: Sandbox,
  { trustPolicy, permissionsPolicy, callerPolicy }: CrossAccountPolicies,
): void => {
  const target = sandbox.role(TARGET_ROLE_ARN)
  target.trustPolicy = trustPolicy
  target.policies = present(permissionsPolicy)
  for (const arn of [EXECUTION_ROLE_ARN, SECOND_ROLE_ARN]) sandbox.role(arn).policies = present(callerPolicy)
}
