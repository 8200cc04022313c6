/** The errors of failed AssumeRole calls: codes, causes, the proposed statements, and what they must not show. */
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import {
  assumeRoleError,
  isCallerExpired,
  isEndpointMistake,
  isRefusedByRegion,
  isWorthAnotherAttempt,
  waitTimeoutError,
} from '../../../src/credentials/sts-error.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../../src/errors.ts'
import { EXTERNAL_ID_PLACEHOLDER } from '../../../src/iam/advice.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import { statementsIn } from '../../statements.ts'
import { minimalParameters } from '../session-parameters.ts'

const ROLE = 'arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole'
const CALLER = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders-function'
const CALLER_ROLE = 'arn:aws:iam::111111111111:role/LambdaExecutionRole'

const plain = minimalParameters(ROLE)
const secretive: SessionParameters = {
  ...plain,
  externalId: 'MARKER-EXTERNAL-ID',
  sessionTags: [
    { Key: 'team', Value: 'MARKER-TEAM' },
    { Key: 'stage', Value: 'MARKER-STAGE' },
  ],
  transitiveTagKeys: ['team'],
  sourceIdentity: 'alice',
}

/** An error as the SDK throws it, with `more` of its properties. */
const sdkError = (name: string, message: string, status?: number, more: object = {}): Error =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode: status, requestId: 'request-1', attempts: 2, totalRetryDelay: 50 },
    ...more,
  })

/** An answer that does not come from STS. */
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

/** An error without an answer. */
const local = (message: string, more: object) => Object.assign(new Error(message), more)

const everything = (error: unknown): string =>
  [
    inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY }),
    JSON.stringify(error),
    String(error),
    (error as Error).stack,
  ].join('\n')

describe('the error of a failed AssumeRole call', () => {
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
    ['CredentialsProviderError', local('none', { name: 'CredentialsProviderError' }), 'ASSUME_ROLE_REJECTED'],
    ['ValidationError', sdkError('ValidationError', 'too long', 400), 'ASSUME_ROLE_REJECTED'],
    ['PackedPolicyTooLarge', sdkError('PackedPolicyTooLarge', '110%', 400), 'ASSUME_ROLE_REJECTED'],
    [
      'PackedPolicyTooLargeException',
      sdkError('PackedPolicyTooLargeException', '110%', 400),
      'ASSUME_ROLE_REJECTED',
    ],
    ['MalformedPolicyDocument', sdkError('MalformedPolicyDocument', 'syntax', 400), 'ASSUME_ROLE_REJECTED'],
    ['RegionDisabledException', sdkError('RegionDisabledException', 'off', 403), 'ASSUME_ROLE_REJECTED'],
    ['TimeoutError', local('no answer', { name: 'TimeoutError' }), 'STS_TIMEOUT'],
    ['AbortError', local('aborted', { name: 'AbortError' }), 'STS_TIMEOUT'],
    ['ETIMEDOUT', local('connect ETIMEDOUT', { code: 'ETIMEDOUT' }), 'STS_TIMEOUT'],
    ['RequestTimeout, which is a 400', sdkError('RequestTimeout', 'too slow', 400), 'STS_TIMEOUT'],
    ['ECONNREFUSED', local('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), 'STS_UNAVAILABLE'],
    ['ENOTFOUND', local('getaddrinfo ENOTFOUND', { code: 'ENOTFOUND' }), 'STS_UNAVAILABLE'],
    ['500', sdkError('InternalFailure', 'sorry', 500), 'STS_UNAVAILABLE'],
    ['503', sdkError('ServiceUnavailable', 'sorry', 503), 'STS_UNAVAILABLE'],
    ['an answer that cannot be read', sdkError('SyntaxError', 'Unexpected <', 200), 'STS_UNAVAILABLE'],
    ['EndpointError', local('Invalid Configuration', { name: 'EndpointError' }), 'ASSUME_ROLE_REJECTED'],
    ['an endpoint that is no URL', local('Invalid URL', { code: 'ERR_INVALID_URL' }), 'ASSUME_ROLE_REJECTED'],
    [
      'an agent of another protocol',
      local('Protocol "https:" not supported', { code: 'ERR_INVALID_PROTOCOL' }),
      'ASSUME_ROLE_REJECTED',
    ],
    ['no Region', local('Region is missing', {}), 'ASSUME_ROLE_REJECTED'],
    ['a Region that is no host', local('Region not accepted: region="a b"', {}), 'ASSUME_ROLE_REJECTED'],
    ['an unknown CA', local('unable to', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'ASSUME_ROLE_REJECTED'],
    [
      'a token with a line end',
      local('Invalid character in header content ["x-amz-security-token"]', { code: 'ERR_INVALID_CHAR' }),
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
  ])('has the code of its cause: %s', (_, thrown, code) => {
    const error = assumeRoleError(thrown, secretive, { contextKey: 'orders' })
    expect(error).toBeInstanceOf(CrossAccountDynamoError)
    expect(error).toMatchObject({ code, retryable: code.startsWith('STS_'), issues: [] })
    expect(error.message).toContain(ROLE)
    expect(error.message).toContain('context.orders')
    expect(error.cause).toBeInstanceOf(Error)
    expect(everything(error)).not.toContain('MARKER')
  })

  test.each<[string, unknown, object, string]>([
    [
      'with the ID of the request',
      sdkError('ValidationError', 'too long', 400),
      { name: 'ValidationError', message: 'too long', requestId: 'request-1', httpStatusCode: 400 },
      'ValidationError: too long (request request-1)',
    ],
    [
      'without the ID of a request',
      local('none', { name: 'CredentialsProviderError' }),
      { name: 'CredentialsProviderError', message: 'none' },
      'CredentialsProviderError: none',
    ],
    [
      'by its code, if it has no message, as when each of several addresses refused',
      local('', { code: 'ECONNREFUSED' }),
      { name: 'Error', message: '', code: 'ECONNREFUSED' },
      'Error: ECONNREFUSED',
    ],
    ['that is an empty object', {}, { name: 'Error', message: '' }, 'Error: '],
    ['that is a string', 'boom', { name: 'Error', message: 'boom' }, 'Error: boom'],
  ])('quotes the error and keeps it as its cause: one %s', (_, thrown, cause, quote) => {
    const error = assumeRoleError(thrown, plain)
    expect(error.cause).toMatchObject(cause)
    expect(error.message).toContain(quote)
  })

  test.each<[object, string | undefined]>([
    [{ 'content-type': 'text/html; charset=utf-8' }, 'text/html'],
    [{ 'Content-Type': 'text/plain' }, 'text/plain'],
    [{ 'content-type': 'nonsense' }, undefined],
    [{}, undefined],
  ])('names status and media type of an answer that does not come from STS: %p', (headers, type) => {
    const { cause, message } = assumeRoleError(foreign(403, headers), plain)
    expect(cause).toMatchObject({ name: 'Error', httpStatusCode: 403 })
    expect(message).toContain(type === undefined ? '403' : `403 (${type})`)
    expect(message).not.toContain('nonsense')
  })

  test.each([
    ['expired credentials of the caller', sdkError('ExpiredToken', '', 403), 'AWS_SESSION_TOKEN'],
    ['a Region that is not enabled', sdkError('RegionDisabledException', '', 403), 'stsRegions'],
    ['a packed policy that is too large', sdkError('PackedPolicyTooLarge', '', 400), 'scope'],
    ['a malformed session policy', sdkError('MalformedPolicyDocument', '', 400), 'policyArns'],
    ['EndpointError', local('', { name: 'EndpointError' }), 'AWS_USE_FIPS_ENDPOINT'],
    ['an invalid URL', local('Invalid URL', { code: 'ERR_INVALID_URL' }), 'stsClientOptions'],
    ['an unknown CA', local('', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }), 'NODE_EXTRA_CA_CERTS'],
    ['a timeout', local('', { name: 'TimeoutError' }), 'VPC'],
    ['a refused connection', local('', { code: 'ECONNREFUSED' }), 'VPC'],
  ])('names the option, variable or network to change after %s', (_, thrown, name) => {
    const { message } = assumeRoleError(thrown, plain)
    expect(message).toContain(name)
    expect(message.includes('VPC')).toBe(name === 'VPC')
  })

  test('names the options that the Region comes from if its host does not exist', () => {
    const notFound = local('getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com', { code: 'ENOTFOUND' })
    const refusedConnection = local('connect ECONNREFUSED', { code: 'ECONNREFUSED' })
    expect(assumeRoleError(notFound, plain).message).toContain('stsRegions')
    expect(assumeRoleError(refusedConnection, plain).message).not.toContain('stsRegions')
  })

  const tagged = (...values: string[]) => ({
    ...plain,
    sessionTags: values.map((Value, index) => ({ Key: `key${index}`, Value })),
  })
  test.each<[string, SessionParameters, string, string]>([
    [
      'wherever AWS quotes them',
      { ...tagged('MARKER-2'), externalId: 'MARKER-1' },
      "Tag MARKER-2 is not allowed; Value 'MARKER-1' at 'externalId', Value 'MARKER-2' at 'tags' failed",
      "Tag [not shown] is not allowed; Value '[not shown]' at 'externalId', Value '[not shown]' at 'tags' failed",
    ],
    [
      'if one is the start of another',
      tagged('acme', 'acme-corp-42'),
      'acme-corp-42 is no acme',
      '[not shown] is no [not shown]',
    ],
    [
      'if one is too short to be replaced everywhere, at least where it violates a constraint',
      { ...plain, externalId: 'xyz' },
      "Value 'xyz' at 'externalId' failed, xyz",
      "Value '[not shown]' at 'externalId' failed, xyz",
    ],
    ['of 4 characters', { ...plain, externalId: 'four' }, 'four letters', '[not shown] letters'],
    ['and not other values', plain, "Value 'arn:x' at 'roleArn' failed", "Value 'arn:x' at 'roleArn' failed"],
    ['and not ordinary words', { ...plain, externalId: 'at' }, 'not at all', 'not at all'],
  ])('hides the external ID and values of tags %s', (_, parameters, said, shown) => {
    const error = assumeRoleError(sdkError('ValidationError', said, 400), parameters)
    expect(error.cause).toHaveProperty('message', shown)
    expect(error.message).toContain(shown)
    expect(everything(error)).not.toContain('MARKER')
  })

  test.each<[string, SessionParameters, string[]]>([
    ['a duration', { ...plain, durationSeconds: 900 }, ['orders-function', '900 seconds']],
    [
      'a managed session policy',
      { ...plain, policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
      ['orders-function', 'session policy', '3600 seconds'],
    ],
    [
      'everything, except for the external ID and values of tags',
      secretive,
      ['orders-function', 'team, stage', 'alice', '3600 seconds'],
    ],
  ])('lists what was sent: %s', (_, parameters, sent) => {
    const [, , line = ''] = assumeRoleError('boom', parameters, { region: 'eu-west-1' }).message.split('\n')
    for (const part of [...sent, 'eu-west-1']) expect(line).toContain(part)
    expect(line).not.toContain('MARKER')
  })

  describe('of a call that is denied', () => {
    const EXTERNAL_ID = 'example-external-id'
    /** The statements that the generator of the documents makes, by account. */
    const generated = (options: Partial<CrossAccountPoliciesOptions>) => {
      const { callerPolicy, trustPolicy } = crossAccountPolicies({
        roleArn: ROLE,
        executionRoleArn: CALLER_ROLE,
        tables: ['MyTable'],
        access: 'read',
        region: 'us-east-1',
        ...options,
      })
      return { '111111111111': callerPolicy.Statement, '222222222222': trustPolicy.Statement }
    }
    const { sessionTags, transitiveTagKeys, sourceIdentity = '', externalId = '' } = secretive
    const sessionTagKeys = ['team', 'stage']

    test.each<[string, Partial<SessionParameters>, Partial<CrossAccountPoliciesOptions>]>([
      ['nothing else', {}, {}],
      ['an external ID', { externalId }, { externalId: EXTERNAL_ID }],
      ['tags', { sessionTags }, { sessionTagKeys }],
      ['transitive tags', { sessionTags, transitiveTagKeys }, { sessionTagKeys, transitiveTagKeys }],
      ['a source identity', { sourceIdentity }, { sourceIdentity: true }],
      [
        'everything',
        secretive,
        { externalId: EXTERNAL_ID, sessionTagKeys, transitiveTagKeys, sourceIdentity: true },
      ],
    ])('contains the statements of crossAccountPolicies() for a session with %s', (_, more, options) => {
      const error = assumeRoleError(denied(), { ...plain, ...more })
      const message = error.message.replaceAll(EXTERNAL_ID_PLACEHOLDER, EXTERNAL_ID)
      expect(statementsIn(message)).toEqual(generated(options))
      expect(everything(error)).not.toContain('MARKER')
    })

    test('names the option externalId if no external ID was sent', () => {
      expect(assumeRoleError(denied(), plain).message).toContain('externalId')
      expect(assumeRoleError(denied(), secretive).message).not.toContain('externalId')
    })

    test('proposes the denied action to both accounts, even if the session does not need it', () => {
      const { message } = assumeRoleError(denied('', CALLER, 'sts:TagSession'), plain)
      for (const statements of Object.values(statementsIn(message)))
        expect(statements.map(({ Action }) => Action)).toEqual(['sts:AssumeRole', 'sts:TagSession'])
    })

    test.each(['', 'Access denied', 'User is not authorized'])(
      'contains both statements, even if STS does not name the caller: %p',
      (message) => {
        const error = assumeRoleError(sdkError('AccessDenied', message, 403), plain)
        expect(error.code).toBe('ASSUME_ROLE_DENIED')
        expect(Object.values(statementsIn(error.message))).toMatchObject([
          [{ Action: 'sts:AssumeRole', Resource: ROLE }],
          [{ Action: 'sts:AssumeRole' }],
        ])
        expect(statementsIn(error.message)).toHaveProperty('222222222222')
      },
    )
  })

  describe('keeps secrets', () => {
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
    ])('that its request and its response contain out of the error: %s', (name, status) => {
      const thrown = withSecrets(name, status)
      expect(everything(thrown)).toContain('MARKER-SECRET')
      expect(everything(assumeRoleError(thrown, secretive))).not.toContain('MARKER')
    })

    test('out of its cause, which has the request ID and the status', () => {
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

    test('out of its cause, which has the code of an error of Node.js', () => {
      const { cause } = assumeRoleError(local('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), plain)
      expect(cause).toMatchObject({ name: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' })
      expect(Object.keys(cause as Error)).toEqual(['code'])
    })

    test.each([
      ['the external ID', "Value 'MARKER-EXTERNAL-ID' at 'externalId' failed to satisfy constraint"],
      [
        'the values of tags',
        "Value '[Tag(key=team, value=MARKER-TEAM), Tag(key=stage, value=MARKER-STAGE)]' at 'tags' failed to satisfy constraint",
      ],
    ])('that STS quotes out of the error: %s', (_, words) => {
      const thrown = sdkError('ValidationError', `1 validation error detected: ${words}`, 400)
      const error = assumeRoleError(thrown, secretive)
      expect(error.message).toContain('failed to satisfy constraint')
      expect(everything(error)).not.toContain('MARKER')
    })
  })
})

test.each([
  [1234.4, '1234 ms'],
  [-20, '0 ms'],
])('the error of an invocation that cannot wait longer names its %d ms', (waitMs, shown) => {
  const error = waitTimeoutError(ROLE, waitMs, 'orders')
  expect(error).toMatchObject({ code: 'STS_TIMEOUT', statusCode: 503, retryable: true })
  for (const part of [shown, ROLE, 'context.orders']) expect(error.message).toContain(part)
})

describe('another attempt', () => {
  test.each<[boolean, string, unknown]>([
    [true, '500', sdkError('InternalFailure', '', 500)],
    [true, '503', sdkError('ServiceUnavailable', '', 503)],
    [true, 'throttling', sdkError('Throttling', '', 400)],
    [true, '429', sdkError('Whatever', '', 429)],
    [true, 'a timeout', local('', { name: 'TimeoutError' })],
    [true, 'a connection refused', local('', { code: 'ECONNREFUSED' })],
    [true, 'an answer that cannot be read', sdkError('Error', 'no XML', 200)],
    [true, 'nothing that is known', undefined],
    [false, 'access denied', sdkError('AccessDenied', '', 403)],
    [false, 'a request that is wrong', sdkError('ValidationError', '', 400)],
    [false, 'an expired token', sdkError('ExpiredToken', '', 403)],
    [false, 'a request that is just not wrong', sdkError('Whatever', '', 499)],
    [true, 'an answer of something else', foreign(403)],
    [false, 'an endpoint that is no URL', local('Invalid URL', { code: 'ERR_INVALID_URL' })],
    [false, 'no credentials to sign with', local('', { name: 'CredentialsProviderError' })],
  ])('is worth making: %p, after %s', (worth, _after, thrown) => {
    expect(isWorthAnotherAttempt(thrown)).toBe(worth)
  })
})

test.each<[string, unknown, object]>([
  ['an expired token', sdkError('ExpiredToken', '', 403), { isExpired: true }],
  ['an expired token, by its long name', sdkError('ExpiredTokenException', '', 400), { isExpired: true }],
  ['a Region that is disabled', sdkError('RegionDisabledException', '', 403), { isRefused: true }],
  ['an unknown access key', sdkError('InvalidClientTokenId', '', 403), { isRefused: true }],
  ['an invalid URL', local('Invalid URL', { code: 'ERR_INVALID_URL' }), { isMistake: true }],
  ['an endpoint that does not exist', local('', { name: 'EndpointError' }), { isMistake: true }],
  ['an unknown CA', local('', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }), { isMistake: true }],
  ['the name of an STS error without an answer', local('', { name: 'ExpiredToken' }), {}],
  ['a denied call', denied(), {}],
  ['an answer that does not come from STS', foreign(403), {}],
  ['undefined', undefined, {}],
])('tells whether the caller, the Region or the endpoint is the problem: %s', (_, thrown, expected) => {
  expect({
    isExpired: isCallerExpired(thrown),
    isRefused: isRefusedByRegion(thrown),
    isMistake: isEndpointMistake(thrown),
  }).toEqual({ isExpired: false, isRefused: false, isMistake: false, ...expected })
})

describe('a message of STS', () => {
  const parameters: SessionParameters = {
    ...plain,
    externalId: 'k3y-7Qz.Zz9abcdefGHIJ9',
    sessionTags: [{ Key: 'TenantId', Value: 'Jane.Doe-4711abcd9XYZ' }],
  }

  test.each<[string, string]>([
    ['denies access', 'AccessDenied'],
    ['rejects a request', 'ValidationError'],
  ])('that %s is quoted without the external ID and values of tags, in full', (_what, code) => {
    const message = 'External ID k3y-7Qz.Zz9abcdefGHIJ9 does not match for Jane.Doe-4711abcd9XYZ'
    const error = assumeRoleError(sdkError(code, message, 403), parameters)
    expect(everything(error)).not.toMatch(/k3y-7Qz|Jane\.Doe/)
  })

  test('that names a principal of a whole account leads to no statement that trusts it', () => {
    const error = assumeRoleError(denied('', 'arn:aws:iam::666666666666:root'), plain)
    expect(JSON.stringify(statementsIn(error.message))).not.toContain('666666666666')
  })
})

test('a request that was not sent is not described as sent', () => {
  const error = assumeRoleError(local('Invalid URL', { code: 'ERR_INVALID_URL' }), plain)
  expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED' })
  expect(error.message).not.toContain('Sent:')
})

test('a TLS error of an endpoint without TLS is a mistake of the configuration', () => {
  const error = assumeRoleError(local('write EPROTO', { code: 'EPROTO' }), plain)
  expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
})

test.each([
  ['application/problem+json', 'application/problem+json'],
  ['application/x-amz-json-1.0', 'application/x-amz-json-1.0'],
  ['text/html; charset=utf-8', 'text/html'],
  ['text/IQoJb3JpZ2luX2VjEXAMPLE', undefined],
])('the content type %s of an unknown answer is shown as %s', (contentType, shown) => {
  const { message } = assumeRoleError(foreign(403, { 'content-type': contentType }), plain)
  expect(/answered 403(?: \((?<type>.*?)\))?/.exec(message)?.groups?.type).toBe(shown)
})

test('an error of the caller’s credential provider is no decision of STS, whatever it is called', () => {
  const error = assumeRoleError(local('denied by the vault', { name: 'AccessDeniedException' }), plain)
  expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
  expect(statementsIn(error.message)).toEqual({})
})
