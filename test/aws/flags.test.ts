import { describe, expect, test } from '@jest/globals'
import { readFlags } from './flags.ts'

const PROFILES = ['--function-profile', 'account-a', '--table-profile', 'account-b']
const findProblems = (...args: string[]): readonly string[] => {
  const flags = readFlags(args)
  return 'problems' in flags ? flags.problems : []
}

describe('the flags of test:aws', () => {
  test('a run needs two profiles, and has defaults for the other options', () => {
    expect(readFlags(PROFILES)).toEqual({
      options: {
        mode: 'run',
        functionProfile: 'account-a',
        tableProfile: 'account-b',
        region: 'us-east-1',
        reportFile: 'aws-report.md',
        shouldShowAccounts: false,
      },
    })
  })

  test.each(['plan', 'report-example', 'help'])('--%s needs no profile', (mode) => {
    expect(readFlags([`--${mode}`])).toMatchObject({ options: { mode } })
  })

  test('the flags set the Region, the report and the account IDs in it', () => {
    const args = [...PROFILES, '--region=eu-central-1', '--report', 'out.md', '--show-accounts']
    expect(readFlags(args)).toMatchObject({
      options: { region: 'eu-central-1', reportFile: 'out.md', shouldShowAccounts: true },
    })
  })

  test.each([
    ['no profile', [], ['--function-profile', '--table-profile']],
    ['one profile', PROFILES.slice(0, 2), ['--table-profile']],
    ['the same profile twice', [...PROFILES.slice(0, 3), 'account-a'], ['two accounts']],
    ['--yes, so that no script can confirm', [...PROFILES, '--yes'], ['--yes']],
    ['a short flag', [...PROFILES, '-y'], ['-y']],
    ['an argument that is no flag', [...PROFILES, 'now'], ['"now"']],
    ['an empty value', [...PROFILES, '--report='], ['--report']],
    ['a flag in place of a value', ['--function-profile', '--plan'], ['--function-profile']],
    ['a value of a switch', ['--plan=yes'], ['--plan']],
    ['a flag twice', [...PROFILES, '--table-profile', 'x'], ['twice']],
    ['an invalid Region', [...PROFILES, '--region', 'here'], ['"here"']],
    ['a Region of another partition', [...PROFILES, '--region', 'us-gov-west-1'], ['partition']],
    ['two modes', ['--plan', '--report-example'], ['--report-example']],
  ])('%s is a problem', (_, args, parts) => {
    const problems = findProblems(...args)
    expect(problems).toHaveLength(parts.length)
    for (const [index, part] of parts.entries()) expect(problems[index]).toContain(part)
  })

  test('all problems are reported at once', () => {
    expect(findProblems('--yes', 'now', '--region', 'here', '--report=')).toHaveLength(4)
  })
})
