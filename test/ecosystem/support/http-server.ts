/** Starts servers that stand for a service which the sandbox does not contain. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

/** Starts an HTTP server on loopback and returns its URL. It stops when the tests of the file have ended. */
export const startHttpServer = async (respond: RequestListener): Promise<string> => {
  const server = createServer(respond)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
