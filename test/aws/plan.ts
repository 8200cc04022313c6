/** The steps of a run, from the accounts to the report. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Profile, readAccountIds } from './accounts.ts'
import type { AttemptError } from './attempt.ts'
import { attemptOnAws, waitForCorrectSetup } from './aws-attempts.ts'
import { requireSuccess } from './commands.ts'
import {
  createCheckArguments,
  INVOCATIONS,
  invokeHandlers,
  runCheckOfExample,
  TESTED_EXAMPLES,
} from './examples.ts'
import type { Options } from './flags.ts'
import { createSetups, MISCONFIGURATIONS } from './misconfigurations.ts'
import { formatReport, isExpectedError, type Report, type Result } from './report.ts'
import { attemptOnSandbox } from './sandbox-attempts.ts'
import type { Plan, Step } from './steps.ts'
import { listStacks, type TestTarget } from './target.ts'

const ROOT = join(import.meta.dirname, '../..')
/** In a folder of its own, because a package.json in test/aws would hide the package of the root from the files in it. */
const CDK_FOLDER = join(import.meta.dirname, 'cdk-cli')
const CDK = join(CDK_FOLDER, 'node_modules/.bin/cdk')

/** What the steps share. A plan that is only printed does not use the functions. */
export interface RunContext {
  readonly options: Options
  /** The first step sets the accounts. */
  target: TestTarget
  /** A temporary folder for the bundles and the synthesized stacks. */
  readonly folder: string
  readonly signal: AbortSignal
  readonly print: (text: string) => void
  /** Asks the maintainer, who must type the answer. @throws if the answer is another one. */
  readonly confirm: (question: string, answer: string) => Promise<void>
  readonly results: Result[]
  readonly awsErrors: Map<string, AttemptError | undefined>
  readonly sandboxErrors: Map<string, AttemptError | undefined>
  readonly failures: string[]
}

export const createRunContext = (
  options: Options,
  others: Pick<RunContext, 'target' | 'folder' | 'signal' | 'print' | 'confirm'>,
): RunContext => ({
  ...others,
  options,
  results: [],
  awsErrors: new Map(),
  sandboxErrors: new Map(),
  failures: [],
})

export const createPlan = (context: RunContext): Plan => ({
  steps: [...createPreparation(context), ...createDeployment(context), ...createTests(context)],
  finalSteps: [
    createDeletion(context, 'tableAccount'),
    createDeletion(context, 'functionAccount'),
    createReportStep(context),
  ],
})

type AccountName = 'functionAccount' | 'tableAccount'

const toProfiles = ({
  options: { functionProfile, tableProfile, region },
}: RunContext): Record<AccountName, Profile> => ({
  functionAccount: { profile: functionProfile, region },
  tableAccount: { profile: tableProfile, region },
})
const LABELS: Record<AccountName, string> = { functionAccount: 'account A', tableAccount: 'account B' }

const createPreparation = (context: RunContext): Step[] => {
  const profiles = toProfiles(context)
  return [
    {
      title: 'Read the account IDs of both profiles with GetCallerIdentity, and stop if they are equal',
      details: [
        `account A: ${profiles.functionAccount.profile}`,
        `account B: ${profiles.tableAccount.profile}`,
      ],
      run: async () => {
        const accounts = await readAccountIds(profiles.functionAccount, profiles.tableAccount)
        context.target = { ...context.target, ...accounts }
      },
    },
    {
      title: 'Print the accounts, and ask for the ID of account B. Any other answer stops the run',
      run: async () => {
        const { functionAccount, tableAccount, region } = context.target
        context.print(`   Account A: ${functionAccount}. Account B: ${tableAccount}. Region: ${region}.`)
        await context.confirm(
          'To create the resources of this plan, type the ID of account B: ',
          tableAccount,
        )
      },
    },
    {
      title: 'Install the CDK command line of test/aws/cdk-cli',
      details: ['npm ci in test/aws/cdk-cli, if it is not installed'],
      run: () =>
        runQuietly(context, process.execPath, [join(ROOT, 'scripts/install-if-needed.cjs'), CDK_FOLDER]),
    },
    {
      title: 'Bundle the handlers, and synthesize the stacks',
      run: async () => {
        // Loaded here, so that a plan does not load the CDK.
        const [{ bundleHandlers }, { synthesizeTestStacks }] = await Promise.all([
          import('./bundles.ts'),
          import('./stacks.ts'),
        ])
        const bundles = join(context.folder, 'bundles')
        await bundleHandlers(bundles)
        synthesizeTestStacks(context.target, bundles, toAssembly(context))
      },
    },
    {
      title: 'Run the misconfigurations on the sandbox',
      run: async () => {
        const errors = await attemptOnSandbox(context.target, createSetups(context.target))
        for (const [name, error] of errors) context.sandboxErrors.set(name, error)
      },
    },
  ]
}

const toAssembly = ({ folder }: RunContext): string => join(folder, 'cdk.out')

const runQuietly = ({ signal, print }: RunContext, file: string, args: readonly string[]): Promise<void> =>
  requireSuccess(file, args, { signal, onOutput: (text) => print(text.trimEnd().replace(/^/gm, '   ')) })

/** Returns the arguments of `cdk deploy` or `cdk destroy`. */
const createCdkArguments = (
  context: RunContext,
  command: 'deploy' | 'destroy',
  account: AccountName,
): string[] => [
  command,
  ...listStacks(context.target)[account],
  ...['--profile', toProfiles(context)[account].profile],
  ...['--app', toAssembly(context)],
  ...(command === 'deploy' ? ['--require-approval', 'never'] : ['--force']),
  '--no-notices',
]
const formatCdkCommand = (...parameters: Parameters<typeof createCdkArguments>): string =>
  ['npx cdk', ...createCdkArguments(...parameters)].join(' ')

const createDeployment = (context: RunContext): Step[] =>
  // The trust policies in account B name the roles in account A, which must exist.
  (['functionAccount', 'tableAccount'] as const).map((account) => ({
    title: `Deploy the stacks of ${LABELS[account]}`,
    details: [formatCdkCommand(context, 'deploy', account)],
    isCreating: true,
    run: () => runQuietly(context, CDK, createCdkArguments(context, 'deploy', account)),
  }))

const createTests = (context: RunContext): Step[] => {
  const { signal, results } = context
  const { functionAccount, tableAccount } = toProfiles(context)
  return [
    {
      title: 'Wait until a setup without a mistake works',
      run: () => waitForCorrectSetup(context.target, functionAccount, signal),
    },
    {
      title: 'Run check with the credentials of both execution roles',
      details: TESTED_EXAMPLES.map(
        (example) =>
          `npx middy-cross-account-dynamo ${createCheckArguments(context.target, example).join(' ')}`,
      ),
      run: async () => {
        for (const example of TESTED_EXAMPLES)
          results.push(await runCheckOfExample(context.target, example, functionAccount, signal))
      },
    },
    {
      title: 'Write two orders to the table of pooled-tenants, and invoke the functions',
      details: INVOCATIONS.map(({ title }) => title),
      run: async () => {
        results.push(...(await invokeHandlers(context.target, functionAccount, tableAccount)))
      },
    },
    {
      title: `Run the ${MISCONFIGURATIONS.length} misconfigurations`,
      details: MISCONFIGURATIONS.map(({ title }) => title),
      run: async () => {
        for await (const [name, error] of attemptOnAws(context.target, functionAccount, signal))
          context.awsErrors.set(name, error)
      },
    },
  ]
}

const createDeletion = (context: RunContext, account: AccountName): Step => ({
  title: `Delete the stacks of ${LABELS[account]}`,
  details: [formatCdkCommand(context, 'destroy', account)],
  isDeleting: true,
  // Without the signal: an interrupted run deletes its resources, too.
  run: () =>
    requireSuccess(CDK, createCdkArguments(context, 'destroy', account), {
      onOutput: (text) => context.print(text.trimEnd().replace(/^/gm, '   ')),
    }),
})

const createReportStep = (context: RunContext): Step => ({
  title: `Write the report to ${context.options.reportFile}`,
  run: async () => {
    const report = createReport(context)
    context.failures.push(...findUnexpectedResults(report))
    const text = formatReport({ ...report, failures: context.failures })
    try {
      writeFileSync(context.options.reportFile, text)
    } catch (error) {
      // The results would be lost.
      context.print(text)
      throw error
    }
  },
})

export const createReport = (context: RunContext): Report => ({
  source: 'aws',
  target: context.target,
  date: new Date().toISOString().slice(0, 10),
  shouldShowAccounts: context.options.shouldShowAccounts,
  results: context.results,
  cases: MISCONFIGURATIONS.map(({ name, title, expected }) => ({
    title,
    expected,
    aws: context.awsErrors.has(name) ? context.awsErrors.get(name) : 'not run',
    sandbox: context.sandboxErrors.get(name),
  })),
  failures: context.failures,
})

/** Returns a sentence for each result that differs from the expected one. A different wording is not a failure. */
export const findUnexpectedResults = ({ results, cases }: Report): string[] => [
  ...results.filter(({ isExpected }) => !isExpected).map(({ title }) => `${title}: unexpected result`),
  ...cases
    .filter((comparedCase) => comparedCase.aws !== 'not run' && !isExpectedError(comparedCase))
    .map(({ title }) => `${title}: AWS did not cause the expected error`),
]
