/** What to change if actions on a table are denied, or if a session reaches the keys of other tenants. */
import { type Action, canRestrictByKey } from '../iam/actions.ts'
import { type Addition, accountOf, EXPLICIT_DENY, NO_ALLOW } from '../iam/advice.ts'
import { parseRoleArn, tableArns } from '../iam/arn.ts'
import { unwrapSingle } from '../iam/documents.ts'
import { onlyLeadingKeys } from '../iam/leading-keys.ts'
import type { CheckContext } from './check-context.ts'
import type { Step } from './report.ts'

/** The part of AWS's message that names the policy, after `kms: ` if the table's key is meant. It may be empty. */
export const describeDenial = (message: string): string => {
  const policy = EXPLICIT_DENY.exec(message)?.[0] ?? NO_ALLOW.exec(message)?.[0] ?? ''
  return /\bkms:/.test(message) ? `kms: ${policy}` : policy
}

/** Denials that no statement in the permissions policy of the role would end, and what to do instead. */
const OTHER_CAUSES: readonly (readonly [
  denial: RegExp,
  advise: (denial: string, context: CheckContext) => string,
])[] = [
  [
    /^kms: .*resource-based/i,
    (_, { parameters }) =>
      `The key policy of the table's KMS key denies it. In the account of the key, allow kms:Decrypt to ${parameters.roleArn}.`,
  ],
  [
    /^kms: /,
    (_, { parameters }) =>
      `The use of the table's KMS key is denied. In account ${parseRoleArn(parameters.roleArn).accountId}, add the statement to the role that \`policies --kms-key-arn\` writes.`,
  ],
  [
    /^because no session policy allows$/i,
    () =>
      'The session policy does not allow it. Widen the scope of the function (the variables that end in _TABLES and _ACCESS).',
  ],
  [
    /VPC endpoint/i,
    (denial, { parameters, caller }) => {
      const account = caller === undefined ? 'the account' : `account ${accountOf(caller)}`
      return `AWS says: ${denial}. This is the policy of the VPC endpoint for dynamodb that the request went through, in ${account} of the caller. Allow the actions to ${parameters.roleArn} there.`
    },
  ],
  [
    /^(?!because no identity-based policy allows$)./i,
    (denial, { parameters }) =>
      `AWS says: ${denial}. That policy is in account ${parseRoleArn(parameters.roleArn).accountId} or its organization.`,
  ],
]

const NAME_A_KEY =
  'If the permissions policy of the role compares partition keys with a session tag, do not add a statement, and name such a key: ' +
  '--key <name>=<value>. Otherwise the policies command writes the statement to add.'

/** The step about actions that are denied for the same reason. */
export const describeDeniedActions = (
  table: string,
  denial: string,
  denied: readonly Action[],
  context: CheckContext,
): Step => {
  const { parameters, key } = context
  const [, advise] = OTHER_CAUSES.find(([pattern]) => pattern.test(denial)) ?? []
  // Without its condition, the statement would open the items of all tenants.
  const isConditionUnknown = key === undefined && parameters.sessionTags.length > 0
  const advice = advise?.(denial, context) ?? (isConditionUnknown ? NAME_A_KEY : undefined)
  const message = `denied: ${denied.join(', ')}`
  return {
    subject: { kind: 'table', name: table },
    outcome: 'failed',
    message: advice === undefined ? message : `${message}\n${advice}`,
    denied,
    ...(advice === undefined && { add: [additionFor(table, denied, context)] }),
  }
}

/** The step about a session that is not confined to its key. The statement that allows too much must be replaced. */
export const describeReachedKeys = (
  table: string,
  reached: readonly Action[],
  context: CheckContext,
): Step => {
  const confinable = reached.filter(canRestrictByKey)
  const addition = additionFor(table, confinable, context)
  const message = `the session reaches the keys of other tenants: ${reached.join(', ')}`
  return {
    subject: { kind: 'table', name: table },
    outcome: 'failed',
    message: reached.includes('Scan')
      ? `${message}\nScan names no partition key, so no condition can confine it. Stop allowing it.`
      : message,
    allowed: reached,
    ...(confinable.length > 0 && {
      add: [{ ...addition, to: `${addition.to}, in place of the statement that allows these actions now` }],
    }),
  }
}

const additionFor = (
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
      Resource: unwrapSingle(tableArns([table], { ...role, region: configuration.region })),
      ...(ownKey !== undefined && { Condition: onlyLeadingKeys('StringEquals', ownKey) }),
    },
  }
}
