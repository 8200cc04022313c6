import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { SignatureV4 } from '@smithy/signature-v4'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { Sha256 } from './signature.ts'
import { EXECUTION_ROLE_ARN, TABLE, textbook } from './textbook.ts'

let sandbox: Sandbox
let clients: Clients

beforeAll(async () => {
  sandbox = await startSandbox({ accounts: textbook() })
  clients = clientsOf(sandbox)
})
afterEach(() => {
  sandbox.clear()
  sandbox.clock.reset()
})
afterAll(async () => {
  clients.close()
  await sandbox.close()
})

const WRONG_SIGNATURE = 'The request signature we calculated does not match the signature you provided.'
const INVALID_TOKEN = 'The security token included in the request is invalid.'
const getItem = () => new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } })
const whoAmI = () => new GetCallerIdentityCommand({})

/** A signed request of one service, as raw HTTP, so that it can be spoiled after it was signed. */
async function signed(service: 'sts' | 'dynamodb', body: string, headers: Record<string, string>) {
  const url = new URL(sandbox.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? '')
  const credentials = sandbox.credentials(EXECUTION_ROLE_ARN)
  const signer = new SignatureV4({ service, region: 'us-east-1', credentials, sha256: Sha256 })
  const request = { method: 'POST', protocol: 'http:', hostname: url.hostname, path: '/', query: {}, body }
  const { headers: all } = await signer.sign({ ...request, headers: { host: url.host, ...headers } })
  return (change: { body?: string; headers?: Record<string, string> } = {}) =>
    fetch(url, { method: 'POST', body: change.body ?? body, headers: { ...all, ...change.headers } })
}

describe('a signature', () => {
  test('with a wrong secret is refused by both services', async () => {
    const wrong = { ...(await clients.assume()), secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
    await expect(clients.sts(wrong).send(whoAmI())).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
      message: expect.stringContaining(WRONG_SIGNATURE),
      $metadata: { httpStatusCode: 403 },
    })
    await expect(clients.dynamodb(wrong).send(getItem())).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      message: expect.stringContaining(WRONG_SIGNATURE),
      $metadata: { httpStatusCode: 400 },
    })
    expect(sandbox.calls.at(-1)).toMatchObject({
      accessKeyId: wrong.accessKeyId,
      error: 'InvalidSignatureException',
    })
    expect(sandbox.calls.at(-1)).not.toHaveProperty('principal')
  })

  test('does not hold for another body, whatever its hash header says', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const whoAmIForm = 'Action=GetCallerIdentity&Version=2011-06-15'
    const sts = await signed('sts', whoAmIForm, form)
    expect((await sts()).status).toBe(200)
    const tampered = await sts({ body: `${whoAmIForm}&More=1` })
    expect(tampered.status).toBe(403)
    expect(await tampered.text()).toMatch(
      /^<ErrorResponse .*<Type>Sender<\/Type><Code>SignatureDoesNotMatch<\/Code>/,
    )

    const json = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.ListTables',
    }
    const dynamodb = await signed('dynamodb', '{}', json)
    expect(await (await dynamodb()).text()).toContain('AccessDeniedException')
    expect(await (await dynamodb({ body: '{ }' })).text()).toContain('InvalidSignatureException')
    const otherTarget = { 'x-amz-target': 'DynamoDB_20120810.DescribeLimits' }
    expect(await (await dynamodb({ headers: otherTarget })).text()).toContain('InvalidSignatureException')
  })

  test('for another Region is refused by DynamoDB, and good for STS, which has an endpoint in each', async () => {
    const credentials = await clients.assume()
    const region = 'eu-west-1'
    await expect(clients.dynamodb(credentials, { region }).send(getItem())).rejects.toThrow(
      "Credential should be scoped to a valid region, not 'eu-west-1'.",
    )
    await clients.sts(credentials, { region }).send(whoAmI())
    expect(sandbox.calls.at(-1)).toMatchObject({ status: 200, region })
  })

  test('is good for 15 minutes of the clock, either way', async () => {
    const credentials = await clients.assume()
    sandbox.clock.advance(16 * 60_000)
    await expect(clients.dynamodb(credentials).send(getItem())).rejects.toThrow(
      /^Signature expired: \d{8}T\d{6}Z is now/,
    )
    sandbox.clock.advance(-32 * 60_000)
    await expect(clients.sts(credentials).send(whoAmI())).rejects.toThrow(
      /^Signature not yet current: .* \+ 15 min\.\)$/,
    )
  })

  test('is corrected by the SDK from the Date header', async () => {
    const credentials = await clients.assume()
    sandbox.clock.advance(40 * 60_000)
    await clients.dynamodb(credentials, { maxAttempts: 2 }).send(getItem())
    expect(sandbox.calls.map(({ error, status }) => error ?? status)).toEqual([
      200,
      'InvalidSignatureException',
      200,
    ])
  })

  test('missing or half there is named so', async () => {
    const unsigned = (service: string, headers = {}) =>
      fetch(sandbox.env[`AWS_ENDPOINT_URL_${service}`] ?? '', { method: 'POST', body: '{}', headers })
    expect(await (await unsigned('DYNAMODB')).json()).toMatchObject({
      __type: 'com.amazon.coral.service#MissingAuthenticationTokenException',
    })
    expect(await (await unsigned('STS')).text()).toContain('<Code>MissingAuthenticationToken</Code>')
    const half = { authorization: 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE' }
    expect(await (await unsigned('DYNAMODB', half)).text()).toContain('IncompleteSignatureException')
  })
})

describe('a session token', () => {
  const invalid = async (credentials: Awaited<ReturnType<Clients['assume']>>) => {
    await expect(clients.sts(credentials).send(whoAmI())).rejects.toMatchObject({
      name: 'InvalidClientTokenId',
      message: INVALID_TOKEN,
    })
    await expect(clients.dynamodb(credentials).send(getItem())).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: INVALID_TOKEN,
    })
  }

  test('of another session is invalid', async () => {
    const [one, other] = [await clients.assume(), await clients.assume()]
    await invalid({ ...one, sessionToken: other.sessionToken })
  })

  test('left out is invalid, and so is a key that AWS never gave out', async () => {
    const { accessKeyId, secretAccessKey } = await clients.assume()
    await invalid({ accessKeyId, secretAccessKey } as never)
    await invalid({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey, sessionToken: 'none' })
  })

  test('expires', async () => {
    const credentials = await clients.assume({ DurationSeconds: 900 })
    sandbox.clock.advance(900_000 - 10_000)
    await clients.dynamodb(credentials).send(getItem())
    sandbox.clock.advance(20_000)
    await expect(clients.dynamodb(credentials, { maxAttempts: 2 }).send(getItem())).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      message: 'The security token included in the request is expired',
    })
    await expect(clients.sts(credentials, { maxAttempts: 2 }).send(whoAmI())).rejects.toMatchObject({
      name: 'ExpiredToken',
      $metadata: { httpStatusCode: 403 },
    })
  })

  test('is revoked, one or all that AssumeRole gave out, until clear()', async () => {
    const [one, other] = [await clients.assume(), await clients.assume()]
    sandbox.revoke(one.accessKeyId)
    await invalid(one)
    await clients.dynamodb(other).send(getItem())
    const executionRole = clients.sts()
    sandbox.revoke()
    await invalid(other)
    await executionRole.send(whoAmI())
    sandbox.clear()
    await clients.dynamodb(one).send(getItem())
  })
})
