/** Reads the messages with which AWS denies requests. */

/** What AWS reports about a denied request. */
export interface DenialReason {
  /** The type of the policy that denies the request or does not allow it, such as `session policy`. `undefined` if AWS does not report it. */
  readonly policy: string | undefined
  /** The ARN of the policy that explicitly denies the request, if AWS reports it. */
  readonly policyArn: string | undefined
  /** Whether a statement explicitly denies the request. A statement that allows the request then has no effect. */
  readonly isExplicit: boolean
}

/** Matches an explicit deny, with the type of the policy and its ARN if AWS reports them. */
const EXPLICIT_DENY =
  /with an explicit deny(?: in (?:an? |the )?(?<policy>[a-z -]*(?:policy|boundary))(?:: (?<policyArn>arn:[^\s]+))?)?/i
/** Matches the type of the policy that does not allow a request. */
const IMPLICIT_DENY = /because no (?<policy>[a-z -]+?) allows/i

/**
 * Returns the reason in the message of a denied request.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export const parseDenialReason = (message: string): DenialReason => {
  const explicitDeny = EXPLICIT_DENY.exec(message)
  const groups = explicitDeny?.groups ?? IMPLICIT_DENY.exec(message)?.groups
  return {
    policy: groups?.policy,
    policyArn: groups?.policyArn,
    isExplicit: explicitDeny !== null,
  }
}

/** What STS reports about a denied AssumeRole call. */
export interface AssumeRoleDenial extends DenialReason {
  /** The ARN of the caller, which can be any text that starts with `arn:`. `undefined` if AWS does not report it. */
  readonly caller: string | undefined
  /** The denied action. */
  readonly action: string
}

const CALLER = /User: (?<caller>arn:[^\s]+) is not authorized to perform:/
/** Matches the actions that an AssumeRole call can require. A message with another action does not change the advice. */
const ACTION =
  /is not authorized to perform: (?<action>sts:(?:AssumeRole|TagSession|SetSourceIdentity))(?!\w)/

/** Returns the caller, the action and the reason in the message of a denied AssumeRole call. */
export const parseAssumeRoleDenial = (message: string): AssumeRoleDenial => ({
  ...parseDenialReason(message),
  caller: CALLER.exec(message)?.groups?.caller,
  action: ACTION.exec(message)?.groups?.action ?? 'sts:AssumeRole',
})
