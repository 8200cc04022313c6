/** Requests to DynamoDB and KMS that a session may send, and variations of them that it may not send. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { PolicyDocument } from 'middy-cross-account-dynamo/policies'
import { canUseKey } from '../sandbox/kms.ts'
import { ACCOUNT_C, ARCHIVE_TABLE } from '../sandbox/policy-test-accounts.ts'
import { KEYLESS, KEYLESS_ON_INDEX, ON_INDEX, type Operations, READS, WRITES } from './set-up-operations.ts'
import { type SetUp, TENANT } from './set-up-sent.ts'
import type { Attempt } from './set-up-trial.ts'

const OTHER_TENANT = 'globex'
export const KEY_ARN = 'arn:aws:kms:us-east-1:222222222222:key/00000000-0000-0000-0000-000000000000'
const OTHER_KEY_ARN = KEY_ARN.replace(/0$/, '1')

/** What the documentation says about each access. It does not use the source, which it tests. */
const isAskedFor = ({ access, tenantTag }: SetUp, action: string): boolean => {
  if (tenantTag !== undefined && /^(?:Scan|PartiQL)/.test(action)) return false
  if (access === 'read-write') return true
  if (access === 'read') return action in READS
  if (access === 'write') return action in WRITES
  return access.some((one) => one === action || one === `dynamodb:${action}`)
}

export const requestAttempts = (setUp: SetUp, dynamo: DynamoDBDocumentClient, how = ''): Attempt[] => {
  const { tables, tenantTag, indexes = false } = setUp
  const isPooled = tenantTag === undefined
  const orders = nameOf(tables[0] as string)
  const all = { ...READS, ...WRITES }
  /** Each operation, which is expected to be allowed if `may` is true and the options ask for its action. */
  const attempts = (what: string, may: boolean, operations: Operations, table: string, ...keys: string[]) =>
    Object.entries(operations).map(([action, operation]) => ({
      what: `${action} ${what} ${how}`.trim(),
      expected: may && isAskedFor(setUp, action) ? 'done' : `dynamodb:${action} refused by identity-based`,
      run: () => operation(dynamo, table, ...keys),
    }))
  return [
    ...tables.flatMap((table) => [
      ...attempts(`in ${table}`, true, table === nameOf(table) ? all : byArn(all), table, TENANT),
      ...attempts(`in an index of ${table}`, indexes, ON_INDEX, nameOf(table), TENANT),
    ]),
    ...attempts("of another tenant's", isPooled, all, orders, OTHER_TENANT),
    ...attempts("of another tenant's in an index", isPooled && indexes, ON_INDEX, orders, OTHER_TENANT),
    ...attempts('of an own and a foreign key', isPooled, only(all, /^Batch/), orders, TENANT, OTHER_TENANT),
    // Without tenants, IAM does not require keys.
    ...(isPooled
      ? []
      : [
          ...attempts('of no key', false, KEYLESS, orders),
          ...attempts('of no key in an index', false, KEYLESS_ON_INDEX, orders),
        ]),
    ...attempts('in another table', false, all, ARCHIVE_TABLE, TENANT),
    ...attempts('in an index of another table', false, ON_INDEX, ARCHIVE_TABLE, TENANT),
    ...attempts('in another account', false, byArn(all), ORDERS_OF_C, TENANT),
  ]
}

const ORDERS_OF_C = `arn:aws:dynamodb:us-east-1:${ACCOUNT_C}:table/Orders`

const only = (operations: Operations, names: RegExp): Operations =>
  Object.fromEntries(Object.entries(operations).filter(([action]) => names.test(action)))

/** PartiQL accepts only names of tables. */
const byArn = (operations: Operations): Operations => only(operations, /^(?!PartiQL)/)

const nameOf = (table: string): string => table.replace(/^.*\//, '')

export const keyAttempts = (setUp: SetUp, permissionsPolicy: PolicyDocument): Attempt[] => {
  const inRegion = 'dynamodb.us-east-1.amazonaws.com'
  const attempt = (what: string, isAllowed: boolean, action: string, key: string, via?: string): Attempt => ({
    what: `${action} ${what}`,
    expected: isAllowed ? 'done' : `${action} refused`,
    run: async () => {
      if (!(await canUseKey([permissionsPolicy], action, key, via))) throw new Error(`${action} refused`)
    },
  })
  const isAsked = setUp.kmsKeyArn !== undefined
  return [
    attempt('through DynamoDB', isAsked, 'kms:Decrypt', KEY_ARN, inRegion),
    attempt('through DynamoDB', isAsked, 'kms:DescribeKey', KEY_ARN, inRegion),
    attempt('through DynamoDB', false, 'kms:CreateGrant', KEY_ARN, inRegion),
    attempt('without DynamoDB', false, 'kms:Decrypt', KEY_ARN),
    attempt('through S3', false, 'kms:Decrypt', KEY_ARN, 's3.us-east-1.amazonaws.com'),
    attempt('in another Region', false, 'kms:Decrypt', KEY_ARN, 'dynamodb.eu-west-1.amazonaws.com'),
    attempt('with another key', false, 'kms:Decrypt', OTHER_KEY_ARN, inRegion),
  ]
}
