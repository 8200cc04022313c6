/** The flags of `npm run test:aws`. */
import { parseArgs } from 'node:util'

export interface Options {
  /**
   * - `run`: deploys to two AWS accounts
   * - `plan`: prints what a run would do
   * - `report-example`: prints a report that contains only results of the sandbox
   */
  readonly mode: 'run' | 'plan' | 'report-example' | 'help'
  readonly functionProfile: string
  readonly tableProfile: string
  readonly region: string
  readonly reportFile: string
  readonly shouldShowAccounts: boolean
}

export const USAGE = `Usage: npm run test:aws -- --function-profile <name> --table-profile <name> [flags]

Deploys two examples and misconfigured roles to two AWS accounts, compares AWS's errors with those of the sandbox,
writes a report, and deletes everything. It asks before it creates anything.

  --function-profile <name>  the profile of account A, which gets the functions and their execution roles
  --table-profile <name>     the profile of account B, which gets the tables and the target roles
  --region <region>          the Region of both accounts (default: us-east-1)
  --report <file>            the file of the report (default: aws-report.md)
  --show-accounts            writes the account IDs to the report; otherwise 111111111111 and 222222222222 replace them
  --plan                     prints what a run does, and sends no request
  --report-example           prints the form of the report, with results of the sandbox only
  --help                     prints this text

Exit codes: 0 success, 1 an unexpected result or a resource that was not deleted, 2 nothing was created because a flag, an
account or the confirmation is missing or invalid, 130 interrupted.
`

const FLAGS = {
  'function-profile': { type: 'string' },
  'table-profile': { type: 'string' },
  region: { type: 'string' },
  report: { type: 'string' },
  'show-accounts': { type: 'boolean' },
  plan: { type: 'boolean' },
  'report-example': { type: 'boolean' },
  help: { type: 'boolean' },
} as const
type FlagName = keyof typeof FLAGS

const isFlagName = (name: string): name is FlagName => Object.hasOwn(FLAGS, name)

/** Returns the options, or all problems of the command line. */
export const readFlags = (
  args: readonly string[],
): { readonly options: Options } | { readonly problems: readonly string[] } => {
  const { tokens } = parseArgs({ args: [...args], options: FLAGS, strict: false, tokens: true })
  const values = new Map<FlagName, string | undefined>()
  const problems: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional')
      problems.push(`${JSON.stringify(token.value)} is not a flag. Flags begin with --.`)
    if (token.kind !== 'option') continue
    if (!isFlagName(token.name)) {
      problems.push(`${token.rawName} is not a flag of this command.`)
      continue
    }
    if (values.has(token.name)) problems.push(`--${token.name} is given twice.`)
    values.set(token.name, token.value)
    problems.push(...findValueProblems(token.name, token.value))
  }
  if (problems.length === 0) problems.push(...findCombinationProblems(values))
  if (problems.length > 0) return { problems }
  return { options: toOptions(values) }
}

const findValueProblems = (name: FlagName, value: string | undefined): string[] => {
  if (FLAGS[name].type === 'boolean') return value === undefined ? [] : [`--${name} takes no value.`]
  // Node.js also takes the next flag as a value.
  if (value === undefined || value.trim() === '' || value.startsWith('-'))
    return [`--${name} requires a value.`]
  if (name === 'region' && !/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(value))
    return [`--region ${JSON.stringify(value)} is not a Region, such as us-east-1.`]
  if (name === 'region' && /^(?:cn|us-gov|us-iso|eu-iso|eusc)/.test(value))
    return [`--region ${value} is not in the partition aws, whose ARNs the examples contain.`]
  return []
}

const findCombinationProblems = (values: ReadonlyMap<FlagName, string | undefined>): string[] => {
  const modes = (['plan', 'report-example'] as const).filter((name) => values.has(name))
  if (values.has('help')) return []
  if (modes.length > 1) return ['--plan and --report-example exclude each other.']
  const [functionProfile, tableProfile] = [values.get('function-profile'), values.get('table-profile')]
  const isRun = modes.length === 0
  return [
    ...(isRun && functionProfile === undefined ? ['--function-profile is missing.'] : []),
    ...(isRun && tableProfile === undefined ? ['--table-profile is missing.'] : []),
    ...(functionProfile !== undefined && functionProfile === tableProfile
      ? ['--function-profile and --table-profile are the same. The test needs two accounts.']
      : []),
  ]
}

const toOptions = (values: ReadonlyMap<FlagName, string | undefined>): Options => {
  const [mode = 'run'] = (['help', 'plan', 'report-example'] as const).filter((name) => values.has(name))
  return {
    mode,
    functionProfile: values.get('function-profile') ?? '<function profile>',
    tableProfile: values.get('table-profile') ?? '<table profile>',
    region: values.get('region') ?? 'us-east-1',
    reportFile: values.get('report') ?? 'aws-report.md',
    shouldShowAccounts: values.has('show-accounts'),
  }
}
