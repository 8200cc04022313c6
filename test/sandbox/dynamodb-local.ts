import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { findFreePort, isListening } from './ports.ts'

const SCRIPT = join(import.meta.dirname, 'run-dynamodb-local.ts')
const POLL_INTERVAL_MS = 20

/**
 * Starts DynamoDB Local with an in-memory database in its own process. The process ends when this process ends.
 *
 * @throws if DynamoDB Local does not start, for example because Java is missing.
 */
export async function startDynamodbLocal(): Promise<{ port: number; close(): Promise<void> }> {
  const port = await findFreePort()
  const childProcess = spawn(process.execPath, [SCRIPT, String(port)], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // Turn off the usage reports that DynamoDB Local sends to AWS.
    env: { ...process.env, DDB_LOCAL_TELEMETRY: '0' },
  })
  const exited = once(childProcess, 'exit')
  // Allow this process to end while DynamoDB Local runs.
  childProcess.unref()
  while (!(await isListening(port))) {
    if (childProcess.exitCode !== null || childProcess.signalCode !== null)
      throw new Error(
        'DynamoDB Local did not start. It needs Java 17 or newer, as `java` in the PATH ' +
          '(Debian and Ubuntu: sudo apt-get install --no-install-recommends openjdk-17-jre-headless).',
      )
    await setTimeout(POLL_INTERVAL_MS)
  }
  return {
    port,
    async close() {
      childProcess.ref()
      childProcess.stdin.end()
      await exited
    },
  }
}
