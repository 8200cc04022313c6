/** Accounts on which the documents of a set-up are tried, and what is near enough to be taken for what was asked for. */
import type { CrossAccountPolicies, PolicyDocument } from '../../src/policies/index.ts'
import type { SandboxAccount } from './account.ts'
import type { Sandbox } from './index.ts'
import { policy, statement } from './policies.ts'
import { table } from './recipes.ts'
import { ACCOUNT_A, ACCOUNT_B, EXECUTION_ROLE_ARN, TARGET_ROLE_ARN } from './textbook.ts'

export const ACCOUNT_C = '333333333333'
/** Both in account A. */
export const SECOND_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/lambda/SecondExecutionRole`
export const COLLEAGUE_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/ColleagueRole`
/** In account C, and named like the execution role. */
export const STRANGER_ROLE_ARN = EXECUTION_ROLE_ARN.replace(ACCOUNT_A, ACCOUNT_C)
/** In account B; trusts whatever account A allows, as an administrator's may by mistake. */
export const ADMIN_ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/AdminRole`
export const ORGANIZATION = 'o-exampleorgid'
export const INDEX = 'byRegion'
/** Its name begins like that of a table that is asked for. */
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

/** What a role's own account may grant it without asking anybody. */
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

/** A document without statements is one that is not there. */
const present = (document: PolicyDocument): PolicyDocument[] =>
  document.Statement.length > 0 ? [document] : []

/** The target role and the execution roles hold these documents, and nothing else. */
export const deploy = (
  sandbox: Sandbox,
  { trustPolicy, permissionsPolicy, callerPolicy }: CrossAccountPolicies,
): void => {
  const target = sandbox.role(TARGET_ROLE_ARN)
  target.trustPolicy = trustPolicy
  target.policies = present(permissionsPolicy)
  for (const arn of [EXECUTION_ROLE_ARN, SECOND_ROLE_ARN]) sandbox.role(arn).policies = present(callerPolicy)
}
