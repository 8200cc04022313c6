/** Generates the advice if actions on a table are denied, or if a session can use the keys of other tenants. */
import { type Action, canRestrictByKey } from '../iam/actions.ts'
import { type Addition, EXPLICIT_DENY, formatAccount, IMPLICIT_DENY } from '../iam/advice.ts'
import { parseRoleArn, toTableArns } from '../iam/arn.ts'
import { unwrapSingle } from '../iam/documents.ts'
import { createLeadingKeysCondition } from '../iam/leading-keys.ts'
import type { CheckContext } from './check-context.ts'
import type { Step } from './report.ts'

/**
 * Returns the part of a DynamoDB denial that names the policy, or an empty text if AWS does not report it. The part starts with `kms: `
 * if the use of the table's KMS key is denied.
 */
export const describeDenial = (message: string): string => {
  const policy = EXPLICIT_DENY.exec(message)?.[0] ?? IMPLICIT_DENY.exec(message)?.[0] ?? ''
  return /\bkms:/.test(message) ? `kms: ${policy}` : policy
}

/** The denials that a statement in the permissions policy of the role does not resolve, each with its advice. */
const DENIALS_WITH_OTHER_ADVICE: readonly (readonly [
  denial: RegExp,
  advise: (denial: string, context: CheckContext) => string,
])[] = [
  [
    /^kms: .*resource-based/i,
    (_, { parameters }) =>
      `The key policy of the table's KMS key does not allow it. In the account of the key, allow kms:Decrypt to ${parameters.roleArn}.`,
  ],
  [
    /^kms: /,
    (_, { parameters }) =>
      `The use of the table's KMS key is denied. In account ${parseRoleArn(parameters.roleArn).accountId}, add to the role the statement that \`policies --kms-key-arn\` writes.`,
  ],
  [
    /^because no session policy allows$/i,
    () =>
      'The session policy does not allow it. Add the table and the actions to the scope of the function (the variables that end in _TABLES and _ACCESS).',
  ],
  [
    /VPC endpoint/i,
    (denial, { parameters, caller }) => {
      const account = caller === undefined ? 'the account' : `account ${formatAccount(caller)}`
      return `AWS says: ${denial}. The request uses a VPC endpoint for DynamoDB in ${account} of the caller. In the policy of this endpoint, allow the actions to ${parameters.roleArn}.`
    },
  ],
  [
    /^(?!because no identity-based policy allows$)./i,
    (denial, { parameters }) =>
      `AWS says: ${denial}. This policy is in account ${parseRoleArn(parameters.roleArn).accountId} or its organization.`,
  ],
]

const KEY_ADVICE =
  'If the permissions policy of the role compares partition keys with a session tag, do not add a statement. Give such a key with ' +
  '--key <name=value> instead. If it does not compare keys, the policies command writes the statement to add.'

/** Returns the step about actions that are denied for the same reason. */
export const describeDeniedActions = (
  table: string,
  denial: string,
  denied: readonly Action[],
  context: CheckContext,
): Step => {
  const { parameters, key } = context
  const [, advise] = DENIALS_WITH_OTHER_ADVICE.find(([pattern]) => pattern.test(denial)) ?? []
  // A statement without a condition on the partition key would allow access to the items of all tenants.
  const isConditionUnknown = key === undefined && parameters.sessionTags.length > 0
  const advice = advise?.(denial, context) ?? (isConditionUnknown ? KEY_ADVICE : undefined)
  const message = `denied: ${denied.join(', ')}`
  return {
    subject: { kind: 'table', name: table },
    outcome: 'failed',
    message: advice === undefined ? message : `${message}\n${advice}`,
    denied,
    ...(advice === undefined && { add: [createTableAddition(table, denied, context)] }),
  }
}

/**
 * Returns the step about a session that can use other partition keys than its own. The advice is to replace the statement that
 * allows these actions.
 */
export const describeAllowedOtherKeys = (
  table: string,
  allowed: readonly Action[],
  context: CheckContext,
): Step => {
  const restrictable = allowed.filter(canRestrictByKey)
  const addition = createTableAddition(table, restrictable, context)
  const message = `the session can use the keys of other tenants: ${allowed.join(', ')}`
  return {
    subject: { kind: 'table', name: table },
    outcome: 'failed',
    message: allowed.includes('Scan')
      ? `${message}\nNo condition can restrict Scan to a tenant, because Scan names no partition key. Do not allow Scan.`
      : message,
    allowed,
    ...(restrictable.length > 0 && {
      add: [{ ...addition, to: `${addition.to}, and remove the statement that allows these actions now` }],
    }),
  }
}

/** Returns the statement that allows actions on a table, restricted to the partition key if it is known. */
const createTableAddition = (
  table: string,
  actions: readonly Action[],
  { configuration, parameters, key, tenantTag }: CheckContext,
): Addition => {
  const role = parseRoleArn(parameters.roleArn)
  const ownKey = tenantTag === undefined ? key?.[1] : `\${aws:PrincipalTag/${tenantTag}}`
  return {
    account: role.accountId,
    to: `the permissions policy of ${role.name}`,
    statement: {
      Effect: 'Allow',
      Action: unwrapSingle(actions.map((action) => `dynamodb:${action}`)),
      Resource: unwrapSingle(toTableArns([table], { ...role, region: configuration.region })),
      ...(ownKey !== undefined && { Condition: createLeadingKeysCondition('StringEquals', ownKey) }),
    },
  }
}
