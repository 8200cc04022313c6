// cspell:ignore esat
/** The errors of failed AssumeRole calls: their codes, causes, proposed statements and redaction. */
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import {
  assumeRoleError,
  hasExpiredCallerCredentials,
  isAboutCallerCredentials,
  isClientMisconfigured,
  isRefusedByRegion,
  isRetryableFailure,
  waitTimeoutError,
} from '../../../src/credentials/sts-error.ts'
import { CrossAccountDynamoError, type CrossAccountDynamoErrorCode } from '../../../src/errors.ts'
import { EXTERNAL_ID_PLACEHOLDER } from '../../../src/iam/advice.ts'
import type { SessionParameters } from '../../../src/identity/session-parameters.ts'
import { parseStatements } from '../../statements.ts'
import { createMinimalParameters } from '../minimal-session-parameters.ts'

const ROLE = 'arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole'
const CALLER = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders-function'
const CALLER_ROLE = 'arn:aws:iam::111111111111:role/LambdaExecutionRole'

const MINIMAL_PARAMETERS = createMinimalParameters(ROLE)
/** Parameters whose external ID and tag values must not appear in errors. */
const PARAMETERS_WITH_SECRETS: SessionParameters = {
  ...MINIMAL_PARAMETERS,
  externalId: 'MARKER-EXTERNAL-ID',
  sessionTags: [
    { Key: 'team', Value: 'MARKER-TEAM' },
    { Key: 'stage', Value: 'MARKER-STAGE' },
  ],
  transitiveTagKeys: ['team'],
  sourceIdentity: 'alice',
}

/** Creates an error as the SDK throws it for a response of STS. */
const createStsError = (name: string, message: string, status?: number, properties: object = {}): Error =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode: status, requestId: 'request-1', attempts: 2, totalRetryDelay: 50 },
    ...properties,
  })

/** Creates an error as the SDK throws it for a response that does not come from STS. */
const createProxyError = (status: number, headers: object = {}): Error =>
  Object.assign(new Error('Unknown'), {
    name: 'AccessDenied',
    $fault: 'client',
    $metadata: { httpStatusCode: status, attempts: 1 },
    $response: { statusCode: status, headers },
  })

const createAccessDeniedError = (reason = '', caller = CALLER, action = 'sts:AssumeRole') =>
  createStsError(
    'AccessDenied',
    `User: ${caller} is not authorized to perform: ${action} on resource: ${ROLE}${reason}`,
    403,
  )

/** Creates an error that is thrown before a response arrives. */
const createLocalError = (message: string, properties: object) =>
  Object.assign(new Error(message), properties)

/** Returns all text that common ways to print an error show. */
const printError = (error: unknown): string =>
  [
    inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY }),
    JSON.stringify(error),
    String(error),
    (error as Error).stack,
  ].join('\n')

describe('the error of a failed AssumeRole call', () => {
  test.each<[string, unknown, CrossAccountDynamoErrorCode]>([
    ['AccessDenied', createAccessDeniedError(), 'ASSUME_ROLE_DENIED'],
    ['AccessDeniedException', createStsError('AccessDeniedException', 'no', 400), 'ASSUME_ROLE_DENIED'],
    ['Throttling, which is a 400', createStsError('Throttling', 'Rate exceeded', 400), 'STS_THROTTLED'],
    ['ThrottlingException', createStsError('ThrottlingException', 'Rate exceeded', 400), 'STS_THROTTLED'],
    ['TooManyRequestsException', createStsError('TooManyRequestsException', 'slow', 429), 'STS_THROTTLED'],
    ['RequestLimitExceeded', createStsError('RequestLimitExceeded', 'slow', 503), 'STS_THROTTLED'],
    ['an unknown 429', createStsError('OtherError', 'slow', 429), 'STS_THROTTLED'],
    ['ExpiredToken', createStsError('ExpiredToken', 'expired', 403), 'ASSUME_ROLE_REJECTED'],
    [
      'ExpiredTokenException',
      createStsError('ExpiredTokenException', 'expired', 400),
      'ASSUME_ROLE_REJECTED',
    ],
    ['InvalidClientTokenId', createStsError('InvalidClientTokenId', 'invalid', 403), 'ASSUME_ROLE_REJECTED'],
    [
      'SignatureDoesNotMatch',
      createStsError('SignatureDoesNotMatch', 'no match', 403),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'CredentialsProviderError',
      createLocalError('none', { name: 'CredentialsProviderError' }),
      'ASSUME_ROLE_REJECTED',
    ],
    ['ValidationError', createStsError('ValidationError', 'too long', 400), 'ASSUME_ROLE_REJECTED'],
    ['PackedPolicyTooLarge', createStsError('PackedPolicyTooLarge', '110%', 400), 'ASSUME_ROLE_REJECTED'],
    [
      'PackedPolicyTooLargeException',
      createStsError('PackedPolicyTooLargeException', '110%', 400),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'MalformedPolicyDocument',
      createStsError('MalformedPolicyDocument', 'syntax', 400),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'RegionDisabledException',
      createStsError('RegionDisabledException', 'off', 403),
      'ASSUME_ROLE_REJECTED',
    ],
    ['TimeoutError', createLocalError('no answer', { name: 'TimeoutError' }), 'STS_TIMEOUT'],
    ['AbortError', createLocalError('aborted', { name: 'AbortError' }), 'STS_TIMEOUT'],
    ['ETIMEDOUT', createLocalError('connect ETIMEDOUT', { code: 'ETIMEDOUT' }), 'STS_TIMEOUT'],
    ['RequestTimeout, which is a 400', createStsError('RequestTimeout', 'too slow', 400), 'STS_TIMEOUT'],
    ['ECONNREFUSED', createLocalError('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), 'STS_UNAVAILABLE'],
    ['ENOTFOUND', createLocalError('getaddrinfo ENOTFOUND', { code: 'ENOTFOUND' }), 'STS_UNAVAILABLE'],
    ['500', createStsError('InternalFailure', 'sorry', 500), 'STS_UNAVAILABLE'],
    ['503', createStsError('ServiceUnavailable', 'sorry', 503), 'STS_UNAVAILABLE'],
    [
      'a response that cannot be parsed',
      createStsError('SyntaxError', 'Unexpected <', 200),
      'STS_UNAVAILABLE',
    ],
    [
      'EndpointError',
      createLocalError('Invalid Configuration', { name: 'EndpointError' }),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'an endpoint that is not a URL',
      createLocalError('Invalid URL', { code: 'ERR_INVALID_URL' }),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'an HTTP agent of another protocol',
      createLocalError('Protocol "https:" not supported', { code: 'ERR_INVALID_PROTOCOL' }),
      'ASSUME_ROLE_REJECTED',
    ],
    ['no Region', createLocalError('Region is missing', {}), 'ASSUME_ROLE_REJECTED'],
    [
      'a Region that is not a host name',
      createLocalError('Region not accepted: region="a b"', {}),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'an unknown CA',
      createLocalError('unable to', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'a token with a line break',
      createLocalError('Invalid character in header content ["x-amz-security-token"]', {
        code: 'ERR_INVALID_CHAR',
      }),
      'ASSUME_ROLE_REJECTED',
    ],
    [
      'an error of the credential provider with the name ThrottlingException',
      createLocalError('slow', { name: 'ThrottlingException' }),
      'STS_UNAVAILABLE',
    ],
    ['a 403 without a request ID', createProxyError(403), 'STS_UNAVAILABLE'],
    [
      'a 403 that the SDK did not read as an error of AWS',
      createStsError('AccessDenied', 'MARKER', 403, { $fault: undefined }),
      'STS_UNAVAILABLE',
    ],
    [
      'a 403 whose code is a list',
      createStsError('AccessDenied', 'MARKER', 403, { name: ['AccessDenied'] }),
      'STS_UNAVAILABLE',
    ],
    [
      'a 403 whose code is not an error code of AWS',
      createStsError('access denied', 'MARKER', 403),
      'STS_UNAVAILABLE',
    ],
    [
      'a response without a status code',
      createStsError('AccessDenied', 'MARKER', undefined, { $response: {} }),
      'STS_UNAVAILABLE',
    ],
    ['a 407 without a request ID', createProxyError(407), 'STS_UNAVAILABLE'],
    ['a 429 without a request ID', createProxyError(429), 'STS_UNAVAILABLE'],
    ['a 403 without a code', createStsError('Unknown', 'Unknown', 403), 'STS_UNAVAILABLE'],
    ['an empty 404', createStsError('NotFound', 'Unknown', 404), 'STS_UNAVAILABLE'],
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
    ['an error without properties', {}, 'STS_UNAVAILABLE'],
    ['a thrown string', 'boom', 'STS_UNAVAILABLE'],
    ['undefined', undefined, 'STS_UNAVAILABLE'],
    ['null', null, 'STS_UNAVAILABLE'],
  ])('a failed call has the error code of its cause: %s', (_, thrown, code) => {
    const error = assumeRoleError(thrown, PARAMETERS_WITH_SECRETS, { contextKey: 'orders' })
    expect(error).toBeInstanceOf(CrossAccountDynamoError)
    expect(error).toMatchObject({ code, retryable: code.startsWith('STS_'), issues: [] })
    expect(error.message).toContain(ROLE)
    expect(error.message).toContain('context.orders')
    expect(error.cause).toBeInstanceOf(Error)
    expect(printError(error)).not.toContain('MARKER')
  })

  test.each<[string, unknown, object, string]>([
    [
      'with a request ID',
      createStsError('ValidationError', 'too long', 400),
      { name: 'ValidationError', message: 'too long', requestId: 'request-1', httpStatusCode: 400 },
      'ValidationError: too long (request ID request-1)',
    ],
    [
      'without a request ID',
      createLocalError('none', { name: 'CredentialsProviderError' }),
      { name: 'CredentialsProviderError', message: 'none' },
      'CredentialsProviderError: none',
    ],
    [
      'that has a code and no message',
      createLocalError('', { code: 'ECONNREFUSED' }),
      { name: 'Error', message: '', code: 'ECONNREFUSED' },
      'Error: ECONNREFUSED',
    ],
    ['that is an empty object', {}, { name: 'Error', message: '' }, 'Error: '],
    ['that is a string', 'boom', { name: 'Error', message: 'boom' }, 'Error: boom'],
    ['that is null', null, { name: 'Error', message: 'null' }, 'Error: null'],
    [
      'that cannot be read',
      {
        get message(): string {
          throw new Error('unreadable')
        },
      },
      { name: 'Error', message: 'the error cannot be read' },
      'Error: the error cannot be read',
    ],
    [
      'whose name, message and code are not texts',
      { name: 7, message: { text: 'no' }, code: 8 },
      { name: 'Error', message: '' },
      'Error: ',
    ],
    [
      'whose message only repeats that there is no message',
      createStsError('AccessDenied', 'UnknownError', 403),
      { name: 'AccessDenied', message: '' },
      'AccessDenied: ',
    ],
  ])(
    'the message of a failed call quotes an error %s, and the cause is a copy of it',
    (_, thrown, cause, quote) => {
      const error = assumeRoleError(thrown, MINIMAL_PARAMETERS)
      expect(error.cause).toMatchObject(cause)
      expect(error.message).toContain(quote)
    },
  )

  test.each<[object, string | undefined]>([
    [{ 'content-type': 'text/html; charset=utf-8' }, 'text/html'],
    [{ 'Content-Type': 'text/plain' }, 'text/plain'],
    [{ accept: 'image/png', 'content-type': 'text/html', via: 'image/gif' }, 'text/html'],
    [{ 'content-type': 'nonsense' }, undefined],
    [{}, undefined],
  ])(
    'the message of a failed call contains status and media type of a response that does not come from STS: %p',
    (headers, type) => {
      const { cause, message } = assumeRoleError(createProxyError(403, headers), MINIMAL_PARAMETERS)
      expect(cause).toMatchObject({ name: 'Error', httpStatusCode: 403 })
      expect(message).toContain(type === undefined ? '403' : `403 (${type})`)
      expect(message).not.toContain('nonsense')
    },
  )

  test.each([
    [true, 200, 'request-1'],
    [false, 200, undefined],
    [false, 403, 'request-1'],
    [false, 403, undefined],
  ])(
    'the cause names STS as the sender of a response that cannot be parsed (%p) with status %d and request ID %s',
    (isFromSts, httpStatusCode, requestId) => {
      const thrown = createStsError('SyntaxError: <', 'Unexpected <', httpStatusCode, {
        $metadata: { httpStatusCode, requestId },
      })
      const { cause } = assumeRoleError(thrown, MINIMAL_PARAMETERS)
      expect((cause as Error).message.startsWith('STS ')).toBe(isFromSts)
    },
  )

  test('the status of a response is read from the response if the SDK did not copy it', () => {
    const thrown = Object.assign(new Error('MARKER'), { $response: { statusCode: 502, headers: {} } })
    const { cause } = assumeRoleError(thrown, MINIMAL_PARAMETERS)
    expect(cause).toHaveProperty('httpStatusCode', 502)
    expect((cause as Error).message).toContain('502')
  })

  test('the error does not contain a status code or a number of attempts that is not a number', () => {
    const thrown = createStsError('AccessDenied', '', undefined, {
      $metadata: { httpStatusCode: 'MARKER', attempts: 'MARKER', requestId: 'request-1' },
    })
    const error = assumeRoleError(thrown, MINIMAL_PARAMETERS)
    expect(error.code).toBe('STS_UNAVAILABLE')
    expect(Object.keys(error.cause as Error)).toEqual(['requestId'])
    expect(error.message).not.toContain('undefined')
    expect(printError(error)).not.toContain('MARKER')
  })

  test('the message names the context key dynamo if no other key is given', () => {
    for (const { message } of [assumeRoleError('boom', MINIMAL_PARAMETERS), waitTimeoutError(ROLE, 1)])
      expect(message).toContain('context.dynamo)')
  })

  test.each([
    ['expired credentials of the caller', createStsError('ExpiredToken', '', 403), 'AWS_SESSION_TOKEN'],
    ['a Region that is not enabled', createStsError('RegionDisabledException', '', 403), 'stsRegions'],
    ['a packed policy that is too large', createStsError('PackedPolicyTooLarge', '', 400), 'scope'],
    ['a malformed session policy', createStsError('MalformedPolicyDocument', '', 400), 'policyArns'],
    ['EndpointError', createLocalError('', { name: 'EndpointError' }), 'AWS_USE_FIPS_ENDPOINT'],
    ['an invalid URL', createLocalError('Invalid URL', { code: 'ERR_INVALID_URL' }), 'stsClientOptions'],
    [
      'an unknown CA',
      createLocalError('', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
      'NODE_EXTRA_CA_CERTS',
    ],
    ['an internal error of STS', createStsError('InternalFailure', '', 500), 'Health Dashboard'],
    ['throttling', createStsError('Throttling', '', 400), 'durationSeconds'],
    ['a timeout', createLocalError('', { name: 'TimeoutError' }), 'VPC'],
    ['a refused connection', createLocalError('', { code: 'ECONNREFUSED' }), 'VPC'],
  ])(
    'the message of a failed call names the option, variable or network to change after %s',
    (_, thrown, name) => {
      const { message } = assumeRoleError(thrown, MINIMAL_PARAMETERS)
      expect(message).toContain(name)
      expect(message.includes('VPC')).toBe(name === 'VPC')
    },
  )

  test('the message distinguishes credentials that STS rejected from credentials that are missing', () => {
    const createMessageStart = (thrown: unknown): string | undefined =>
      assumeRoleError(thrown, MINIMAL_PARAMETERS).message.split('\n')[0]
    const rejected = createMessageStart(createStsError('InvalidClientTokenId', '', 403))
    const missing = [
      createLocalError('', { name: 'CredentialsProviderError' }),
      createLocalError('', { name: 'AccessDeniedException' }),
      createLocalError('Resolved credential object is not valid', {}),
    ].map(createMessageStart)
    expect(rejected).toMatch(/STS rejected/)
    expect(new Set(missing).size).toBe(1)
    expect(missing[0]).toMatch(/no valid credentials/)
  })

  test('if the STS host does not exist, the error message names the option that sets its Region', () => {
    const hostNotFound = createLocalError('getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com', {
      code: 'ENOTFOUND',
    })
    const refusedConnection = createLocalError('connect ECONNREFUSED', { code: 'ECONNREFUSED' })
    expect(assumeRoleError(hostNotFound, MINIMAL_PARAMETERS).message).toContain('stsRegions')
    expect(assumeRoleError(refusedConnection, MINIMAL_PARAMETERS).message).not.toContain('stsRegions')
  })

  const createTaggedParameters = (...values: string[]) => ({
    ...MINIMAL_PARAMETERS,
    sessionTags: values.map((Value, index) => ({ Key: `key${index}`, Value })),
  })
  test.each<[string, SessionParameters, string, string]>([
    [
      'in all places where AWS quotes them',
      { ...createTaggedParameters('MARKER-2'), externalId: 'MARKER-1' },
      "Tag MARKER-2 is not allowed; Value 'MARKER-1' at 'externalId', Value 'MARKER-2' at 'tags' failed",
      "Tag [not shown] is not allowed; Value '[not shown]' at 'externalId', Value '[not shown]' at 'tags' failed",
    ],
    [
      'if one value is the start of another value',
      createTaggedParameters('acme', 'acme-corp-42'),
      'acme-corp-42 is no acme',
      '[not shown] is no [not shown]',
    ],
    [
      'only in a constraint violation if the value is too short to replace everywhere',
      { ...MINIMAL_PARAMETERS, externalId: 'xyz' },
      "Value 'xyz' at 'externalId' failed, xyz",
      "Value '[not shown]' at 'externalId' failed, xyz",
    ],
    [
      'if the value has 4 characters',
      { ...MINIMAL_PARAMETERS, externalId: 'four' },
      'four letters',
      '[not shown] letters',
    ],
    [
      'and keeps other values',
      MINIMAL_PARAMETERS,
      "Value 'arn:x' at 'roleArn' failed",
      "Value 'arn:x' at 'roleArn' failed",
    ],
    ['and keeps ordinary words', { ...MINIMAL_PARAMETERS, externalId: 'at' }, 'not at all', 'not at all'],
  ])(
    'the error of a failed call hides the external ID and tag values %s',
    (_, parameters, stsMessage, redactedMessage) => {
      const error = assumeRoleError(createStsError('ValidationError', stsMessage, 400), parameters)
      expect(error.cause).toHaveProperty('message', redactedMessage)
      expect(error.message).toContain(redactedMessage)
      expect(printError(error)).not.toContain('MARKER')
    },
  )

  test.each<[string, SessionParameters, string[]]>([
    ['a duration', { ...MINIMAL_PARAMETERS, durationSeconds: 900 }, ['orders-function', '900 seconds']],
    [
      'a managed session policy',
      { ...MINIMAL_PARAMETERS, policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
      ['orders-function', 'session policy', '3600 seconds'],
    ],
    [
      'all parameters except the external ID and tag values',
      PARAMETERS_WITH_SECRETS,
      ['orders-function', 'team, stage', 'alice', '3600 seconds'],
    ],
  ])('the message of a failed call lists the sent parameters: %s', (_, parameters, sent) => {
    const [, , line = ''] = assumeRoleError('boom', parameters, { region: 'eu-west-1' }).message.split('\n')
    for (const part of [...sent, 'eu-west-1']) expect(line).toContain(part)
    expect(line).not.toContain('MARKER')
  })

  test('the error keeps the ARNs that STS names, even if they contain a tag value', () => {
    const parameters = createTaggedParameters('LambdaExecutionRole', 'CrossAccountDynamoRole')
    const { cause } = assumeRoleError(createAccessDeniedError(' for CrossAccountDynamoRole'), parameters)
    expect(cause).toHaveProperty(
      'message',
      `User: ${CALLER} is not authorized to perform: sts:AssumeRole on resource: ${ROLE} for [not shown]`,
    )
  })

  describe('denied calls', () => {
    const EXTERNAL_ID = 'example-external-id'
    /** Returns the statements of `crossAccountPolicies()`, by account. */
    const generateStatements = (options: Partial<CrossAccountPoliciesOptions>) => {
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
    const { sessionTags, transitiveTagKeys, sourceIdentity = '', externalId = '' } = PARAMETERS_WITH_SECRETS
    const sessionTagKeys = ['team', 'stage']

    test.each<[string, Partial<SessionParameters>, Partial<CrossAccountPoliciesOptions>]>([
      ['only a role', {}, {}],
      ['an external ID', { externalId }, { externalId: EXTERNAL_ID }],
      ['tags', { sessionTags }, { sessionTagKeys }],
      ['transitive tags', { sessionTags, transitiveTagKeys }, { sessionTagKeys, transitiveTagKeys }],
      ['a source identity', { sourceIdentity }, { sourceIdentity: true }],
      [
        'all parameters',
        PARAMETERS_WITH_SECRETS,
        { externalId: EXTERNAL_ID, sessionTagKeys, transitiveTagKeys, sourceIdentity: true },
      ],
    ])(
      'the message of a denied call contains the statements of crossAccountPolicies() for a session with %s',
      (_, parameters, options) => {
        const error = assumeRoleError(createAccessDeniedError(), { ...MINIMAL_PARAMETERS, ...parameters })
        const message = error.message.replaceAll(EXTERNAL_ID_PLACEHOLDER, EXTERNAL_ID)
        expect(parseStatements(message)).toEqual(generateStatements(options))
        expect(printError(error)).not.toContain('MARKER')
      },
    )

    test('the message of a denied call names the option externalId if no external ID was sent', () => {
      expect(assumeRoleError(createAccessDeniedError(), MINIMAL_PARAMETERS).message).toContain('externalId')
      expect(assumeRoleError(createAccessDeniedError(), PARAMETERS_WITH_SECRETS).message).not.toContain(
        'externalId',
      )
    })

    test('the message of a denied call proposes the denied action to both accounts, even if the session does not need it', () => {
      const { message } = assumeRoleError(
        createAccessDeniedError('', CALLER, 'sts:TagSession'),
        MINIMAL_PARAMETERS,
      )
      for (const statements of Object.values(parseStatements(message)))
        expect(statements.map(({ Action }) => Action)).toEqual(['sts:AssumeRole', 'sts:TagSession'])
    })

    test.each(['', 'Access denied', 'User is not authorized'])(
      'the message of a denied call contains both statements, even if STS does not name the caller: %p',
      (message) => {
        const error = assumeRoleError(createStsError('AccessDenied', message, 403), MINIMAL_PARAMETERS)
        expect(error.code).toBe('ASSUME_ROLE_DENIED')
        expect(Object.values(parseStatements(error.message))).toMatchObject([
          [{ Action: 'sts:AssumeRole', Resource: ROLE }],
          [{ Action: 'sts:AssumeRole' }],
        ])
        expect(parseStatements(error.message)).toHaveProperty('222222222222')
      },
    )
  })

  describe('redaction', () => {
    const createErrorWithSecrets = (name: string, status?: number) => {
      const thrown = createStsError(name, 'what AWS said', status, {
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
    ])(
      'the error contains no secret from the request and the response of the failed call: %s',
      (name, status) => {
        const thrown = createErrorWithSecrets(name, status)
        expect(printError(thrown)).toContain('MARKER-SECRET')
        expect(printError(assumeRoleError(thrown, PARAMETERS_WITH_SECRETS))).not.toContain('MARKER')
      },
    )

    test('the cause of a failed call contains the request ID and the status, and no other property of the response', () => {
      const { cause } = assumeRoleError(createErrorWithSecrets('InternalFailure', 500), MINIMAL_PARAMETERS)
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

    test('the cause of a Node.js error contains its code and no other property', () => {
      const { cause } = assumeRoleError(
        createLocalError('connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
        MINIMAL_PARAMETERS,
      )
      expect(cause).toMatchObject({ name: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' })
      expect(Object.keys(cause as Error)).toEqual(['code'])
    })

    test('the error does not contain the secrets of the caller, in any of its properties', () => {
      const secret = 'marker-of-a-local-session-token'
      const responseError = createStsError('AccessDenied', `not with ${secret} today`, 403, {
        $metadata: { httpStatusCode: 403, requestId: secret },
      })
      const localError = createLocalError(`not with ${secret} today`, { name: secret, code: secret })
      for (const thrown of [responseError, localError]) {
        const error = assumeRoleError(thrown, MINIMAL_PARAMETERS, { secrets: ['', secret] })
        expect(error.cause).toHaveProperty('message', 'not with [not shown] today')
        expect(printError(error)).not.toMatch(/marker|session-token/)
      }
    })

    test.each([
      ['the external ID', "Value 'MARKER-EXTERNAL-ID' at 'externalId' failed to satisfy constraint"],
      [
        'tag values',
        "Value '[Tag(key=team, value=MARKER-TEAM), Tag(key=stage, value=MARKER-STAGE)]' at 'tags' failed to satisfy constraint",
      ],
    ])('the error of a failed call does not contain %s that STS quotes', (_, stsMessage) => {
      const thrown = createStsError('ValidationError', `1 validation error detected: ${stsMessage}`, 400)
      const error = assumeRoleError(thrown, PARAMETERS_WITH_SECRETS)
      expect(error.message).toContain('failed to satisfy constraint')
      expect(printError(error)).not.toContain('MARKER')
    })
  })
})

test.each([
  [1234.4, '1234 ms'],
  [-20, '0 ms'],
])(
  'the error of an invocation whose wait timed out contains the wait budget of %d ms',
  (waitMs, formattedWait) => {
    const error = waitTimeoutError(ROLE, waitMs, 'orders')
    expect(error).toMatchObject({ code: 'STS_TIMEOUT', statusCode: 503, retryable: true })
    for (const part of [formattedWait, ROLE, 'context.orders']) expect(error.message).toContain(part)
  },
)

describe('further attempts', () => {
  test.each<[boolean, string, unknown]>([
    [true, '500', createStsError('InternalFailure', '', 500)],
    [true, '503', createStsError('ServiceUnavailable', '', 503)],
    [true, 'throttling', createStsError('Throttling', '', 400)],
    [true, '429', createStsError('OtherError', '', 429)],
    [true, 'a timeout', createLocalError('', { name: 'TimeoutError' })],
    [true, 'a refused connection', createLocalError('', { code: 'ECONNREFUSED' })],
    [true, 'a response that cannot be parsed', createStsError('Error', 'no XML', 200)],
    [true, 'an unknown error', undefined],
    [
      true,
      'a wrong time that the SDK corrected',
      createStsError('SignatureDoesNotMatch', '', 403, {
        $metadata: { httpStatusCode: 403, requestId: 'request-1', clockSkewCorrected: true },
      }),
    ],
    [false, 'a wrong signature', createStsError('SignatureDoesNotMatch', '', 403)],
    [false, 'access denied', createStsError('AccessDenied', '', 403)],
    [false, 'an invalid request', createStsError('ValidationError', '', 400)],
    [false, 'an expired token', createStsError('ExpiredToken', '', 403)],
    [false, 'status 499', createStsError('OtherError', '', 499)],
    [true, 'a response that does not come from STS', createProxyError(403)],
    [false, 'an endpoint that is not a URL', createLocalError('Invalid URL', { code: 'ERR_INVALID_URL' })],
    [false, 'missing credentials of the caller', createLocalError('', { name: 'CredentialsProviderError' })],
  ])('another attempt can succeed (%p) after %s', (canSucceed, _after, thrown) => {
    expect(isRetryableFailure(thrown)).toBe(canSucceed)
  })
})

test.each<[string, unknown, object]>([
  ['an expired token', createStsError('ExpiredToken', '', 403), { isExpired: true, isAboutCaller: true }],
  [
    'an expired token with the code ExpiredTokenException',
    createStsError('ExpiredTokenException', '', 400),
    { isExpired: true, isAboutCaller: true },
  ],
  ['a disabled Region', createStsError('RegionDisabledException', '', 403), { isRefused: true }],
  [
    'an unknown access key',
    createStsError('InvalidClientTokenId', '', 403),
    { isRefused: true, isAboutCaller: true },
  ],
  [
    'missing credentials of the caller',
    createLocalError('', { name: 'CredentialsProviderError' }),
    { isAboutCaller: true },
  ],
  [
    'a token with a line break',
    createLocalError('Invalid character in header content ["x-amz-security-token"]', {
      code: 'ERR_INVALID_CHAR',
    }),
    { isAboutCaller: true },
  ],
  ['an invalid URL', createLocalError('Invalid URL', { code: 'ERR_INVALID_URL' }), { isMisconfigured: true }],
  [
    'an endpoint that does not exist',
    createLocalError('', { name: 'EndpointError' }),
    { isMisconfigured: true },
  ],
  [
    'an unknown CA',
    createLocalError('', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
    { isMisconfigured: true },
  ],
  [
    'an error of STS with a message of the SDK',
    createStsError('ValidationError', 'Region is missing', 400),
    {},
  ],
  [
    'a local error with the name of an STS error',
    createLocalError('', { name: 'ExpiredToken' }),
    { isAboutCaller: true },
  ],
  ['a denied call', createAccessDeniedError(), {}],
  ['a response that does not come from STS', createProxyError(403), {}],
  ['undefined', undefined, {}],
])(
  'an error is attributed to the caller, the Region, the endpoint or none of them: %s',
  (_, thrown, expected) => {
    expect({
      isExpired: hasExpiredCallerCredentials(thrown),
      isAboutCaller: isAboutCallerCredentials(thrown),
      isRefused: isRefusedByRegion(thrown),
      isMisconfigured: isClientMisconfigured(thrown),
    }).toEqual({
      isExpired: false,
      isAboutCaller: false,
      isRefused: false,
      isMisconfigured: false,
      ...expected,
    })
  },
)

describe('quoted STS messages', () => {
  const parameters: SessionParameters = {
    ...MINIMAL_PARAMETERS,
    externalId: 'k3y-7Qz.Zz9abcdefGHIJ9',
    sessionTags: [{ Key: 'TenantId', Value: 'Jane.Doe-4711abcd9XYZ' }],
  }

  test.each<[string, string]>([
    ['denies access', 'AccessDenied'],
    ['rejects a request', 'ValidationError'],
  ])('a message that %s is quoted without any part of the external ID and of tag values', (_what, code) => {
    const message = 'External ID k3y-7Qz.Zz9abcdefGHIJ9 does not match for Jane.Doe-4711abcd9XYZ'
    const error = assumeRoleError(createStsError(code, message, 403), parameters)
    expect(printError(error)).not.toMatch(/k3y-7Qz|Jane\.Doe/)
  })

  test('no proposed statement trusts a whole account that an STS message names as the caller', () => {
    const error = assumeRoleError(
      createAccessDeniedError('', 'arn:aws:iam::666666666666:root'),
      MINIMAL_PARAMETERS,
    )
    expect(JSON.stringify(parseStatements(error.message))).not.toContain('666666666666')
  })
})

test('the message of a request that was not sent lists no sent parameters', () => {
  const error = assumeRoleError(
    createLocalError('Invalid URL', { code: 'ERR_INVALID_URL' }),
    MINIMAL_PARAMETERS,
  )
  expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED' })
  expect(error.message).not.toContain(`session name ${MINIMAL_PARAMETERS.sessionName}`)
  // What failed, what the SDK said, and what to do.
  expect(error.message.split('\n')).toHaveLength(3)
})

test('a TLS error of an endpoint without TLS is not retryable', () => {
  const error = assumeRoleError(createLocalError('write EPROTO', { code: 'EPROTO' }), MINIMAL_PARAMETERS)
  expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
})

test.each([
  ['application/problem+json', 'application/problem+json'],
  ['application/x-amz-json-1.0', 'application/x-amz-json-1.0'],
  ['text/html; charset=utf-8', 'text/html'],
  ['text/IQoJb3JpZ2luX2VjEXAMPLE', undefined],
])(
  'the content type %s of a response that does not come from STS is shown as %s',
  (contentType, shownType) => {
    const { message } = assumeRoleError(
      createProxyError(403, { 'content-type': contentType }),
      MINIMAL_PARAMETERS,
    )
    const found = /responded with status code 403(?: \((?<type>.*?)\))? in place of STS/.exec(message)
    expect(found).not.toBeNull()
    expect(found?.groups?.type).toBe(shownType)
  },
)

test('an error of the caller’s credential provider is not a denial of STS, even if it has the same name', () => {
  const error = assumeRoleError(
    createLocalError('denied by the vault', { name: 'AccessDeniedException' }),
    MINIMAL_PARAMETERS,
  )
  expect(error).toMatchObject({ code: 'ASSUME_ROLE_REJECTED', retryable: false })
  expect(parseStatements(error.message)).toEqual({})
})
