import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { AwsError } from './aws-error.ts'
import type { Call, ServiceName } from './calls.ts'
import type { Clock } from './clock.ts'
import type { Fault, Faults } from './faults.ts'
import { parseAuthorizationHeader, type SignedRequest } from './signature.ts'

export interface HttpResponse {
  status: number
  contentType: string
  body: string
}

/** The part of an HTTP server in which STS and DynamoDB differ. */
export interface ServiceHandler {
  name: ServiceName
  /** Reads the fields of the call that do not depend on a valid signature. */
  describeCall(request: SignedRequest): Pick<Call, 'operation'> & Partial<Call>
  /**
   * Authenticates and runs a request, and adds what it learns to `call`.
   *
   * @throws AwsError if the service refuses the request.
   */
  handle(request: SignedRequest, call: Call, requestId: string): Promise<HttpResponse>
  formatError(error: AwsError, requestId: string): HttpResponse
  throttlingError: AwsError
  /** Returns the error code for a fault that sets only an HTTP status. */
  getErrorCode(status: number): string
  createHeaders(response: HttpResponse, requestId: string): Record<string, string | number>
}

export interface ServiceServer {
  url: string
  /** The number of TCP connections that the server accepted since this property was last set to 0. */
  connectionCount: number
  /** Closes all open connections. The server continues to accept new connections. */
  closeConnections(): void
  close(): Promise<void>
}

export interface ServiceServerOptions {
  clock: Clock
  faults: Faults
  calls: Call[]
  log?: ((call: Call) => void) | undefined
}

// Keep the real setTimeout, because tests replace the global one with fake timers.
const { setTimeout } = globalThis

const RESET_DELAY_MS = 20

export async function startServiceServer(
  service: ServiceHandler,
  { clock, faults, calls, log }: ServiceServerOptions,
): Promise<ServiceServer> {
  const connectionNumbers = new WeakMap<Socket, number>()
  let lastConnectionNumber = 0

  const server = createServer((req, res) => {
    // The handler rejects if the client closes the connection before the request is complete.
    serve(req, res).catch(() => res.destroy())
  })
  // AWS keeps idle connections open for longer than any test runs, and sends no `Keep-Alive` header.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    serviceServer.connectionCount += 1
    lastConnectionNumber += 1
    connectionNumbers.set(socket, lastConnectionNumber)
  })

  async function serve(req: IncomingMessage, res: ServerResponse) {
    const request = await readRequest(req)
    const { accessKeyId, region } = parseAuthorizationHeader(request.headers.authorization ?? '') ?? {}
    const call: Call = {
      service: service.name,
      status: 0,
      connectionNumber: connectionNumbers.get(req.socket) ?? 0,
      receivedAtMs: clock.now(),
      ...(request.headers.host && { host: request.headers.host }),
      ...(accessKeyId && region && { accessKeyId, region }),
      ...service.describeCall(request),
    }
    calls.push(call)
    const requestId = randomUUID()
    const callFaults = faults.takeFor(call)
    const latencyMs = callFaults.reduce((ms, fault) => ms + (fault.kind === 'latency' ? fault.ms : 0), 0)
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs).unref())
    const fault = callFaults.find(({ kind }) => kind !== 'latency')
    if (fault?.kind === 'reset') req.socket.resetAndDestroy()
    else if (fault?.kind !== 'no-response')
      send(res, await respond(request, call, requestId, fault), requestId, fault)
    log?.(call)
  }

  async function respond(
    request: SignedRequest,
    call: Call,
    requestId: string,
    fault?: Fault,
  ): Promise<HttpResponse> {
    try {
      if (fault?.kind === 'throttle') throw service.throttlingError
      if (fault?.kind === 'status') {
        const {
          status,
          code = service.getErrorCode(status),
          message = 'The test injected this failure into the sandbox.',
        } = fault
        throw new AwsError(status, code, message)
      }
      const response = await service.handle(request, call, requestId)
      call.status = response.status
      return applyBodyFault(response, fault)
    } catch (thrown) {
      // Report a mistake in the test's accounts, such as an invalid policy, as an error that the SDK does not retry.
      const error = thrown instanceof AwsError ? thrown : new AwsError(400, 'SandboxError', String(thrown))
      call.status = error.status
      call.error = error.code.split('#').at(-1) ?? error.code
      return applyBodyFault(service.formatError(error, requestId), fault)
    }
  }

  function send(res: ServerResponse, response: HttpResponse, requestId: string, fault?: Fault) {
    res.sendDate = false
    res.writeHead(response.status, {
      date: new Date(clock.now()).toUTCString(),
      'x-amzn-requestid': requestId,
      'content-type': response.contentType,
      'content-length': Buffer.byteLength(response.body),
      ...service.createHeaders(response, requestId),
    })
    // Reset the connection after a delay. An immediate reset would discard the data that was just written.
    if (fault?.kind === 'reset-mid-response')
      res.write(takeHalf(response.body), () =>
        setTimeout(() => res.socket?.resetAndDestroy(), RESET_DELAY_MS).unref(),
      )
    else if (fault?.kind === 'stall') res.write(takeHalf(response.body))
    else res.end(response.body)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const serviceServer: ServiceServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connectionCount: 0,
    closeConnections: () => server.closeAllConnections(),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return serviceServer
}

async function readRequest(req: IncomingMessage): Promise<SignedRequest> {
  const url = new URL(req.url ?? '/', 'http://sandbox')
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return {
    method: req.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)])),
    body: Buffer.concat(chunks),
  }
}

const takeHalf = (text: string) => text.slice(0, Math.floor(text.length / 2))

function applyBodyFault(response: HttpResponse, fault?: Fault): HttpResponse {
  switch (fault?.kind) {
    case 'truncated':
      return { ...response, body: takeHalf(response.body) }
    case 'malformed':
      return { ...response, body: 'This is <neither XML> { nor JSON' }
    case 'rewrite':
      return { ...response, body: fault.body(response.body) }
    default:
      return response
  }
}
