/** Advice on denied calls: which policy to change, and in which account. */
import { parseRoleArn, roleOfSession } from './arn.ts'
import { callerPolicyOf, oneOrMany, type Statement, trustPolicyOf } from './documents.ts'
import type { TrustConfiguration } from './trust-configuration.ts'

/** One or more statements to add to a policy. */
export interface Addition {
  /** The ID of the account that contains the policy, or a phrase if the ID is unknown. */
  readonly account: string
  /** A phrase that names the policy. */
  readonly to: string
  readonly statement: object
}

/** The session parameters that determine the required statements. The value of the external ID is not included. */
export interface SessionNeeds {
  readonly roleArn: string
  /** Whether the session sends an external ID. */
  readonly hasExternalId: boolean
  /** The session tag keys, each with the value that the trust policy requires, or `undefined` for any value. */
  readonly tags: TrustConfiguration['tags']
  readonly transitiveTagKeys: readonly string[]
  /** The source identity that the trust policy requires, `true` for any, or `false` if the session sends none. */
  readonly sourceIdentity: string | boolean
}

/** The placeholder for the caller, used if STS does not name the caller. */
export const UNKNOWN_CALLER = "<ARN of the function's execution role>"
const UNKNOWN_ACCOUNT = 'of the function'
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
  /^arn:[^:]*:[^:]*:[^:]*:(?<account>\d{12}):/.exec(arn)?.groups?.account ?? UNKNOWN_ACCOUNT

/**
 * Returns the statements that `crossAccountPolicies()` generates for a session: the caller policy once for each account that
 * contains callers, and the trust policy once. If `action` is given, both policies allow it.
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
    // The caller policy and the trust policy do not name tables, so these values have no effect.
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
 * Adds a statement for `action` if no statement allows it.
 *
 * The session of the caller can have transitive tags and a source identity, which AWS passes on. They require permissions
 * although the function did not request them. In that case, the denial names the action.
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

/** Returns advice on a denied AssumeRole call: the probable reason, and the statements to add in both accounts. */
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

/** Returns a sentence that names the policy that denied the call, if AWS reports it. */
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
