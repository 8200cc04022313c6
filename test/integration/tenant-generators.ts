/**
 * Generates tenants for the isolation tests: valid tenants whose parameters are easy to confuse with each other, and
 * malformed tenants whose parameters the middleware must refuse.
 */
// cspell:ignore аcme ａcme emca alicf
import fc from 'fast-check'
import { SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN } from '../sandbox/tenant-accounts.ts'
import { ACCOUNT_B, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'

/** The tenant in an event: the parameters of its session, and the partition key of its items. */
export interface Tenant {
  readonly roleArn: string
  readonly externalId: string
  readonly sessionName: string
  readonly sourceIdentity: string
  readonly sessionTags: Readonly<Record<string, string>>
  /** The only partition key that the session policy allows. */
  readonly partitionKey: string
}

/** Creates a record from entries. In an object literal, the key `__proto__` would set the prototype and not be a tag. */
const toRecord = (entries: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(entries)

/**
 * Generates texts of letters and of characters that code might join fields with. A cache key that joins such texts
 * without escaping them is the same for different fields.
 */
const createTextArbitrary = (alphabet: string, { min, max }: { min: number; max: number }) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: min, maxLength: max })

/**
 * Tag values that AWS allows, and that look alike, that an inexact comparison treats as equal, or that are names of
 * properties of every JavaScript object.
 */
const CONFUSABLE_TAG_VALUES = [
  'acme',
  'Acme',
  'аcme', // Cyrillic а
  'acme ',
  'ａcme', // full width
  'caf\u00e9',
  'cafe',
  '\u00c5', // Latin capital letter A with ring
  '\u212b', // ångström sign, which Unicode normalization replaces by the letter
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  '0',
  'a'.repeat(256),
  `${'a'.repeat(255)}b`,
]

/**
 * Partition keys. DynamoDB allows any text, and a scope treats each character literally. The values exclude the property
 * names of JavaScript objects, because the policy simulator of the sandbox uses policy values as property names: the value
 * `__proto__` would change the prototype of all objects in the process.
 */
const CONFUSABLE_PARTITION_KEYS = [
  ...CONFUSABLE_TAG_VALUES.filter((value) => !(value in Object.prototype)),
  'cafe\u0301',
  '*',
  '?',
  'acme*',
  '$'.concat('{*}'),
  '$'.concat('{aws:username}'),
  '"',
  "'",
  '\\',
  '\\u0061cme',
  '{"TenantId":"acme"}',
  '[]',
  'a|b#c,d',
  'acme\u0000',
  'acme\n',
  '👩‍👩‍👧',
  '\u202eemca',
]

/** Letters, and the special characters that AWS allows in session names and source identities. */
const NAME_CHARACTERS = 'ab=,.@-_'

const validTenant: fc.Arbitrary<Tenant> = fc.record({
  roleArn: fc.constantFrom(TARGET_ROLE_ARN, SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN),
  externalId: fc.oneof(
    createTextArbitrary(`${NAME_CHARACTERS}:/`, { min: 2, max: 5 }),
    fc.constantFrom('__proto__', 'constructor', `${'e'.repeat(1223)}f`, 'e'.repeat(1224)),
  ),
  sessionName: fc.oneof(
    createTextArbitrary(NAME_CHARACTERS, { min: 2, max: 4 }),
    fc.constantFrom('__proto__', 'n'.repeat(64)),
  ),
  sourceIdentity: createTextArbitrary(NAME_CHARACTERS, { min: 2, max: 4 }),
  sessionTags: fc
    .uniqueArray(
      fc.tuple(
        fc.oneof(
          createTextArbitrary('ab=:/', { min: 1, max: 3 }),
          fc.constantFrom('__proto__', 'constructor'),
        ),
        fc.oneof(
          createTextArbitrary('ab=:/ ', { min: 1, max: 4 }),
          fc.constantFrom(...CONFUSABLE_TAG_VALUES),
        ),
      ),
      { minLength: 1, maxLength: 4, selector: ([key]) => key },
    )
    .map(toRecord),
  partitionKey: fc.oneof(
    createTextArbitrary('ab*?,:|/#="\\', { min: 1, max: 3 }),
    fc.constantFrom(...CONFUSABLE_PARTITION_KEYS),
  ),
})

const SEPARATORS = ['', ...',.=@-_']
const FIELDS = ['externalId', 'sessionName', 'sourceIdentity'] as const

/**
 * Creates tenants whose fields contain the same words in the same order, with different boundaries between the fields. If
 * the fields are joined with the separator, the results are equal.
 */
const createFieldSplits = (
  tenant: Tenant,
  separator: string,
  fields: readonly (typeof FIELDS)[number][] = FIELDS,
): Tenant[] => {
  const words = ['aa', 'bb', 'cc', 'dd', 'ee']
  const boundaries = [1, 2, 3].flatMap((first) => [2, 3, 4].map((second) => [first, second] as const))
  return boundaries
    .filter(([first, second]) => first < second)
    .map(([first, second]) => {
      const parts = [words.slice(0, first), words.slice(first, second), words.slice(second)]
      const values = parts.map((part) => part.join(separator))
      return { ...tenant, ...Object.fromEntries(fields.map((field, index) => [field, values[index]])) }
    })
}

/** Pairs of a separator between the key and the value of a tag, and a separator between tags. */
const TAG_SEPARATORS = ['=:', '= ', ':/', '=/', '::']
/** Creates tenants whose session tags are equal if keys and values are joined with the separators. */
const createTagSplits = (tenant: Tenant, [equals = '', comma = '']: string): Tenant[] =>
  [
    toRecord([['a', `b${comma}c${equals}d`]]),
    toRecord([
      ['a', 'b'],
      ['c', 'd'],
    ]),
    toRecord([
      ['a', 'd'],
      ['c', 'b'],
    ]),
    toRecord([[`a${equals}b`, 'c']]),
    toRecord([['a', `b${equals}c`]]),
  ].map((sessionTags) => ({ ...tenant, sessionTags }))

const tenantsWithEqualText = fc
  .tuple(
    validTenant,
    fc.constantFrom(...SEPARATORS),
    fc.shuffledSubarray([...FIELDS], { minLength: FIELDS.length }),
    fc.constantFrom(...TAG_SEPARATORS),
  )
  .map(([tenant, separator, fields, tagSeparators]) => [
    ...createFieldSplits(tenant, separator, fields),
    ...createTagSplits(tenant, tagSeparators),
  ])

/** A tenant, and for each of its fields a tenant that differs in this field only. */
const tenantsWithOneDifference = fc
  .tuple(validTenant, validTenant)
  .map(([one, other]): Tenant[] => [
    one,
    ...(Object.keys(one) as (keyof Tenant)[]).map((field) => ({ ...one, [field]: other[field] })),
  ])

/** Tenants whose session parameters are easy to confuse with each other. AWS accepts all of them. */
export const confusableTenants: fc.Arbitrary<readonly Tenant[]> = fc
  .array(
    fc.oneof(
      validTenant.map((tenant) => [tenant]),
      tenantsWithEqualText,
      tenantsWithOneDifference,
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((groups) => groups.flat())

const BASE_TENANT: Tenant = {
  roleArn: TARGET_ROLE_ARN,
  externalId: 'example-external-id',
  sessionName: 'orders-function',
  sourceIdentity: 'alice',
  sessionTags: { TenantId: 'acme' },
  partitionKey: 'acme',
}

/**
 * A fixed list of confusable tenants: each of the values above in a tenant that differs in this value only, and each way
 * to split the same words among fields.
 */
export const lookAlikeTenants: readonly Tenant[] = [
  ...CONFUSABLE_TAG_VALUES.map((value) => ({ ...BASE_TENANT, sessionTags: { TenantId: value } })),
  ...CONFUSABLE_TAG_VALUES.map((value) => ({
    ...BASE_TENANT,
    sessionTags: toRecord([[value.slice(0, 128), 'acme']]),
  })),
  ...CONFUSABLE_PARTITION_KEYS.map((partitionKey) => ({ ...BASE_TENANT, partitionKey })),
  ...['Alice', 'alicf'].map((sourceIdentity) => ({ ...BASE_TENANT, sourceIdentity })),
  ...['Orders-function', 'orders_function'].map((sessionName) => ({ ...BASE_TENANT, sessionName })),
  ...['Example-external-id', 'example_external_id'].map((externalId) => ({ ...BASE_TENANT, externalId })),
  ...[SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN].map((roleArn) => ({ ...BASE_TENANT, roleArn })),
  { ...BASE_TENANT, sessionName: BASE_TENANT.sourceIdentity, sourceIdentity: BASE_TENANT.sessionName },
  ...SEPARATORS.flatMap((separator) => createFieldSplits(BASE_TENANT, separator)),
  ...TAG_SEPARATORS.flatMap((tagSeparators) => createTagSplits(BASE_TENANT, tagSeparators)),
]

/** Values that the middleware must refuse. Each replaces a field of a valid tenant. */
const MALFORMED_FIELDS: readonly { readonly [Field in keyof Tenant]?: unknown }[] = [
  ...[
    '"',
    "'",
    'a,b',
    'a|b',
    'a#b',
    '{"a":1}',
    'cafe\u0301',
    'a'.repeat(257),
    'aws:a',
    '',
    undefined,
    null,
    7,
    {},
  ].map((value) => ({ sessionTags: { TenantId: value } })),
  ...[{}, [], { a: 'b', A: 'b' }, { 'aws:a': 'b' }, { 'a"': 'b' }, 'a=b', undefined].map((sessionTags) => ({
    sessionTags,
  })),
  ...['a', 'caf\u00e9', 'a b', 'a#', 'a'.repeat(1225), ['ab'], '', null].map((externalId) => ({
    externalId,
  })),
  ...['a', 'аcme', 'a:b', 'a/b', 'a'.repeat(65), false].map((sessionName) => ({ sessionName })),
  ...['a', 'aws:a', 'a"', 'a'.repeat(65)].map((sourceIdentity) => ({ sourceIdentity })),
  ...['', '\ud800', 7, undefined].map((partitionKey) => ({ partitionKey })),
  ...['*', '?', '$'.concat('{aws:username}'), ''].map((name) => ({
    roleArn: `arn:aws:iam::${ACCOUNT_B}:role/${name}`,
  })),
]

/** For each malformed field, a tenant that is valid except for this field. */
export const malformedTenants: readonly Tenant[] = MALFORMED_FIELDS.map(
  (field) => ({ ...BASE_TENANT, ...field }) as Tenant,
)
export const malformedTenant: fc.Arbitrary<Tenant> = fc
  .tuple(validTenant, fc.constantFrom(...MALFORMED_FIELDS))
  .map(([tenant, field]) => ({ ...tenant, ...field }) as Tenant)
