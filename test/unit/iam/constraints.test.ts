// cspell:ignore awsome équipe euwest größe quipe rölle заказы ключ
/** The limits of AWS on session parameters: the values that the parsers accept, and the problems that they report. */
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
import { describeType } from '../../../src/text.ts'
import { parseWith } from '../issues.ts'

const createAcceptedResult = (value: unknown) => ({ value, problems: [] })
const createRefusedResult = (...problems: unknown[]) => ({
  value: undefined,
  problems: problems.map((problem) => expect.objectContaining(problem as object)),
})

const NON_STRINGS: [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [42, 'a number'],
  [true, 'a boolean'],
  [['a', 'b'], 'a list'],
  [{ a: 'b' }, 'an object'],
  [() => 'ab', 'a function'],
]

describe('the type of a value', () => {
  test.each(NON_STRINGS)('the described type of %p is %s', (value, type) => {
    expect(describeType(value)).toBe(type)
  })

  test('the described type of a string does not contain the string', () => {
    expect(describeType('secret')).toBe('a string')
  })
})

describe('parser of role ARNs', () => {
  const createRoleArn = (path: string) => `arn:aws:iam::222222222222:role${path}`

  test.each([
    ['a plain name', createRoleArn('/CrossAccountDynamoRole')],
    ['the partition of China', 'arn:aws-cn:iam::222222222222:role/R'],
    ['the partition of GovCloud', 'arn:aws-us-gov:iam::222222222222:role/R'],
    ['an isolated partition', 'arn:aws-iso-b:iam::222222222222:role/R'],
    ['the European Sovereign Cloud', 'arn:aws-eusc:iam::222222222222:role/R'],
    ['an account ID that starts with zeros', 'arn:aws:iam::000000000012:role/R'],
    ['a path', createRoleArn('/teams/orders/R')],
    ['every kind of character that a name may contain', createRoleArn('/aZ09_+=,.@-')],
    ['a path with punctuation', createRoleArn('/a!b~c*/R')],
    ['a name of 1 character', createRoleArn('/R')],
    ['a name of 64 characters', createRoleArn(`/${'r'.repeat(64)}`)],
    ['a path of 512 characters', createRoleArn(`/${'p'.repeat(510)}/R`)],
  ])('the role ARN parser accepts %s', (_, arn) => {
    expect(parseWith(parseRoleArnOption, arn)).toEqual(createAcceptedResult(arn))
  })

  test.each([
    ['an empty string', '', 'not-an-arn'],
    ['a name', 'CrossAccountDynamoRole', 'not-an-arn'],
    ['an incomplete ARN', 'arn:aws:iam::222222222222', 'not-an-arn'],
    ['an ARN after a space', ` ${createRoleArn('/R')}`, 'not-an-arn'],
    ['no partition', 'arn::iam::222222222222:role/R', 'no-partition'],
    ['a partition that does not belong to AWS', 'arn:gcp:iam::222222222222:role/R', 'no-partition'],
    ['a partition in capitals', 'arn:AWS:iam::222222222222:role/R', 'no-partition'],
    ['a partition that ends in -', 'arn:aws-:iam::222222222222:role/R', 'no-partition'],
    ['a session of a role', 'arn:aws:sts::222222222222:assumed-role/R/session', 'session-arn'],
    ['a user', 'arn:aws:iam::222222222222:user/alice', 'not-a-role'],
    ['a federated user', 'arn:aws:sts::222222222222:federated-user/bob', 'not-a-role'],
    ['another service', 'arn:aws:s3:::role/R', 'not-a-role'],
    ['a Region', 'arn:aws:iam:eu-west-1:222222222222:role/R', 'not-a-role'],
    ['the root of the account', 'arn:aws:iam::222222222222:root', 'not-a-role'],
    ['a resource type that only starts like role', createRoleArn('name/R'), 'not-a-role'],
    ['no account', 'arn:aws:iam:::role/R', 'no-account-id'],
    ['an account ID of 11 digits', 'arn:aws:iam::22222222222:role/R', 'no-account-id'],
    ['an account ID of 13 digits', 'arn:aws:iam::2222222222222:role/R', 'no-account-id'],
    ['an account ID with letters', 'arn:aws:iam::22222222222x:role/R', 'no-account-id'],
    ['no name', createRoleArn('/'), 'invalid-name'],
    ['no name after a path', createRoleArn('/teams/'), 'invalid-name'],
    ['a name of 65 characters', createRoleArn(`/${'r'.repeat(65)}`), 'invalid-name'],
    ['a wildcard as the name', createRoleArn('/*'), 'invalid-name'],
    ['a name with an umlaut', createRoleArn('/Rölle'), 'invalid-name'],
    ['a line break at the end', `${createRoleArn('/R')}\n`, 'invalid-name'],
    ['a space in the path', createRoleArn('/my team/R'), 'invalid-path'],
    ['an umlaut in the path', createRoleArn('/für/R'), 'invalid-path'],
    ['a path of 513 characters', createRoleArn(`/${'p'.repeat(511)}/R`), 'invalid-path'],
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html requires the pattern (/)|(/[!-DEL]+/).
    ['an empty path between two slashes', createRoleArn('//R'), 'invalid-path'],
  ])('the role ARN parser refuses %s', (_, value, reason) => {
    expect(parseWith(parseRoleArnOption, value)).toEqual(
      createRefusedResult({ code: 'invalid-role-arn', value, reason }),
    )
  })
})

describe('parseRoleArn', () => {
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
  ])('parseRoleArn returns the parts of %s', (arn, parts) => {
    expect(parseRoleArn(arn)).toStrictEqual(parts)
  })

  test.each(['', 'role/R', 'arn:aws:iam::222222222222'])('parseRoleArn throws a TypeError for %p', (text) => {
    expect(() => parseRoleArn(text)).toThrow(TypeError)
  })
})

describe.each([
  ['external IDs', parseExternalId, 1224, '_+=,.@:/-', [' ', '\t', '\n', '#', '!', '*', 'é', '🦄', '\ud800']],
  ['session names', parseSessionName, 64, '_+=,.@-', [' ', '\n', ':', '/', '#', 'é', '🦄', '\ud800']],
  ['source identities', parseSourceIdentity, 64, '_+=,.@-', [' ', '\n', ':', '/', '#', 'é', '🦄']],
] as const)('parser of %s', (name, parser, max, punctuation, invalidCharacters) => {
  test.each([2, 3, max - 1, max])(`the parser of ${name} accepts %i characters`, (length) => {
    const text = 'x'.repeat(length)
    expect(parseWith(parser, text)).toEqual(createAcceptedResult(text))
  })

  test.each([0, 1, max + 1, 10 * max])(`the parser of ${name} refuses %i characters`, (length) => {
    const problem = { code: 'invalid-length', min: 2, max, length }
    expect(parseWith(parser, 'x'.repeat(length))).toEqual(createRefusedResult(problem))
  })

  test(`the parser of ${name} accepts letters, digits and ${punctuation}`, () => {
    const text = `azAZ09${punctuation}`
    expect(parseWith(parser, text)).toEqual(createAcceptedResult(text))
  })

  test.each(invalidCharacters)(`the parser of ${name} refuses %j`, (character) => {
    expect(parseWith(parser, `ab${character}cd`)).toEqual(
      createRefusedResult({ code: 'invalid-character', character }),
    )
  })

  test(`the parser of ${name} counts characters and not UTF-16 code units`, () => {
    expect(parseWith(parser, '🦄')).toEqual(createRefusedResult({ code: 'invalid-length', length: 1 }))
  })
})

test.each([
  ['role ARN', parseRoleArnOption],
  ['external ID', parseExternalId],
  ['session name', parseSessionName],
  ['source identity', parseSourceIdentity],
])('if the %s is not a string, the parser refuses it and reports only its type', (_, parser) => {
  for (const [value, actual] of NON_STRINGS)
    expect(parseWith(parser, value)).toEqual(createRefusedResult({ code: 'invalid-type', actual }))
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
    'the parser of source identities refuses %s, because AWS reserves the prefix',
    (value) => {
      expect(parseWith(parseSourceIdentity, value)).toEqual(createRefusedResult({ code: 'reserved-prefix' }))
    },
  )

  test.each(['aws', 'awsome', 'aws-alice', 'aws@example.com'])(
    'the parser of source identities accepts %s, which only resembles the reserved prefix',
    (value) => {
      expect(parseWith(parseSourceIdentity, value)).toEqual(createAcceptedResult(value))
    },
  )
})

describe('toSessionName', () => {
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
  ])('toSessionName converts %j to %j, which is a valid session name', (text, name) => {
    expect(toSessionName(text)).toBe(name)
    expect(parseWith(parseSessionName, name)).toEqual(createAcceptedResult(name))
  })

  test('toSessionName returns a valid session name for every character', () => {
    for (let charCode = 0; charCode <= 0xffff; charCode++) {
      const name = toSessionName(String.fromCharCode(charCode))
      if (parseWith(parseSessionName, name).value === undefined)
        throw new Error(`U+${charCode.toString(16)} was converted to ${name}`)
    }
  })
})

describe('parser of durations', () => {
  test.each([900, 901, 3599, 3600])('the duration parser accepts %i', (seconds) => {
    expect(parseWith(parseDurationSeconds, seconds)).toEqual(createAcceptedResult(seconds))
  })

  const createDurationProblem = (value: unknown) => ({ code: 'invalid-duration', min: 900, max: 3600, value })
  test.each([...[899, 3601, 43_200, 0, -900, 900.5, Number.NaN, Number.POSITIVE_INFINITY], ...['900', '1h']])(
    'the duration parser refuses %p and reports the value',
    (value) => {
      expect(parseWith(parseDurationSeconds, value)).toEqual(
        createRefusedResult(createDurationProblem(value)),
      )
    },
  )

  const cyclicList: unknown[] = []
  cyclicList.push(cyclicList)
  test.each([
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a BigInt', 900n, 'a bigint'],
    ['a list that contains itself', cyclicList, 'a list'],
  ])('the duration parser refuses %s and reports its type', (_, value, type) => {
    expect(parseWith(parseDurationSeconds, value)).toEqual(
      createRefusedResult(createDurationProblem({ type })),
    )
  })
})

describe('parser of session tags', () => {
  const createTags = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, 'value']))

  test.each<[string, Record<string, string>]>([
    ['no tags', {}],
    ['50 tags', createTags(50)],
    ['a key of 1 character', { k: 'value' }],
    ['a key of 128 characters', { ['k'.repeat(128)]: 'value' }],
    ['a value of 1 character', { team: 'v' }],
    ['a value of 256 characters', { team: 'v'.repeat(256) }],
    ['letters of any alphabet', { équipe: '注文', ÄÖÜ: 'заказы' }],
    ['letters beyond U+FFFF, each counted as one character', { ['𝒌'.repeat(128)]: '𝒗'.repeat(256) }],
    ['digits of any script', { '٣': '½Ⅷ' }],
    ['spaces of every kind', { 'cost center': 'a\u00a0b\u3000c\u2028d' }],
    ['the allowed punctuation', { '_.:/=+-@': '_.:/=+-@' }],
    ['a key that contains aws: later', { 'my:aws:key': 'value' }],
    ['keys that only resemble the reserved prefix', { aws: 'value', 'awsome:key': 'value' }],
    ['the same value twice', { a: 'same', b: 'same' }],
    [
      'names of JavaScript properties',
      JSON.parse('{ "__proto__": "a", "constructor": "b", "toString": "c" }'),
    ],
  ])('the parser of session tags accepts %s', (_, tags) => {
    const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    expect(parseWith(parseSessionTags, tags)).toEqual(createAcceptedResult(list))
  })

  const createKeyLocation = (key: string) => ({ tag: { part: 'key', key } })
  const createValueLocation = (key: string) => ({ tag: { part: 'value', key } })
  test.each<[string, Record<string, unknown>, object]>([
    ['51 tags', createTags(51), { code: 'too-many', max: 50, count: 51 }],
    [
      'an empty key',
      { '': 'value' },
      { code: 'invalid-length', min: 1, max: 128, length: 0, ...createKeyLocation('') },
    ],
    [
      'a key of 129 characters',
      { ['k'.repeat(129)]: 'value' },
      { code: 'invalid-length', min: 1, max: 128, length: 129, ...createKeyLocation('k'.repeat(129)) },
    ],
    [
      'an empty value',
      { team: '' },
      { code: 'invalid-length', min: 1, max: 256, length: 0, ...createValueLocation('team') },
    ],
    [
      'a value of 257 characters',
      { team: 'v'.repeat(257) },
      { code: 'invalid-length', min: 1, max: 256, length: 257, ...createValueLocation('team') },
    ],
    [
      'an emoji in a key',
      { '🦄s': 'v' },
      { code: 'invalid-character', character: '🦄', ...createKeyLocation('🦄s') },
    ],
    [
      'an emoji in a value',
      { team: 'unicorn 🦄' },
      { code: 'invalid-character', character: '🦄', ...createValueLocation('team') },
    ],
    [
      'a combining accent in a value',
      { team: 'e\u0301quipe' },
      { code: 'invalid-character', character: '\u0301', ...createValueLocation('team') },
    ],
    [
      'a tab, which AWS does not accept as a space',
      { team: 'a\tb' },
      { code: 'invalid-character', character: '\t', ...createValueLocation('team') },
    ],
    [
      'a comma',
      { team: 'a,b' },
      { code: 'invalid-character', character: ',', ...createValueLocation('team') },
    ],
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html reserves the prefix aws: in keys and values.
    [
      'a key with a reserved prefix',
      { 'aws:team': 'v' },
      { code: 'reserved-prefix', ...createKeyLocation('aws:team') },
    ],
    [
      'a reserved prefix in capitals',
      { 'AWS:team': 'v' },
      { code: 'reserved-prefix', ...createKeyLocation('AWS:team') },
    ],
    [
      'a value with a reserved prefix',
      { team: 'aws:orders' },
      { code: 'reserved-prefix', ...createValueLocation('team') },
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
    [
      'a value that is a number',
      { n: 1 },
      { code: 'invalid-type', actual: 'a number', ...createValueLocation('n') },
    ],
    [
      'a value that is undefined',
      { n: undefined },
      { code: 'invalid-type', actual: 'undefined', ...createValueLocation('n') },
    ],
  ])('the parser of session tags refuses %s', (_, tags, problem) => {
    expect(parseWith(parseSessionTags, tags)).toEqual(createRefusedResult(problem))
  })

  test('the parser of session tags refuses values that are not plain objects', () => {
    for (const [value, actual] of NON_STRINGS.filter(([, type]) => type !== 'an object'))
      expect(parseWith(parseSessionTags, value)).toEqual(
        createRefusedResult({ code: 'invalid-type', actual }),
      )
    expect(parseWith(parseSessionTags, 'team=x')).toEqual(
      createRefusedResult({ code: 'invalid-type', actual: 'a string' }),
    )
  })

  test('the parser of session tags reports all problems and no tag value', () => {
    const tags = { ...createTags(49), KEY1: 'MARKER!', 'aws:x': `MARKER${'v'.repeat(256)}`, '': 'MARKER?' }
    const parsed = parseWith(parseSessionTags, tags)
    expect(parsed).toEqual(
      createRefusedResult(
        { code: 'too-many', max: 50, count: 52 },
        { code: 'invalid-character', character: '!', ...createValueLocation('KEY1') },
        { code: 'duplicate-tag-key', keys: ['key1', 'KEY1'] },
        { code: 'reserved-prefix', ...createKeyLocation('aws:x') },
        { code: 'invalid-length', length: 262, ...createValueLocation('aws:x') },
        { code: 'invalid-length', length: 0, ...createKeyLocation('') },
        { code: 'invalid-character', character: '?', ...createValueLocation('') },
      ),
    )
    expect(JSON.stringify(parsed)).not.toContain('MARKER')
  })

  test('the parser of session tags reports only the number of tags if it is far above the limit', () => {
    const tags = Object.fromEntries(Object.keys(createTags(501)).map((key) => [key, '!']))
    expect(parseWith(parseSessionTags, tags)).toEqual(
      createRefusedResult({ code: 'too-many', max: 50, count: 501 }),
    )
  })
})

describe('transitive tag keys', () => {
  const tags = [
    { Key: 'team', Value: 'MARKER' },
    { Key: 'stage', Value: 'MARKER' },
  ]
  const findProblems = (keys: readonly string[], sessionTags = tags): Problem[] => {
    const problems: Problem[] = []
    reportUnknownTagKeys(keys, sessionTags, (problem) => problems.push(problem))
    return problems
  }

  test.each([[[]], [['team']], [['stage', 'team']]])(
    'transitive tag keys can be keys of the session tags: %j',
    (keys) => {
      expect(findProblems(keys)).toEqual([])
    },
  )

  test('transitive tag keys are parsed without duplicates and frozen', () => {
    const { value, problems } = parseWith(parseTagKeys, ['team', 'owner', 'team'])
    expect({ value, problems }).toEqual(createAcceptedResult(['team', 'owner']))
    expect(Object.isFrozen(value)).toBe(true)
  })

  test.each([
    ['team', 'a string'],
    [null, 'null'],
    [{ team: true }, 'an object'],
    [['team', 7], 'a list that contains a number'],
  ])('transitive tag keys must be a list of strings and not %j', (value, actual) => {
    expect(parseWith(parseTagKeys, value)).toEqual(createRefusedResult({ code: 'invalid-type', actual }))
  })

  test('a transitive tag key without a tag is reported with the existing keys, and case matters', () => {
    expect(findProblems(['team', 'owner', 'Stage', ''])).toEqual(
      ['owner', 'Stage', ''].map((key) => ({ code: 'unknown-tag-key', key, known: ['team', 'stage'] })),
    )
  })

  test('transitive tag keys are reported if there are no tags', () => {
    expect(findProblems(['team'], [])).toEqual([{ code: 'unknown-tag-key', key: 'team', known: [] }])
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
  ])('the Region parser accepts %s', (region) => {
    expect(parseWith(parseRegion, region)).toEqual(createAcceptedResult(region))
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
  ])('the Region parser refuses %j and reports the value', (value) => {
    expect(parseWith(parseRegion, value)).toEqual(createRefusedResult({ code: 'invalid-region', value }))
  })

  test.each(NON_STRINGS.filter(([value]) => value !== 42))(
    'the Region parser refuses %p and reports its type',
    (value, type) => {
      expect(parseWith(parseRegion, value)).toEqual(
        createRefusedResult({ code: 'invalid-region', value: { type } }),
      )
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
  ])('the Region %s can be in the partition %s', (region, partition) => {
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
  ])('the Region %s is not in the partition %s', (region, partition) => {
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
  ])(
    'the policy parser converts %j to text that contains only characters that STS accepts',
    (policy, text) => {
      expect(parseWith(parsePolicy, policy)).toEqual(createAcceptedResult(text))
    },
  )

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
  ])('the policy parser refuses %p', (policy, problem) => {
    expect(parseWith(parsePolicy, policy)).toEqual(createRefusedResult(problem))
  })

  test('policy text contains JSON escapes for characters that STS does not accept', () => {
    expect(toPolicyText({ a: '\u00ff\ud800' })).toBe('{"a":"\\u00ff\\ud800"}')
  })

  const createPolicyArns = (count: number) =>
    Array.from({ length: count }, (_, index) => `arn:aws:iam::aws:policy/P${index}`)

  test.each<[string, string[]]>([
    ['one AWS managed policy', ['arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess']],
    ['one customer managed policy in GovCloud', ['arn:aws-us-gov:iam::222222222222:policy/teams/Orders']],
    ['10 policies', createPolicyArns(10)],
  ])('the parser of policy ARNs accepts %s', (_, arns) => {
    expect(parseWith(parsePolicyArns, arns)).toEqual(createAcceptedResult(arns))
  })

  test.each<[string, unknown, object]>([
    ['11 policies', createPolicyArns(11), { code: 'too-many', max: 10, count: 11 }],
    ['an empty list', [], { code: 'empty' }],
    [
      'an ARN that is not in a list',
      'arn:aws:iam::aws:policy/P',
      { code: 'invalid-type', actual: 'a string' },
    ],
    [
      'a role ARN',
      ['arn:aws:iam::222222222222:role/R'],
      { code: 'invalid-policy-arn', value: 'arn:aws:iam::222222222222:role/R' },
    ],
    ['a list that contains a number', [7], { code: 'invalid-type', actual: 'a list that contains a number' }],
  ])('the parser of policy ARNs refuses %s', (_, value, problem) => {
    expect(parseWith(parsePolicyArns, value)).toEqual(createRefusedResult(problem))
  })

  test('the size of session policies includes the ARNs of managed policies', () => {
    const createPolicyText = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`
    const createSizeProblem = (length: number) => ({ code: 'session-policies-too-large', length, max: 2048 })
    const arn = 'arn:aws:iam::aws:policy/P'
    expect(findPolicySizeProblem(undefined, [])).toBeUndefined()
    expect(findPolicySizeProblem(createPolicyText(2048), [])).toBeUndefined()
    expect(findPolicySizeProblem(createPolicyText(2049), [])).toEqual(createSizeProblem(2049))
    expect(findPolicySizeProblem(createPolicyText(2048 - arn.length), [arn])).toBeUndefined()
    expect(findPolicySizeProblem(createPolicyText(2048), [arn])).toEqual(createSizeProblem(2048 + arn.length))
  })
})
