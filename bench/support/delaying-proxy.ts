/**
 * A TLS server for a service on loopback that is as far away as the round trip says. It delays the bytes before they are decrypted,
 * so that a new connection costs one round trip for TCP and one for TLS 1.3, and each request costs another one.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import type { Certificate } from './certificate.ts'

export interface DelayingProxy {
  readonly url: string
  /** Sets the round trip of new connections. */
  readonly setRoundTrip: (roundTripMs: number) => void
  readonly close: () => Promise<void>
}

/**
 * Returns a function that runs functions after a delay, in the order of the calls. The delay has a precision of about 0.1 ms. As
 * `setTimeout` can be 1 ms late, it only waits for the first part of the delay.
 */
const createDelayedQueue = (delayMs: number): ((run: () => void) => void) => {
  const queue: { readonly timeMs: number; readonly run: () => void }[] = []
  const runDue = (): void => {
    for (let [next] = queue; next !== undefined; [next] = queue) {
      const remainingMs = next.timeMs - performance.now()
      if (remainingMs > 2) return void setTimeout(runDue, remainingMs - 2)
      if (remainingMs > 0) return void setImmediate(runDue)
      queue.shift()
      next.run()
    }
  }
  return (run) => {
    queue.push({ timeMs: performance.now() + delayMs, run })
    if (queue.length === 1) runDue()
  }
}

/** Copies bytes from one socket to the other after a delay. */
const forward = (from: Socket, to: Socket, delayMs: number): void => {
  const enqueue = createDelayedQueue(delayMs)
  from.on('data', (bytes) => enqueue(() => to.write(bytes)))
  from.on('end', () => enqueue(() => to.end()))
}

const listen = async (server: Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

/** Starts a TLS server that decrypts, and copies the bytes to the service. */
const startTlsServer = async (serviceUrl: string, { key, cert }: Certificate): Promise<[Server, number]> => {
  const { hostname, port } = new URL(serviceUrl)
  const server = createTlsServer({ key, cert }, (socket) => {
    const service = connect({ host: hostname, port: Number(port), noDelay: true })
    pipeline(socket.setNoDelay(), service, socket, () => {})
  })
  return [server, await listen(server)]
}

export const startDelayingProxy = async (
  serviceUrl: string,
  certificate: Certificate,
): Promise<DelayingProxy> => {
  let roundTripMs = 0
  const sockets = new Set<Socket>()
  const [tlsServer, tlsPort] = await startTlsServer(serviceUrl, certificate)
  const server = createServer((client) => {
    const tls = connect({ host: '127.0.0.1', port: tlsPort, noDelay: true })
    for (const socket of [client.setNoDelay(), tls]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {
        for (const end of [client, tls]) end.destroy()
      })
    }
    const delayMs = roundTripMs / 2
    forward(tls, client, delayMs)
    // On loopback, the client is connected immediately. Its first bytes wait for the round trip that TCP needs.
    createDelayedQueue(roundTripMs)(() => forward(client, tls, delayMs))
  })
  const port = await listen(server)
  return {
    url: `https://localhost:${port}`,
    setRoundTrip: (ms) => {
      roundTripMs = ms
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.all([server, tlsServer].map((each) => new Promise((resolve) => each.close(resolve))))
    },
  }
}
