/** Attempts to send DynamoDB and KMS requests that the permissions policy must allow, and requests that it must deny. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { CrossAccountPoliciesOptions, PolicyDocument } from 'middy-cross-account-dynamo/policies'
import { canUseKey, type KeyRequest } from '../sandbox/kms.ts'
import { ACCOUNT_C, ARCHIVE_TABLE } from '../sandbox/policy-test-accounts.ts'
import {
  INDEX_OPERATIONS,
  INDEX_OPERATIONS_WITHOUT_KEY,
  OPERATIONS_WITHOUT_KEY,
  type Operations,
  READ_OPERATIONS,
  WRITE_OPERATIONS,
} from './dynamodb-operations.ts'
import type { Attempt } from './policies-attempts.ts'
import { TENANT } from './policies-client.ts'

const OTHER_TENANT = 'globex'
export const KEY_ARN = 'arn:aws:kms:us-east-1:222222222222:key/00000000-0000-0000-0000-000000000000'
const OTHER_KEY_ARN = KEY_ARN.replace(/0$/, '1')
const ORDERS_TABLE_IN_ACCOUNT_C_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_C}:table/Orders`

/**
 * Whether the documentation of `access` says that the policies allow the action. Does not use the source, because the source
 * is under test.
 */
const isActionDocumented = ({ access, tenantTag }: CrossAccountPoliciesOptions, action: string): boolean => {
  if (tenantTag !== undefined && /^(?:Scan|PartiQL)/.test(action)) return false
  if (access === 'read-write') return true
  if (access === 'read') return action in READ_OPERATIONS
  if (access === 'write') return action in WRITE_OPERATIONS || action === 'ConditionCheckItem'
  return access.some((allowed) => allowed === action || allowed === `dynamodb:${action}`)
}

/** Creates attempts with the client. Each description ends with `clientDescription`. */
export const createDynamoDbAttempts = (
  options: CrossAccountPoliciesOptions,
  dynamo: DynamoDBDocumentClient,
  clientDescription = '',
): Attempt[] => {
  const { tables, tenantTag, indexes = tenantTag === undefined } = options
  const hasNoTenants = tenantTag === undefined
  const firstTable = toTableName(tables[0] as string)
  const tableOperations = { ...READ_OPERATIONS, ...WRITE_OPERATIONS }
  const batchOperations = filterOperations(tableOperations, /^Batch/)
  /** Creates an attempt for each operation. If `canSucceed` is false, all of them must be denied. */
  const createAttempts = (
    description: string,
    canSucceed: boolean,
    operations: Operations,
    table: string,
    ...partitionKeys: string[]
  ) =>
    Object.entries(operations).map(([action, operation]) => ({
      description: `${action} ${description} ${clientDescription}`.trim(),
      expected:
        canSucceed && isActionDocumented(options, action)
          ? 'allowed'
          : `dynamodb:${action} denied by identity-based`,
      run: () => operation(dynamo, table, ...partitionKeys),
    }))
  return [
    ...tables.flatMap((table) => [
      ...createAttempts(
        `in ${table}`,
        true,
        table === toTableName(table) ? tableOperations : filterArnOperations(tableOperations),
        table,
        TENANT,
      ),
      ...createAttempts(`in an index of ${table}`, indexes, INDEX_OPERATIONS, toTableName(table), TENANT),
    ]),
    ...createAttempts('for another tenant', hasNoTenants, tableOperations, firstTable, OTHER_TENANT),
    ...createAttempts(
      'for another tenant in an index',
      hasNoTenants && indexes,
      INDEX_OPERATIONS,
      firstTable,
      OTHER_TENANT,
    ),
    ...createAttempts(
      'for the tenant and another tenant',
      hasNoTenants,
      batchOperations,
      firstTable,
      TENANT,
      OTHER_TENANT,
    ),
    // If the policies do not isolate tenants, they do not require leading keys.
    ...(hasNoTenants
      ? []
      : [
          ...createAttempts('without a partition key', false, OPERATIONS_WITHOUT_KEY, firstTable),
          ...createAttempts(
            'without a partition key in an index',
            false,
            INDEX_OPERATIONS_WITHOUT_KEY,
            firstTable,
          ),
        ]),
    ...createAttempts('in another table', false, tableOperations, ARCHIVE_TABLE, TENANT),
    ...createAttempts('in an index of another table', false, INDEX_OPERATIONS, ARCHIVE_TABLE, TENANT),
    ...createAttempts(
      'in another account',
      false,
      filterArnOperations(tableOperations),
      ORDERS_TABLE_IN_ACCOUNT_C_ARN,
      TENANT,
    ),
  ]
}

const filterOperations = (operations: Operations, actionPattern: RegExp): Operations =>
  Object.fromEntries(Object.entries(operations).filter(([action]) => actionPattern.test(action)))

/** Returns the operations that accept the ARN of a table. PartiQL statements accept table names only. */
const filterArnOperations = (operations: Operations): Operations =>
  filterOperations(operations, /^(?!PartiQL)/)

const toTableName = (table: string): string => table.replace(/^.*\//, '')

export const createKmsAttempts = (
  { kmsKeyArn, tables }: CrossAccountPoliciesOptions,
  permissionsPolicy: PolicyDocument,
): Attempt[] => {
  const viaService = 'dynamodb.us-east-1.amazonaws.com'
  const table = toTableName(tables[0] as string)
  const createAttempt = (
    description: string,
    canSucceed: boolean,
    change: Partial<KeyRequest> = {},
  ): Attempt => {
    const request: KeyRequest = { action: 'kms:Decrypt', keyArn: KEY_ARN, viaService, table, ...change }
    return {
      description: `${request.action} ${description}`,
      expected: canSucceed ? 'allowed' : `${request.action} denied`,
      run: async () => {
        if (!(await canUseKey([permissionsPolicy], request))) throw new Error(`${request.action} denied`)
      },
    }
  }
  return [
    createAttempt('through DynamoDB', kmsKeyArn !== undefined),
    createAttempt('for another table', false, { table: ARCHIVE_TABLE }),
    createAttempt('without an encryption context', false, { table: undefined }),
    createAttempt('through DynamoDB', false, { action: 'kms:DescribeKey', table: undefined }),
    createAttempt('through DynamoDB', false, { action: 'kms:CreateGrant', table: undefined }),
    createAttempt('without DynamoDB', false, { viaService: undefined }),
    createAttempt('through S3', false, { viaService: 's3.us-east-1.amazonaws.com' }),
    createAttempt('in another Region', false, { viaService: 'dynamodb.eu-west-1.amazonaws.com' }),
    createAttempt('with another key', false, { keyArn: OTHER_KEY_ARN }),
  ]
}
