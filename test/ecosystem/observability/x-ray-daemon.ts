/** An X-Ray daemon that records what X-Ray's SDK sends, and the environment of a function that X-Ray traces. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { after } from 'node:test'

/** A subsegment. In Lambda, X-Ray's SDK sends no segment, because Lambda itself sends the segment of the function. */
export interface Subsegment {
  readonly id: string
  readonly parent_id: string
  readonly trace_id: string
  readonly name: string
  readonly namespace?: string
  readonly aws?: { readonly operation: string; readonly table_name?: string }
  readonly annotations?: Readonly<Record<string, unknown>>
}

export interface XRayDaemon {
  /** The subsegments that the daemon has received. */
  readonly subsegments: Subsegment[]
  /** The variables that Lambda sets in a function with active tracing. */
  readonly env: Readonly<Record<string, string>>
}

export const TRACE_ID = '1-5759e988-bd862e3fe1be46a994272793'
export const PARENT_ID = '53995c3f42cd8ad8'
/**
 * The trace header of an invocation, with the values of AWS's example.
 *
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
export const TRACE_HEADER = `Root=${TRACE_ID};Parent=${PARENT_ID};Sampled=1`

/** Starts the daemon. It stops when the tests of the file have ended. */
export const startXRayDaemon = async (): Promise<XRayDaemon> => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  after(() => socket.close())
  const subsegments: Subsegment[] = []
  // Each packet contains a header line and a segment.
  socket.on('message', (packet) => subsegments.push(JSON.parse(packet.toString().split('\n')[1] ?? '')))
  return {
    subsegments,
    env: {
      LAMBDA_TASK_ROOT: '/var/task',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${socket.address().port}`,
      _HANDLER: 'handler.handler',
    },
  }
}
