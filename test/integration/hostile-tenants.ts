/** Tenants whose names are meant to be mistaken for each other's, as far as AWS allows; and some that it refuses. */
import fc from 'fast-check'
import { SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN } from '../sandbox/tenant-accounts.ts'
import { ACCOUNT_B, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'

/** What an event says of its tenant. Only its own session may sign for it. */
export interface Tenant {
  readonly roleArn: string
  readonly externalId: string
  readonly sessionName: string
  readonly sourceIdentity: string
  readonly sessionTags: Readonly<Record<string, string>>
  /** The partition key that its session is confined to. */
  readonly key: string
}

/** In an object made by a literal, `__proto__` would set the prototype and be no tag. */
const record = (entries: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(entries)

/** Letters, and what somebody might join fields with: pieces that come apart in several ways. */
const textOf = (alphabet: string, { min, max }: { min: number; max: number }) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: min, maxLength: max })

/** Alike to the eye, to a comparison that is not exact, or to JavaScript's objects; AWS allows them in a tag. */
const TAG_WORDS = [
  'acme',
  'Acme',
  'аcme', // Cyrillic а
  'acme ',
  'ａcme', // full width
  'caf\u00e9',
  'cafe',
  '\u00c5', // and the sign of the ångström, which Unicode calls equal
  '\u212b',
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
 * DynamoDB takes any text for a key, and a scope takes every letter of it for itself. But the sandbox's policy simulator
 * files a policy's values in a plain object, so that `__proto__` among them would change all the objects of the process.
 */
const KEY_WORDS = [
  ...TAG_WORDS.filter((word) => !(word in Object.prototype)),
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

const ALLOWED_IN_NAMES = 'ab=,.@-_'
const somebody: fc.Arbitrary<Tenant> = fc.record({
  roleArn: fc.constantFrom(TARGET_ROLE_ARN, SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN),
  externalId: fc.oneof(
    textOf(`${ALLOWED_IN_NAMES}:/`, { min: 2, max: 5 }),
    fc.constantFrom('__proto__', 'constructor', `${'e'.repeat(1223)}f`, 'e'.repeat(1224)),
  ),
  sessionName: fc.oneof(
    textOf(ALLOWED_IN_NAMES, { min: 2, max: 4 }),
    fc.constantFrom('__proto__', 'n'.repeat(64)),
  ),
  sourceIdentity: textOf(ALLOWED_IN_NAMES, { min: 2, max: 4 }),
  sessionTags: fc
    .uniqueArray(
      fc.tuple(
        fc.oneof(textOf('ab=:/', { min: 1, max: 3 }), fc.constantFrom('__proto__', 'constructor')),
        fc.oneof(textOf('ab=:/ ', { min: 1, max: 4 }), fc.constantFrom(...TAG_WORDS)),
      ),
      { minLength: 1, maxLength: 4, selector: ([key]) => key },
    )
    .map(record),
  key: fc.oneof(textOf('ab*?,:|/#="\\', { min: 1, max: 3 }), fc.constantFrom(...KEY_WORDS)),
})

const SEPARATORS = ['', ...',.=@-_']
const FIELDS = ['externalId', 'sessionName', 'sourceIdentity'] as const

/** The same words in the same order, split between the fields elsewhere: what joining these would make one. */
const splits = (
  tenant: Tenant,
  separator: string,
  fields: readonly (typeof FIELDS)[number][] = FIELDS,
): Tenant[] => {
  const words = ['aa', 'bb', 'cc', 'dd', 'ee']
  const ends = [1, 2, 3].flatMap((first) => [2, 3, 4].map((second) => [first, second] as const))
  return ends
    .filter(([first, second]) => first < second)
    .map(([first, second]) => {
      const parts = [words.slice(0, first), words.slice(first, second), words.slice(second)]
      const texts = parts.map((part) => part.join(separator))
      return { ...tenant, ...Object.fromEntries(fields.map((field, index) => [field, texts[index]])) }
    })
}

const COMMAS = ['=:', '= ', ':/', '=/', '::']
/** Tags that would be one another's, were they joined in the way in which people write them down. */
const tagSplits = (tenant: Tenant, [equals = '', comma = '']: string): Tenant[] =>
  [
    record([['a', `b${comma}c${equals}d`]]),
    record([
      ['a', 'b'],
      ['c', 'd'],
    ]),
    record([
      ['a', 'd'],
      ['c', 'b'],
    ]),
    record([[`a${equals}b`, 'c']]),
    record([['a', `b${equals}c`]]),
  ].map((sessionTags) => ({ ...tenant, sessionTags }))

const shifted = fc
  .tuple(
    somebody,
    fc.constantFrom(...SEPARATORS),
    fc.shuffledSubarray([...FIELDS], { minLength: FIELDS.length }),
    fc.constantFrom(...COMMAS),
  )
  .map(([tenant, separator, fields, commas]) => [
    ...splits(tenant, separator, fields),
    ...tagSplits(tenant, commas),
  ])

/** One who differs from another in nothing but this. */
const twins = fc
  .tuple(somebody, somebody)
  .map(([one, other]): Tenant[] => [
    one,
    ...(Object.keys(one) as (keyof Tenant)[]).map((field) => ({ ...one, [field]: other[field] })),
  ])

export const tenants: fc.Arbitrary<readonly Tenant[]> = fc
  .array(
    fc.oneof(
      somebody.map((one) => [one]),
      shifted,
      twins,
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((groups) => groups.flat())

const plain: Tenant = {
  roleArn: TARGET_ROLE_ARN,
  externalId: 'example-external-id',
  sessionName: 'orders-function',
  sourceIdentity: 'alice',
  sessionTags: { TenantId: 'acme' },
  key: 'acme',
}

/** All at once: each word as a tenant's only difference, and each way to split the same words. */
export const lookAlikes: readonly Tenant[] = [
  ...TAG_WORDS.map((word) => ({ ...plain, sessionTags: { TenantId: word } })),
  ...TAG_WORDS.map((word) => ({ ...plain, sessionTags: record([[word.slice(0, 128), 'acme']]) })),
  ...KEY_WORDS.map((key) => ({ ...plain, key })),
  ...['Alice', 'alicf'].map((sourceIdentity) => ({ ...plain, sourceIdentity })),
  ...['Orders-function', 'orders_function'].map((sessionName) => ({ ...plain, sessionName })),
  ...['Example-external-id', 'example_external_id'].map((externalId) => ({ ...plain, externalId })),
  ...[SECOND_TARGET_ROLE_ARN, TARGET_ROLE_IN_ACCOUNT_C_ARN].map((roleArn) => ({ ...plain, roleArn })),
  { ...plain, sessionName: plain.sourceIdentity, sourceIdentity: plain.sessionName },
  ...SEPARATORS.flatMap((separator) => splits(plain, separator)),
  ...COMMAS.flatMap((commas) => tagSplits(plain, commas)),
]

/** What is wrong with a tenant, laid over one with whom nothing is. */
const WRONGS: readonly { readonly [Field in keyof Tenant]?: unknown }[] = [
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
  ...['', '\ud800', 7, undefined].map((key) => ({ key })),
  ...['*', '?', '$'.concat('{aws:username}'), ''].map((name) => ({
    roleArn: `arn:aws:iam::${ACCOUNT_B}:role/${name}`,
  })),
]

/** Tenants of whose events nobody can make a session. */
export const outlaws: readonly Tenant[] = WRONGS.map((wrong) => ({ ...plain, ...wrong }) as Tenant)
export const outlaw: fc.Arbitrary<Tenant> = fc
  .tuple(somebody, fc.constantFrom(...WRONGS))
  .map(([tenant, wrong]) => ({ ...tenant, ...wrong }) as Tenant)
