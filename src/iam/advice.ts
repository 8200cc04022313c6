/** Advice on denied calls: which policy to change, and in which account. */
import { parseRoleArn, roleOfSession } from './arn.ts'
import {
  callerStatement,
  type RequiredParameters,
  type Statement,
  trustStatements,
  unwrapSingle,
} from './assume-role-statements.ts'

/** One or more statements to add to a policy. */
export interface Addition {
  /** The ID of the account that contains the policy, or a phrase if the ID is unknown. */
  readonly account: string
  /** A phrase that names the policy. */
  readonly to: string
  readonly statement: object
}

/** The session parameters that determine the required statements. The value of the external ID is not included. */
export interface SessionNeeds extends Omit<RequiredParameters, 'externalId'> {
  readonly roleArn: string
  /** Whether the session sends an external ID. */
  readonly hasExternalId: boolean
}

/** The placeholder for the caller, used if STS does not name the caller. */
export const UNKNOWN_CALLER = "<ARN of the function's execution role>"
export const EXTERNAL_ID_PLACEHOLDER = '<the external ID that the function sends>'

/** Matches the caller and the action in the message of an STS denial. */
export const DENIED_CALL = /User: (?<caller>arn:[^\s]+) is not authorized to perform: (?<action>sts:\w+)/

/**
 * Matches a principal that advice may name. Advice never names a whole account or other text from the message, because the
 * message may be forged.
 */
const PRINCIPAL = /^arn:aws[\w-]*:iam::\d{12}:(?:user|role)\//

/**
 * Matches the reason for the denial, if AWS reports one.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export const EXPLICIT_DENY = /with an explicit deny in (?<policy>[a-z -]*(?:policy|boundary))/i
export const NO_ALLOW = /because no (?<policy>[a-z -]+?) allows/i

/**
 * Matches the policy types that belong to the account of the role. All other policies that can deny a call belong to the
 * account of the caller.
 */
const POLICY_OF_THE_ROLE = /trust|resource/i

/** Returns the account ID of a principal, or a phrase if the ARN contains no account ID. */
export const accountOf = (arn: string): string =>
  /:(?<account>\d{12}):/.exec(arn)?.groups?.account ?? 'of the function'

/**
 * Returns the statements that `crossAccountPolicies()` generates for a session: the caller policy once for each account that
 * contains callers, and the trust policy once. Both policies allow `action`, too.
 */
export const additionsFor = (
  needs: SessionNeeds,
  callers: readonly string[],
  action = 'sts:AssumeRole',
): Addition[] => {
  const { accountId, name } = parseRoleArn(needs.roleArn)
  const externalId = needs.hasExternalId ? EXTERNAL_ID_PLACEHOLDER : undefined
  const toAddition = (account: string, to: string, statements: Statements): Addition => ({
    account,
    to,
    statement: unwrapSingle(withAction(statements, action)),
  })
  const caller = callerStatement(needs.roleArn, needs)
  return [
    ...[...Map.groupBy(callers, accountOf)].map(([account, roles]) =>
      toAddition(account, `a policy of ${roles.join(', ')}`, [caller]),
    ),
    toAddition(
      accountId,
      `the trust policy of ${name}, which must exist`,
      trustStatements({ ...needs, externalId }, callers),
    ),
  ]
}

type Statements = readonly [Statement, ...Statement[]]

/**
 * Adds a statement for `action` if no statement allows it.
 *
 * The session of the caller can have transitive tags and a source identity, which AWS passes on. They require permissions
 * although the function did not request them. In that case, the denial names the action.
 */
const withAction = (statements: Statements, action: string): Statements => {
  if (statements.some(({ Action }) => [Action].flat().includes(action))) return statements
  const { Sid: _, Condition: __, ...others } = statements[0]
  return [...statements, { Sid: action.replace('sts:', ''), ...others, Action: action }]
}

/** Returns advice on a denied AssumeRole call: the probable reason, and the statements to add in both accounts. */
export const adviseOnDenial = (message: string, needs: SessionNeeds): string => {
  const { caller = '', action = 'sts:AssumeRole' } = DENIED_CALL.exec(message)?.groups ?? {}
  const session = roleOfSession(caller)
  const callerRole = session?.arn ?? (PRINCIPAL.test(caller) ? caller : UNKNOWN_CALLER)
  const { accountId } = parseRoleArn(needs.roleArn)
  return [
    `${explainDenial(message, action, accountOf(callerRole), accountId)} Both accounts must allow it:`,
    ...additionsFor(needs, [callerRole], action).flatMap(({ account, to, statement }, index) => [
      `${index + 1}. Account ${account}: add this to ${to}.`,
      JSON.stringify(statement, undefined, 2).replace(/^/gm, '   '),
    ]),
    ...(session === undefined
      ? []
      : [`If ${session.name} has a path, write it in the principal, too. STS does not report paths.`]),
    externalIdAdvice(needs),
  ].join('\n')
}

export const externalIdAdvice = ({ hasExternalId }: Pick<SessionNeeds, 'hasExternalId'>): string =>
  hasExternalId
    ? 'If the trust policy already contains this, compare the external ID. AWS does not report a mismatch.'
    : 'If the trust policy requires sts:ExternalId, set the option externalId.'

/** Returns a sentence that names the policy that denied the call, if AWS reports it. */
export const explainDenial = (
  message: string,
  action: string,
  callerAccount: string,
  roleAccount: string,
): string => {
  const denying = EXPLICIT_DENY.exec(message)?.groups?.policy
  const policy = denying ?? NO_ALLOW.exec(message)?.groups?.policy
  if (policy === undefined) return `AWS does not report which account denied ${action}.`
  const account = `In account ${POLICY_OF_THE_ROLE.test(policy) ? roleAccount : callerAccount}`
  return denying === undefined
    ? `${account}, no ${policy} allows ${action}.`
    : `${account} or its organization, an explicit deny in ${policy} forbids ${action}. Add an exception for this call to it.`
}
