// cspell:ignore abxx axxx regoin roel rolearn rolle
/** Suggestions for misspelled names. */
import { describe, expect, test } from '@jest/globals'
import { findNearestName } from '../../../src/options/nearest.ts'

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

describe('findNearestName', () => {
  test.each([
    ['different case', 'ROLEARN', 'roleArn'],
    ['a missing letter', 'roleAn', 'roleArn'],
    ['an additional letter', 'rolleArn', 'roleArn'],
    ['a changed letter', 'roleArm', 'roleArn'],
    ['two swapped letters', 'roelArn', 'roleArn'],
    ['snake case', 'session_name', 'sessionName'],
    ['a different abbreviation', 'externalID', 'externalId'],
    ['a plural', 'regions', 'region'],
    ['a name that resembles two known names', 'sessionNames', 'sessionName'],
    ['the beginning of a long name', 'duration', 'durationSeconds'],
  ])('findNearestName corrects %s: %s to %s', (_, name, expected) => {
    expect(findNearestName(name, OPTIONS)).toBe(expected)
  })

  test.each([
    ['a different word', 'logger'],
    ['one letter', 'x'],
    ['an empty string', ''],
    ['a whole sentence', 'something else altogether'],
  ])('findNearestName returns undefined for %s', (_, name) => {
    expect(findNearestName(name, OPTIONS)).toBeUndefined()
  })

  test.each([
    ['ab', 'abcd'],
    ['abcd', 'ab'],
    ['abcd', 'abxx'],
  ])('findNearestName accepts two edits: %s and %s', (name, known) => {
    expect(findNearestName(name, [known])).toBe(known)
  })

  test.each([
    ['ab', 'abcde'],
    ['abcd', 'axxx'],
  ])('findNearestName refuses three edits in a short name: %s and %s', (name, known) => {
    expect(findNearestName(name, [known])).toBeUndefined()
  })

  test('the order of the known names matters only if two names are equally near', () => {
    expect(findNearestName('regoin', ['externalId', 'region'])).toBe('region')
    expect(findNearestName('regoin', ['region', 'externalId'])).toBe('region')
    expect(findNearestName('ac', ['ab', 'ad'])).toBe('ab')
  })

  test('findNearestName returns undefined if there are no known names', () => {
    expect(findNearestName('roleArn', [])).toBeUndefined()
  })
})
