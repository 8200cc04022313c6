/**
 * What one more tenant costs: a client made naively, and a session of ours with its client; each after its first
 * request. Prints medians of one run, naive and ours in turns; figures of different machines do not compare.
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
const GET = new GetCommand({ TableName: 'T', Key: { id: '1' } })
const ROUNDS = 5

// In a process of its own, so that its side of the connections is not counted.
if (process.send !== undefined) {
  let connections = 0
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    request.resume().on('end', () => response.end('{}'))
  }).on('connection', () => {
    connections += 1
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.send((server.address() as AddressInfo).port)
  process.on('message', () => process.send?.(connections))
  await once(process, 'disconnect')
  process.exit()
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const dynamo = fork(import.meta.filename)
const [port] = await once(dynamo, 'message')
const connections = async (): Promise<number> => {
  dynamo.send('how many')
  return (await once(dynamo, 'message'))[0]
}

const region = 'eu-west-1'
const awsClientOptions = { endpoint: `http://127.0.0.1:${port}` }
const translateConfig = { marshallOptions: { removeUndefinedValues: true } }
/** What an AssumeRole brings, in the sizes that AWS's have. */
const credentialsOf = (tenant: string) => ({
  accessKeyId: tenant.padEnd(20, '-'),
  secretAccessKey: tenant.padEnd(40, '-'),
  sessionToken: tenant.padEnd(800, '-'),
  expiration: new Date(Date.now() + 3_600_000),
  accountId: '222222222222',
})
type Make = (tenant: string) => DynamoDBDocumentClient

const naive: Make = (tenant) => {
  const credentials = credentialsOf(tenant)
  const client = new DynamoDBClient({ ...awsClientOptions, region, credentials: async () => credentials })
  return DynamoDBDocumentClient.from(client, translateConfig)
}

/** A middleware's store, whose STS answers at once. */
const openStore = (): Make => {
  const configuration = readConfiguration(
    {
      roleArn: 'arn:aws:iam::222222222222:role/R',
      region,
      sessionTags: () => ({}),
      maxSessions: SESSIONS,
      awsClientOptions,
    },
    {},
  )
  const sessionOf = createSessionStore(
    configuration,
    ({ sessionTags: [tag] }) =>
      async () =>
        credentialsOf(tag?.Value ?? ''),
    createClients(configuration),
  )
  return (tenant) => {
    const { client } = sessionOf({
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
const makers: Record<string, () => Make> = { naive: () => naive, ours: openStore }

const bytes = async (): Promise<number> => {
  for (let i = 0; i < 3; i += 1) {
    collect()
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
const measure = async (open: () => Make): Promise<Sample> => {
  const make = open()
  // What the first one brings with it is not one more's.
  const first = make('first')
  await first.send(GET)
  const before = await bytes()
  const opened = await connections()
  const start = process.hrtime.bigint()
  const clients = Array.from({ length: SESSIONS - 1 }, (_, index) => make(`tenant ${index}`))
  const took = Number(process.hrtime.bigint() - start)
  for (const client of clients) await client.send(GET)
  const sample = {
    bytes: ((await bytes()) - before) / clients.length,
    microseconds: took / clients.length / 1000,
    connections: (await connections()) - opened,
  }
  for (const client of [first, ...clients]) client.config.requestHandler.destroy?.()
  return sample
}

const samples = new Map(Object.keys(makers).map((name) => [name, [] as Sample[]]))
// The first round warms up.
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, open] of Object.entries(makers)) {
    const sample = await measure(open)
    if (round > 0) samples.get(name)?.push(sample)
  }
}
const median = (name: string, key: keyof Sample): number =>
  (samples.get(name) ?? []).map((sample) => sample[key]).toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
for (const name of samples.keys()) {
  const ratio = (key: keyof Sample) => (median(name, key) / median('naive', key)).toFixed(2)
  console.log(
    `${name.padEnd(6)} ${(median(name, 'bytes') / 1024).toFixed(1).padStart(5)} KB a session (${ratio('bytes')}), ` +
      `${median(name, 'microseconds').toFixed(1).padStart(5)} µs to make one (${ratio('microseconds')}), ` +
      `${median(name, 'connections')} new connections for ${SESSIONS} sessions`,
  )
}
dynamo.disconnect()
