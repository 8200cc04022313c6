/** The command line of `npm run bench`. */

export interface BenchArguments {
  /** The benches to run. */
  readonly names: readonly string[]
  /** Whether to check only the counts. */
  readonly isShort: boolean
  /** Whether to write the results, the charts and the page. */
  readonly shouldWrite: boolean
  /** Whether to write only the page, from the results of earlier runs. */
  readonly isPageOnly: boolean
}

const FLAGS = ['--short', '--write', '--page']

/** Returns how to call the command, and what it can run. */
export const formatUsage = (validNames: readonly string[]): string =>
  [
    'Usage: npm run bench -- [--short | --write] [NAME ...]',
    '       npm run bench -- --page',
    '',
    `Benches: ${validNames.join(', ')}. Without a name, all of them run.`,
    '--short  checks only the counts, and measures no time',
    '--write  also writes bench/results/, docs/bench/ and docs/performance.md',
    '--page   writes only docs/performance.md and its charts, from the stored results',
  ].join('\n')

/** Returns the arguments, or all problems with them. Without a name, all benches run. */
export const parseArguments = (
  args: readonly string[],
  validNames: readonly string[],
): BenchArguments | { readonly problems: readonly string[] } => {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const names = args.filter((arg) => !arg.startsWith('-'))
  const problems = [
    ...flags
      .filter((flag) => !FLAGS.includes(flag))
      .map((flag) => `There is no flag ${flag}. Use ${FLAGS.join(', ')}.`),
    ...names
      .filter((name) => !validNames.includes(name))
      .map((name) => `There is no bench ${name}. Use ${validNames.join(', ')}.`),
  ]
  if (new Set(flags.filter((flag) => FLAGS.includes(flag))).size > 1)
    problems.push(`Use only one of ${FLAGS.join(', ')}.`)
  if (flags.includes('--page') && names.length > 0) problems.push('Use --page without a name.')
  if (problems.length > 0) return { problems }
  return {
    names: names.length > 0 ? [...new Set(names)] : validNames,
    isShort: flags.includes('--short'),
    shouldWrite: flags.includes('--write'),
    isPageOnly: flags.includes('--page'),
  }
}
