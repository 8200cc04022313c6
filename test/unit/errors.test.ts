import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import {
  assumeRoleError,
  CrossAccountDynamoError,
  type CrossAccountDynamoErrorCode,
  isEndpointMistake,
  isWorthAnotherAttempt,
  waitedTooLong,
} from '../../src/errors.ts'
import type { SessionIdentity } from '../../src/session-identity.ts'

const ROLE = 'arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole'
const CALLER = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders-function'
const CALLER_ROLE = 'arn:aws:iam::111111111111:role/LambdaExecutionRole'

const plain: SessionIdentity = {
  roleArn: ROLE,
  sessionTags: [],
  transitiveTagKeys: [],
  policyArns: [],
  sessionName: 'orders-function',
  durationSeconds: 3600,
}
const secretive: SessionIdentity = {
  ...plain,
  externalId: 'MARKER-EXTERNAL-ID',
  sessionTags: [
    { Key: 'team', Value: 'MARKER-TEAM' },
    { Key: 'stage', Value: 'MARKER-STAGE' },
  ],
  transitiveTagKeys: ['team'],
  sourceIdentity: 'alice',
}

/** An error as the SDK throws it: with the request and the response still hanging on it, where told. */
const sdkError = (name: string, message: string, status?: number, more: object = {}): Error =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode: status, requestId: 'request-1', attempts: 2, totalRetryDelay: 50 },
    ...more,
  })

/** An answer that something else than STS sent. */
const foreign = (status: number, headers: object = {}): Error =>
  Object.assign(new Error('Unknown'), {
    name: 'AccessDenied',
    $fault: 'client',
    $metadata: { httpStatusCode: status, attempts: 1 },
    $response: { statusCode: status, headers },
  })

const denied = (more = '', caller = CALLER, action = 'sts:AssumeRole') =>
  sdkError(
    'AccessDenied',
    `User: ${caller} is not authorized to perform: ${action} on resource: ${ROLE}${more}`,
    403,
  )

/** The statements in a message, which stand there to be pasted. */
const statementsIn = ({ message }: Error): { caller: unknown[]; trust: unknown[] } => {
  const [, ofCaller = '', ofTarget = ''] = message.split(/^- Account /m)
  const parsed = (text: string) =>
    (text.match(/^ {4}[{[]\n[\s\S]*?^ {4}[}\]]$/gm) ?? []).flatMap((pasted) => JSON.parse(pasted) as unknown)
  return { caller: parsed(ofCaller), trust: parsed(ofTarget) }
}

const bare = (message: string, more: object) => Object.assign(new Error(message), more)

const everything = (error: unknown): string =>
  [
    inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY }),
    JSON.stringify(error),
    String(error),
    (error as Error).stack,
  ].join('\n')

describe('CrossAccountDynamoError', () => {
  test.each<[CrossAccountDynamoErrorCode, number, boolean]>([
    ['CONFIG_INVALID', 500, false],
    ['ASSUME_ROLE_DENIED', 500, false],
    ['ASSUME_ROLE_REJECTED', 500, false],
    ['STS_THROTTLED', 503, true],
    ['STS_UNAVAILABLE', 503, true],
    ['STS_TIMEOUT', 503, true],
  ])(
    '%s has status %i and retryable %p, and is not for HTTP clients to read',
    (code, statusCode, retryable) => {
      const cause = new Error('the cause')
      const error = new CrossAccountDynamoError(code, 'what happened', { cause })
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({
        name: 'CrossAccountDynamoError',
        code,
        statusCode,
        retryable,
        expose: false,
      })
      expect(error.message).toBe(`${code}: what happened`)
      expect(error.cause).toBe(cause)
      expect(error.stack).toContain(`${code}: what happened`)
    },
  )

  test('has no cause where none is given', () => {
    expect(new CrossAccountDynamoError('CONFIG_INVALID', 'what happened')).not.toHaveProperty('cause')
  })
})

describe('assumeRoleError', () => {
  test.each<[string, unknown, CrossAccountDynamoErrorCode]>([
    ['AccessDenied', denied(), 'ASSUME_ROLE_DENIED'],
    ['AccessDeniedException', sdkError('AccessDeniedException', 'no', 400), 'ASSUME_ROLE_DENIED'],
    ['Throttling, which is a 400', sdkError('Throttling', 'Rate exceeded', 400), 'STS_THROTTLED'],
    ['ThrottlingException', sdkError('ThrottlingException', 'Rate exceeded', 400), 'STS_THROTTLED'],
    ['TooManyRequestsException', sdkError('TooManyRequestsException', 'slow', 429), 'STS_THROTTLED'],
    ['RequestLimitExceeded', sdkError('RequestLimitExceeded', 'slow', 503), 'STS_THROTTLED'],
    ['an unknown 429', sdkError('Whatever', 'slow', 429), 'STS_THROTTLED'],
    ['ExpiredToken', sdkError('ExpiredToken', 'expired', 403), 'ASSUME_ROLE_REJECTED'],
    ['ExpiredTokenException', sdkError('ExpiredTokenException', 'expired', 400), 'ASSUME_ROLE_REJECTED'],
    ['InvalidClientTokenId', sdkError('InvalidClientTokenId', 'invalid', 403), 'ASSUME_ROLE_REJECTED'],
    ['SignatureDoesNotMatch', sdkError('SignatureDoesNotMatch', 'no match', 403), 'ASSUME_ROLE_REJECTED'],
    ['CredentialsProviderError', bare('none', { name: 'CredentialsProviderError' }), 'ASSUME_ROLE_REJECTED'],
    ['ValidationError', sdkError('ValidationError', 'too long', 400), 'ASSUME_ROLE_REJECTED'],
    ['PackedPolicyTooLarge', sdkError('PackedPolicyTooLarge', '110%', 400), 'ASSUME_ROLE_REJECTED'],
    [
      'PackedPolicyTooLargeException',
      sdkError('PackedPolicyTooLargeException', '110%', 400),
      'ASSUME_ROLE_REJECTED',
    ],
    ['MalformedPolicyDocument', sdkError('MalformedPolicyDocument', 'syntax', 400), 'ASSUME_ROLE_REJECTED'],
    ['RegionDisabledException', sdkError('RegionDisabledException', 'off', 403), 'ASSUME_ROLE_REJECTED'],
    ['TimeoutError', bare('no answer', { name: 'TimeoutError' }), 'STS_TIMEOUT'],
    ['AbortError', bare('aborted', { name: 'AbortError' }), 'STS_TIMEOUT'],
    ['ETIMEDOUT', bare('connect ETIMEDOUT', { code: 'ETIMEDOUT' }), 'STS_TIMEOUT'],
    ['RequestTimeout, which is a 400', sdkError('RequestTimeout', 'too slow', 400), 'STS_TIMEOUT'],
    ['ECONNREFUSED', bare('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), 'STS_UNAVAILABLE'],
    ['ENOTFOUND', bare('getaddrinfo ENOTFOUND', { code: 'ENOTFOUND' }), 'STS_UNAVAILABLE'],
    ['500', sdkError('InternalFailure', 'sorry', 500), 'STS_UNAVAILABLE'],
    ['503', sdkError('ServiceUnavailable', 'sorry', 503), 'STS_UNAVAILABLE'],
    ['an answer that cannot be read', sdkError('SyntaxError', 'Unexpected <', 200), 'STS_UNAVAILABLE'],
    ['EndpointError', bare('Invalid Configuration', { name: 'EndpointError' }), 'ASSUME_ROLE_REJECTED'],
    ['an endpoint that is no URL', bare('Invalid URL', { code: 'ERR_INVALID_URL' }), 'ASSUME_ROLE_REJECTED'],
    [
      'an agent of another protocol',
      bare('Protocol "https:" not supported', { code: 'ERR_INVALID_PROTOCOL' }),
      'ASSUME_ROLE_REJECTED',
    ],
    ['no Region', bare('Region is missing', {}), 'ASSUME_ROLE_REJECTED'],
    ['a Region that is no host', bare('Region not accepted: region="a b"', {}), 'ASSUME_ROLE_REJECTED'],
    ['an unknown CA', bare('unable to', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'ASSUME_ROLE_REJECTED'],
    [
      'a token with a line end',
      bare('Invalid character in header content ["x-amz-security-token"]', { code: 'ERR_INVALID_CHAR' }),
      'ASSUME_ROLE_REJECTED',
    ],
    ['a 403 without a request ID', foreign(403), 'STS_UNAVAILABLE'],
    ['a 407 without a request ID', foreign(407), 'STS_UNAVAILABLE'],
    ['a 429 without a request ID', foreign(429), 'STS_UNAVAILABLE'],
    ['a 403 without a code', sdkError('Unknown', 'Unknown', 403), 'STS_UNAVAILABLE'],
    ['an empty 404', sdkError('NotFound', 'Unknown', 404), 'STS_UNAVAILABLE'],
    [
      'an error that cannot be read',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('MARKER')
          },
          has: () => true,
        },
      ),
      'STS_UNAVAILABLE',
    ],
    ['an error without anything', {}, 'STS_UNAVAILABLE'],
    ['a thrown string', 'boom', 'STS_UNAVAILABLE'],
    ['undefined', undefined, 'STS_UNAVAILABLE'],
    ['null', null, 'STS_UNAVAILABLE'],
  ])('%s', (_, thrown, code) => {
    const error = assumeRoleError(thrown, secretive)
    expect(error).toBeInstanceOf(CrossAccountDynamoError)
    expect(error.code).toBe(code)
    expect(error.message.split('\n')[0]).toMatch(new RegExp(`^${code}: .*${ROLE}`))
    expect(error.cause).toBeInstanceOf(Error)
    expect(everything(error)).not.toContain('MARKER')
  })

  describe('says what AWS said', () => {
    test.each([
      [
        'with the ID of the request',
        sdkError('ValidationError', 'too long', 400),
        'AWS said: ValidationError: too long (request request-1)',
      ],
      [
        'without one',
        bare('none', { name: 'CredentialsProviderError' }),
        'The call failed with CredentialsProviderError: none',
      ],
      [
        'by its code, where it has no message, as when each of several addresses refused',
        bare('', { code: 'ECONNREFUSED' }),
        'The call failed with Error: ECONNREFUSED',
      ],
      ['where that is nothing', {}, 'The call failed with Error: nothing more'],
      ['where that is a string', 'boom', 'The call failed with Error: boom'],
    ])('%s', (_, thrown, line) => {
      expect(assumeRoleError(thrown, plain).message.split('\n')[1]).toBe(line)
    })
  })

  test.each([
    [{ 'content-type': 'text/html; charset=utf-8' }, 'answered 403 (text/html)'],
    [{ 'Content-Type': 'text/plain' }, 'answered 403 (text/plain)'],
    [{ 'content-type': 'nonsense' }, 'answered 403.'],
    [{}, 'answered 403.'],
  ])('says that something else than STS answered, and in what type: %p', (headers, words) => {
    const { message } = assumeRoleError(foreign(403, headers), plain)
    expect(message).toContain(`something between the function and STS ${words}`)
  })

  test.each([
    ['EndpointError', bare('FIPS and custom endpoint', { name: 'EndpointError' }), 'AWS_USE_FIPS_ENDPOINT'],
    ['an invalid URL', bare('Invalid URL', { code: 'ERR_INVALID_URL' }), 'stsClientOptions'],
    ['an unknown CA', bare('unable', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }), 'NODE_EXTRA_CA_CERTS'],
  ])('advises on the configuration and not on the VPC after %s', (_, thrown, words) => {
    const error = assumeRoleError(thrown, plain)
    expect(error.message).toContain(words)
    expect(error.message).not.toContain('VPC')
    expect(isEndpointMistake(error.cause)).toBe(true)
  })

  test('asks about the Region where there is no such host', () => {
    const thrown = bare('getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com', { code: 'ENOTFOUND' })
    expect(assumeRoleError(thrown, plain, { region: 'us-esat-1' }).message).toContain(
      'Is us-esat-1 the Region that is meant?',
    )
    const refused = bare('connect ECONNREFUSED', { code: 'ECONNREFUSED' })
    expect(assumeRoleError(refused, plain, { region: 'us-east-1' }).message).not.toContain(
      'the Region that is meant',
    )
    expect(assumeRoleError(thrown, plain).message).not.toContain('the Region that is meant')
  })

  test('shows neither the external ID nor the value of a tag, however AWS words it', () => {
    const identity = { ...plain, externalId: 'MARKER-1', sessionTags: [{ Key: 'team', Value: 'MARKER-2' }] }
    const said =
      "Tag MARKER-2 is not allowed; Value 'MARKER-1' at 'externalId', Value 'MARKER-2' at 'tags' failed"
    const error = assumeRoleError(sdkError('ValidationError', said, 400), identity)
    expect(everything(error)).not.toContain('MARKER')
    expect(error.message).toContain(
      "Tag [not shown] is not allowed; Value '[not shown]' at 'externalId', Value '[not shown]' at 'tags' failed",
    )
    // A value that begins like another, and one that is too short to be looked for everywhere.
    const tags = [
      { Key: 'a', Value: 'acme' },
      { Key: 'b', Value: 'acme-corp-42' },
    ]
    const alike = sdkError('ValidationError', 'acme-corp-42 is no acme', 400)
    expect(assumeRoleError(alike, { ...plain, sessionTags: tags }).message).toContain(
      '[not shown] is no [not shown]',
    )
    const brief = sdkError('ValidationError', "Value 'xyz' at 'externalId' failed", 400)
    expect(assumeRoleError(brief, { ...plain, externalId: 'xyz' }).message).toContain(
      "Value '[not shown]' at 'externalId' failed",
    )
    const four = { ...plain, externalId: 'four' }
    const repeated = assumeRoleError(sdkError('ValidationError', 'four letters', 400), four)
    expect(repeated.message).toContain('[not shown] letters')
    const role = "Value 'arn:x' at 'roleArn' failed to satisfy constraint"
    expect(assumeRoleError(sdkError('ValidationError', role, 400), plain).message).toContain(role)
    const short = { ...plain, externalId: 'at' }
    expect(assumeRoleError(sdkError('ValidationError', 'not at all', 400), short).message).toContain(
      'not at all',
    )
  })

  test('asks both sides to allow what AWS refused, also where nobody asked for it here', () => {
    const thrown = sdkError(
      'AccessDenied',
      `User: ${CALLER} is not authorized to perform: sts:TagSession on resource: ${ROLE}`,
      403,
    )
    const { message } = assumeRoleError(thrown, plain)
    expect(message.match(/"sts:TagSession"/g)).toHaveLength(2)
  })

  describe('says what was sent', () => {
    test.each([
      [
        'little',
        { ...plain, durationSeconds: 900 },
        'Sent: session name orders-function, no external ID, no session tags, 900 seconds.',
      ],
      [
        'a managed session policy',
        { ...plain, policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
        'Sent: session name orders-function, no external ID, no session tags, a session policy, 3600 seconds.',
      ],
      [
        'much, without the external ID and the values of tags',
        secretive,
        'Sent: session name orders-function, an external ID, session tags team, stage, source identity alice, 3600 seconds.',
      ],
    ])('%s', (_, identity, line) => {
      expect(assumeRoleError('boom', identity).message.split('\n')[2]).toBe(line)
    })
  })

  describe('advises, by what can be done about it', () => {
    test.each([
      ['throttling: nothing', sdkError('Throttling', '', 400), /Nothing is wrong with the set-up/],
      [
        'caller: its own credentials',
        sdkError('ExpiredToken', '', 403),
        /AWS_SESSION_TOKEN of the execution role/,
      ],
      ['request: an option', sdkError('ValidationError', '', 400), /Change the option that AWS names above/],
      ['timeout: the network', bare('', { name: 'TimeoutError' }), /NAT gateway or an interface endpoint/],
      [
        'unreachable: the network',
        bare('', { code: 'ECONNREFUSED' }),
        /NAT gateway or an interface endpoint/,
      ],
    ])('%s', (_, thrown, advice) => {
      expect(assumeRoleError(thrown, plain).message).toMatch(advice)
    })
  })

  describe('where access is denied', () => {
    test('names the caller and both accounts, and gives the statement that each needs', () => {
      const error = assumeRoleError(denied(), plain)
      expect(error.message).toContain(`- Account 111111111111, a policy of ${CALLER_ROLE}:`)
      expect(error.message).toContain('- Account 222222222222, the trust policy of CrossAccountDynamoRole')
      expect(error.message).toContain('write the principal with its path, if LambdaExecutionRole has one')
      expect(statementsIn(error)).toStrictEqual({
        caller: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: ROLE }],
        trust: [{ Effect: 'Allow', Principal: { AWS: CALLER_ROLE }, Action: 'sts:AssumeRole' }],
      })
    })

    test.each([
      ['tags', { sessionTags: secretive.sessionTags }, ['sts:TagSession']],
      ['a source identity', { sourceIdentity: 'alice' }, ['sts:SetSourceIdentity']],
      [
        'both',
        { sessionTags: secretive.sessionTags, sourceIdentity: 'alice' },
        ['sts:TagSession', 'sts:SetSourceIdentity'],
      ],
    ])('asks for the actions that a session with %s needs, on both sides', (_, more, others) => {
      const error = assumeRoleError(denied(), { ...plain, ...more })
      expect(statementsIn(error)).toStrictEqual({
        caller: [{ Effect: 'Allow', Action: ['sts:AssumeRole', ...others], Resource: ROLE }],
        trust: [
          { Effect: 'Allow', Principal: { AWS: CALLER_ROLE }, Action: 'sts:AssumeRole' },
          { Effect: 'Allow', Principal: { AWS: CALLER_ROLE }, Action: others },
        ],
      })
    })

    test('asks for the external ID where one was sent, of AssumeRole alone, and without showing it', () => {
      const error = assumeRoleError(denied(), secretive)
      const { caller, trust } = statementsIn(error)
      expect(caller).toHaveLength(1)
      expect(caller[0]).not.toHaveProperty('Condition')
      expect(trust).toHaveLength(2)
      expect(trust[0]).toMatchObject({
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': '<the external ID that the function sends>' } },
      })
      expect(trust[1]).not.toHaveProperty('Condition')
      expect(error.message).toContain('the two must be equal to the letter')
      expect(everything(error)).not.toContain('MARKER')
    })

    test('points to the option where no external ID was sent', () => {
      expect(assumeRoleError(denied(), plain).message).toContain('set the option externalId')
    })

    test('names the action that was refused, which need not be AssumeRole', () => {
      expect(assumeRoleError(denied('', CALLER, 'sts:TagSession'), secretive).message).toContain(
        'which account refused sts:TagSession; both must allow it',
      )
    })

    test('the principal has the partition of the caller', () => {
      const caller = 'arn:aws-cn:sts::111111111111:assumed-role/LambdaExecutionRole/fn'
      const { trust } = statementsIn(assumeRoleError(denied('', caller), plain))
      expect(trust).toMatchObject([
        { Principal: { AWS: 'arn:aws-cn:iam::111111111111:role/LambdaExecutionRole' } },
      ])
    })

    test('a caller that is no session is its own principal', () => {
      const caller = 'arn:aws:iam::111111111111:user/teams/dev'
      const error = assumeRoleError(denied('', caller), plain)
      expect(error.message).toContain(`a policy of ${caller}:`)
      expect(error.message).not.toContain('write the principal with its path')
      expect(statementsIn(error).trust).toMatchObject([{ Principal: { AWS: caller } }])
    })

    test.each(['', 'Access denied', 'User is not authorized', undefined])(
      'still gives both statements where the message names nobody: %p',
      (message) => {
        const error = assumeRoleError({ name: 'AccessDenied', message }, plain)
        expect(error.message).toContain(
          "- Account of the function, a policy of <ARN of the function's execution role>:",
        )
        expect(error.message).toContain('- Account 222222222222, the trust policy of CrossAccountDynamoRole')
        expect(statementsIn(error)).toMatchObject({
          caller: [{ Action: 'sts:AssumeRole', Resource: ROLE }],
          trust: [{ Action: 'sts:AssumeRole' }],
        })
      },
    )

    test('without any word on why, it does not guess which side refused', () => {
      const { message } = assumeRoleError(denied(), plain)
      expect(message).toContain('AWS does not say which account refused sts:AssumeRole; both must allow it:')
      expect(message).not.toContain('explicit deny')
    })

    // The wordings of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    test.each([
      'an identity-based policy',
      'a resource-based policy',
      'a service control policy',
      'a resource control policy',
      'a VPC endpoint policy',
      'a session policy',
      'a permissions boundary',
      'the role trust policy',
    ])('with an explicit deny in %s, that statement is what to look for', (policy) => {
      for (const end of ['', `: arn:aws:iam::111111111111:policy/Guard`]) {
        const { message } = assumeRoleError(denied(` with an explicit deny in ${policy}${end}`), plain)
        expect(message).toContain(`An explicit deny in ${policy} forbids sts:AssumeRole`)
        expect(message).not.toContain('AWS does not say')
      }
    })

    test.each([
      'identity-based policy',
      'permissions boundary',
      'service control policy',
      'VPC endpoint policy',
      'role trust policy',
    ])('because no %s allows it, the advice does not claim that AWS did not say so', (policy) => {
      const thrown = denied(` because no ${policy} allows the sts:AssumeRole action`)
      expect(assumeRoleError(thrown, plain).message).not.toContain('AWS does not say which account refused')
    })
  })

  describe('shows nothing that is not for everybody', () => {
    const withSecrets = (name: string, status?: number) => {
      const thrown = sdkError(name, 'what AWS said', status, {
        $response: {
          statusCode: status,
          headers: { 'x-amz-security-token': 'MARKER-SECRET' },
          body: '<SessionToken>MARKER-SECRET</SessionToken>',
        },
        request: { headers: { authorization: 'MARKER-SECRET' } },
        config: { credentials: { secretAccessKey: 'MARKER-SECRET' } },
      })
      Object.defineProperty(thrown, '$hidden', { value: { body: 'MARKER-SECRET' }, enumerable: false })
      Object.defineProperty(thrown, Symbol('socket'), { value: { data: 'MARKER-SECRET' }, enumerable: true })
      thrown.cause = new Error('MARKER-SECRET')
      thrown.stack = 'MARKER-SECRET'
      return thrown
    }

    test.each([
      ['AccessDenied', 403],
      ['Throttling', 400],
      ['ExpiredToken', 403],
      ['CredentialsProviderError', undefined],
      ['TimeoutError', undefined],
      ['ValidationError', 400],
      ['InternalFailure', 500],
      ['SyntaxError', 200],
    ])('%s: neither request nor response come along', (name, status) => {
      const thrown = withSecrets(name, status)
      expect(everything(thrown)).toContain('MARKER-SECRET')
      expect(everything(assumeRoleError(thrown, secretive))).not.toContain('MARKER')
    })

    test('the cause keeps what is needed to ask AWS about it', () => {
      const { cause } = assumeRoleError(withSecrets('InternalFailure', 500), plain)
      expect(cause).toMatchObject({
        name: 'InternalFailure',
        message: 'what AWS said',
        httpStatusCode: 500,
        requestId: 'request-1',
        attempts: 2,
      })
      expect(cause).toBeInstanceOf(Error)
      expect((cause as Error).stack).toBe('InternalFailure: what AWS said')
      expect(Object.keys(cause as Error).sort()).toEqual(['attempts', 'httpStatusCode', 'requestId'])
    })

    test('the cause of an error of Node.js keeps its code', () => {
      const { cause } = assumeRoleError(bare('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), plain)
      expect(cause).toMatchObject({ name: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' })
      expect(Object.keys(cause as Error)).toEqual(['code'])
    })

    test.each([
      ['the external ID', "Value 'MARKER-EXTERNAL-ID' at 'externalId' failed to satisfy constraint"],
      [
        'the values of tags',
        "Value '[Tag(key=team, value=MARKER-TEAM), Tag(key=stage, value=MARKER-STAGE)]' at 'tags' failed to satisfy constraint",
      ],
    ])('STS quotes what it refuses, but %s does not come along', (_, words) => {
      const thrown = sdkError('ValidationError', `1 validation error detected: ${words}`, 400)
      const error = assumeRoleError(thrown, secretive)
      expect(error.message).toContain('failed to satisfy constraint')
      expect(everything(error)).not.toContain('MARKER')
    })
  })
})

describe('waiting too long', () => {
  test.each([
    [1234.4, '1234 ms'],
    [-20, '0 ms'],
  ])('%d ms', (milliseconds, words) => {
    const error = waitedTooLong(ROLE, milliseconds)
    expect(error).toMatchObject({ code: 'STS_TIMEOUT', statusCode: 503, retryable: true })
    expect(error.message).toContain(`could wait for ${words}`)
    expect(error.message).toContain(ROLE)
  })
})

describe('another attempt', () => {
  test.each<[boolean, string, unknown]>([
    [true, '500', sdkError('InternalFailure', '', 500)],
    [true, '503', sdkError('ServiceUnavailable', '', 503)],
    [true, 'throttling', sdkError('Throttling', '', 400)],
    [true, '429', sdkError('Whatever', '', 429)],
    [true, 'a timeout', bare('', { name: 'TimeoutError' })],
    [true, 'a connection refused', bare('', { code: 'ECONNREFUSED' })],
    [true, 'an answer that cannot be read', sdkError('Error', 'no XML', 200)],
    [true, 'nothing that is known', undefined],
    [false, 'access denied', sdkError('AccessDenied', '', 403)],
    [false, 'a request that is wrong', sdkError('ValidationError', '', 400)],
    [false, 'an expired token', sdkError('ExpiredToken', '', 403)],
    [false, 'a request that is just not wrong', sdkError('Whatever', '', 499)],
    [true, 'an answer of something else', foreign(403)],
    [false, 'an endpoint that is no URL', bare('Invalid URL', { code: 'ERR_INVALID_URL' })],
    [false, 'no credentials to sign with', bare('', { name: 'CredentialsProviderError' })],
  ])('is worth it: %p, after %s', (worth, _after, thrown) => {
    expect(isWorthAnotherAttempt(thrown)).toBe(worth)
  })
})
