/**
 * Measures what an additional tenant costs: the time to create its client, and the memory and the connections after its first
 * request. Compares one client for each tenant, created with the SDK (`sdk`), and one session of this package for each tenant,
 * with its client (`store`), in alternation within one run. Prints the medians. Do not compare figures of different machines.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { readConfiguration } from '../src/configuration/configuration.ts'
import { createClients } from '../src/dynamodb/client.ts'
import { createSessionStore } from '../src/session-store.ts'

const SESSIONS = 500
const GET_COMMAND = new GetCommand({ TableName: 'T', Key: { id: '1' } })
const ROUNDS = 5

// The child process is the server, so that the memory of the server side of connections is not measured.
if (process.send !== undefined) {
  let connectionCount = 0
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    request.resume().on('end', () => response.end('{}'))
  }).on('connection', () => {
    connectionCount += 1
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.send((server.address() as AddressInfo).port)
  process.on('message', () => process.send?.(connectionCount))
  await once(process, 'disconnect')
  process.exit()
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const serverProcess = fork(import.meta.filename)
const [port] = await once(serverProcess, 'message')
/** Returns the number of connections that the server has accepted. */
const countConnections = async (): Promise<number> => {
  serverProcess.send('count connections')
  return (await once(serverProcess, 'message'))[0]
}

const region = 'eu-west-1'
const awsClientOptions = { endpoint: `http://127.0.0.1:${port}` }
const translateConfig = { marshallOptions: { removeUndefinedValues: true } }
/** Creates credentials that are as long as those of AWS. */
const createCredentials = (tenant: string) => ({
  accessKeyId: tenant.padEnd(20, '-'),
  secretAccessKey: tenant.padEnd(40, '-'),
  sessionToken: tenant.padEnd(800, '-'),
  expiration: new Date(Date.now() + 3_600_000),
  accountId: '222222222222',
})
type CreateClient = (tenant: string) => DynamoDBDocumentClient

const createSdkClient: CreateClient = (tenant) => {
  const credentials = createCredentials(tenant)
  const client = new DynamoDBClient({ ...awsClientOptions, region, credentials: async () => credentials })
  return DynamoDBDocumentClient.from(client, translateConfig)
}

/** Creates the session store of a middleware, with credentials that are available immediately. */
const createStoreClients = (): CreateClient => {
  const configuration = readConfiguration(
    {
      roleArn: 'arn:aws:iam::222222222222:role/R',
      region,
      // The store receives session parameters directly, so this function is not called.
      session: () => ({ sessionTags: { TenantId: 'acme' } }),
      maxSessions: SESSIONS,
      awsClientOptions,
    },
    {},
  )
  const findOrOpenSession = createSessionStore(
    configuration,
    ({ sessionTags: [tag] }) =>
      async () =>
        createCredentials(tag?.Value ?? ''),
    createClients(configuration),
  )
  return (tenant) => {
    const { client } = findOrOpenSession({
      roleArn: 'arn:aws:iam::222222222222:role/R',
      sessionTags: [{ Key: 'TenantId', Value: tenant }],
      transitiveTagKeys: [],
      sessionName: 'orders-function',
      durationSeconds: 3600,
      policyArns: [],
    })
    return client as DynamoDBDocumentClient
  }
}
const cases: Record<string, () => CreateClient> = { sdk: () => createSdkClient, store: createStoreClients }

const measureBytes = async (): Promise<number> => {
  for (let collection = 0; collection < 3; collection += 1) {
    collectGarbage()
    await setTimeout(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

interface Sample {
  readonly bytes: number
  readonly microseconds: number
  readonly connections: number
}
const measureCase = async (setUpCase: () => CreateClient): Promise<Sample> => {
  const createClient = setUpCase()
  // The first client also allocates what all clients share, so it is not measured.
  const firstClient = createClient('first')
  await firstClient.send(GET_COMMAND)
  const bytesBefore = await measureBytes()
  const connectionsBefore = await countConnections()
  const start = process.hrtime.bigint()
  const clients = Array.from({ length: SESSIONS - 1 }, (_, index) => createClient(`tenant ${index}`))
  const durationNs = Number(process.hrtime.bigint() - start)
  for (const client of clients) await client.send(GET_COMMAND)
  const sample = {
    bytes: ((await measureBytes()) - bytesBefore) / clients.length,
    microseconds: durationNs / clients.length / 1000,
    connections: (await countConnections()) - connectionsBefore,
  }
  for (const client of [firstClient, ...clients]) client.config.requestHandler.destroy?.()
  return sample
}

const samples = new Map(Object.keys(cases).map((name) => [name, [] as Sample[]]))
// The first round warms up the JIT compiler, so its samples are ignored.
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, setUpCase] of Object.entries(cases)) {
    const sample = await measureCase(setUpCase)
    if (round > 0) samples.get(name)?.push(sample)
  }
}
const getMedian = (name: string, key: keyof Sample): number =>
  (samples.get(name) ?? []).map((sample) => sample[key]).toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
for (const name of samples.keys()) {
  const formatRatio = (key: keyof Sample) => (getMedian(name, key) / getMedian('sdk', key)).toFixed(2)
  console.log(
    `${name.padEnd(6)} ${(getMedian(name, 'bytes') / 1024).toFixed(1).padStart(5)} KB per session (${formatRatio('bytes')}), ` +
      `${getMedian(name, 'microseconds').toFixed(1).padStart(5)} µs to create one (${formatRatio('microseconds')}), ` +
      `${getMedian(name, 'connections')} new connections for ${SESSIONS} sessions`,
  )
}
serverProcess.disconnect()
