#!/usr/bin/env node
/** `npx middy-cross-account-dynamo`. */
import { run } from './run.ts'

const { stdout, stderr, env } = process
const isColoured = ({ isTTY }: NodeJS.WriteStream): boolean =>
  isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'

for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads no more, as `head` does, misses nothing.
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
  colours: { out: isColoured(stdout), err: isColoured(stderr) },
})
