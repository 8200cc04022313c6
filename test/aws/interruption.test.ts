import { afterEach, describe, expect, test } from '@jest/globals'
import { runProgram } from './commands.ts'
import { type Interruption, watchInterruption } from './interruption.ts'

describe('watchInterruption', () => {
  let interruption: Interruption
  afterEach(() => interruption.stop())

  test('the first signal aborts, the second one warns, and the third one exits', () => {
    const printed: string[] = []
    let exits = 0
    interruption = watchInterruption(
      (text) => printed.push(text),
      () => {
        exits += 1
      },
    )
    const { signal } = interruption
    expect(signal.aborted).toBe(false)
    process.emit('SIGINT')
    expect({ isAborted: signal.aborted, count: printed.length, exits }).toEqual({
      isAborted: true,
      count: 1,
      exits: 0,
    })
    process.emit('SIGTERM')
    expect({ count: printed.length, exits }).toEqual({ count: 2, exits: 0 })
    process.emit('SIGINT')
    expect(exits).toBe(1)
  })
})

describe('runProgram', () => {
  test('returns the exit code and the output', async () => {
    const code = 'console.log("out"); console.error("err"); process.exitCode = 3'
    let output = ''
    const onOutput = (text: string) => {
      output += text
    }
    const result = await runProgram(process.execPath, ['-e', code], { onOutput })
    expect(result).toEqual({ exitCode: 3, stdout: 'out\n' })
    expect(output.split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  test('throws if the program does not exist', async () => {
    await expect(runProgram('/no/such/program', [])).rejects.toThrow('ENOENT')
  })

  test('an abort ends the program with its child processes', async () => {
    const controller = new AbortController()
    const code = `
      const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
      console.log(child.pid)
      setInterval(() => {}, 1000)`
    let childPid = 0
    const program = runProgram(process.execPath, ['-e', code], {
      signal: controller.signal,
      onOutput: (text) => {
        childPid = Number(text)
        controller.abort(new Error('interrupted'))
      },
    })
    await expect(program).rejects.toThrow('interrupted')
    const isRunning = () => {
      try {
        return process.kill(childPid, 0)
      } catch {
        return false
      }
    }
    for (let count = 0; count < 100 && isRunning(); count += 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(childPid).toBeGreaterThan(0)
    expect(isRunning()).toBe(false)
  })
})
