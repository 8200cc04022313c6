import { describe, expect, test } from '@jest/globals'
import type { AttemptError } from './attempt.ts'
import { findUnexpectedResults } from './plan.ts'
import { type ComparedCase, compareErrors, formatReport, type Report } from './report.ts'
import { EXAMPLE_TARGET } from './target.ts'

const DENIED: AttemptError = {
  code: 'ASSUME_ROLE_DENIED',
  action: 'sts:AssumeRole',
  name: 'AccessDenied',
  message:
    'User: arn:aws:sts::777777777777:assumed-role/Caller/aws-test is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::888888888888:role/Target',
}
const WITH_REASON = {
  ...DENIED,
  message: `${DENIED.message} because no identity-based policy allows the sts:AssumeRole action`,
}
const INVALID_TOKEN = { code: 'ASSUME_ROLE_REJECTED', name: 'InvalidClientTokenId', message: 'invalid' }
const expected = { code: 'ASSUME_ROLE_DENIED', action: 'sts:AssumeRole' }

/** Fixtures in the form of a run. They are not from AWS. */
const createReport = (cases: readonly ComparedCase[], others: Partial<Report> = {}): Report => ({
  source: 'aws',
  target: { ...EXAMPLE_TARGET, functionAccount: '777777777777', tableAccount: '888888888888' },
  date: '2030-01-02',
  shouldShowAccounts: false,
  results: [
    { title: 'check of PutAndGet', isExpected: true, detail: '6 steps, none failed' },
    { title: 'put-and-get writes and reads an item', isExpected: false, detail: 'an\nerror' },
  ],
  cases,
  failures: [],
  ...others,
})

describe('compareErrors', () => {
  test.each([
    ['the same text is the same', DENIED, DENIED, 'same'],
    ['other white space is the same', { ...DENIED, message: ` ${DENIED.message}\n` }, DENIED, 'same'],
    ['a longer text is a different wording', WITH_REASON, DENIED, 'different wording'],
    ['another code is a different error', INVALID_TOKEN, DENIED, 'different error'],
    ['a request that succeeds on AWS only is a different error', undefined, DENIED, 'different error'],
    ['a case that was not run is not compared', 'not run', DENIED, 'not run'],
  ] as const)('%s', (_, aws, sandbox, comparison) => {
    expect(compareErrors({ aws, sandbox })).toBe(comparison)
  })
})

describe('the report', () => {
  const cases: ComparedCase[] = [
    { title: 'First', expected, aws: DENIED, sandbox: DENIED },
    { title: 'Second', expected, aws: WITH_REASON, sandbox: DENIED },
    { title: 'Third', expected, aws: INVALID_TOKEN, sandbox: DENIED },
    { title: 'Fourth', expected, aws: undefined, sandbox: DENIED },
    { title: 'Fifth', expected, aws: 'not run', sandbox: DENIED },
  ]

  test('the report lists each case with both errors and the comparison', () => {
    const text = formatReport(createReport(cases))
    expect(text.split('\n').filter((line) => /^\| (?:First|Second|Third|Fourth|Fifth) /.test(line))).toEqual(
      [
        'First | same',
        'Second | different wording',
        'Third | different error',
        'Fourth | different error',
        'Fifth | not run',
      ].map((row) => `| ${row.replace(' | ', ' | `ASSUME_ROLE_DENIED`, `sts:AssumeRole` | ')} |`),
    )
    const [, second = ''] = text.split('### Second')
    expect(second).toMatch(
      /^\n\nComparison: \*\*different wording\*\*\.\n\nAWS:\n\n```text\nASSUME_ROLE_DENIED\nAccessDenied: User: .* because no .*\n```\n\nSandbox:\n\n```text\nASSUME_ROLE_DENIED\nAccessDenied: User: .*\/Target\n```\n/,
    )
    expect(text.match(/AWS did not cause the expected error/g)).toHaveLength(2)
    expect(text).toContain('- ok: check of PutAndGet: 6 steps, none failed')
    expect(text).toContain('- **failed**: put-and-get writes and reads an item: an error')
    expect(text).not.toContain('not from AWS')
  })

  test('the report contains the account IDs only if the maintainer asks for them', () => {
    expect(formatReport(createReport(cases))).not.toMatch(/777777777777|888888888888/)
    expect(formatReport(createReport(cases, { shouldShowAccounts: true }))).toMatch(
      /777777777777.*888888888888/,
    )
  })

  test('the report names the failures', () => {
    const failures = ['Delete the stacks of account B: cdk ended with exit code 1.']
    expect(formatReport(createReport(cases, { failures }))).toContain(`## Failures\n\n- ${failures[0]}`)
  })

  test('the example of the report says that it is not from AWS', () => {
    const text = formatReport(createReport(cases, { source: 'sandbox only' }))
    expect(text.split('\n')[2]).toContain('It is not from AWS.')
  })

  test('an unexpected result is a failure, and a different wording is not', () => {
    expect(findUnexpectedResults(createReport(cases))).toEqual([
      'put-and-get writes and reads an item: unexpected result',
      'Third: AWS did not cause the expected error',
      'Fourth: AWS did not cause the expected error',
    ])
  })

  test('a message cannot end its code block', () => {
    const aws = { ...DENIED, message: '```\n# heading' }
    const text = formatReport(createReport([{ title: 'First', expected, aws, sandbox: DENIED }]))
    expect(text.match(/^```/gm)).toHaveLength(4)
  })
})
