/** `npm run test:aws`: see USAGE in flags.ts, and "Test on two AWS accounts" in CONTRIBUTING.md. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Options, readFlags, USAGE } from './flags.ts'
import { watchInterruption } from './interruption.ts'
import { createSetups } from './misconfigurations.ts'
import { createPlan, createReport, createRunContext } from './plan.ts'
import { formatReport } from './report.ts'
import { attemptOnSandbox } from './sandbox-attempts.ts'
import { formatPlan, runPlan } from './steps.ts'
import { EXAMPLE_TARGET, listStacks, type TestTarget } from './target.ts'

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
/** If the terminal or a pipe closes, the deletions must continue, although their output cannot be printed. */
const ignoreClosedOutput = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

const refuseToRun = async (): Promise<never> => {
  throw new Error('A plan cannot be run.')
}

const createContextOfPlan = (options: Options) =>
  createRunContext(options, {
    target: {
      functionAccount: '<account A>',
      tableAccount: '<account B>',
      region: options.region,
      externalId: '<external ID>',
      runId: '<run ID>',
    },
    folder: '<temporary folder>',
    signal: new AbortController().signal,
    print,
    confirm: refuseToRun,
  })

const printReportExample = async (options: Options): Promise<void> => {
  const context = createContextOfPlan(options)
  const target = { ...EXAMPLE_TARGET, region: options.region }
  const sandboxErrors = new Map(await attemptOnSandbox(target, createSetups(target)))
  print(formatReport({ ...createReport({ ...context, target, sandboxErrors }), source: 'sandbox only' }))
}

/** @throws if the maintainer types another answer, or if there is no terminal to type it. */
const createConfirm = (signal: AbortSignal) => async (question: string, answer: string) => {
  if (!process.stdin.isTTY)
    throw new Error('run this command in a terminal, because you must type the answer.')
  const readline = createInterface({ input: process.stdin, output: process.stdout })
  // In a terminal, readline receives Ctrl-C in place of the process.
  readline.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    if ((await readline.question(question, { signal })).trim() !== answer)
      throw new Error('the answer is not the ID of account B. Nothing was created.')
  } finally {
    readline.close()
  }
}

const printRemainingStacks = ({ runId }: Pick<TestTarget, 'runId'>): void => {
  const { functionAccount, tableAccount } = listStacks({ runId })
  print(`Delete these CloudFormation stacks yourself:
   account A: ${functionAccount.join(', ')}
   account B: ${tableAccount.join(', ')}`)
}

const runOnAws = async (options: Options): Promise<number> => {
  ignoreClosedOutput()
  const target = {
    ...EXAMPLE_TARGET,
    region: options.region,
    externalId: randomUUID(),
    runId: randomBytes(3).toString('hex'),
  }
  const folder = mkdtempSync(join(tmpdir(), 'test-aws-'))
  const interruption = watchInterruption(print, () => {
    printRemainingStacks(target)
    process.exit(130)
  })
  const { signal } = interruption
  const context = createRunContext(options, { target, folder, signal, print, confirm: createConfirm(signal) })
  try {
    const plan = createPlan(context)
    print(`${formatPlan(plan)}\n\nThe run begins. Nothing is created before you confirm it.\n`)
    const { hasCreated, hasDeletedAll } = await runPlan(plan, {
      signal,
      print,
      onFailure: (message) => context.failures.push(message),
    })
    if (!hasDeletedAll) printRemainingStacks(target)
    if (signal.aborted) return 130
    if (!hasCreated) return 2
    return context.failures.length === 0 ? 0 : 1
  } finally {
    interruption.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  const flags = readFlags(args)
  if ('problems' in flags) {
    process.stderr.write(`${flags.problems.map((problem) => `- ${problem}`).join('\n')}\n\n${USAGE}`)
    return 2
  }
  const { options } = flags
  if (options.mode === 'run') return runOnAws(options)
  if (options.mode === 'help') print(USAGE)
  if (options.mode === 'plan') print(formatPlan(createPlan(createContextOfPlan(options))))
  if (options.mode === 'report-example') await printReportExample(options)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
