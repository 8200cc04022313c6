import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { SignatureV4 } from '@smithy/signature-v4'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { Sha256 } from './signature.ts'
import { createTwoAccounts, EXECUTION_ROLE_ARN, TABLE } from './two-accounts.ts'

let sandbox: Sandbox
let clients: Clients

beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  clients = createClients(sandbox)
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
const createGetItemCommand = () => new GetItemCommand({ TableName: TABLE, Key: { id: { S: '1' } } })
const createGetCallerIdentityCommand = () => new GetCallerIdentityCommand({})

/** Signs an HTTP request and returns a function that sends it. The function can change the request after signing. */
async function signRequest(service: 'sts' | 'dynamodb', body: string, headers: Record<string, string>) {
  const url = new URL(sandbox.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? '')
  const credentials = sandbox.issueCredentials(EXECUTION_ROLE_ARN)
  const signer = new SignatureV4({ service, region: 'us-east-1', credentials, sha256: Sha256 })
  const request = { method: 'POST', protocol: 'http:', hostname: url.hostname, path: '/', query: {}, body }
  const { headers: signedHeaders } = await signer.sign({
    ...request,
    headers: { host: url.host, ...headers },
  })
  return (change: { body?: string; headers?: Record<string, string> } = {}) =>
    fetch(url, {
      method: 'POST',
      body: change.body ?? body,
      headers: { ...signedHeaders, ...change.headers },
    })
}

describe('signatures', () => {
  test('both services refuse a signature with a wrong secret access key', async () => {
    const wrongCredentials = {
      ...(await clients.assumeRole()),
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    }
    await expect(
      clients.createStsClient(wrongCredentials).send(createGetCallerIdentityCommand()),
    ).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
      message: expect.stringContaining(WRONG_SIGNATURE),
      $metadata: { httpStatusCode: 403 },
    })
    await expect(
      clients.createDynamoDBClient(wrongCredentials).send(createGetItemCommand()),
    ).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      message: expect.stringContaining(WRONG_SIGNATURE),
      $metadata: { httpStatusCode: 400 },
    })
    expect(sandbox.calls.at(-1)).toMatchObject({
      accessKeyId: wrongCredentials.accessKeyId,
      error: 'InvalidSignatureException',
    })
    expect(sandbox.calls.at(-1)).not.toHaveProperty('principal')
  })

  test('both services refuse a request whose body or signed header changed after signing', async () => {
    const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }
    const form = 'Action=GetCallerIdentity&Version=2011-06-15'
    const sendToSts = await signRequest('sts', form, formHeaders)
    expect((await sendToSts()).status).toBe(200)
    const tampered = await sendToSts({ body: `${form}&More=1` })
    expect(tampered.status).toBe(403)
    expect(await tampered.text()).toMatch(
      /^<ErrorResponse .*<Type>Sender<\/Type><Code>SignatureDoesNotMatch<\/Code>/,
    )

    const jsonHeaders = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.ListTables',
    }
    const sendToDynamoDB = await signRequest('dynamodb', '{}', jsonHeaders)
    expect(await (await sendToDynamoDB()).text()).toContain('AccessDeniedException')
    expect(await (await sendToDynamoDB({ body: '{ }' })).text()).toContain('InvalidSignatureException')
    const otherTarget = { 'x-amz-target': 'DynamoDB_20120810.DescribeLimits' }
    expect(await (await sendToDynamoDB({ headers: otherTarget })).text()).toContain(
      'InvalidSignatureException',
    )
  })

  test('DynamoDB refuses a signature for another Region and STS accepts it', async () => {
    const credentials = await clients.assumeRole()
    const region = 'eu-west-1'
    await expect(
      clients.createDynamoDBClient(credentials, { region }).send(createGetItemCommand()),
    ).rejects.toThrow("Credential should be scoped to a valid region, not 'eu-west-1'.")
    await clients.createStsClient(credentials, { region }).send(createGetCallerIdentityCommand())
    expect(sandbox.calls.at(-1)).toMatchObject({ status: 200, region })
  })

  test('both services refuse a signature whose time differs from the clock by more than 15 minutes', async () => {
    const credentials = await clients.assumeRole()
    sandbox.clock.advance(16 * 60_000)
    await expect(clients.createDynamoDBClient(credentials).send(createGetItemCommand())).rejects.toThrow(
      /^Signature expired: \d{8}T\d{6}Z is now/,
    )
    sandbox.clock.advance(-32 * 60_000)
    await expect(clients.createStsClient(credentials).send(createGetCallerIdentityCommand())).rejects.toThrow(
      /^Signature not yet current: .* \+ 15 min\.\)$/,
    )
  })

  test('the SDK corrects the signing time with the Date header of the response', async () => {
    const credentials = await clients.assumeRole()
    sandbox.clock.advance(40 * 60_000)
    await clients.createDynamoDBClient(credentials, { maxAttempts: 2 }).send(createGetItemCommand())
    expect(sandbox.calls.map(({ error, status }) => error ?? status)).toEqual([
      200,
      'InvalidSignatureException',
      200,
    ])
  })

  test('both services return separate error codes for missing and incomplete signatures', async () => {
    const sendUnsigned = (service: string, headers = {}) =>
      fetch(sandbox.env[`AWS_ENDPOINT_URL_${service}`] ?? '', { method: 'POST', body: '{}', headers })
    expect(await (await sendUnsigned('DYNAMODB')).json()).toMatchObject({
      __type: 'com.amazon.coral.service#MissingAuthenticationTokenException',
    })
    expect(await (await sendUnsigned('STS')).text()).toContain('<Code>MissingAuthenticationToken</Code>')
    const incompleteHeaders = { authorization: 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE' }
    expect(await (await sendUnsigned('DYNAMODB', incompleteHeaders)).text()).toContain(
      'IncompleteSignatureException',
    )
  })
})

describe('session tokens', () => {
  const expectInvalidToken = async (credentials: Awaited<ReturnType<Clients['assumeRole']>>) => {
    await expect(
      clients.createStsClient(credentials).send(createGetCallerIdentityCommand()),
    ).rejects.toMatchObject({
      name: 'InvalidClientTokenId',
      message: INVALID_TOKEN,
    })
    await expect(
      clients.createDynamoDBClient(credentials).send(createGetItemCommand()),
    ).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: INVALID_TOKEN,
    })
  }

  test('both services refuse the session token of another session', async () => {
    const [first, second] = [await clients.assumeRole(), await clients.assumeRole()]
    await expectInvalidToken({ ...first, sessionToken: second.sessionToken })
  })

  test('both services refuse a missing session token and an access key that AWS did not issue', async () => {
    const { accessKeyId, secretAccessKey } = await clients.assumeRole()
    await expectInvalidToken({ accessKeyId, secretAccessKey } as never)
    await expectInvalidToken({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey, sessionToken: 'none' })
  })

  test('both services refuse the credentials of an expired session', async () => {
    const credentials = await clients.assumeRole({ DurationSeconds: 900 })
    sandbox.clock.advance(900_000 - 10_000)
    await clients.createDynamoDBClient(credentials).send(createGetItemCommand())
    sandbox.clock.advance(20_000)
    await expect(
      clients.createDynamoDBClient(credentials, { maxAttempts: 2 }).send(createGetItemCommand()),
    ).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      message: 'The security token included in the request is expired',
    })
    await expect(
      clients.createStsClient(credentials, { maxAttempts: 2 }).send(createGetCallerIdentityCommand()),
    ).rejects.toMatchObject({
      name: 'ExpiredToken',
      $metadata: { httpStatusCode: 403 },
    })
  })

  test('revokeSessions() revokes one session or all assumed sessions until clear() is called', async () => {
    const [first, second] = [await clients.assumeRole(), await clients.assumeRole()]
    sandbox.revokeSessions(first.accessKeyId)
    await expectInvalidToken(first)
    await clients.createDynamoDBClient(second).send(createGetItemCommand())
    const executionRoleClient = clients.createStsClient()
    sandbox.revokeSessions()
    await expectInvalidToken(second)
    await executionRoleClient.send(createGetCallerIdentityCommand())
    sandbox.clear()
    await clients.createDynamoDBClient(first).send(createGetItemCommand())
  })
})
