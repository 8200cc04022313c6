/** The condition that restricts requests to given partition keys. */

/**
 * Returns a condition that matches requests that name only the given keys and at least one of them. `ForAllValues` also
 * matches requests without keys, so the `Null` condition excludes them.
 */
export const onlyLeadingKeys = <Keys extends string | readonly string[]>(
  operator: 'StringEquals' | 'StringLike',
  keys: Keys,
) => ({
  [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': keys },
  Null: { 'dynamodb:LeadingKeys': 'false' },
})
