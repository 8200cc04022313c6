/**
 * STS and DynamoDB as a process that does the least possible work: it accepts each request, and responds with new credentials or
 * with an item. Benches that measure time and memory use it instead of the sandbox, which verifies signatures and policies.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the process that starts this one can change. */
export interface ServicesMessage {
  readonly stsResponseTimeMs: number
  /** By how much the clock of STS differs from the clock of this machine. */
  readonly clockOffsetMs: number
}

/** What the services have received since they started. */
export interface ServicesReport {
  readonly stsUrl: string
  readonly dynamodbUrl: string
  readonly stsCalls: number
  readonly stsConnections: number
  readonly dynamodbConnections: number
}

const LIFETIME_MS = 3600_000
/** A typical size of a session token, in characters. */
const TOKEN_LENGTH = 800
const ITEM = JSON.stringify({ Item: { id: { S: '1' }, name: { S: 'an item' } } })

let settings: ServicesMessage = { stsResponseTimeMs: 0, clockOffsetMs: 0 }
let stsCalls = 0

const createAssumeRoleResponse = (call: number): string =>
  `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
  `<AccessKeyId>ASIA${String(call).padStart(16, '0')}</AccessKeyId>` +
  `<SecretAccessKey>${String(call).padStart(40, '0')}</SecretAccessKey>` +
  `<SessionToken>${String(call).padStart(TOKEN_LENGTH, '0')}</SessionToken>` +
  `<Expiration>${new Date(Date.now() + settings.clockOffsetMs + LIFETIME_MS).toISOString()}</Expiration>` +
  '</Credentials></AssumeRoleResult></AssumeRoleResponse>'

const startServer = async (respond: (response: ServerResponse) => void) => {
  let connections = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => respond(response))
  }).on('connection', () => {
    connections += 1
  })
  // AWS keeps idle connections open for longer than a bench runs.
  server.keepAliveTimeout = 0
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, countConnections: () => connections }
}

const sts = await startServer(async (response) => {
  stsCalls += 1
  const body = createAssumeRoleResponse(stsCalls)
  if (settings.stsResponseTimeMs > 0) await sleep(settings.stsResponseTimeMs)
  response.setHeader('content-type', 'text/xml').end(body)
})
const dynamodb = await startServer((response) =>
  response.setHeader('content-type', 'application/x-amz-json-1.0').end(ITEM),
)

const report = (): void => {
  process.send?.({
    stsUrl: sts.url,
    dynamodbUrl: dynamodb.url,
    stsCalls,
    stsConnections: sts.countConnections(),
    dynamodbConnections: dynamodb.countConnections(),
  } satisfies ServicesReport)
}
process.on('message', (message: ServicesMessage) => {
  settings = message
  report()
})
process.on('disconnect', () => process.exit())
report()
