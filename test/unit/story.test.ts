import { PassThrough } from 'node:stream'
import { expect, test } from '@jest/globals'
import { startStory } from '../../examples/local/story.ts'

const startTerminal = () => {
  const stream = new PassThrough()
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => String(stream.read() ?? '') }
}

test('a story counts what did not go as told', () => {
  const { stream, text } = startTerminal()
  const story = startStory(stream)
  story.expect('the sun rose', true)
  expect(story.failures()).toBe(0)
  story.expect('it rained', false)
  expect(story.failures()).toBe(1)
  expect(text()).toBe('    as told: the sun rose\n    NOT AS TOLD: it rained\n')
})

test('it prints every line of a text under what it is about, and no colours where there is no terminal', () => {
  const { stream, text } = startTerminal()
  const story = startStory(stream)
  story.chapter('1. Rain')
  story.line('threw', 'first\nsecond')
  expect(text()).toMatch(/^\n1\. Rain\n {4}threw +first\n +second\n$/)
})
