// cspell:ignore esat
/** The redaction of credentials in quoted text. */
import { describe, expect, test } from '@jest/globals'
import { redact } from '../../src/redact.ts'

const ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE'
const SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

describe('redact', () => {
  test.each([
    'User: arn:aws:sts::111111111111:assumed-role/OrdersStack-OrdersFunctionServiceRole9D3F9A2B-1ABCDEF2GHIJ/orders is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/teams/CrossAccountDynamoRole',
    'with an explicit deny in a service control policy: arn:aws:organizations::123456789012:policy/o-exampleorgid/service_control_policy/p-abcdefgh12',
    "1 validation error detected: Value 'x' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*",
    'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    'Packed size of session tags consumes 150% of allotted space.',
    'STS is not activated in this region for account:222222222222. Your account administrator can activate STS in this region using the IAM Console.',
    'connect ECONNREFUSED 127.0.0.1:443',
    'getaddrinfo ENOTFOUND sts.us-esat-1.amazonaws.com',
    'Could not load credentials from any providers',
    'c6104cbe-af31-11e0-8154-cbc7ccf896c7',
    'text/html',
  ])('redact keeps text that is not a credential: %s', (text) => {
    expect(redact(text)).toBe(text)
  })

  test.each([
    ['an access key ID', ACCESS_KEY_ID],
    ['a secret access key', SECRET_ACCESS_KEY],
    ['a part of a secret access key', SECRET_ACCESS_KEY.slice(5, 20)],
    ['a URL-encoded secret access key', encodeURIComponent(SECRET_ACCESS_KEY)],
    ['a session token', `FwoGZXIvYXdzE${'aB3/'.repeat(100)}==`],
    ['a credential directly after an ARN', `arn:aws:iam::222222222222:role/R/${'aB3'.repeat(30)}`],
  ])('redact removes %s', (_, credential) => {
    const text = redact(`The token "${credential}" is invalid`)
    expect(text).toContain('[not shown]')
    expect(text).not.toContain(credential.slice(-10))
    expect(text).toMatch(/^The token ".*" is invalid$/)
  })

  test.each([
    'x-amz-security-token: short',
    'X-Amz-Security-Token:short',
    '"authorization": "short"',
    'Authorization=short',
    'Proxy-Authorization: Basic short',
  ])('redact removes the value of a header: %s', (header) => {
    const text = redact(`POST\n${header}\nhost:sts.amazonaws.com`)
    expect(text).not.toContain('short')
    expect(text).toContain('host:sts.amazonaws.com')
  })

  test('redact removes parts of the given secrets, even if they look like words', () => {
    expect(redact('say orders-team-secret now', ['my-orders-team-secret-1'])).toBe('say [not shown] now')
    expect(redact('say orders now', ['orders', ''])).toBe('say orders now')
  })

  test('redact returns one line of limited length', () => {
    expect(redact('a\nb\u202ec\u001b[31m')).toBe('a\\u000ab\\u202ec\\u001b[31m')
    expect(redact('word '.repeat(10_000)).length).toBeLessThan(2010)
  })

  test.each(['a', 'Ab', 'Ids', 'arn:aws:a:b:c:', '/', 'authorization ', 'aA'])(
    'redact takes less than a second for %p, repeated 100,000 times',
    (part) => {
      const startedAt = performance.now()
      redact(part.repeat(100_000))
      expect(performance.now() - startedAt).toBeLessThan(1000)
    },
  )
})

test('redact limits the length of a text after it escapes control characters', () => {
  expect(redact('\u0001'.repeat(2000)).length).toBeLessThanOrEqual(2001)
})
