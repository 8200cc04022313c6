/** The STS clients: the credentials of the caller that errors must not contain, and the request handler that all clients share. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { describe, expect, test } from '@jest/globals'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { collectSecrets, createStsClients } from '../../../src/credentials/sts-client.ts'

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const CALLER = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

/** Sends AssumeRole to a handler that fails, and returns the secrets that were collected before. */
const collect = async (
  credentials: typeof CALLER & { sessionToken?: string },
  changeHeaders: (headers: Record<string, string>) => void = () => {},
): Promise<string[]> => {
  const client = new STSClient({
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials,
    requestHandler: { handle: () => Promise.reject(new Error('not sent')) } as never,
  })
  client.middlewareStack.add(
    (next) => (args) => {
      changeHeaders((args.request as { headers: Record<string, string> }).headers)
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low', name: 'changeHeaders' },
  )
  const command = new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'orders' })
  const secrets: string[] = []
  collectSecrets(command, secrets)
  await expect(client.send(command)).rejects.toThrow('not sent')
  return secrets
}

describe('secrets of the caller', () => {
  test('are the session token and the complete access key ID', async () => {
    expect(await collect({ ...CALLER, sessionToken: 'example-token' })).toEqual([
      'example-token',
      CALLER.accessKeyId,
    ])
  })

  test('contain empty texts if the credentials have no session token', async () => {
    expect(await collect(CALLER)).toEqual(['', CALLER.accessKeyId])
  })

  test.each<[string, (headers: Record<string, string>) => void]>([
    ['has no signature', (headers) => delete headers.authorization],
    ['has another form of signature', (headers) => Object.assign(headers, { authorization: 'Bearer x' })],
  ])('contain empty texts if a request %s', async (_, changeHeaders) => {
    expect(await collect(CALLER, changeHeaders)).toEqual(['', ''])
  })
})

describe('the request handler', () => {
  const createClients = (stsClientOptions = {}) =>
    createStsClients(readConfiguration({ roleArn: ROLE, region: 'eu-west-1', stsClientOptions }, {}))

  test('is created once for all Regions and for the clients after a reload', () => {
    let created = 0
    const options = Object.defineProperty({}, 'requestTimeout', {
      get: () => {
        created += 1
        return 3000
      },
      enumerable: true,
    })
    const clients = createClients({ requestHandler: options })
    const [first, second] = ['eu-west-1', 'eu-north-1'].map(clients.get)
    const createdBefore = created
    expect(clients.reloadCallerCredentials('eu-west-1', first)).toBe(true)
    const third = clients.get('eu-west-1')
    expect(third).not.toBe(first)
    expect(new Set([first, second, third].map((client) => client?.config.requestHandler)).size).toBe(1)
    expect(created).toBe(createdBefore)
  })

  test('is that of stsClientOptions', async () => {
    const handled: string[] = []
    const requestHandler = {
      handle: (request: { hostname: string }) => {
        handled.push(request.hostname)
        return Promise.reject(new Error('not sent'))
      },
    }
    const clients = createClients({ requestHandler, credentials: CALLER })
    for (const region of ['eu-west-1', 'eu-north-1'])
      await expect(
        clients.get(region).send(new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'orders' })),
      ).rejects.toThrow('not sent')
    expect(handled).toEqual(['sts.eu-west-1.amazonaws.com', 'sts.eu-north-1.amazonaws.com'])
  })
})
