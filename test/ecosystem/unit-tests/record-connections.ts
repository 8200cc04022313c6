/**
 * `runners.test.ts` loads this file into each process of a test runner. It appends the address of each TCP connection to the file in
 * the variable `CONNECTIONS_FILE`, before the connection opens.
 */
import { appendFileSync } from 'node:fs'
import { Socket } from 'node:net'

const file = process.env.CONNECTIONS_FILE
const { connect } = Socket.prototype

Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  // net.connect() passes an array that starts with the options. tls.connect() passes the options.
  const [options] = args.flat() as [{ host?: string; port?: number }]
  // A connection without a port is a pipe between processes.
  if (file !== undefined && options.port !== undefined)
    appendFileSync(file, `${options.host}:${options.port}\n`)
  return Reflect.apply(connect, this, args)
}
