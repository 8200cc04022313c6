import { describe, expect, it } from '@jest/globals'
import { parseArguments } from '../../../bench/arguments.ts'

const NAMES = ['warm', 'cold']

describe('the arguments of npm run bench', () => {
  it('select all benches by default', () => {
    expect(parseArguments([], NAMES)).toEqual({
      names: NAMES,
      isShort: false,
      shouldWrite: false,
      isPageOnly: false,
    })
  })

  it('select the named benches, in any order with a flag', () => {
    expect(parseArguments(['cold', '--short', 'cold'], NAMES)).toMatchObject({
      names: ['cold'],
      isShort: true,
    })
  })

  it('are refused with all problems and the valid names', () => {
    expect(parseArguments(['hot', '--fast', 'tepid', '--short'], NAMES)).toEqual({
      problems: [
        'There is no flag --fast. Use --short, --write, --page.',
        'There is no bench hot. Use warm, cold.',
        'There is no bench tepid. Use warm, cold.',
      ],
    })
  })

  it('are refused with two flags, because short runs have no results to write', () => {
    expect(parseArguments(['--short', '--write'], NAMES)).toEqual({
      problems: ['Use only one of --short, --write, --page.'],
    })
  })

  it('are refused with a name and --page, because the page contains all benches', () => {
    expect(parseArguments(['--page', 'warm'], NAMES)).toEqual({ problems: ['Use --page without a name.'] })
  })
})
