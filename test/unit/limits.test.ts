import { expect, describe as group, test } from '@jest/globals'
import {
  checkDurationSeconds,
  checkExternalId,
  checkPartition,
  checkPolicy,
  checkPolicyArns,
  checkPolicySize,
  checkRegion,
  checkRoleArn,
  checkSessionName,
  checkSessionTags,
  checkSourceIdentity,
  checkTransitiveTagKeys,
  parseRoleArn,
  toSessionName,
} from '../../src/limits.ts'
import { describe as kindOf } from '../../src/values.ts'

const NO_STRINGS: [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [42, 'a number'],
  [true, 'a boolean'],
  [['a', 'b'], 'a list'],
  [{ a: 'b' }, 'an object'],
  [() => 'ab', 'a function'],
]

group('describe', () => {
  test.each(NO_STRINGS)('%p is %s', (value, words) => {
    expect(kindOf(value)).toBe(words)
  })

  test('a string is not shown', () => {
    expect(kindOf('secret')).toBe('a string')
  })
})

group('checkRoleArn', () => {
  const role = (path: string) => `arn:aws:iam::222222222222:role${path}`

  test.each([
    ['a plain name', role('/CrossAccountDynamoRole')],
    ['the partition of China', 'arn:aws-cn:iam::222222222222:role/R'],
    ['the partition of GovCloud', 'arn:aws-us-gov:iam::222222222222:role/R'],
    ['an isolated partition', 'arn:aws-iso-b:iam::222222222222:role/R'],
    ['the European Sovereign Cloud', 'arn:aws-eusc:iam::222222222222:role/R'],
    ['an account ID that begins with zeros', 'arn:aws:iam::000000000012:role/R'],
    ['a path', role('/teams/orders/R')],
    ['every kind of character a name may hold', role('/aZ09_+=,.@-')],
    ['a path with punctuation', role('/a!b~c*/R')],
    ['a name of 1 character', role('/R')],
    ['a name of 64 characters', role(`/${'r'.repeat(64)}`)],
    ['a path of 512 characters', role(`/${'p'.repeat(510)}/R`)],
  ])('takes %s', (_, arn) => {
    expect(checkRoleArn(arn)).toBeUndefined()
  })

  test.each([
    ['nothing', '', 'is not an ARN'],
    ['a bare name', 'CrossAccountDynamoRole', 'is not an ARN'],
    ['an ARN cut short', 'arn:aws:iam::222222222222', 'is not an ARN'],
    ['an ARN after a space', ` ${role('/R')}`, 'is not an ARN'],
    ['no partition', 'arn::iam::222222222222:role/R', 'has no AWS partition'],
    ['a foreign partition', 'arn:gcp:iam::222222222222:role/R', 'has no AWS partition'],
    ['a partition in capitals', 'arn:AWS:iam::222222222222:role/R', 'has no AWS partition'],
    ['a partition that ends in -', 'arn:aws-:iam::222222222222:role/R', 'has no AWS partition'],
    [
      'an assumed role',
      'arn:aws:sts::222222222222:assumed-role/R/session',
      'is the ARN of a session that has assumed a role, not of the role',
    ],
    ['a user', 'arn:aws:iam::222222222222:user/alice', 'is not the ARN of an IAM role'],
    ['a federated user', 'arn:aws:sts::222222222222:federated-user/bob', 'is not the ARN of an IAM role'],
    ['another service', 'arn:aws:s3:::role/R', 'is not the ARN of an IAM role'],
    ['a Region', 'arn:aws:iam:eu-west-1:222222222222:role/R', 'is not the ARN of an IAM role'],
    ['the root of the account', 'arn:aws:iam::222222222222:root', 'is not the ARN of an IAM role'],
    ['a resource that only begins like a role', role('name/R'), 'is not the ARN of an IAM role'],
    ['no account', 'arn:aws:iam:::role/R', 'needs an account ID of 12 digits, not ""'],
    [
      'an account of 11 digits',
      'arn:aws:iam::22222222222:role/R',
      'needs an account ID of 12 digits, not "22222222222"',
    ],
    ['an account of 13 digits', 'arn:aws:iam::2222222222222:role/R', 'not "2222222222222"'],
    ['an account with letters', 'arn:aws:iam::22222222222x:role/R', 'not "22222222222x"'],
    ['no name', role('/'), 'has a role name that must have 1 to 64 characters, but has 0'],
    ['no name after a path', role('/teams/'), 'has a role name that must have 1 to 64 characters, but has 0'],
    ['a name of 65 characters', role(`/${'r'.repeat(65)}`), 'must have 1 to 64 characters, but has 65'],
    ['a name for every role', role('/*'), 'a role name that may hold only letters, digits and _+=,.@-, but'],
    ['a name with an umlaut', role('/Rölle'), 'but holds "ö"'],
    ['a line break at the end', `${role('/R')}\n`, String.raw`but holds "\n"`],
    [
      'a space in the path',
      role('/my team/R'),
      'has a path that is empty, or holds other characters than printable ASCII',
    ],
    ['an umlaut in the path', role('/für/R'), 'or holds other characters than printable ASCII'],
    [
      'a path of 513 characters',
      role(`/${'p'.repeat(511)}/R`),
      'has a path of 513 characters; at most are 512',
    ],
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html: (/)|(/[!-DEL]+/)
    ['a path of nothing between two slashes', role('//R'), 'has a path that is empty'],
  ])('refuses %s', (_, arn, why) => {
    const complaint = checkRoleArn(arn)
    expect(complaint).toContain(why)
    expect(complaint).toContain(JSON.stringify(arn))
    expect(complaint).toContain(
      "a role's ARN looks like arn:aws:iam::222222222222:role/CrossAccountDynamoRole",
    )
  })

  test.each(NO_STRINGS)('refuses %p', (value, words) => {
    expect(checkRoleArn(value)).toBe(`must be a string, but is ${words}`)
  })
})

group('parseRoleArn', () => {
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
  ])('%s', (arn, parts) => {
    expect(parseRoleArn(arn)).toStrictEqual(parts)
  })

  test.each(['', 'role/R', 'arn:aws:iam::222222222222'])('throws on %p', (text) => {
    expect(() => parseRoleArn(text)).toThrow(new TypeError(`not an ARN: ${JSON.stringify(text)}`))
  })
})

group.each([
  [
    'checkExternalId',
    checkExternalId,
    1224,
    '_+=,.@:/-',
    [' ', '\t', '\n', '#', '!', '*', 'é', '🦄', '\ud800'],
  ],
  ['checkSessionName', checkSessionName, 64, '_+=,.@-', [' ', '\n', ':', '/', '#', 'é', '🦄', '\ud800']],
  ['checkSourceIdentity', checkSourceIdentity, 64, '_+=,.@-', [' ', '\n', ':', '/', '#', 'é', '🦄']],
] as const)('%s', (_, check, max, punctuation, strays) => {
  test.each([2, 3, max - 1, max])('takes %i characters', (length) => {
    expect(check('x'.repeat(length))).toBeUndefined()
  })

  test.each([0, 1, max + 1, 10 * max])('refuses %i characters', (length) => {
    expect(check('x'.repeat(length))).toBe(`must have 2 to ${max} characters, but has ${length}`)
  })

  test('takes letters, digits and its punctuation', () => {
    expect(check(`azAZ09${punctuation}`)).toBeUndefined()
  })

  test.each(strays)('refuses %j', (stray) => {
    expect(check(`ab${stray}cd`)).toBe(
      `may hold only letters, digits and ${punctuation}, but holds ${JSON.stringify(stray)}`,
    )
  })

  test('counts characters and not the units that JavaScript stores them in', () => {
    expect(check('🦄')).toBe(`must have 2 to ${max} characters, but has 1`)
  })

  test.each(NO_STRINGS)('refuses %p', (value, words) => {
    expect(check(value)).toBe(`must be a string, but is ${words}`)
  })
})

group('checkExternalId', () => {
  test.each(['x', `MARKER ${'x'.repeat(30)}`, 'MARKER'.repeat(300)])(
    'never quotes the external ID',
    (value) => {
      expect(checkExternalId(value)).not.toMatch(/MARKER|xx/)
    },
  )
})

group('checkSourceIdentity', () => {
  test.each(['aws:', 'aws:alice', 'AWS:alice', 'aWs:alice', `aws:${'x'.repeat(64)}`])(
    'refuses %s',
    (value) => {
      expect(checkSourceIdentity(value)).toBe('may not begin with aws:, which AWS keeps for itself')
    },
  )

  test.each(['aws', 'awsome', 'aws-alice', 'aws@example.com'])(
    'takes %s, which only resembles it',
    (value) => {
      expect(checkSourceIdentity(value)).toBeUndefined()
    },
  )
})

group('toSessionName', () => {
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
  ])('%j becomes %j, which AWS takes', (text, name) => {
    expect(toSessionName(text)).toBe(name)
    expect(checkSessionName(name)).toBeUndefined()
  })

  test('whatever character a name holds, what becomes of it passes', () => {
    for (let code = 0; code <= 0xffff; code++) {
      const name = toSessionName(String.fromCharCode(code))
      if (checkSessionName(name) !== undefined) throw new Error(`U+${code.toString(16)} became ${name}`)
    }
  })
})

group('checkDurationSeconds', () => {
  test.each([900, 901, 3599, 3600])('takes %i', (seconds) => {
    expect(checkDurationSeconds(seconds)).toBeUndefined()
  })

  test.each([
    [899, '899'],
    [3601, '3601'],
    [43_200, '43200'],
    [0, '0'],
    [-900, '-900'],
    [900.5, '900.5'],
    ['900', '"900"'],
    ['1h', '"1h"'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('refuses %p', (value, shown) => {
    const complaint = checkDurationSeconds(value)
    expect(complaint).toContain(`must be a whole number of seconds from 900 to 3600, not ${shown};`)
    expect(complaint).toMatch(/role chaining at one hour$/)
  })

  const circle: unknown[] = []
  circle.push(circle)
  test.each([
    ['a BigInt', 900n],
    ['a list that holds itself', circle],
  ])('refuses %s with a complaint, not an exception', (_, value) => {
    expect(checkDurationSeconds(value)).toContain('must be a whole number of seconds from 900 to 3600')
  })
})

group('checkSessionTags', () => {
  const tag = (Key: string, Value = 'value') => ({ Key, Value })
  const many = (count: number) => Array.from({ length: count }, (_, index) => tag(`key${index}`))

  test.each([
    ['no tags', []],
    ['50 tags', many(50)],
    ['a key of 1 character', [tag('k')]],
    ['a key of 128 characters', [tag('k'.repeat(128))]],
    ['an empty value', [tag('team', '')]],
    ['a value of 256 characters', [tag('team', 'v'.repeat(256))]],
    ['letters of any alphabet', [tag('équipe', '注文'), tag('ÄÖÜ', 'заказы')]],
    ['letters beyond the first 65,536, each counted as one', [tag('𝒌'.repeat(128), '𝒗'.repeat(256))]],
    ['digits of any script', [tag('٣', '½Ⅷ')]],
    ['spaces of every kind', [tag('cost center', 'a\u00a0b\u3000c\u2028d')]],
    ['its punctuation', [tag('_.:/=+-@', '_.:/=+-@')]],
    ['a key that holds aws: later', [tag('my:aws:key')]],
    ['a key that only resembles the prefix', [tag('aws'), tag('awsome:key')]],
    ['the same value twice', [tag('a', 'same'), tag('b', 'same')]],
    ['the names of JavaScript', [tag('__proto__'), tag('constructor'), tag('toString')]],
  ])('takes %s', (_, tags) => {
    expect(checkSessionTags(tags)).toEqual([])
  })

  test.each([
    ['51 tags', many(51), 'may hold at most 50 tags, but holds 51'],
    ['an empty key', [tag('')], 'the key "" must have 1 to 128 characters, but has 0'],
    [
      'a key of 129 characters',
      [tag('k'.repeat(129))],
      `the key "${'k'.repeat(129)}" must have 1 to 128 characters, but has 129`,
    ],
    [
      'a value of 257 characters',
      [tag('team', 'v'.repeat(257))],
      'the value of "team" must have 0 to 256 characters, but has 257',
    ],
    [
      'an emoji in a key',
      [tag('🦄s')],
      'the key "🦄s" may hold only letters, digits, spaces and _.:/=+-@, but holds "🦄"',
    ],
    [
      'an emoji in a value',
      [tag('team', 'unicorn 🦄')],
      'the value of "team" may hold only letters, digits, spaces and _.:/=+-@, but holds "🦄"',
    ],
    [
      'a combining accent in a value',
      [tag('team', 'e\u0301quipe')],
      'the value of "team" may hold only letters, digits, spaces and _.:/=+-@, but holds "\u0301"',
    ],
    [
      'a tab, which is no space to AWS',
      [tag('team', 'a\tb')],
      String.raw`the value of "team" may hold only letters, digits, spaces and _.:/=+-@, but holds "\t"`,
    ],
    [
      'a comma',
      [tag('team', 'a,b')],
      'the value of "team" may hold only letters, digits, spaces and _.:/=+-@, but holds ","',
    ],
    ['a reserved prefix', [tag('aws:team')], 'the key "aws:team" may not begin with aws:'],
    ['a reserved prefix in capitals', [tag('AWS:team')], 'the key "AWS:team" may not begin with aws:'],
    [
      'keys that differ only in case',
      [tag('Team'), tag('stage'), tag('team')],
      'the keys "Team" and "team" are the same to AWS, which ignores their case',
    ],
    [
      'keys that differ only in the case of an umlaut',
      [tag('Größe'), tag('GRÖßE')],
      'the keys "Größe" and "GRÖßE" are the same to AWS, which ignores their case',
    ],
  ])('refuses %s', (_, tags, complaint) => {
    expect(checkSessionTags(tags)).toEqual([complaint])
  })

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html: neither a key nor a value may begin with aws:.
  test('refuses a value with the reserved prefix', () => {
    expect(checkSessionTags([tag('team', 'aws:orders')])).toEqual([
      expect.stringContaining('the value of "team" may not begin with aws:'),
    ])
  })

  test('a value that is no string is refused by its kind', () => {
    const tags = [
      { Key: 'count', Value: 1 as unknown as string },
      { Key: 'none', Value: undefined as unknown as string },
    ]
    expect(checkSessionTags(tags)).toEqual([
      'the value of "count" must be a string, but is a number',
      'the value of "none" must be a string, but is undefined',
    ])
  })

  test('has a complaint for each thing that is wrong, and never shows a value', () => {
    const complaints = checkSessionTags([
      ...many(49),
      tag('KEY1', 'MARKER!'),
      tag('aws:x', `MARKER${'v'.repeat(256)}`),
      tag('', 'MARKER?'),
    ])
    expect(complaints).toEqual([
      'may hold at most 50 tags, but holds 52',
      expect.stringContaining('the value of "KEY1" may hold only'),
      'the keys "key1" and "KEY1" are the same to AWS, which ignores their case',
      'the key "aws:x" may not begin with aws:',
      'the value of "aws:x" must have 0 to 256 characters, but has 262',
      'the key "" must have 1 to 128 characters, but has 0',
      expect.stringContaining('the value of "" may hold only'),
    ])
    expect(complaints.join()).not.toContain('MARKER')
  })
})

group('checkTransitiveTagKeys', () => {
  const tags = [
    { Key: 'team', Value: 'MARKER' },
    { Key: 'stage', Value: 'MARKER' },
  ]

  test.each([
    ['none', []],
    ['one', ['team']],
    ['all', ['stage', 'team']],
    ['one twice', ['team', 'team']],
  ])('takes %s', (_, keys) => {
    expect(checkTransitiveTagKeys(keys, tags)).toEqual([])
  })

  test('each key that no tag has is named once, with the keys that there are', () => {
    expect(checkTransitiveTagKeys(['team', 'owner', 'Stage', 'owner', ''], tags)).toEqual([
      '"owner" is not a key of sessionTags (those are "team", "stage")',
      '"Stage" is not a key of sessionTags (those are "team", "stage")',
      '"" is not a key of sessionTags (those are "team", "stage")',
    ])
  })

  test('says so when there are no tags at all', () => {
    expect(checkTransitiveTagKeys(['team'], [])).toEqual([
      '"team" is not a key of sessionTags (there are none)',
    ])
  })
})

group('checkRegion', () => {
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
  ])('takes %s', (region) => {
    expect(checkRegion(region)).toBeUndefined()
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
  ])('refuses %j', (region) => {
    expect(checkRegion(region)).toBe(
      `must be a Region's code such as eu-west-1, not ${JSON.stringify(region)}`,
    )
  })

  test.each(NO_STRINGS)('refuses %p', (value, words) => {
    expect(checkRegion(value)).toBe(
      `must be a Region's code such as eu-west-1, not ${typeof value === 'number' ? value : words}`,
    )
  })
})

group('checkPartition', () => {
  const role = (partition: string) => parseRoleArn(`arn:${partition}:iam::222222222222:role/R`)

  test.each([
    ['eu-west-1', 'aws'],
    ['us-east-1', 'aws'],
    ['us-west-2', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['cn-northwest-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eusc-de-east-1', 'aws-eusc'],
    ['us-iso-east-1', 'aws-iso'],
  ])('%s is in %s', (region, partition) => {
    expect(checkPartition(region, role(partition))).toBeUndefined()
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
    expect(checkPartition(region, role(partition))).toBe(
      `"${region}" is not a Region of the partition of roleArn, ${partition}`,
    )
  })
})

group('session policies', () => {
  const long = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`

  test.each<[unknown, string | undefined]>([
    [{ Version: '2012-10-17', Statement: [] }, undefined],
    ['{"Version":"2012-10-17","Statement":[]}', undefined],
    ['{\n\t"Caf\u00e9": 1\r\n}', undefined],
    [{}, 'must be a policy document or its JSON text, but is empty'],
    [[], 'must be a policy document or its JSON text, but is a list'],
    [7, 'must be a policy document or its JSON text, but is a number'],
    ['', 'is not valid JSON'],
    ['{', 'is not valid JSON'],
    ['[]', 'must be the JSON text of a policy document'],
    ['{}', 'must be the JSON text of a policy document, but is empty'],
    ['"x"', 'must be the JSON text of a policy document'],
    ['{"a":"ключ"}', 'may hold only characters up to U+00FF, but holds "к"; write it as a JSON escape'],
    ['{"a":"😀"}', 'may hold only characters up to U+00FF, but holds "😀"; write it as a JSON escape'],
  ])('checkPolicy(%j): %s', (policy, complaint) => {
    expect(checkPolicy(policy)).toBe(complaint)
  })

  test.each<[unknown, string | undefined]>([
    [['arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess'], undefined],
    [['arn:aws-us-gov:iam::222222222222:policy/teams/Orders'], undefined],
    [Array.from({ length: 10 }, (_, index) => `arn:aws:iam::aws:policy/P${index}`), undefined],
    [
      Array.from({ length: 11 }, (_, index) => `arn:aws:iam::aws:policy/P${index}`),
      'may hold at most 10 ARNs, but holds 11',
    ],
    [[], 'must be a list of ARNs of managed policies'],
    ['arn:aws:iam::aws:policy/P', 'must be a list of ARNs of managed policies'],
    [
      ['arn:aws:iam::222222222222:role/R'],
      '"arn:aws:iam::222222222222:role/R" is not the ARN of a managed policy, such as arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess',
    ],
    [
      [7],
      '7 is not the ARN of a managed policy, such as arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess',
    ],
  ])('checkPolicyArns(%j): %s', (arns, complaint) => {
    expect(checkPolicyArns(arns)).toBe(complaint)
  })

  test('checkPolicySize counts the policy and the ARNs together, and says how much is too much', () => {
    expect(checkPolicySize(long(2048), [])).toBeUndefined()
    expect(checkPolicySize(long(2049), [])).toBe(
      'makes session policies of 2049 characters, 1 more than the 2048 that STS takes',
    )
    const arn = 'arn:aws:iam::aws:policy/P'
    expect(checkPolicySize(long(2048 - arn.length), [arn])).toBeUndefined()
    expect(checkPolicySize(long(2048), [arn])).toContain(`${arn.length} more than`)
  })
})
