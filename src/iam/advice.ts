/** What to change in which account if IAM denies a call. */
import { parseRoleArn, roleOfSession } from './arn.ts'
import { callerPolicyOf, oneOrMany, type Statement, trustPolicyOf } from './documents.ts'
import type { TrustConfiguration } from './trust-configuration.ts'

/** A statement, or a list of them, to add to a policy. */
export interface Addition {
  readonly account: string
  /** The policy, in words. */
  readonly to: string
  readonly statement: object
}

/** What decides which statements a session needs. Values of tags and the external ID are not part of it. */
export interface SessionNeeds {
  readonly roleArn: string
  /** Whether the session sends an external ID. */
  readonly hasExternalId: boolean
  /** The keys of the session's tags, each with what the trust policy compares its value with, or `undefined` for any. */
  readonly tags: TrustConfiguration['tags']
  readonly transitiveTagKeys: readonly string[]
  /** `true` for any source identity. */
  readonly sourceIdentity: string | boolean
}

/** The caller, if STS does not name it. */
export const UNKNOWN_CALLER = "<ARN of the function's execution role>"
const UNKNOWN_ACCOUNT = 'of the function'
export const EXTERNAL_ID_PLACEHOLDER = '<the external ID that the function sends>'

/** The caller and the action, as STS writes them when it denies a call. */
export const DENIED_CALL = /User: (?<caller>arn:[^\s]+) is not authorized to perform: (?<action>sts:\w+)/

/** A principal that advice may name. A whole account or anything else in the message may be forged. */
const PRINCIPAL = /^arn:aws[\w-]*:iam::\d{12}:(?:user|role)\//

/**
 * The reason, where AWS gives one.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export const EXPLICIT_DENY = /with an explicit deny in (?<policy>[a-z -]*(?:policy|boundary))/i
export const NO_ALLOW = /because no (?<policy>[a-z -]+?) allows/i

/** These belong to the account of the role; all other policies that can deny a call belong to the caller's account. */
const POLICY_OF_THE_ROLE = /trust|resource/i

/** The account of a principal, in words if the ARN contains none. */
export const accountOf = (arn: string): string =>
  /^arn:[^:]*:[^:]*:[^:]*:(?<account>\d{12}):/.exec(arn)?.groups?.account ?? UNKNOWN_ACCOUNT

/**
 * The statements that `crossAccountPolicies()` writes for a session: those of the caller policy for each account of the
 * callers, and those of the trust policy.
 */
export const additionsFor = (
  needs: SessionNeeds,
  callers: readonly string[],
  action?: string,
): Addition[] => {
  const role = parseRoleArn(needs.roleArn)
  const configuration: TrustConfiguration = {
    ...needs,
    role,
    executionRoles: callers,
    externalId: needs.hasExternalId ? EXTERNAL_ID_PLACEHOLDER : undefined,
    // Neither of the two policies names tables.
    tables: [],
    access: [],
    region: '',
  }
  const caller = withAction(callerPolicyOf(configuration).Statement, action)
  const trust = withAction(trustPolicyOf(configuration).Statement, action)
  const byAccount = Map.groupBy(callers, accountOf)
  return [
    ...[...byAccount].map(([account, roles]) => ({
      account,
      to: `a policy of ${roles.join(', ')}`,
      statement: oneOrAll(caller),
    })),
    {
      account: role.accountId,
      to: `the trust policy of ${role.name}, which must exist`,
      statement: oneOrAll(trust),
    },
  ]
}

/**
 * A calling session can pass on tags and a source identity of its own, which need permission although the function did not
 * ask for them. AWS names the action then.
 */
const withAction = (statements: readonly Statement[], action: string | undefined): readonly Statement[] => {
  const [first] = statements
  if (
    action === undefined ||
    first === undefined ||
    statements.some(({ Action }) => [Action].flat().includes(action))
  )
    return statements
  const { Sid: _, Condition: __, Action: ___, ...others } = first
  return [...statements, { Sid: action.replace('sts:', ''), ...others, Action: oneOrMany([action]) }]
}

const oneOrAll = (statements: readonly Statement[]): object =>
  statements.length === 1 ? { ...statements[0] } : statements

/** What to do about an AssumeRole call that was denied: the statements for both accounts. */
export const adviseOnDenial = (message: string, needs: SessionNeeds): string => {
  const { caller, action = 'sts:AssumeRole' } = DENIED_CALL.exec(message)?.groups ?? {}
  const session = roleOfSession(caller ?? '')
  const callerRole = session?.arn ?? (PRINCIPAL.test(caller ?? '') ? caller : undefined) ?? UNKNOWN_CALLER
  const role = parseRoleArn(needs.roleArn)
  const additions = additionsFor(needs, [callerRole], action)
  return [
    `${explainDenial(message, action, accountOf(callerRole), role.accountId)} Both accounts must allow it:`,
    ...additions.flatMap(({ account, to, statement }, index) => [
      `${index + 1}. Account ${account}: add this to ${to}.`,
      JSON.stringify(statement, undefined, 2).replace(/^/gm, '   '),
    ]),
    ...(session === undefined
      ? []
      : [
          `If ${session.name} has a path, write it in the principal, too, because STS does not report paths.`,
        ]),
    externalIdAdvice(needs),
  ].join('\n')
}

export const externalIdAdvice = ({ hasExternalId }: Pick<SessionNeeds, 'hasExternalId'>): string =>
  hasExternalId
    ? 'If the trust policy already contains this, compare the external ID, which must match exactly. AWS does not report a mismatch.'
    : 'If the trust policy requires sts:ExternalId, set the option externalId.'

/** Which policy denied the call, as far as AWS reports it. */
export const explainDenial = (
  message: string,
  action: string,
  callerAccount: string,
  roleAccount: string,
): string => {
  const account = (policy: string) => (POLICY_OF_THE_ROLE.test(policy) ? roleAccount : callerAccount)
  const denying = EXPLICIT_DENY.exec(message)?.groups?.policy
  if (denying !== undefined)
    return (
      `An explicit deny in ${denying} forbids ${action}. Find that statement in account ${account(denying)} or its ` +
      'organization, and add an exception for this call.'
    )
  const missing = NO_ALLOW.exec(message)?.groups?.policy
  return missing === undefined
    ? `AWS does not report which account denied ${action}.`
    : `AWS reports that no ${missing} allows ${action}. Change it in account ${account(missing)}.`
}
