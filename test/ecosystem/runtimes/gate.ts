/** An HTTP server at which invocations wait for each other, or for the test. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Gate {
  readonly url: string
  /** Resolves when `count` requests wait. */
  waitForRequests(count: number): Promise<void>
  /** Responds to all requests that wait. */
  open(): void
}

/** Starts a gate, which closes at the end of the test. */
export const startGate = async (context: TestContext): Promise<Gate> => {
  const waiting: ServerResponse[] = []
  let onRequest = () => {}
  const server = createServer((_request, response) => {
    waiting.push(response)
    onRequest()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    waitForRequests: (count) =>
      new Promise((resolve) => {
        onRequest = () => {
          if (waiting.length >= count) resolve()
        }
        onRequest()
      }),
    open: () => {
      for (const response of waiting.splice(0)) response.end()
    },
  }
}
