/**
 * Lambda's Runtime API on loopback.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ACCOUNT_A } from '../../sandbox/two-accounts.ts'

/** What the runtime client posted. */
export interface Post {
  /** The path after `/2018-06-01/runtime/`, with `*` in place of the request ID. */
  readonly path: string
  /** The ID of the invocation. Absent after an error of the INIT phase. */
  readonly requestId?: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The headers after the body, which report an error in a streamed response. */
  readonly trailers: NodeJS.Dict<string>
}

interface Invocation {
  readonly requestId: string
  readonly event: object
  readonly onBody: (body: string) => void
  readonly resolve: (post: Post) => void
}

export interface RuntimeApi {
  /** The value of `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string
  /** Resolves when each poller has asked for its first invocation. */
  readonly ready: Promise<void>
  /** Resolves with the error of the INIT phase. */
  readonly initError: Promise<Post>
  /**
   * Invokes the function.
   *
   * @param onBody called with the body so far, after each part of it
   */
  invoke(event: object, onBody?: (body: string) => void): Promise<Post>
  close(): void
}

const PREFIX = '/2018-06-01/runtime/'
const TIMEOUT_MS = 30_000

/**
 * Starts the Runtime API.
 *
 * @param pollerCount the number of requests for the next invocation that are sent at the same time. No invocation starts before all
 *   of them wait, so that each worker thread gets some
 */
export const startRuntimeApi = async (pollerCount: number): Promise<RuntimeApi> => {
  const pollers: ServerResponse[] = []
  const queue: Invocation[] = []
  const running = new Map<string, Invocation>()
  const ready = Promise.withResolvers<void>()
  const initError = Promise.withResolvers<Post>()
  let isReady = false

  const startInvocations = (): void => {
    isReady ||= pollers.length >= pollerCount
    if (!isReady) return
    ready.resolve()
    while (pollers.length > 0 && queue.length > 0) {
      const [poller, invocation] = [pollers.shift(), queue.shift()]
      if (poller === undefined || invocation === undefined) return
      running.set(invocation.requestId, invocation)
      poller.writeHead(200, {
        'Content-Type': 'application/json',
        'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + TIMEOUT_MS),
        'Lambda-Runtime-Invoked-Function-Arn': `arn:aws:lambda:us-east-1:${ACCOUNT_A}:function:orders-function`,
      })
      poller.end(JSON.stringify(invocation.event))
    }
  }

  const receivePost = async (request: IncomingMessage, path: string): Promise<void> => {
    const [, requestId = '', name] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    const invocation = running.get(requestId)
    if (invocation === undefined && path !== 'init/error') throw new Error(`unexpected POST ${path}`)
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) {
      body += chunk
      invocation?.onBody(body)
    }
    const { headers, trailers } = request
    if (invocation === undefined) initError.resolve({ path, headers, body, trailers })
    else invocation.resolve({ path: `invocation/*/${name}`, requestId, headers, body, trailers })
    running.delete(requestId)
  }

  const server = createServer(async (request, response) => {
    const path = request.url?.slice(PREFIX.length) ?? ''
    if (request.method === 'GET' && path === 'invocation/next') {
      pollers.push(response)
      startInvocations()
      return
    }
    try {
      await receivePost(request, path)
      response.writeHead(202).end('{"status":"OK"}')
    } catch (error) {
      response.writeHead(400).end(String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ready: ready.promise,
    initError: initError.promise,
    invoke: (event, onBody = () => {}) =>
      new Promise((resolve) => {
        queue.push({ requestId: randomUUID(), event, onBody, resolve })
        startInvocations()
      }),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
