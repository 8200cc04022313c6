/** The accounts of most tests: a function in account A, and a table and the role to assume in account B. */
import type { SandboxAccount } from './account.ts'

export const ACCOUNT_A = '111111111111'
export const ACCOUNT_B = '222222222222'
export const EXECUTION_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/LambdaExecutionRole`
/** A role whose policy in account A allows sts:AssumeRole, but which the trust policy in account B does not name. */
export const UNTRUSTED_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/UntrustedRole`
export const TARGET_ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/CrossAccountDynamoRole`
export const EXTERNAL_ID = 'example-external-id'
export const TABLE = 'MyTable'
/** A table in account B for which the target role has no permissions. */
export const OTHER_TABLE = 'OtherTable'

const Version = '2012-10-17'

export interface TwoAccountsOptions {
  externalId?: string
  /** Whether the execution role's policy and the trust policy allow sts:TagSession. */
  canTagSession?: boolean
  region?: string
}

export function createTwoAccounts(options: TwoAccountsOptions = {}): SandboxAccount[] {
  const { externalId = EXTERNAL_ID, canTagSession = false, region = 'us-east-1' } = options
  const lambdaTrustPolicy = {
    Version,
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ],
  }
  const callerPolicy = {
    Version,
    Statement: [
      {
        Effect: 'Allow',
        Action: canTagSession ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'],
        Resource: TARGET_ROLE_ARN,
      },
    ],
  }
  const trustPolicy = {
    Version,
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: EXECUTION_ROLE_ARN },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': externalId } },
      },
      // sts:TagSession needs its own statement, because its request context does not contain sts:ExternalId.
      ...(canTagSession
        ? [{ Effect: 'Allow', Principal: { AWS: EXECUTION_ROLE_ARN }, Action: 'sts:TagSession' }]
        : []),
    ],
  }
  const itemActions = [
    'GetItem',
    'PutItem',
    'UpdateItem',
    'DeleteItem',
    'Query',
    'Scan',
    'BatchGetItem',
    'BatchWriteItem',
  ]
  const permissionsPolicy = {
    Version,
    Statement: [
      {
        Effect: 'Allow',
        Action: itemActions.map((action) => `dynamodb:${action}`),
        Resource: `arn:aws:dynamodb:${region}:${ACCOUNT_B}:table/${TABLE}`,
      },
    ],
  }
  return [
    {
      id: ACCOUNT_A,
      roles: [
        { name: 'LambdaExecutionRole', trustPolicy: lambdaTrustPolicy, policies: [callerPolicy] },
        { name: 'UntrustedRole', trustPolicy: lambdaTrustPolicy, policies: [structuredClone(callerPolicy)] },
      ],
    },
    {
      id: ACCOUNT_B,
      roles: [{ name: 'CrossAccountDynamoRole', trustPolicy, policies: [permissionsPolicy] }],
      tables: [TABLE, OTHER_TABLE].map((TableName) => ({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' as const }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' as const }],
        BillingMode: 'PAY_PER_REQUEST' as const,
      })),
    },
  ]
}
