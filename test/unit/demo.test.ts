/** The output of `npm start`. */
import { PassThrough } from 'node:stream'
import { expect, test } from '@jest/globals'
import { createDemo } from '../../examples/local/demo.ts'

const createOutput = () => {
  const stream = new PassThrough()
  return { stream: stream as unknown as NodeJS.WriteStream, read: () => String(stream.read() ?? '') }
}

test('the demo counts the checks that failed', () => {
  const { stream, read } = createOutput()
  const demo = createDemo(stream)
  demo.check('one is one', true)
  demo.check('one is two', false)
  expect(read()).toBe('    ok: one is one\n    FAILED: one is two\n')
  expect(demo.finish()).toBe(1)
  expect(read()).toBe('\n1 of 2 checks failed.\n')
})

test('the demo numbers its steps, and prints each line of a text after its label, without colors if the output is not a terminal', () => {
  const { stream, read } = createOutput()
  const demo = createDemo(stream)
  demo.step('A cold start', 'The function is loaded.')
  demo.step('A warm invocation', 'The function is invoked again.')
  demo.detail('threw', 'first\nsecond')
  expect(read()).toMatch(
    /^\n1\. A cold start\n {4}The function is loaded\.\n\n2\. A warm invocation\n {4}The .*\n {4}threw +first\n {5,}second\n$/,
  )
})
