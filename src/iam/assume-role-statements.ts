/** The statements that allow an AssumeRole call: those of the role's trust policy, and that of a policy of the caller. */

export type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Principal?: { readonly AWS: string | readonly string[] }
  readonly Action: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Condition?: Condition
}

/** The parameters of a session that its statements require. */
export interface RequiredParameters {
  readonly externalId?: string | undefined
  /** The session tags: each key with the value that it must have, or `undefined` for any nonempty value. */
  readonly tags: ReadonlyMap<string, string | undefined>
  readonly transitiveTagKeys: readonly string[]
  /** The source identity, or `true` for any. */
  readonly sourceIdentity?: boolean | string | undefined
}

/** Returns a single value without a list, as AWS writes it, and several values as a list. */
export const unwrapSingle = <Value>(values: readonly Value[]): Value | readonly Value[] =>
  values.length === 1 ? (values[0] as Value) : values

/** Returns a condition that a key has a value, or any nonempty value. */
const hasValue = (key: string, value: string | undefined): Condition =>
  value === undefined ? { StringLike: { [key]: '?*' } } : { StringEquals: { [key]: value } }

/** Returns the property `Condition` of a statement, or no property if there are no conditions. */
export const withConditions = (conditions: readonly Condition[]): { Condition?: Condition } => {
  const Condition: Record<string, Condition[string]> = {}
  for (const [operator, keys] of conditions.flatMap(Object.entries<Condition[string]>))
    Condition[operator] = { ...Condition[operator], ...keys }
  return conditions.length === 0 ? {} : { Condition }
}

/**
 * Returns the statements of the trust policy, which state the callers that may assume the role, and with which session
 * parameters.
 *
 * The statement for `sts:AssumeRole` repeats the conditions on tags, because STS evaluates `sts:TagSession` only for calls
 * with tags. The condition on the external ID is only in that statement, because `sts:ExternalId` is a condition key of
 * `sts:AssumeRole` only.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
 * @param principals the ARNs or accounts of the callers
 * @param callerConditions conditions on the callers, which all statements contain
 */
export const trustStatements = (
  { externalId, tags, transitiveTagKeys, sourceIdentity }: RequiredParameters,
  principals: readonly string[],
  callerConditions: readonly Condition[] = [],
): readonly [Statement, ...Statement[]] => {
  const tagConditions = tags.size === 0 ? [] : onlyTags(tags, transitiveTagKeys)
  const identityConditions = sourceIdentity
    ? [hasValue('sts:SourceIdentity', sourceIdentity === true ? undefined : sourceIdentity)]
    : []
  const allow = (name: string, conditions: readonly Condition[]): Statement => ({
    Sid: name,
    Effect: 'Allow',
    Principal: { AWS: unwrapSingle([...new Set(principals)]) },
    Action: `sts:${name}`,
    ...withConditions([...conditions, ...callerConditions]),
  })
  return [
    allow('AssumeRole', [
      ...(externalId === undefined ? [] : [hasValue('sts:ExternalId', externalId)]),
      ...tagConditions,
      ...identityConditions,
    ]),
    ...(tags.size > 0 ? [allow('TagSession', tagConditions)] : []),
    ...(sourceIdentity ? [allow('SetSourceIdentity', identityConditions)] : []),
  ]
}

/** Returns conditions that require each tag and allow no other tags. */
const onlyTags = (
  tags: RequiredParameters['tags'],
  transitiveTagKeys: readonly string[],
): readonly Condition[] => [
  { 'ForAllValues:StringEquals': { 'aws:TagKeys': unwrapSingle([...tags.keys()]) } },
  transitiveTagKeys.length > 0
    ? { 'ForAllValues:StringEquals': { 'sts:TransitiveTagKeys': unwrapSingle(transitiveTagKeys) } }
    : { Null: { 'sts:TransitiveTagKeys': 'true' } },
  ...[...tags].map(([key, value]) => hasValue(`aws:RequestTag/${key}`, value)),
]

/** Returns the statement with the permissions that the caller, such as the execution role, requires. */
export const callerStatement = (
  roleArn: string,
  { tags, sourceIdentity }: RequiredParameters,
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
