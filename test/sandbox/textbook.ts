import type { SandboxAccount } from './account.ts'

/** The set-up that AWS's own tutorials describe: a function in account A, a table in account B. */
export const ACCOUNT_A = '111111111111'
export const ACCOUNT_B = '222222222222'
export const EXECUTION_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/LambdaExecutionRole`
/** May call sts:AssumeRole as far as account A is concerned; account B does not trust it. */
export const UNTRUSTED_ROLE_ARN = `arn:aws:iam::${ACCOUNT_A}:role/UntrustedRole`
export const TARGET_ROLE_ARN = `arn:aws:iam::${ACCOUNT_B}:role/CrossAccountDynamoRole`
export const EXTERNAL_ID = 'example-external-id'
export const TABLE = 'MyTable'
/** Exists in account B; the role may do nothing with it. */
export const OTHER_TABLE = 'OtherTable'

const Version = '2012-10-17'

export interface TextbookOptions {
  externalId?: string
  /** Both sides allow sts:TagSession. */
  sessionTags?: boolean
  region?: string
}

export function textbook(options: TextbookOptions = {}): SandboxAccount[] {
  const { externalId = EXTERNAL_ID, sessionTags = false, region = 'us-east-1' } = options
  const lambdaTrust = {
    Version,
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ],
  }
  const mayAssume = {
    Version,
    Statement: [
      {
        Effect: 'Allow',
        Action: sessionTags ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'],
        Resource: TARGET_ROLE_ARN,
      },
    ],
  }
  const trust = {
    Version,
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: EXECUTION_ROLE_ARN },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': externalId } },
      },
      // On its own: the external ID is known to sts:AssumeRole alone.
      ...(sessionTags
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
  const permissions = {
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
        { name: 'LambdaExecutionRole', trustPolicy: lambdaTrust, policies: [mayAssume] },
        { name: 'UntrustedRole', trustPolicy: lambdaTrust, policies: [structuredClone(mayAssume)] },
      ],
    },
    {
      id: ACCOUNT_B,
      roles: [{ name: 'CrossAccountDynamoRole', trustPolicy: trust, policies: [permissions] }],
      tables: [TABLE, OTHER_TABLE].map((TableName) => ({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' as const }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' as const }],
        BillingMode: 'PAY_PER_REQUEST' as const,
      })),
    },
  ]
}
