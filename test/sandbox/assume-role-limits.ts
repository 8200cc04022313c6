import { AwsError } from './aws-error.ts'

export interface AssumeRoleRequest {
  roleArn: string
  roleSessionName: string
  durationSeconds: number
  externalId?: string
  sourceIdentity?: string
  policy?: string
  policyArns: string[]
  tags: { key: string; value: string }[]
  transitiveTagKeys: string[]
}

interface Limit {
  min: number
  max: number
  pattern?: RegExp
}

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const LIMITS = {
  roleArn: { min: 20, max: 2048 },
  roleSessionName: { min: 2, max: 64, pattern: /[\w+=,.@-]*/ },
  externalId: { min: 2, max: 1224, pattern: /[\w+=,.@:/-]*/ },
  sourceIdentity: { min: 2, max: 64, pattern: /[\w+=,.@-]*/ },
  policy: { min: 1, max: 2048 },
} satisfies Record<string, Limit>
const DURATION_SECONDS: Limit = { min: 900, max: 43_200 }
const TAGS: Limit = { min: 0, max: 50 }
const POLICY_ARN: Limit = { min: 20, max: 2048 }

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const POLICY_ARNS: Limit = { min: 0, max: 10 }
/** The total length of the inline session policy and the ARNs of the managed session policies. */
const SESSION_POLICY_CHARACTERS: Limit = { min: 0, max: 2048 }

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html */
const TAG_KEY: Limit = { min: 1, max: 128, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]+/u }
const TAG_VALUE: Limit = { min: 0, max: 256, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u }

/** @throws AwsError if parameters exceed the limits of AssumeRole. The error names all of them, as AWS does. */
export function checkLimits(request: AssumeRoleRequest): void {
  const errors: string[] = []
  const check = (
    quantity: 'length' | 'value',
    parameter: string,
    formattedValue: string,
    actual: number,
    { min, max, pattern }: Limit,
  ) => {
    const addError = (constraint: string) =>
      errors.push(
        `Value '${formattedValue}' at '${parameter}' failed to satisfy constraint: Member must ${constraint}`,
      )
    if (pattern && !new RegExp(`^(?:${pattern.source})$`, pattern.flags).test(formattedValue))
      addError(`satisfy regular expression pattern: ${pattern.source.replaceAll('\\/', '/')}`)
    if (actual < min) addError(`have ${quantity} greater than or equal to ${min}`)
    if (actual > max) addError(`have ${quantity} less than or equal to ${max}`)
  }
  const checkText = (parameter: string, text: string, limit: Limit) =>
    check('length', parameter, text, text.length, limit)

  for (const [parameter, limit] of Object.entries(LIMITS)) {
    const text = request[parameter as keyof typeof LIMITS]
    if (text !== undefined) checkText(parameter, text, limit)
  }
  check(
    'value',
    'durationSeconds',
    String(request.durationSeconds),
    request.durationSeconds,
    DURATION_SECONDS,
  )
  const { policy = '', policyArns } = request
  check('length', 'policyArns', `${policyArns.length} ARNs`, policyArns.length, POLICY_ARNS)
  for (const [index, arn] of policyArns.entries())
    checkText(`policyArns.${index + 1}.member.arn`, arn, POLICY_ARN)
  const characterCount = policy.length + policyArns.join('').length
  if (policyArns.length > 0)
    check(
      'length',
      'policy and policyArns',
      `${characterCount} characters`,
      characterCount,
      SESSION_POLICY_CHARACTERS,
    )
  check('length', 'tags', `${request.tags.length} tags`, request.tags.length, TAGS)
  for (const [index, { key, value }] of request.tags.entries()) {
    checkText(`tags.${index + 1}.member.key`, key, TAG_KEY)
    checkText(`tags.${index + 1}.member.value`, value, TAG_VALUE)
  }
  check(
    'length',
    'transitiveTagKeys',
    request.transitiveTagKeys.join(),
    request.transitiveTagKeys.length,
    TAGS,
  )
  for (const [index, key] of request.transitiveTagKeys.entries())
    checkText(`transitiveTagKeys.${index + 1}.member`, key, TAG_KEY)

  if (errors.length > 0) {
    const count = errors.length === 1 ? '1 validation error' : `${errors.length} validation errors`
    throw new AwsError(400, 'ValidationError', `${count} detected: ${errors.join('; ')}`)
  }
  if (!/^arn:[\w-]+:iam::\d{12}:role\/./.test(request.roleArn))
    throw new AwsError(400, 'ValidationError', 'Request ARN is invalid')
}

/**
 * Checks the session tags. AWS ignores the case of tag keys when it compares them.
 *
 * @param inheritedKeys the transitive tag keys of the caller's session
 * @throws AwsError if a tag or the source identity is invalid.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
 */
export function checkTags(
  { tags, transitiveTagKeys, sourceIdentity }: AssumeRoleRequest,
  inheritedKeys: string[],
): void {
  const createError = (message: string) => new AwsError(400, 'InvalidParameterValue', message)
  const keys = tags.map(({ key }) => key.toLowerCase())
  if (new Set(keys).size < keys.length)
    throw createError('Duplicate tag keys found. Please note that Tag keys are case insensitive.')
  if (keys.some((key) => key.startsWith('aws:'))) throw createError('Tag keys must not begin with aws:')
  if (sourceIdentity?.toLowerCase().startsWith('aws:'))
    throw createError('SourceIdentity must not begin with aws:')
  if (keys.some((key) => inheritedKeys.some((inheritedKey) => inheritedKey.toLowerCase() === key)))
    throw createError(
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    )
  if (!transitiveTagKeys.every((key) => keys.includes(key.toLowerCase())))
    throw createError('The specified transitive tag key must be included in the requested tags.')
}
