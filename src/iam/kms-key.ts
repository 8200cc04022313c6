/** Customer managed KMS keys of tables: their ARNs, and the statement that allows their use. */
import type { Parser, Problem } from '../options/issue.ts'
import { isString, toReportable } from '../options/parsers.ts'
import { parseArn, toTableName } from './arn.ts'
import { type Statement, unwrapSingle } from './assume-role-statements.ts'

/**
 * Matches the ARN of a key. The ARN of an alias does not match, because an IAM policy cannot identify a key by its alias.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN
 */
const KMS_KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/

/** Parses the ARN of a key. */
export const parseKmsKeyArn: Parser<string> = (value, report) => {
  if (isString(value) && KMS_KEY_ARN.test(value)) return value
  report({ code: 'invalid-key-arn', value: toReportable(value) })
  return undefined
}

/**
 * Returns the problem of a key that is not in the Region or the partition of the tables, or `undefined` if there is none. DynamoDB uses
 * only keys of the table's Region.
 */
export const findKmsKeyProblem = (
  kmsKeyArn: string,
  { region, partition }: { readonly region: string; readonly partition?: string },
): Problem | undefined => {
  const key = parseArn(kmsKeyArn)
  if (key?.region !== region) return { code: 'key-elsewhere', region: key?.region ?? '', expected: region }
  return partition !== undefined && key.partition !== partition
    ? { code: 'other-partition', value: kmsKeyArn, partition }
    : undefined
}

/**
 * Returns the statement that allows a principal to use tables with a customer managed key.
 *
 * DynamoDB decrypts the key of a table on behalf of the principal that uses the table. The statement allows only these requests:
 * they come through DynamoDB, and their encryption context names one of the tables. `kms:Decrypt` is the only action that DynamoDB
 * calls on behalf of a principal that uses items. It calls the other actions itself, or on behalf of the principal that creates a
 * table. The name of the service ends with `amazonaws.com` in all partitions.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-encryption-context
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
 */
export const createKmsKeyStatement = (
  kmsKeyArn: string,
  tables: readonly string[],
  region: string,
): Statement => ({
  Sid: 'KeyThroughDynamoDB',
  Effect: 'Allow',
  Action: 'kms:Decrypt',
  Resource: kmsKeyArn,
  Condition: {
    StringEquals: {
      'kms:ViaService': `dynamodb.${region}.amazonaws.com`,
      'kms:EncryptionContext:aws:dynamodb:tableName': unwrapSingle([...new Set(tables.map(toTableName))]),
    },
  },
})
