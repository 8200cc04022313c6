/** AWS's limits on session parameters: what the parsers accept, and what they report as data. */
import { describe, expect, test } from '@jest/globals'
import { parseRoleArn } from '../../../src/iam/arn.ts'
import {
  findPartitionProblem,
  findPolicySizeProblem,
  parseDurationSeconds,
  parseExternalId,
  parsePolicy,
  parsePolicyArns,
  parseRegion,
  parseRoleArnOption,
  parseSessionName,
  parseSessionTags,
  parseSourceIdentity,
  parseTagKeys,
  reportUnknownTagKeys,
  toPolicyText,
  toSessionName,
} from '../../../src/iam/constraints.ts'
import type { Problem } from '../../../src/options/issue.ts'
import { describe as describeType } from '../../../src/text.ts'
import { parseWith } from '../issues.ts'

const accepted = (value: unknown) => ({ value, problems: [] })
const refused = (...problems: unknown[]) => ({
  value: undefined,
  problems: problems.map((problem) => expect.objectContaining(problem as object)),
})

const NO_STRINGS: [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [42, 'a number'],
  [true, 'a boolean'],
  [['a', 'b'], 'a list'],
  [{ a: 'b' }, 'an object'],
  [() => 'ab', 'a function'],
]

describe('the type of a value', () => {
  test.each(NO_STRINGS)('of %p is %s', (value, type) => {
    expect(describeType(value)).toBe(type)
  })

  test('of a string does not show the string', () => {
    expect(describeType('secret')).toBe('a string')
  })
})

describe('parser of role ARNs', () => {
  const role = (path: string) => `arn:aws:iam::222222222222:role${path}`

  test.each([
    ['a plain name', role('/CrossAccountDynamoRole')],
    ['the partition of China', 'arn:aws-cn:iam::222222222222:role/R'],
    ['the partition of GovCloud', 'arn:aws-us-gov:iam::222222222222:role/R'],
    ['an isolated partition', 'arn:aws-iso-b:iam::222222222222:role/R'],
    ['the European Sovereign Cloud', 'arn:aws-eusc:iam::222222222222:role/R'],
    ['an account ID that starts with zeros', 'arn:aws:iam::000000000012:role/R'],
    ['a path', role('/teams/orders/R')],
    ['every kind of character that a name may contain', role('/aZ09_+=,.@-')],
    ['a path with punctuation', role('/a!b~c*/R')],
    ['a name of 1 character', role('/R')],
    ['a name of 64 characters', role(`/${'r'.repeat(64)}`)],
    ['a path of 512 characters', role(`/${'p'.repeat(510)}/R`)],
  ])('accepts %s', (_, arn) => {
    expect(parseWith(parseRoleArnOption, arn)).toEqual(accepted(arn))
  })

  test.each([
    ['an empty text', '', 'not-an-arn'],
    ['a name', 'CrossAccountDynamoRole', 'not-an-arn'],
    ['an incomplete ARN', 'arn:aws:iam::222222222222', 'not-an-arn'],
    ['an ARN after a space', ` ${role('/R')}`, 'not-an-arn'],
    ['no partition', 'arn::iam::222222222222:role/R', 'no-partition'],
    ['a partition that is not of AWS', 'arn:gcp:iam::222222222222:role/R', 'no-partition'],
    ['a partition in capitals', 'arn:AWS:iam::222222222222:role/R', 'no-partition'],
    ['a partition that ends in -', 'arn:aws-:iam::222222222222:role/R', 'no-partition'],
    ['a session of a role', 'arn:aws:sts::222222222222:assumed-role/R/session', 'session-arn'],
    ['a user', 'arn:aws:iam::222222222222:user/alice', 'not-a-role'],
    ['a federated user', 'arn:aws:sts::222222222222:federated-user/bob', 'not-a-role'],
    ['another service', 'arn:aws:s3:::role/R', 'not-a-role'],
    ['a Region', 'arn:aws:iam:eu-west-1:222222222222:role/R', 'not-a-role'],
    ['the root of the account', 'arn:aws:iam::222222222222:root', 'not-a-role'],
    ['a resource type that only starts like role', role('name/R'), 'not-a-role'],
    ['no account', 'arn:aws:iam:::role/R', 'no-account-id'],
    ['an account ID of 11 digits', 'arn:aws:iam::22222222222:role/R', 'no-account-id'],
    ['an account ID of 13 digits', 'arn:aws:iam::2222222222222:role/R', 'no-account-id'],
    ['an account ID with letters', 'arn:aws:iam::22222222222x:role/R', 'no-account-id'],
    ['no name', role('/'), 'invalid-name'],
    ['no name after a path', role('/teams/'), 'invalid-name'],
    ['a name of 65 characters', role(`/${'r'.repeat(65)}`), 'invalid-name'],
    ['a name for every role', role('/*'), 'invalid-name'],
    ['a name with an umlaut', role('/Rölle'), 'invalid-name'],
    ['a line break at the end', `${role('/R')}\n`, 'invalid-name'],
    ['a space in the path', role('/my team/R'), 'invalid-path'],
    ['an umlaut in the path', role('/für/R'), 'invalid-path'],
    ['a path of 513 characters', role(`/${'p'.repeat(511)}/R`), 'invalid-path'],
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html: (/)|(/[!-DEL]+/)
    ['an empty path between two slashes', role('//R'), 'invalid-path'],
  ])('refuses %s', (_, value, reason) => {
    expect(parseWith(parseRoleArnOption, value)).toEqual(refused({ code: 'invalid-role-arn', value, reason }))
  })
})

describe('parts of a role ARN', () => {
  test.each([
    [
      'arn:aws:iam::222222222222:role/R',
      { partition: 'aws', accountId: '222222222222', path: '/', name: 'R' },
    ],
    [
      'arn:aws-cn:iam::012345678901:role/teams/orders/R',
      { partition: 'aws-cn', accountId: '012345678901', path: '/teams/orders/', name: 'R' },
    ],
    [
      'arn:aws-us-gov:iam::222222222222:role/a:b/R',
      { partition: 'aws-us-gov', accountId: '222222222222', path: '/a:b/', name: 'R' },
    ],
  ])('of %s', (arn, parts) => {
    expect(parseRoleArn(arn)).toStrictEqual(parts)
  })

  test.each(['', 'role/R', 'arn:aws:iam::222222222222'])('of %p do not exist', (text) => {
    expect(() => parseRoleArn(text)).toThrow(TypeError)
  })
})

describe.each([
  ['external IDs', parseExternalId, 1224, '_+=,.@:/-', [' ', '\t', '\n', '#', '!', '*', 'é', '🦄', '\ud800']],
  ['session names', parseSessionName, 64, '_+=,.@-', [' ', '\n', ':', '/', '#', 'é', '🦄', '\ud800']],
  ['source identities', parseSourceIdentity, 64, '_+=,.@-', [' ', '\n', ':', '/', '#', 'é', '🦄']],
] as const)('parser of %s', (_, parser, max, punctuation, invalid) => {
  test.each([2, 3, max - 1, max])('accepts %i characters', (length) => {
    const text = 'x'.repeat(length)
    expect(parseWith(parser, text)).toEqual(accepted(text))
  })

  test.each([0, 1, max + 1, 10 * max])('refuses %i characters', (length) => {
    const problem = { code: 'invalid-length', min: 2, max, length }
    expect(parseWith(parser, 'x'.repeat(length))).toEqual(refused(problem))
  })

  test('accepts letters, digits and its punctuation', () => {
    const text = `azAZ09${punctuation}`
    expect(parseWith(parser, text)).toEqual(accepted(text))
  })

  test.each(invalid)('refuses %j', (character) => {
    expect(parseWith(parser, `ab${character}cd`)).toEqual(refused({ code: 'invalid-character', character }))
  })

  test('counts characters, not UTF-16 code units', () => {
    expect(parseWith(parser, '🦄')).toEqual(refused({ code: 'invalid-length', length: 1 }))
  })
})

test.each([
  ['role ARN', parseRoleArnOption],
  ['external ID', parseExternalId],
  ['session name', parseSessionName],
  ['source identity', parseSourceIdentity],
])('a value that is not a string is not a %s, and only its type is reported', (_, parser) => {
  for (const [value, actual] of NO_STRINGS)
    expect(parseWith(parser, value)).toEqual(refused({ code: 'invalid-type', actual }))
})

test.each(['x', `MARKER ${'x'.repeat(30)}`, 'MARKER'.repeat(300)])(
  'an external ID is never part of a problem',
  (value) => {
    const { problems } = parseWith(parseExternalId, value)
    expect(problems).toHaveLength(1)
    expect(JSON.stringify(problems)).not.toMatch(/MARKER|xx|"x"/)
  },
)

describe('parser of source identities', () => {
  test.each(['aws:', 'aws:alice', 'AWS:alice', 'aWs:alice', `aws:${'x'.repeat(64)}`])(
    'refuses %s, whose prefix AWS reserves',
    (value) => {
      expect(parseWith(parseSourceIdentity, value)).toEqual(refused({ code: 'reserved-prefix' }))
    },
  )

  test.each(['aws', 'awsome', 'aws-alice', 'aws@example.com'])(
    'accepts %s, which only resembles the prefix',
    (value) => {
      expect(parseWith(parseSourceIdentity, value)).toEqual(accepted(value))
    },
  )
})

describe('a session name that is made of any text', () => {
  test.each([
    ['orders-function', 'orders-function'],
    ['my function', 'my-function'],
    ['path/to:function', 'path-to-function'],
    ['größe', 'gr--e'],
    ['🦄🦄', '--'],
    ['a🦄b', 'a-b'],
    ['e\u0301t\u00e9', 'e-t-'],
    ['\ud800x', '-x'],
    ['', '--'],
    ['f', 'f-'],
    ['line\nbreak', 'line-break'],
    ['_+=,.@-', '_+=,.@-'],
    ['f'.repeat(64), 'f'.repeat(64)],
    ['f'.repeat(65), 'f'.repeat(64)],
    ['f'.repeat(200), 'f'.repeat(64)],
    ['🦄'.repeat(200), '-'.repeat(64)],
    [`${'f'.repeat(63)}🦄`, `${'f'.repeat(63)}-`],
  ])('%j becomes %j, which is valid', (text, name) => {
    expect(toSessionName(text)).toBe(name)
    expect(parseWith(parseSessionName, name)).toEqual(accepted(name))
  })

  test('is valid whatever character the text contains', () => {
    for (let code = 0; code <= 0xffff; code++) {
      const name = toSessionName(String.fromCharCode(code))
      if (parseWith(parseSessionName, name).value === undefined)
        throw new Error(`U+${code.toString(16)} became ${name}`)
    }
  })
})

describe('parser of durations', () => {
  test.each([900, 901, 3599, 3600])('accepts %i', (seconds) => {
    expect(parseWith(parseDurationSeconds, seconds)).toEqual(accepted(seconds))
  })

  const problem = (value: unknown) => ({ code: 'invalid-duration', min: 900, max: 3600, value })
  test.each([...[899, 3601, 43_200, 0, -900, 900.5, Number.NaN, Number.POSITIVE_INFINITY], ...['900', '1h']])(
    'refuses %p and reports it',
    (value) => {
      expect(parseWith(parseDurationSeconds, value)).toEqual(refused(problem(value)))
    },
  )

  const circle: unknown[] = []
  circle.push(circle)
  test.each([
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a BigInt', 900n, 'a bigint'],
    ['a list that contains itself', circle, 'a list'],
  ])('refuses %s and reports its type', (_, value, type) => {
    expect(parseWith(parseDurationSeconds, value)).toEqual(refused(problem({ type })))
  })
})

describe('parser of session tags', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, 'value']))

  test.each<[string, Record<string, string>]>([
    ['no tags', {}],
    ['50 tags', many(50)],
    ['a key of 1 character', { k: 'value' }],
    ['a key of 128 characters', { ['k'.repeat(128)]: 'value' }],
    ['an empty value', { team: '' }],
    ['a value of 256 characters', { team: 'v'.repeat(256) }],
    ['letters of any alphabet', { équipe: '注文', ÄÖÜ: 'заказы' }],
    ['letters beyond U+FFFF, each counted as one character', { ['𝒌'.repeat(128)]: '𝒗'.repeat(256) }],
    ['digits of any script', { '٣': '½Ⅷ' }],
    ['spaces of every kind', { 'cost center': 'a\u00a0b\u3000c\u2028d' }],
    ['its punctuation', { '_.:/=+-@': '_.:/=+-@' }],
    ['a key that contains aws: later', { 'my:aws:key': 'value' }],
    ['keys that only resemble the reserved prefix', { aws: 'value', 'awsome:key': 'value' }],
    ['the same value twice', { a: 'same', b: 'same' }],
    ['names of JavaScript', JSON.parse('{ "__proto__": "a", "constructor": "b", "toString": "c" }')],
  ])('accepts %s', (_, tags) => {
    const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    expect(parseWith(parseSessionTags, tags)).toEqual(accepted(list))
  })

  const inKey = (key: string) => ({ tag: { part: 'key', key } })
  const inValue = (key: string) => ({ tag: { part: 'value', key } })
  test.each<[string, Record<string, unknown>, object]>([
    ['51 tags', many(51), { code: 'too-many', max: 50, count: 51 }],
    ['an empty key', { '': 'value' }, { code: 'invalid-length', min: 1, max: 128, length: 0, ...inKey('') }],
    [
      'a key of 129 characters',
      { ['k'.repeat(129)]: 'value' },
      { code: 'invalid-length', min: 1, max: 128, length: 129, ...inKey('k'.repeat(129)) },
    ],
    [
      'a value of 257 characters',
      { team: 'v'.repeat(257) },
      { code: 'invalid-length', min: 0, max: 256, length: 257, ...inValue('team') },
    ],
    ['an emoji in a key', { '🦄s': 'v' }, { code: 'invalid-character', character: '🦄', ...inKey('🦄s') }],
    [
      'an emoji in a value',
      { team: 'unicorn 🦄' },
      { code: 'invalid-character', character: '🦄', ...inValue('team') },
    ],
    [
      'a combining accent in a value',
      { team: 'e\u0301quipe' },
      { code: 'invalid-character', character: '\u0301', ...inValue('team') },
    ],
    [
      'a tab, which is not a space to AWS',
      { team: 'a\tb' },
      { code: 'invalid-character', character: '\t', ...inValue('team') },
    ],
    ['a comma', { team: 'a,b' }, { code: 'invalid-character', character: ',', ...inValue('team') }],
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html: neither a key nor a value may start with aws:.
    ['a key with a reserved prefix', { 'aws:team': 'v' }, { code: 'reserved-prefix', ...inKey('aws:team') }],
    ['a reserved prefix in capitals', { 'AWS:team': 'v' }, { code: 'reserved-prefix', ...inKey('AWS:team') }],
    [
      'a value with a reserved prefix',
      { team: 'aws:orders' },
      { code: 'reserved-prefix', ...inValue('team') },
    ],
    [
      'keys that differ only in case',
      { Team: 'a', stage: 'b', team: 'c' },
      { code: 'duplicate-tag-key', keys: ['Team', 'team'] },
    ],
    [
      'keys that differ only in the case of an umlaut',
      { Größe: 'a', GRÖßE: 'b' },
      { code: 'duplicate-tag-key', keys: ['Größe', 'GRÖßE'] },
    ],
    ['a value that is a number', { n: 1 }, { code: 'invalid-type', actual: 'a number', ...inValue('n') }],
    [
      'a value that is undefined',
      { n: undefined },
      { code: 'invalid-type', actual: 'undefined', ...inValue('n') },
    ],
  ])('refuses %s', (_, tags, problem) => {
    expect(parseWith(parseSessionTags, tags)).toEqual(refused(problem))
  })

  test('refuses what is not a record', () => {
    for (const [value, actual] of NO_STRINGS.filter(([, type]) => type !== 'an object'))
      expect(parseWith(parseSessionTags, value)).toEqual(refused({ code: 'invalid-type', actual }))
    expect(parseWith(parseSessionTags, 'team=x')).toEqual(
      refused({ code: 'invalid-type', actual: 'a string' }),
    )
  })

  test('reports everything that is wrong, and never a value', () => {
    const tags = { ...many(49), KEY1: 'MARKER!', 'aws:x': `MARKER${'v'.repeat(256)}`, '': 'MARKER?' }
    const parsed = parseWith(parseSessionTags, tags)
    expect(parsed).toEqual(
      refused(
        { code: 'too-many', max: 50, count: 52 },
        { code: 'invalid-character', character: '!', ...inValue('KEY1') },
        { code: 'duplicate-tag-key', keys: ['key1', 'KEY1'] },
        { code: 'reserved-prefix', ...inKey('aws:x') },
        { code: 'invalid-length', length: 262, ...inValue('aws:x') },
        { code: 'invalid-length', length: 0, ...inKey('') },
        { code: 'invalid-character', character: '?', ...inValue('') },
      ),
    )
    expect(JSON.stringify(parsed)).not.toContain('MARKER')
  })

  test('reports only the number of tags when it is far above the limit', () => {
    const tags = Object.fromEntries(Object.keys(many(501)).map((key) => [key, '!']))
    expect(parseWith(parseSessionTags, tags)).toEqual(refused({ code: 'too-many', max: 50, count: 501 }))
  })
})

describe('transitive tag keys', () => {
  const tags = [
    { Key: 'team', Value: 'MARKER' },
    { Key: 'stage', Value: 'MARKER' },
  ]
  const problemsOf = (keys: readonly string[], of = tags): Problem[] => {
    const problems: Problem[] = []
    reportUnknownTagKeys(keys, of, (problem) => problems.push(problem))
    return problems
  }

  test.each([[[]], [['team']], [['stage', 'team']]])('may be keys of the session tags: %j', (keys) => {
    expect(problemsOf(keys)).toEqual([])
  })

  test('are parsed without duplicates, and frozen', () => {
    const { value, problems } = parseWith(parseTagKeys, ['team', 'owner', 'team'])
    expect({ value, problems }).toEqual(accepted(['team', 'owner']))
    expect(Object.isFrozen(value)).toBe(true)
  })

  test.each([
    ['team', 'a string'],
    [null, 'null'],
    [{ team: true }, 'an object'],
    [['team', 7], 'a list that contains a number'],
  ])('must be a list of strings, and not %j', (value, actual) => {
    expect(parseWith(parseTagKeys, value)).toEqual(refused({ code: 'invalid-type', actual }))
  })

  test('that no tag has are reported with the keys that exist, exactly as they are spelled', () => {
    expect(problemsOf(['team', 'owner', 'Stage', ''])).toEqual(
      ['owner', 'Stage', ''].map((key) => ({ code: 'unknown-tag-key', key, known: ['team', 'stage'] })),
    )
  })

  test('are unknown if there are no tags', () => {
    expect(problemsOf(['team'], [])).toEqual([{ code: 'unknown-tag-key', key: 'team', known: [] }])
  })
})

describe('parser of Regions', () => {
  test.each([
    'eu-west-1',
    'us-east-1',
    'ap-southeast-7',
    'mx-central-1',
    'il-central-1',
    'cn-northwest-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'eusc-de-east-1',
  ])('accepts %s', (region) => {
    expect(parseWith(parseRegion, region)).toEqual(accepted(region))
  })

  test.each([
    '',
    'eu-west',
    'euwest1',
    'EU-WEST-1',
    'eu-west-1a',
    'eu-west-1 ',
    'eu_west_1',
    'Ireland',
    'aws-global',
    'eu-west-1\n',
    'https://dynamodb.eu-west-1.amazonaws.com',
    42,
  ])('refuses %j and reports it', (value) => {
    expect(parseWith(parseRegion, value)).toEqual(refused({ code: 'invalid-region', value }))
  })

  test.each(NO_STRINGS.filter(([value]) => value !== 42))(
    'refuses %p and reports its type',
    (value, type) => {
      expect(parseWith(parseRegion, value)).toEqual(refused({ code: 'invalid-region', value: { type } }))
    },
  )
})

describe('a Region and the partition of a role', () => {
  test.each([
    ['eu-west-1', 'aws'],
    ['us-east-1', 'aws'],
    ['us-west-2', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['cn-northwest-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eusc-de-east-1', 'aws-eusc'],
    ['us-iso-east-1', 'aws-iso'],
    ['us-isob-east-1', 'aws-iso-b'],
    ['eu-isoe-west-1', 'aws-iso-e'],
    ['us-isof-south-1', 'aws-iso-f'],
    ['us-west-2', 'aws-new'],
  ])('%s can be in %s', (region, partition) => {
    expect(findPartitionProblem(region, { partition })).toBeUndefined()
  })

  test.each([
    ['eu-west-1', 'aws-cn'],
    ['us-east-1', 'aws-us-gov'],
    ['eu-central-1', 'aws-eusc'],
    ['cn-north-1', 'aws'],
    ['cn-north-1', 'aws-us-gov'],
    ['us-gov-east-1', 'aws'],
    ['eusc-de-east-1', 'aws'],
  ])('%s is not in %s', (region, partition) => {
    expect(findPartitionProblem(region, { partition })).toEqual({
      code: 'other-partition',
      value: region,
      partition,
    })
  })
})

describe('session policies', () => {
  test.each<[unknown, string]>([
    [{ Version: '2012-10-17', Statement: [] }, '{"Version":"2012-10-17","Statement":[]}'],
    [{ a: [null, true, 1.5, 'x'] }, '{"a":[null,true,1.5,"x"]}'],
    [{ a: 'ключ' }, String.raw`{"a":"\u043a\u043b\u044e\u0447"}`],
    ['{"Version":"2012-10-17","Statement":[]}', '{"Version":"2012-10-17","Statement":[]}'],
    ['{\n\t"Caf\u00e9": 1\r\n}', '{\n\t"Caf\u00e9": 1\r\n}'],
  ])('%j is accepted as text in the characters that STS accepts', (policy, text) => {
    expect(parseWith(parsePolicy, policy)).toEqual(accepted(text))
  })

  test.each<[unknown, object]>([
    [{}, { code: 'empty' }],
    ['{}', { code: 'empty' }],
    [[], { code: 'invalid-type', actual: 'a list' }],
    ['[]', { code: 'invalid-type', actual: 'a list' }],
    [7, { code: 'invalid-type', actual: 'a number' }],
    ['"x"', { code: 'invalid-type', actual: 'a string' }],
    ['', { code: 'invalid-type', actual: 'text that is not valid JSON' }],
    ['{', { code: 'invalid-type', actual: 'text that is not valid JSON' }],
    ['{"a":"ключ"}', { code: 'invalid-character', character: 'к' }],
    ['{"a":"😀"}', { code: 'invalid-character', character: '😀' }],
    [{ Statement: [{ Condition: undefined }] }, { code: 'not-json-value', at: 'Statement[0].Condition' }],
    [{ a: { b: [1, Number.NaN] } }, { code: 'not-json-value', at: 'a.b[1]', actual: 'NaN' }],
    [{ a: 1n }, { code: 'not-json-value', at: 'a', actual: 'a bigint' }],
  ])('%p is refused', (policy, problem) => {
    expect(parseWith(parsePolicy, policy)).toEqual(refused(problem))
  })

  test('are written with JSON escapes for characters that STS does not accept', () => {
    expect(toPolicyText({ a: '\u00ff\ud800' })).toBe('{"a":"\\u00ff\\ud800"}')
  })

  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => `arn:aws:iam::aws:policy/P${index}`)

  test.each<[string, string[]]>([
    ['one of AWS', ['arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess']],
    ['one of an account in GovCloud', ['arn:aws-us-gov:iam::222222222222:policy/teams/Orders']],
    ['10', many(10)],
  ])('may be managed policies: %s', (_, arns) => {
    expect(parseWith(parsePolicyArns, arns)).toEqual(accepted(arns))
  })

  test.each<[string, unknown, object]>([
    ['11', many(11), { code: 'too-many', max: 10, count: 11 }],
    ['none', [], { code: 'empty' }],
    ['an ARN alone', 'arn:aws:iam::aws:policy/P', { code: 'invalid-type', actual: 'a string' }],
    [
      'an ARN of a role',
      ['arn:aws:iam::222222222222:role/R'],
      { code: 'invalid-policy-arn', value: 'arn:aws:iam::222222222222:role/R' },
    ],
    ['a number', [7], { code: 'invalid-type', actual: 'a list that contains a number' }],
  ])('may not be %s in place of a list of ARNs of managed policies', (_, value, problem) => {
    expect(parseWith(parsePolicyArns, value)).toEqual(refused(problem))
  })

  test('are measured with the ARNs of managed policies', () => {
    const policyOf = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`
    const problem = (length: number) => ({ code: 'session-policies-too-large', length, max: 2048 })
    const arn = 'arn:aws:iam::aws:policy/P'
    expect(findPolicySizeProblem(undefined, [])).toBeUndefined()
    expect(findPolicySizeProblem(policyOf(2048), [])).toBeUndefined()
    expect(findPolicySizeProblem(policyOf(2049), [])).toEqual(problem(2049))
    expect(findPolicySizeProblem(policyOf(2048 - arn.length), [arn])).toBeUndefined()
    expect(findPolicySizeProblem(policyOf(2048), [arn])).toEqual(problem(2048 + arn.length))
  })
})
