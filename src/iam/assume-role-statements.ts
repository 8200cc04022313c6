/**
 * Generates the statements that allow an AssumeRole call: the statements of the target role's trust policy, and the statement of a
 * permissions policy of the caller.
 */

/**
 * The conditions of a statement: condition operators, each with condition keys and their values.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
 */
export type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

/**
 * A statement of an IAM policy. A list with one value is written as the value alone.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
 */
export interface Statement {
  /** The statement ID, which is unique within the policy. */
  readonly Sid: string
  /** All generated statements allow actions. No statement denies actions. */
  readonly Effect: 'Allow'
  /** The callers that can assume the role. Only a trust policy contains this element. */
  readonly Principal?: {
    /** The ARNs of roles or accounts. */
    readonly AWS: string | readonly string[]
  }
  /** The allowed actions, such as `dynamodb:GetItem`. */
  readonly Action: string | readonly string[]
  /** The ARNs of the resources. Only a permissions policy contains this element. */
  readonly Resource?: string | readonly string[]
  /** The conditions, all of which a request must meet. */
  readonly Condition?: Condition
}

/** The session parameters that determine the statements. */
export interface StatementParameters {
  readonly externalId?: string | undefined
  /** The session tags: each key with the value that the tag must have, or with `undefined` if it can have any nonempty value. */
  readonly tags: ReadonlyMap<string, string | undefined>
  readonly transitiveTagKeys: readonly string[]
  /** The source identity, or `true` if it can have any value. */
  readonly sourceIdentity?: boolean | string | undefined
}

/** Returns the only value of a list with one value, as the IAM console writes it. Returns any other list unchanged. */
export const unwrapSingle = <Value>(values: readonly Value[]): Value | readonly Value[] =>
  values.length === 1 ? (values[0] as Value) : values

/** Returns a condition that requires `value` for a condition key, or any nonempty value if `value` is `undefined`. */
const createValueCondition = (key: string, value: string | undefined): Condition =>
  value === undefined ? { StringLike: { [key]: '?*' } } : { StringEquals: { [key]: value } }

/**
 * Returns an object to spread into a statement. It has the property `Condition` with all conditions, or no property if there are no
 * conditions.
 */
export const toConditionProperty = (conditions: readonly Condition[]): { Condition?: Condition } => {
  const Condition: Record<string, Condition[string]> = {}
  for (const [operator, keys] of conditions.flatMap(Object.entries<Condition[string]>))
    Condition[operator] = { ...Condition[operator], ...keys }
  return conditions.length === 0 ? {} : { Condition }
}

/**
 * Returns the statements of the trust policy. They allow the principals to assume the role with the given session parameters.
 *
 * STS evaluates `sts:TagSession` only if a call contains tags. Therefore the statement for `sts:AssumeRole` repeats the conditions on
 * tags. Only this statement contains the condition on the external ID, because `sts:ExternalId` is a condition key of
 * `sts:AssumeRole` and of no other action in the trust policy.
 *
 * @param principals the ARNs or account IDs of the callers
 * @param callerConditions the conditions on the callers, which all statements contain
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
 */
export const createTrustStatements = (
  { externalId, tags, transitiveTagKeys, sourceIdentity }: StatementParameters,
  principals: readonly string[],
  callerConditions: readonly Condition[] = [],
): readonly [Statement, ...Statement[]] => {
  const tagConditions = tags.size === 0 ? [] : createTagConditions(tags, transitiveTagKeys)
  const identityConditions = sourceIdentity
    ? [createValueCondition('sts:SourceIdentity', sourceIdentity === true ? undefined : sourceIdentity)]
    : []
  const allow = (name: string, conditions: readonly Condition[]): Statement => ({
    Sid: name,
    Effect: 'Allow',
    Principal: { AWS: unwrapSingle([...new Set(principals)]) },
    Action: `sts:${name}`,
    ...toConditionProperty([...conditions, ...callerConditions]),
  })
  return [
    allow('AssumeRole', [
      ...(externalId === undefined ? [] : [createValueCondition('sts:ExternalId', externalId)]),
      ...tagConditions,
      ...identityConditions,
    ]),
    ...(tags.size > 0 ? [allow('TagSession', tagConditions)] : []),
    ...(sourceIdentity ? [allow('SetSourceIdentity', identityConditions)] : []),
  ]
}

/** Returns the conditions that require each session tag, and that allow no other session tags and no other transitive tag keys. */
const createTagConditions = (
  tags: StatementParameters['tags'],
  transitiveTagKeys: readonly string[],
): readonly Condition[] => [
  { 'ForAllValues:StringEquals': { 'aws:TagKeys': unwrapSingle([...tags.keys()]) } },
  transitiveTagKeys.length > 0
    ? { 'ForAllValues:StringEquals': { 'sts:TransitiveTagKeys': unwrapSingle(transitiveTagKeys) } }
    : { Null: { 'sts:TransitiveTagKeys': 'true' } },
  ...[...tags].map(([key, value]) => createValueCondition(`aws:RequestTag/${key}`, value)),
]

/** Returns the statement that allows a caller, such as the execution role, to assume the role with the given session parameters. */
export const createCallerStatement = (
  roleArn: string,
  { tags, sourceIdentity }: StatementParameters,
): Statement => ({
  Sid: 'AssumeTargetRole',
  Effect: 'Allow',
  Action: unwrapSingle([
    'sts:AssumeRole',
    ...(tags.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity ? ['sts:SetSourceIdentity'] : []),
  ]),
  Resource: roleArn,
})
