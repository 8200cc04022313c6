/** Shows EVENT-3 of SECURITY.md. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Tag } from '../../../src/iam/constraints.ts'
import {
  type SessionParameters,
  toAssumeRoleInput,
  toCacheKey,
} from '../../../src/identity/session-parameters.ts'
import { minimalParameters } from '../session-parameters.ts'

const least = minimalParameters('arn:aws:iam::222222222222:role/CrossAccountDynamoRole')

const most: SessionParameters = {
  ...least,
  externalId: 'example-external-id',
  sessionTags: Object.freeze([
    Object.freeze({ Key: 'team', Value: 'orders' }),
    Object.freeze({ Key: 'stage', Value: '' }),
  ]),
  transitiveTagKeys: Object.freeze(['team']),
  sourceIdentity: 'alice',
  durationSeconds: 900,
  policy: '{}',
  policyArns: Object.freeze(['arn:aws:iam::aws:policy/ReadOnlyAccess']),
}

describe('toAssumeRoleInput', () => {
  test('sends what is set', () => {
    expect(toAssumeRoleInput(most)).toStrictEqual({
      RoleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      RoleSessionName: 'orders-function',
      DurationSeconds: 900,
      ExternalId: 'example-external-id',
      Tags: [
        { Key: 'team', Value: 'orders' },
        { Key: 'stage', Value: '' },
      ],
      TransitiveTagKeys: ['team'],
      SourceIdentity: 'alice',
      Policy: '{}',
      PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    })
  })

  test('sends nothing, not even an empty list, for what is not set', () => {
    expect(toAssumeRoleInput(least)).toStrictEqual({
      RoleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      RoleSessionName: 'orders-function',
      DurationSeconds: 3600,
    })
  })

  test.each([
    'externalId',
    'sessionTags',
    'transitiveTagKeys',
    'sourceIdentity',
    'policy',
    'policyArns',
  ] as const)('%s is sent only if it is set itself', (name) => {
    const sent = {
      externalId: 'ExternalId',
      sessionTags: 'Tags',
      transitiveTagKeys: 'TransitiveTagKeys',
      sourceIdentity: 'SourceIdentity',
      policy: 'Policy',
      policyArns: 'PolicyArns',
    }
    const always = ['RoleArn', 'RoleSessionName', 'DurationSeconds']
    const only = toAssumeRoleInput({ ...least, [name]: most[name] })
    expect(Object.keys(only).sort()).toEqual([...always, sent[name]].sort())
  })

  test('the SDK is handed lists of its own, which it may change without changing who the session is', () => {
    const { Tags, TransitiveTagKeys } = toAssumeRoleInput(most)
    Tags?.push({ Key: 'extra', Value: 'tag' })
    TransitiveTagKeys?.push('extra')
    expect(most.sessionTags).toHaveLength(2)
    expect(most.transitiveTagKeys).toEqual(['team'])
  })
})

describe('toCacheKey', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    // What joins and quotes are made of.
    fc.string({
      unit: fc.constantFrom(',', ':', '"', '[', ']', '{', '}', '\\', '|', '=', 'a', 'null'),
      maxLength: 8,
    }),
  )
  const tags = fc.uniqueArray(fc.record({ Key: text, Value: text }, { noNullPrototype: true }), {
    selector: ({ Key }) => Key,
    maxLength: 3,
  })
  const identities: fc.Arbitrary<SessionParameters> = fc.record(
    {
      roleArn: text,
      sessionTags: tags,
      transitiveTagKeys: fc.uniqueArray(text, { maxLength: 2 }),
      sessionName: text,
      durationSeconds: fc.integer({ min: 900, max: 901 }),
      policyArns: fc.uniqueArray(text, { maxLength: 2 }),
      externalId: text,
      sourceIdentity: text,
      policy: text,
    },
    {
      requiredKeys: [
        'roleArn',
        'sessionTags',
        'transitiveTagKeys',
        'sessionName',
        'durationSeconds',
        'policyArns',
      ],
    },
  )
  /** The same with its lists in one order: that is all that may differ. */
  const sorted = (identity: SessionParameters) => ({
    ...identity,
    sessionTags: new Map(
      identity.sessionTags
        .map(({ Key, Value }) => [Key, Value] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    transitiveTagKeys: new Set(identity.transitiveTagKeys),
    policyArns: new Set(identity.policyArns),
  })

  test('is the same for two identities only if they are equal', () => {
    fc.assert(
      fc.property(identities, identities, (one, other) => {
        expect(toCacheKey(one) === toCacheKey(other)).toBe(isDeepStrictEqual(sorted(one), sorted(other)))
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  const textLike = (current: string | undefined): fc.Arbitrary<string> =>
    fc.oneof(text, fc.constantFrom(`${current ?? ''} `, `${current ?? ''}x`, current?.slice(1) ?? ''))
  const optionalLike = (current: string | undefined) => fc.option(textLike(current), { nil: undefined })
  const tagLike = (current: Tag | undefined): fc.Arbitrary<Tag> => {
    const Key = textLike(current?.Key)
    const Value = textLike(current?.Value)
    return current === undefined
      ? fc.record({ Key, Value }, { noNullPrototype: true })
      : fc.oneof(
          Key.map((other) => ({ ...current, Key: other })),
          Value.map((other) => ({ ...current, Value: other })),
        )
  }
  /** A list with one item added, removed or replaced by one that is much like it. */
  const listLike = <Item>(
    list: readonly Item[],
    itemLike: (current: Item | undefined) => fc.Arbitrary<Item>,
  ): fc.Arbitrary<readonly Item[]> =>
    fc.nat(list.length).chain((index) =>
      fc.oneof(
        itemLike(list[index]).map((item) => list.toSpliced(index, 1, item)),
        itemLike(undefined).map((item) => list.toSpliced(index, 0, item)),
        fc.constant(list.toSpliced(index, 1)),
      ),
    )

  /** Another value for each field that is much like the present one. A new field needs an entry to compile. */
  const ANOTHER: {
    readonly [Field in keyof Required<SessionParameters>]: (
      current: SessionParameters[Field],
    ) => fc.Arbitrary<SessionParameters[Field]>
  } = {
    roleArn: textLike,
    externalId: optionalLike,
    sessionTags: (current) => listLike(current, tagLike),
    transitiveTagKeys: (current) => listLike(current, textLike),
    sourceIdentity: optionalLike,
    sessionName: textLike,
    durationSeconds: () => fc.integer({ min: 900, max: 3600 }),
    policy: optionalLike,
    policyArns: (current) => listLike(current, textLike),
  }
  /** Each identity, and the same with another value of one field. */
  const withAnother = <Field extends keyof SessionParameters>(field: Field) =>
    identities.chain((identity) =>
      ANOTHER[field](identity[field]).map((value) => [identity, { ...identity, [field]: value }] as const),
    )
  const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  /** The order of lists means nothing to AWS. */
  const normalized = (value: unknown) => (Array.isArray(value) ? value.toSorted(byText) : value)

  test.each(Object.keys(ANOTHER) as (keyof SessionParameters)[])('changes with %s alone', (field) => {
    fc.assert(
      fc.property(withAnother(field), ([identity, other]) => {
        fc.pre(!isDeepStrictEqual(normalized(identity[field]), normalized(other[field])))
        expect(toCacheKey(other)).not.toBe(toCacheKey(identity))
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  test('changes when two fields swap their values', () => {
    fc.assert(
      fc.property(identities, ({ externalId, sourceIdentity, ...rest }) => {
        fc.pre(externalId !== sourceIdentity)
        const set = (one: string | undefined, other: string | undefined) => ({
          ...rest,
          ...(one !== undefined && { externalId: one }),
          ...(other !== undefined && { sourceIdentity: other }),
        })
        expect(toCacheKey(set(externalId, sourceIdentity))).not.toBe(
          toCacheKey(set(sourceIdentity, externalId)),
        )
      }),
      { numRuns: 1000, seed: 1 },
    )
  })

  test.each<[string, Partial<SessionParameters>, Partial<SessionParameters>]>([
    [
      'tags that a join would mix up',
      { sessionTags: [{ Key: 'a', Value: 'b,c=d' }] },
      {
        sessionTags: [
          { Key: 'a', Value: 'b' },
          { Key: 'c', Value: 'd' },
        ],
      },
    ],
    ['nothing and the text null', {}, { externalId: 'null' }],
    ['nothing and an empty text', {}, { externalId: '' }],
    ['one accent composed, one not', { sourceIdentity: 'caf\u00e9' }, { sourceIdentity: 'cafe\u0301' }],
    ['Latin and Cyrillic', { sourceIdentity: 'acme' }, { sourceIdentity: '\u0430cme' }],
    ['case', { sourceIdentity: 'acme' }, { sourceIdentity: 'Acme' }],
    ['a trailing space', { sourceIdentity: 'acme' }, { sourceIdentity: 'acme ' }],
    ['__proto__ and no tag', { sessionTags: [{ Key: '__proto__', Value: 'x' }] }, { sessionTags: [] }],
  ])('tells apart %s', (_what, one, other) => {
    expect(toCacheKey({ ...least, ...one })).not.toBe(toCacheKey({ ...least, ...other }))
  })

  test('does not mind the order of what has none to AWS', () => {
    const [a, b] = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]
    const lists = (sessionTags: Tag[], names: string[]) =>
      toCacheKey({ ...least, sessionTags, transitiveTagKeys: names, policyArns: names })
    expect(lists([a, b], ['a', 'b'])).toBe(lists([b, a], ['b', 'a']))
  })
})
