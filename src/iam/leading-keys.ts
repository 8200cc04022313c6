/**
 * Returns a condition that restricts requests to the given partition keys. A request meets the condition if the request names at
 * least one partition key and only given keys. Without the `Null` operator, a request that names no partition key would also meet
 * the condition, because `ForAllValues` is true for an empty list.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
export const createLeadingKeysCondition = <Keys extends string | readonly string[]>(
  operator: 'StringEquals' | 'StringLike',
  keys: Keys,
) => ({
  [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': keys },
  Null: { 'dynamodb:LeadingKeys': 'false' },
})
