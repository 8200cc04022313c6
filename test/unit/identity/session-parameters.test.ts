/** The AssumeRole input and the cache key of session parameters. Shows EVENT-3 of SECURITY.md. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Tag } from '../../../src/iam/constraints.ts'
import {
  type SessionParameters,
  toAssumeRoleInput,
  toCacheKey,
} from '../../../src/identity/session-parameters.ts'
import { createMinimalParameters } from '../minimal-session-parameters.ts'

const MINIMAL_PARAMETERS = createMinimalParameters('arn:aws:iam::222222222222:role/CrossAccountDynamoRole')

const ALL_PARAMETERS: SessionParameters = {
  ...MINIMAL_PARAMETERS,
  externalId: 'example-external-id',
  sessionTags: Object.freeze([
    Object.freeze({ Key: 'team', Value: 'orders' }),
    Object.freeze({ Key: 'stage', Value: 'prod' }),
  ]),
  transitiveTagKeys: Object.freeze(['team']),
  sourceIdentity: 'alice',
  durationSeconds: 900,
  policy: '{}',
  policyArns: Object.freeze(['arn:aws:iam::aws:policy/ReadOnlyAccess']),
}

describe('toAssumeRoleInput', () => {
  test('the AssumeRole input contains all parameters that are set', () => {
    expect(toAssumeRoleInput(ALL_PARAMETERS)).toStrictEqual({
      RoleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
      RoleSessionName: 'orders-function',
      DurationSeconds: 900,
      ExternalId: 'example-external-id',
      Tags: [
        { Key: 'team', Value: 'orders' },
        { Key: 'stage', Value: 'prod' },
      ],
      TransitiveTagKeys: ['team'],
      SourceIdentity: 'alice',
      Policy: '{}',
      PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    })
  })

  test('the AssumeRole input contains no empty lists for parameters that are not set', () => {
    expect(toAssumeRoleInput(MINIMAL_PARAMETERS)).toStrictEqual({
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
  ] as const)('the AssumeRole input contains %s only if that parameter is set', (name) => {
    const inputNames = {
      externalId: 'ExternalId',
      sessionTags: 'Tags',
      transitiveTagKeys: 'TransitiveTagKeys',
      sourceIdentity: 'SourceIdentity',
      policy: 'Policy',
      policyArns: 'PolicyArns',
    }
    const requiredNames = ['RoleArn', 'RoleSessionName', 'DurationSeconds']
    const input = toAssumeRoleInput({ ...MINIMAL_PARAMETERS, [name]: ALL_PARAMETERS[name] })
    expect(Object.keys(input).sort()).toEqual([...requiredNames, inputNames[name]].sort())
  })

  test('changes to the lists of the AssumeRole input do not change the session parameters', () => {
    const { Tags, TransitiveTagKeys } = toAssumeRoleInput(ALL_PARAMETERS)
    Tags?.push({ Key: 'extra', Value: 'tag' })
    TransitiveTagKeys?.push('extra')
    expect(ALL_PARAMETERS.sessionTags).toHaveLength(2)
    expect(ALL_PARAMETERS.transitiveTagKeys).toEqual(['team'])
  })
})

describe('toCacheKey', () => {
  const arbitraryText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    // These characters separate or quote values in text formats.
    fc.string({
      unit: fc.constantFrom(',', ':', '"', '[', ']', '{', '}', '\\', '|', '=', 'a', 'null'),
      maxLength: 8,
    }),
  )
  const arbitraryTags = fc.uniqueArray(
    fc.record({ Key: arbitraryText, Value: arbitraryText }, { noNullPrototype: true }),
    {
      selector: ({ Key }) => Key,
      maxLength: 3,
    },
  )
  const arbitraryParameters: fc.Arbitrary<SessionParameters> = fc.record(
    {
      roleArn: arbitraryText,
      sessionTags: arbitraryTags,
      transitiveTagKeys: fc.uniqueArray(arbitraryText, { maxLength: 2 }),
      sessionName: arbitraryText,
      durationSeconds: fc.integer({ min: 900, max: 901 }),
      policyArns: fc.uniqueArray(arbitraryText, { maxLength: 2 }),
      externalId: arbitraryText,
      sourceIdentity: arbitraryText,
      policy: arbitraryText,
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
  /** Returns the parameters without the order of their lists, which does not affect a session. */
  const removeOrder = (parameters: SessionParameters) => ({
    ...parameters,
    sessionTags: new Map(
      parameters.sessionTags
        .map(({ Key, Value }) => [Key, Value] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
    transitiveTagKeys: new Set(parameters.transitiveTagKeys),
    policyArns: new Set(parameters.policyArns),
  })

  test('two sets of session parameters have the same cache key only if they are equal', () => {
    fc.assert(
      fc.property(arbitraryParameters, arbitraryParameters, (first, second) => {
        expect(toCacheKey(first) === toCacheKey(second)).toBe(
          isDeepStrictEqual(removeOrder(first), removeOrder(second)),
        )
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  const arbitrarySimilarText = (current: string | undefined): fc.Arbitrary<string> =>
    fc.oneof(
      arbitraryText,
      fc.constantFrom(`${current ?? ''} `, `${current ?? ''}x`, current?.slice(1) ?? ''),
    )
  const arbitrarySimilarOptionalText = (current: string | undefined) =>
    fc.option(arbitrarySimilarText(current), { nil: undefined })
  const arbitrarySimilarTag = (current: Tag | undefined): fc.Arbitrary<Tag> => {
    const Key = arbitrarySimilarText(current?.Key)
    const Value = arbitrarySimilarText(current?.Value)
    return current === undefined
      ? fc.record({ Key, Value }, { noNullPrototype: true })
      : fc.oneof(
          Key.map((similarKey) => ({ ...current, Key: similarKey })),
          Value.map((similarValue) => ({ ...current, Value: similarValue })),
        )
  }
  /** Generates the list with one item that is added, removed or replaced by a similar item. */
  const arbitrarySimilarList = <Item>(
    list: readonly Item[],
    arbitrarySimilarItem: (current: Item | undefined) => fc.Arbitrary<Item>,
  ): fc.Arbitrary<readonly Item[]> =>
    fc.nat(list.length).chain((index) =>
      fc.oneof(
        arbitrarySimilarItem(list[index]).map((item) => list.toSpliced(index, 1, item)),
        arbitrarySimilarItem(undefined).map((item) => list.toSpliced(index, 0, item)),
        fc.constant(list.toSpliced(index, 1)),
      ),
    )

  /** Generates similar values for each parameter. The type requires an entry for each new parameter. */
  const ARBITRARY_SIMILAR_VALUES: {
    readonly [Field in keyof Required<SessionParameters>]: (
      current: SessionParameters[Field],
    ) => fc.Arbitrary<SessionParameters[Field]>
  } = {
    roleArn: arbitrarySimilarText,
    externalId: arbitrarySimilarOptionalText,
    sessionTags: (current) => arbitrarySimilarList(current, arbitrarySimilarTag),
    transitiveTagKeys: (current) => arbitrarySimilarList(current, arbitrarySimilarText),
    sourceIdentity: arbitrarySimilarOptionalText,
    sessionName: arbitrarySimilarText,
    durationSeconds: () => fc.integer({ min: 900, max: 3600 }),
    policy: arbitrarySimilarOptionalText,
    policyArns: (current) => arbitrarySimilarList(current, arbitrarySimilarText),
  }
  /** Generates session parameters, and the same parameters with a similar value of one parameter. */
  const arbitraryPair = <Field extends keyof SessionParameters>(field: Field) =>
    arbitraryParameters.chain((parameters) =>
      ARBITRARY_SIMILAR_VALUES[field](parameters[field]).map(
        (value) => [parameters, { ...parameters, [field]: value }] as const,
      ),
    )
  const compareJson = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  /** Sorts lists, because their order does not affect a session. */
  const sortList = (value: unknown) => (Array.isArray(value) ? value.toSorted(compareJson) : value)

  test.each(Object.keys(ARBITRARY_SIMILAR_VALUES) as (keyof SessionParameters)[])(
    'the cache key changes if only %s changes',
    (field) => {
      fc.assert(
        fc.property(arbitraryPair(field), ([parameters, changed]) => {
          fc.pre(!isDeepStrictEqual(sortList(parameters[field]), sortList(changed[field])))
          expect(toCacheKey(changed)).not.toBe(toCacheKey(parameters))
        }),
        { numRuns: 500, seed: 1 },
      )
    },
  )

  test('the cache key changes if two parameters swap their values', () => {
    fc.assert(
      fc.property(arbitraryParameters, ({ externalId, sourceIdentity, ...rest }) => {
        fc.pre(externalId !== sourceIdentity)
        const createParameters = (first: string | undefined, second: string | undefined) => ({
          ...rest,
          ...(first !== undefined && { externalId: first }),
          ...(second !== undefined && { sourceIdentity: second }),
        })
        expect(toCacheKey(createParameters(externalId, sourceIdentity))).not.toBe(
          toCacheKey(createParameters(sourceIdentity, externalId)),
        )
      }),
      { numRuns: 1000, seed: 1 },
    )
  })

  test.each<[string, Partial<SessionParameters>, Partial<SessionParameters>]>([
    [
      'tags that have the same text if they are joined',
      { sessionTags: [{ Key: 'a', Value: 'b,c=d' }] },
      {
        sessionTags: [
          { Key: 'a', Value: 'b' },
          { Key: 'c', Value: 'd' },
        ],
      },
    ],
    ['a missing external ID and the text null', {}, { externalId: 'null' }],
    ['a missing and an empty external ID', {}, { externalId: '' }],
    ['composed and decomposed accents', { sourceIdentity: 'caf\u00e9' }, { sourceIdentity: 'cafe\u0301' }],
    ['Latin and Cyrillic letters', { sourceIdentity: 'acme' }, { sourceIdentity: '\u0430cme' }],
    ['uppercase and lowercase', { sourceIdentity: 'acme' }, { sourceIdentity: 'Acme' }],
    ['a value with and without a trailing space', { sourceIdentity: 'acme' }, { sourceIdentity: 'acme ' }],
    [
      'a tag named __proto__ and no tag',
      { sessionTags: [{ Key: '__proto__', Value: 'x' }] },
      { sessionTags: [] },
    ],
  ])('the cache key distinguishes %s', (_what, first, second) => {
    expect(toCacheKey({ ...MINIMAL_PARAMETERS, ...first })).not.toBe(
      toCacheKey({ ...MINIMAL_PARAMETERS, ...second }),
    )
  })

  test('the cache key does not depend on the order of lists', () => {
    const [tagA, tagB] = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]
    const createKey = (sessionTags: Tag[], names: string[]) =>
      toCacheKey({ ...MINIMAL_PARAMETERS, sessionTags, transitiveTagKeys: names, policyArns: names })
    expect(createKey([tagA, tagB], ['a', 'b'])).toBe(createKey([tagB, tagA], ['b', 'a']))
  })
})
