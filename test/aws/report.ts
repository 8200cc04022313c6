/** The report of a run, as data and as Markdown. */
import type { AttemptError, ExpectedResult } from './attempt.ts'
import { maskAccounts, type TestTarget } from './target.ts'

/** The result of one command, invocation or request. */
export interface Result {
  readonly title: string
  readonly isExpected: boolean
  readonly detail: string
}

/** The results of one misconfiguration on AWS and on the sandbox. A value is `undefined` if the request succeeded. */
export interface ComparedCase {
  readonly title: string
  readonly expected: ExpectedResult
  /** `'not run'` if the run ended before it, and in the example. */
  readonly aws: AttemptError | undefined | 'not run'
  readonly sandbox: AttemptError | undefined
}

export interface Report {
  /** The example contains results of the sandbox only. */
  readonly source: 'aws' | 'sandbox only'
  readonly target: TestTarget
  readonly date: string
  readonly shouldShowAccounts: boolean
  /** The results of `check` and of the handlers. */
  readonly results: readonly Result[]
  readonly cases: readonly ComparedCase[]
  /** What failed, in the order in which it failed. Contains the deletions that failed. */
  readonly failures: readonly string[]
}

export type Comparison = 'same' | 'different wording' | 'different error' | 'not run'

/** Compares the errors, without their advice, which this package writes. */
export const compareErrors = ({ aws, sandbox }: Pick<ComparedCase, 'aws' | 'sandbox'>): Comparison => {
  if (aws === 'not run') return 'not run'
  if (aws?.code !== sandbox?.code || aws?.name !== sandbox?.name) return 'different error'
  return toComparable(aws?.message) === toComparable(sandbox?.message) ? 'same' : 'different wording'
}

const toComparable = (message = ''): string => message.replace(/\s+/g, ' ').trim()

/** Returns whether AWS caused the error that the misconfiguration is expected to cause. */
export const isExpectedError = ({ aws, expected }: Pick<ComparedCase, 'aws' | 'expected'>): boolean =>
  aws !== 'not run' && aws?.code === expected.code && aws.action === expected.action

const EXAMPLE_NOTICE = `> **This is an example of the form. It is not from AWS.** All errors in it are from the sandbox. \`npm run test:aws\` fills in
> the errors of AWS.`

/** Returns the report as Markdown. Unless `shouldShowAccounts` is set, it does not contain the account IDs. */
export const formatReport = (report: Report): string => {
  const { source, target, date, shouldShowAccounts, results, cases, failures } = report
  const isExample = source === 'sandbox only'
  const text = [
    '# Test on two AWS accounts',
    ...(isExample ? [EXAMPLE_NOTICE] : []),
    `Date: ${date}. Region: ${target.region}. Account A: ${target.functionAccount}. Account B: ${target.tableAccount}.${
      shouldShowAccounts ? '' : ' The account IDs are replaced by those of the documentation.'
    }`,
    '## Failures',
    failures.length === 0 ? 'None.' : failures.map((failure) => `- ${failure}`).join('\n'),
    '## `check` and the handlers',
    results.length === 0 ? 'Not run.' : results.map(formatResult).join('\n'),
    '## Errors of AWS and of the sandbox',
    [
      '| misconfiguration | expected | AWS and sandbox |',
      '| --- | --- | --- |',
      ...cases.map(formatRow),
    ].join('\n'),
    ...cases.map(formatCase),
  ].join('\n\n')
  return `${shouldShowAccounts ? text : maskAccounts(text, target)}\n`
}

const formatResult = ({ title, isExpected, detail }: Result): string =>
  `- ${isExpected ? 'ok' : '**failed**'}: ${title}: ${detail.replace(/\s+/g, ' ')}`

const formatExpected = ({ code, action }: ExpectedResult): string =>
  action === undefined ? `\`${code}\`` : `\`${code}\`, \`${action}\``

const formatRow = (comparedCase: ComparedCase): string =>
  `| ${comparedCase.title} | ${formatExpected(comparedCase.expected)} | ${compareErrors(comparedCase)} |`

const formatError = (error: ComparedCase['aws']): string => {
  if (error === 'not run') return 'Not run.'
  if (error === undefined) return 'The request succeeded.'
  // A message must not end the code block.
  return ['```text', `${error.code}`, `${error.name}: ${error.message}`.replaceAll('```', "'''"), '```'].join(
    '\n',
  )
}

const formatCase = (comparedCase: ComparedCase): string =>
  [
    `### ${comparedCase.title}`,
    `Comparison: **${compareErrors(comparedCase)}**.${
      comparedCase.aws === 'not run' || isExpectedError(comparedCase)
        ? ''
        : ` **AWS did not cause the expected error**, ${formatExpected(comparedCase.expected)}.`
    }`,
    'AWS:',
    formatError(comparedCase.aws),
    'Sandbox:',
    formatError(comparedCase.sandbox),
  ].join('\n\n')
