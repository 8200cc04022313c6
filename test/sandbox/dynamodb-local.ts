import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const KEEPER = join(import.meta.dirname, 'dynamodb-local-keeper.ts')

/** AWS's DynamoDB Local in a process of its own, in memory, which ends with this one at the latest. */
export async function startDynamodbLocal(): Promise<{ port: number; close(): Promise<void> }> {
  const port = await freePort()
  const keeper = spawn(process.execPath, [KEEPER, String(port)], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // It would report to AWS how it is used.
    env: { ...process.env, DDB_LOCAL_TELEMETRY: '0' },
  })
  const ended = once(keeper, 'exit')
  // It keeps nobody from ending.
  keeper.unref()
  while (!(await listens(port))) {
    if (keeper.exitCode !== null || keeper.signalCode !== null)
      throw new Error(
        'DynamoDB Local did not start. It needs Java 17 or newer, as `java` in the PATH ' +
          '(Debian and Ubuntu: sudo apt-get install --no-install-recommends openjdk-17-jre-headless).',
      )
    await setTimeout(20)
  }
  return {
    port,
    async close() {
      keeper.ref()
      keeper.stdin.end()
      await ended
    },
  }
}

/** DynamoDB Local takes no port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
