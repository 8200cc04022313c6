/** Generates the advice on denied calls, which names the policies to change and their accounts. */
import { parseRoleArn, parseSessionRole, type RoleArn } from './arn.ts'
import {
  createCallerStatement,
  createTrustStatements,
  type Statement,
  type StatementParameters,
  unwrapSingle,
} from './assume-role-statements.ts'
import { type AssumeRoleDenial, parseAssumeRoleDenial } from './denial-message.ts'

/** A statement, or a list of statements, to add to a policy. */
export interface Addition {
  /** The ID of the account that contains the policy, or `of the function` if the ID is unknown. */
  readonly account: string
  /** The name of the policy as a phrase, such as `the trust policy of CrossAccountDynamoRole`. */
  readonly to: string
  readonly statement: object
}

/** The session parameters that determine the advice. They do not contain the external ID, which may be a secret. */
export interface AdviceParameters extends Omit<StatementParameters, 'externalId'> {
  readonly roleArn: string
  /** Whether the session sends an external ID. */
  readonly hasExternalId: boolean
}

/** The placeholder for the ARN of the caller if STS does not report it. */
export const UNKNOWN_CALLER = "<ARN of the function's execution role>"
/** The placeholder for the external ID, which messages do not contain. */
export const EXTERNAL_ID_PLACEHOLDER = '<the external ID that the function sends>'

/** Matches a principal that a statement can name: a user or a role, without wildcards and policy variables. */
const PRINCIPAL_ARN = /^arn:(?<partition>aws[\w-]*):iam::\d{12}:(?:user|role)\/[\w+=,.@/-]+$/

/**
 * Matches the types of policies in the account of the role. All other policies that can deny an AssumeRole call are in the account
 * of the caller.
 */
const ROLE_ACCOUNT_POLICY = /trust|resource/i

/** Returns the account ID in an ARN, or `of the function` if the ARN contains no account ID. Both can follow the word "account". */
export const formatAccount = (arn: string): string =>
  /:(?<account>\d{12}):/.exec(arn)?.groups?.account ?? 'of the function'

/**
 * Returns the statements that `crossAccountPolicies()` generates for a session: one addition for each account that contains
 * callers, and one addition for the trust policy. All of them allow `action`.
 */
export const createAdditions = (
  parameters: AdviceParameters,
  callers: readonly string[],
  action = 'sts:AssumeRole',
): Addition[] => {
  const { accountId, name } = parseRoleArn(parameters.roleArn)
  const externalId = parameters.hasExternalId ? EXTERNAL_ID_PLACEHOLDER : undefined
  const toAddition = (account: string, to: string, statements: Statements): Addition => ({
    account,
    to,
    statement: unwrapSingle(addActionStatement(statements, action)),
  })
  const callerStatement = createCallerStatement(parameters.roleArn, parameters)
  return [
    ...[...Map.groupBy(callers, formatAccount)].map(([account, roles]) =>
      toAddition(account, `a policy of ${roles.join(', ')}`, [callerStatement]),
    ),
    toAddition(
      accountId,
      `the trust policy of ${name}`,
      createTrustStatements({ ...parameters, externalId }, callers),
    ),
  ]
}

type Statements = readonly [Statement, ...Statement[]]

/**
 * Adds a statement for `action` if no statement allows it.
 *
 * The session of the caller can have transitive tags and a source identity. AWS passes them on to the new session, which then requires
 * permissions for them although the request does not contain them. In that case, AWS names the action in its message.
 */
const addActionStatement = (statements: Statements, action: string): Statements => {
  if (statements.some(({ Action }) => [Action].flat().includes(action))) return statements
  const { Sid: _, Condition: __, ...others } = statements[0]
  return [...statements, { Sid: action.replace('sts:', ''), ...others, Action: action }]
}

/**
 * Returns the principal of a caller for the statements: the role of a session, or a user or role. Returns a placeholder for any other
 * text, because the caller comes from a message, and a forged message must not suggest trusting an account or a pattern.
 */
export const toPrincipal = (
  caller: string | undefined,
  { partition }: Pick<RoleArn, 'partition'>,
): string => {
  const arn = parseSessionRole(caller ?? '')?.arn ?? caller ?? ''
  return PRINCIPAL_ARN.exec(arn)?.groups?.partition === partition ? arn : UNKNOWN_CALLER
}

/**
 * Returns the advice on a denied AssumeRole call: what AWS reports about the reason, and the statements to add in both accounts. If a
 * policy explicitly denies the call, the advice contains no statements.
 */
export const adviseOnDenial = (message: string, parameters: AdviceParameters): string => {
  const denial = parseAssumeRoleDenial(message)
  const { caller = '', action } = denial
  const role = parseRoleArn(parameters.roleArn)
  const callerRole = toPrincipal(caller, role)
  const session = callerRole === UNKNOWN_CALLER ? undefined : parseSessionRole(caller)
  const explanation = explainDenial(denial, formatAccount(callerRole), role.accountId)
  if (denial.isExplicit) return explanation
  return [
    `${explanation} Both accounts must allow this call:`,
    ...createAdditions(parameters, [callerRole], action).flatMap(({ account, to, statement }, index) => [
      `${index + 1}. Account ${account}: add this to ${to}.`,
      JSON.stringify(statement, undefined, 2).replace(/^/gm, '   '),
    ]),
    ...(session === undefined
      ? []
      : [`If ${session.name} has a path, add the path in the principal. STS does not report paths.`]),
    ...adviseOnMismatch({
      ...parameters,
      callerName: session?.name ?? 'the execution role',
      externalIdSetting: 'set the option externalId',
    }),
  ].join('\n')
}

/** The names and phrases that {@link adviseOnMismatch} uses. */
export interface MismatchParameters extends Pick<AdviceParameters, 'roleArn' | 'hasExternalId'> {
  /** The name of the caller's role, or a phrase for it. */
  readonly callerName: string
  /** How the user sets an external ID, as an imperative. */
  readonly externalIdSetting: string
}

/**
 * Returns what to check if the policies already contain the statements, and the call is still denied.
 *
 * IAM stores the unique ID of a role that is a principal in a trust policy. If the role is deleted, and another role with the same name is
 * created, the trust policy does not match the new role.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
 */
export const adviseOnMismatch = (parameters: MismatchParameters): readonly string[] => {
  const { roleArn, hasExternalId, callerName, externalIdSetting } = parameters
  const { accountId, name } = parseRoleArn(roleArn)
  return [
    hasExternalId
      ? 'If the trust policy already contains these statements, compare the external ID, which must match exactly. AWS does not report a mismatch.'
      : `If the trust policy requires sts:ExternalId, ${externalIdSetting}.`,
    `If account ${accountId} has no role ${name}, create the role. AWS does not report that a role is missing.`,
    `If ${callerName} was deleted and created again, save the trust policy again, because IAM still refers to the deleted role.`,
  ]
}

/** Returns a sentence about the policy that denied the call, or about what AWS does not report. */
export const explainDenial = (
  { policy, action, isExplicit }: AssumeRoleDenial,
  callerAccount: string,
  roleAccount: string,
): string => {
  const account = `account ${ROLE_ACCOUNT_POLICY.test(policy ?? '') ? roleAccount : callerAccount}`
  if (!isExplicit)
    return policy === undefined
      ? `AWS does not report which account denied ${action}.`
      : `In ${account}, no ${policy} allows ${action}.`
  const place = policy === undefined ? 'a policy' : `the ${policy} of ${account} or its organization`
  return (
    `An explicit deny in ${place} denies ${action}. Find that statement, and add an exception for this call. Do not add other ` +
    'statements, because an explicit deny overrides them.'
  )
}
