import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Call, ServiceName } from './calls.ts'
import type { Clock } from './clock.ts'
import type { Fault, Faults } from './faults.ts'
import { Refusal } from './refusal.ts'
import { readClaim, type SignedRequest } from './signature.ts'

export interface Answer {
  status: number
  contentType: string
  body: string
}

/** What the two services differ in; the rest of an HTTP server stands below, once. */
export interface Service {
  name: ServiceName
  /** What can be told of a call before anybody has looked at its signature. */
  describe(request: SignedRequest): Pick<Call, 'operation'> & Partial<Call>
  /** Fills in what it learns about the call. Throws a Refusal when the answer is no. */
  answer(request: SignedRequest, call: Call, requestId: string): Promise<Answer>
  refuse(refusal: Refusal, requestId: string): Answer
  throttled: Refusal
  /** The code that goes with a status when a fault names none. */
  codeOf(status: number): string
  headersOf(answer: Answer, requestId: string): Record<string, string | number>
}

export interface Front {
  url: string
  /** TCP connections accepted since the start or the last reset. */
  connections: number
  /** Closes the connections that are open; new ones are taken. */
  disconnect(): void
  close(): Promise<void>
}

export interface FrontContext {
  clock: Clock
  faults: Faults
  calls: Call[]
  log?: ((call: Call) => void) | undefined
}

// Taken now, so that a test's fake timers do not stop AWS.
const { setTimeout } = globalThis

export async function startFront(
  service: Service,
  { clock, faults, calls, log }: FrontContext,
): Promise<Front> {
  const numbers = new WeakMap<Socket, number>()
  let connected = 0

  const server = createServer((req, res) => {
    // A client that goes away in the middle of its request is its own affair.
    serve(req, res).catch(() => res.destroy())
  })
  // AWS keeps connections for longer than any test and sends no `Keep-Alive` header.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    front.connections += 1
    connected += 1
    numbers.set(socket, connected)
  })

  async function serve(req: IncomingMessage, res: ServerResponse) {
    const request = await receive(req)
    const { accessKeyId, region } = readClaim(request.headers.authorization ?? '') ?? {}
    const call: Call = {
      service: service.name,
      status: 0,
      connection: numbers.get(req.socket) ?? 0,
      at: clock.now(),
      ...(request.headers.host && { host: request.headers.host }),
      ...(accessKeyId && region && { accessKeyId, region }),
      ...service.describe(request),
    }
    calls.push(call)
    const requestId = randomUUID()
    const struck = faults.take(call)
    const latency = struck.reduce((ms, fault) => ms + (fault.kind === 'latency' ? fault.ms : 0), 0)
    if (latency > 0) await new Promise((done) => setTimeout(done, latency).unref())
    const fault = struck.find(({ kind }) => kind !== 'latency')
    if (fault?.kind === 'reset') req.socket.resetAndDestroy()
    else if (fault?.kind !== 'silence')
      send(res, await answer(request, call, requestId, fault), requestId, fault)
    log?.(call)
  }

  async function answer(
    request: SignedRequest,
    call: Call,
    requestId: string,
    fault?: Fault,
  ): Promise<Answer> {
    try {
      if (fault?.kind === 'throttle') throw service.throttled
      if (fault?.kind === 'status') {
        const {
          status,
          code = service.codeOf(status),
          message = 'The sandbox was asked to fail here.',
        } = fault
        throw new Refusal(status, code, message)
      }
      const answer = await service.answer(request, call, requestId)
      call.status = answer.status
      return spoil(answer, fault)
    } catch (error) {
      // A mistake in the set-up, such as an invalid policy, must neither pass silently nor be retried.
      const refusal = error instanceof Refusal ? error : new Refusal(400, 'SandboxError', String(error))
      call.status = refusal.status
      call.error = refusal.code.split('#').at(-1) ?? refusal.code
      return spoil(service.refuse(refusal, requestId), fault)
    }
  }

  function send(res: ServerResponse, answer: Answer, requestId: string, fault?: Fault) {
    res.sendDate = false
    res.writeHead(answer.status, {
      date: new Date(clock.now()).toUTCString(),
      'x-amzn-requestid': requestId,
      'content-type': answer.contentType,
      'content-length': Buffer.byteLength(answer.body),
      ...service.headersOf(answer, requestId),
    })
    // The reset waits a moment, so that what was written is not thrown away by it.
    if (fault?.kind === 'reset-mid-answer')
      res.write(half(answer.body), () => setTimeout(() => res.socket?.resetAndDestroy(), 20).unref())
    else if (fault?.kind === 'stall') res.write(half(answer.body))
    else res.end(answer.body)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: 0,
    disconnect: () => server.closeAllConnections(),
    async close() {
      const closed = new Promise((done) => server.close(done))
      server.closeAllConnections()
      await closed
    },
  }
  return front
}

async function receive(req: IncomingMessage): Promise<SignedRequest> {
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

const half = (text: string) => text.slice(0, Math.floor(text.length / 2))

function spoil(answer: Answer, fault?: Fault): Answer {
  switch (fault?.kind) {
    case 'truncated':
      return { ...answer, body: half(answer.body) }
    case 'malformed':
      return { ...answer, body: 'This is <neither XML> { nor JSON' }
    case 'rewrite':
      return { ...answer, body: fault.body(answer.body) }
    default:
      return answer
  }
}
