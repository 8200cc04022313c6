import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { assumeRoleInput, keyOf, type SessionIdentity, type Tag } from '../../src/session-identity.ts'

const least: SessionIdentity = {
  roleArn: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  sessionTags: [],
  transitiveTagKeys: [],
  policyArns: [],
  sessionName: 'orders-function',
  durationSeconds: 3600,
}

const most: SessionIdentity = {
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

describe('assumeRoleInput', () => {
  test('sends what is set', () => {
    expect(assumeRoleInput(most)).toStrictEqual({
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
    expect(assumeRoleInput(least)).toStrictEqual({
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
    const only = assumeRoleInput({ ...least, [name]: most[name] })
    expect(Object.keys(only).sort()).toEqual([...always, sent[name]].sort())
  })

  test('the SDK is handed lists of its own, which it may change without changing who the session is', () => {
    const { Tags, TransitiveTagKeys } = assumeRoleInput(most)
    Tags?.push({ Key: 'extra', Value: 'tag' })
    TransitiveTagKeys?.push('extra')
    expect(most.sessionTags).toHaveLength(2)
    expect(most.transitiveTagKeys).toEqual(['team'])
  })
})

describe('keyOf', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    // What joins and quotes are made of.
    fc.string({
      unit: fc.constantFrom(',', ':', '"', '[', ']', '{', '}', '\\', '|', '=', 'a', 'null'),
      maxLength: 8,
    }),
  )
  const tags = fc.uniqueArray(fc.record({ Key: text, Value: text }), {
    selector: ({ Key }) => Key,
    maxLength: 3,
  })
  const identities: fc.Arbitrary<SessionIdentity> = fc.record(
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
  const sorted = (identity: SessionIdentity) => ({
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
        expect(keyOf(one) === keyOf(other)).toBe(isDeepStrictEqual(sorted(one), sorted(other)))
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  test('changes with each part, and with what moves from one to another', () => {
    fc.assert(
      fc.property(identities, text, (identity, other) => {
        for (const part of ['roleArn', 'sessionName', 'externalId', 'sourceIdentity', 'policy'] as const) {
          if (identity[part] === other) continue
          expect(keyOf({ ...identity, [part]: other })).not.toBe(keyOf(identity))
        }
        const { externalId, sourceIdentity, ...rest } = identity
        if (externalId === sourceIdentity) return
        const swapped = {
          ...rest,
          ...(externalId !== undefined && { sourceIdentity: externalId }),
          ...(sourceIdentity !== undefined && { externalId: sourceIdentity }),
        }
        expect(keyOf(swapped)).not.toBe(keyOf(identity))
      }),
      { numRuns: 1000, seed: 1 },
    )
  })

  test.each<[string, Partial<SessionIdentity>, Partial<SessionIdentity>]>([
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
    expect(keyOf({ ...least, ...one })).not.toBe(keyOf({ ...least, ...other }))
  })

  test('does not mind the order of what has none to AWS', () => {
    const [a, b] = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]
    const lists = (sessionTags: Tag[], names: string[]) =>
      keyOf({ ...least, sessionTags, transitiveTagKeys: names, policyArns: names })
    expect(lists([a, b], ['a', 'b'])).toBe(lists([b, a], ['b', 'a']))
  })
})
