import { describe, expect, test } from '@jest/globals'
import { nearest } from '../../../src/options/nearest.ts'

const OPTIONS = [
  'roleArn',
  'externalId',
  'sessionTags',
  'sessionName',
  'durationSeconds',
  'region',
  'envPrefix',
  'documentClient',
]

describe('nearest', () => {
  test.each([
    ['the same letters in another case', 'ROLEARN', 'roleArn'],
    ['a letter left out', 'roleAn', 'roleArn'],
    ['a letter too many', 'rolleArn', 'roleArn'],
    ['a letter changed', 'roleArm', 'roleArn'],
    ['two letters swapped', 'roelArn', 'roleArn'],
    ['another spelling', 'session_name', 'sessionName'],
    ['another abbreviation', 'externalID', 'externalId'],
    ['a plural', 'regions', 'region'],
    ['the nearer one of two that are near', 'sessionNames', 'sessionName'],
    ['the beginning of a long name', 'duration', 'durationSeconds'],
  ])('%s: %s means %s', (_, name, meant) => {
    expect(nearest(name, OPTIONS)).toBe(meant)
  })

  test.each([
    ['nothing alike', 'logger'],
    ['one letter', 'x'],
    ['nothing at all', ''],
    ['a whole sentence', 'something else altogether'],
  ])('%s is near to none', (_, name) => {
    expect(nearest(name, OPTIONS)).toBeUndefined()
  })

  test.each([
    ['ab', 'abcd'],
    ['abcd', 'ab'],
    ['abcd', 'abxx'],
  ])('two edits are still near: %s and %s', (name, known) => {
    expect(nearest(name, [known])).toBe(known)
  })

  test.each([
    ['ab', 'abcde'],
    ['abcd', 'axxx'],
  ])('three edits in a short name are not: %s and %s', (name, known) => {
    expect(nearest(name, [known])).toBeUndefined()
  })

  test('the order of the known names decides nothing but ties', () => {
    expect(nearest('regoin', ['externalId', 'region'])).toBe('region')
    expect(nearest('regoin', ['region', 'externalId'])).toBe('region')
    expect(nearest('ac', ['ab', 'ad'])).toBe('ab')
  })

  test('where nothing is known nothing is near', () => {
    expect(nearest('roleArn', [])).toBeUndefined()
  })
})
