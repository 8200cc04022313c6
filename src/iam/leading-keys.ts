/** The condition that keeps requests to their partition keys. */

/** Matches requests that name these keys and no others. `ForAllValues` alone also matches requests without keys. */
export const onlyLeadingKeys = <Keys extends string | readonly string[]>(
  operator: 'StringEquals' | 'StringLike',
  keys: Keys,
) => ({
  [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': keys },
  Null: { 'dynamodb:LeadingKeys': 'false' },
})
