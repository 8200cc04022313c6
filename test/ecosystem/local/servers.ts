/** Starts the servers of docs/local-development.md, each in its own process. They stop when the tests of the file have ended. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startDynamodbLocal as startDatabase } from '../../sandbox/dynamodb-local.ts'
import { findFreePort, isListening } from '../../sandbox/ports.ts'

const DYNALITE = join(import.meta.dirname, '../../../node_modules/dynalite/cli.js')
const POLL_INTERVAL_MS = 50
/** The exit code of a shell, and of the launcher of pyenv, if there is no such command. */
const COMMAND_NOT_FOUND = 127

/** Starts dynalite, which is a development dependency of the root. Returns its URL. */
export const startDynalite = async (): Promise<string> => {
  const url = await startServer(process.execPath, (port) => [
    DYNALITE,
    '--host=127.0.0.1',
    `--port=${port}`,
    '--createTableMs=0',
  ])
  if (url === undefined) throw new Error('dynalite did not start.')
  return url
}

/** Starts moto. Returns its URL, or `undefined` if moto is not installed. */
export const startMoto = (): Promise<string | undefined> =>
  startServer('moto_server', (port) => ['-H', '127.0.0.1', '-p', String(port)])

/** Starts DynamoDB Local. Returns its URL, or `undefined` if Java is not installed. */
export const startDynamodbLocal = async (): Promise<string | undefined> => {
  if (spawnSync('java', ['-version']).status !== 0) return undefined
  const { port, close } = await startDatabase()
  after(close)
  return `http://127.0.0.1:${port}`
}

/**
 * Starts a server on a free port, and waits until it listens. Returns its URL, or `undefined` if there is no such command.
 *
 * @throws if the server ends before it listens.
 */
const startServer = async (
  command: string,
  toArguments: (port: number) => readonly string[],
): Promise<string | undefined> => {
  const port = await findFreePort()
  const server = spawn(command, toArguments(port), { stdio: ['ignore', 'ignore', 'pipe'] })
  let errorOutput = ''
  server.stderr.on('data', (chunk) => {
    errorOutput += chunk
  })
  after(() => stop(server))
  let startError: NodeJS.ErrnoException | undefined
  server.on('error', (error) => {
    startError = error
  })
  while (!(await isListening(port))) {
    if (startError?.code === 'ENOENT' || server.exitCode === COMMAND_NOT_FOUND) return undefined
    if (startError !== undefined || hasEnded(server))
      throw new Error(`${command} did not start. ${startError?.message ?? errorOutput}`)
    await setTimeout(POLL_INTERVAL_MS)
  }
  return `http://127.0.0.1:${port}`
}

const hasEnded = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null

const stop = async (server: ChildProcess): Promise<void> => {
  if (hasEnded(server)) return
  const ended = once(server, 'exit')
  server.kill()
  await ended
}
