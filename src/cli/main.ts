#!/usr/bin/env node
/** The executable of `npx middy-cross-account-dynamo`. */
import { run } from './run.ts'

const { stdout, stderr, env } = process
const hasColors = ({ isTTY }: NodeJS.WriteStream): boolean =>
  isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'

for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A program that reads only a part of the output, such as `head`, closes the pipe early. That is not an error.
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
  colors: { out: hasColors(stdout), err: hasColors(stderr) },
})
