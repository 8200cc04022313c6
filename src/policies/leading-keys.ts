/** The condition that keeps requests to their partition keys. */

/** Holds for requests that name these keys and no others. `ForAllValues` alone would hold for no keys at all. */
export const onlyLeadingKeys = <Keys extends string | readonly string[]>(
  operator: 'StringEquals' | 'StringLike',
  keys: Keys,
) => ({
  [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': keys },
  Null: { 'dynamodb:LeadingKeys': 'false' },
})
