/**
 * Generates the parts of README.md and of docs/ that show figures, flags and output of the package. `npm run pages` writes them, and a
 * test compares them.
 */
import type { Measurement } from '../../bench/bench.ts'
import { PEER_NAMES, type Peer } from '../../bench/peers.ts'
import { readResults } from '../../bench/results.ts'
import { formatMarkdown, formatMeasurement } from '../../bench/tables.ts'
import { run } from '../../src/cli/run.ts'
import { readConfiguration } from '../../src/configuration/configuration.ts'
import type { PolicyDocument } from '../../src/iam/documents.ts'
import { crossAccountDynamo } from '../../src/index.ts'
import { startSandbox } from '../../test/sandbox/index.ts'
import { createPolicy } from '../../test/sandbox/policies.ts'
import {
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  TABLE,
  TARGET_ROLE_ARN,
} from '../../test/sandbox/two-accounts.ts'
import { renderTerminalSvg } from '../terminal-svg.ts'
import { readPage, replaceParts } from './parts.ts'

const COMMAND = 'npx middy-cross-account-dynamo'

const toCodeBlock = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

interface CommandOutput {
  /** What the command wrote to standard output. */
  readonly out: string
  /** What a terminal shows: standard output and standard error. */
  readonly shown: string
}

/** @throws if the exit code is not `expectedExitCode`. */
const runCommand = async (
  commandLine: string,
  { expectedExitCode = 0, hasColors = false } = {},
): Promise<CommandOutput> => {
  let out = ''
  let shown = ''
  const exitCode = await run(commandLine.replace(/\\\n/g, '').split(/\s+/), {
    out: (text) => {
      out += text
      shown += text
    },
    err: (text) => {
      shown += text
    },
    colors: { out: hasColors, err: hasColors },
  })
  if (exitCode !== expectedExitCode)
    throw new Error(`${commandLine} ended with exit code ${exitCode}:\n${shown}`)
  return { out, shown }
}

/** Runs a command and returns the command and its output as SVG. */
const renderCommand = async (command: string, expectedExitCode: number): Promise<string> => {
  const { shown } = await runCommand(command, { expectedExitCode, hasColors: true })
  return renderTerminalSvg(`${COMMAND} ${command}`, `$ ${COMMAND} ${command}\n${shown}`)
}

/** Returns the message of the error that a configuration causes. */
const createConfigurationError = (options: object, variables: Readonly<Record<string, string>>): string => {
  try {
    readConfiguration(options, { AWS_REGION: 'us-east-1', ...variables })
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('The configuration must be invalid.')
}

/** Returns the message of the error that an external ID causes which the trust policy does not allow. */
const createDenial = async (): Promise<string> => {
  try {
    await crossAccountDynamo({ externalId: 'another-external-id' }).ready()
  } catch (error) {
    return (error as Error).message.replace(/ \(request ID [\w-]+\)/, '')
  }
  throw new Error('STS must deny the call.')
}

const KMS_KEY_ARN = 'arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'

type Policies = Readonly<Record<'trustPolicy' | 'permissionsPolicy' | 'callerPolicy', PolicyDocument>>

const formatJson = (value: unknown): string => toCodeBlock('json', JSON.stringify(value, undefined, 2))

const formatStatement = ({ Statement }: PolicyDocument, sid: string): string => {
  const statement = Statement.find(({ Sid }) => Sid === sid)
  if (statement === undefined) throw new Error(`The policy has no statement ${sid}.`)
  return formatJson(statement)
}

interface BenchColumn {
  readonly title: string
  readonly metric: string
  readonly case: RegExp
}

const DAY_COLUMNS: readonly BenchColumn[] = [
  { title: 'failed invocations', metric: 'failed invocations', case: /^no outage$/ },
  { title: '… with an outage of STS', metric: 'failed invocations', case: /^STS outage/ },
  { title: 'invocations that waited', metric: 'waited for STS', case: /^no outage$/ },
  { title: 'STS calls', metric: 'STS calls', case: /^no outage$/ },
  { title: 'connections to DynamoDB', metric: 'connections to DynamoDB', case: /^no outage$/ },
]
const DAY_PEERS: readonly Peer[] = ['package', 'from-temporary-credentials', 'middy-sts', 'textbook']

const TENANT_COLUMNS: readonly BenchColumn[] = [
  { title: 'memory per tenant', metric: 'memory per tenant', case: /^100 tenants$/ },
  { title: 'new connections to DynamoDB', metric: 'new connections to DynamoDB', case: /^100 tenants$/ },
  { title: 'new connections to STS', metric: 'new connections to STS', case: /^100 tenants$/ },
]
const TENANT_PEERS: readonly Peer[] = ['package-tenants', 'client-per-tenant']

/** Returns the name of a way to use the table. The version of `@middy/sts` is part of the name, because its figures depend on it. */
const formatPeer = (peer: Peer, packages: Readonly<Record<string, string>>): string =>
  PEER_NAMES[peer].replace(/`(@middy\/sts)`/, (text, name) => `${text} ${packages[name]}`)

const findLargest = (rows: readonly Measurement[]): Measurement | undefined =>
  rows.toSorted((a, b) => b.median - a.median)[0]

/** Returns a table of stored results. If several cases of a bench match a column, the cell shows the largest figure. */
const formatResults = (bench: string, columns: readonly BenchColumn[], peers: readonly Peer[]): string => {
  const results = readResults(bench)
  if (results === undefined) throw new Error(`bench/results/${bench}.json is missing.`)
  const formatCell = (peer: Peer, { metric, case: pattern }: BenchColumn): string => {
    const largest = findLargest(
      results.rows.filter(
        (row) => row.peer === PEER_NAMES[peer] && row.metric === metric && pattern.test(row.case),
      ),
    )
    if (largest === undefined) throw new Error(`bench/results/${bench}.json has no ${metric} of ${peer}.`)
    return formatMeasurement(largest)
  }
  return formatMarkdown({
    header: ['', ...columns.map(({ title }) => title)],
    rows: peers.map((peer) => [
      formatPeer(peer, results.packages),
      ...columns.map((column) => formatCell(peer, column)),
    ]),
  })
}

interface HelpLine {
  readonly label: string
  readonly meaning: string
  readonly variable: string
}

/** Reads the lines of `--help` that describe flags, by the name of the flag. */
const readHelp = async (command: string): Promise<ReadonlyMap<string, HelpLine>> => {
  const { out } = await runCommand(`${command} --help`)
  const lines = out.matchAll(
    /^ {2}--(?<name>[\w-]+)(?<value> <.+?>)? {2,}(?<text>.+?)(?: \[(?<variable>\w+)\])?$/gm,
  )
  return new Map(
    [...lines].map(({ groups: { name = '', value = '', text = '', variable = '' } = {} }) => [
      name,
      { label: `--${name}${value}`, meaning: text, variable },
    ]),
  )
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

/** Returns the table of all flags. Flags of both commands come first. */
const formatFlags = async (): Promise<string> => {
  const [policies, check] = [await readHelp('policies'), await readHelp('check')]
  const names = [...new Set([...policies.keys(), ...check.keys()])]
  const commandsOf = (name: string): string =>
    policies.has(name) && check.has(name) ? 'both' : policies.has(name) ? '`policies`' : '`check`'
  const rank = (name: string): number => ['both', '`policies`', '`check`'].indexOf(commandsOf(name))
  return formatMarkdownTable(
    ['flag', 'command', 'variable', 'meaning'],
    names
      .toSorted((a, b) => rank(a) - rank(b))
      .map((name) => {
        const { label, meaning, variable } = policies.get(name) ??
          check.get(name) ?? { label: '', meaning: '', variable: '' }
        return [`\`${label}\``, commandsOf(name), variable && `\`${variable}\``, escapeCell(meaning)]
      }),
  )
}

const formatMarkdownTable = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** Returns the exit codes that `--help` lists. */
const formatExitCodes = async (): Promise<string> => {
  const { out } = await runCommand('--help')
  const [, list = ''] = /Exit codes: (.+)\./.exec(out) ?? []
  const codes = list.split(', ').map((item) => /^(\d) (.+)$/.exec(item)?.slice(1) ?? [item])
  return formatMarkdownTable(['exit code', 'meaning'], codes)
}

/** Returns the text of each file by its path in the repository. */
export const generateFromCommands = async (): Promise<Readonly<Record<string, string>>> => {
  const readme = readPage('README.md')
  const variables = Object.fromEntries(
    [...readme.matchAll(/^(CROSS_ACCOUNT_DYNAMO_\w+)=(.+)$/gm)].map(([, name = '', value]) => [name, value]),
  )
  const [, command = ''] = new RegExp(`^${COMMAND} (policies --.*?[^\\\\])$`, 'ms').exec(readme) ?? []
  const accounts = createTwoAccounts()
  const sandbox = await startSandbox({ accounts })
  Object.assign(
    process.env,
    variables,
    sandbox.env,
    sandbox.createLambdaEnvironment(EXECUTION_ROLE_ARN, 'orders-function'),
  )
  try {
    const writePolicies = async (flags = ''): Promise<Policies> =>
      JSON.parse((await runCommand(`${command}${flags} --json`)).out)
    const documents = await writePolicies()
    const withTags = await writePolicies(' --tenant-tag TenantId')
    const withSourceIdentity = await writePolicies(' --any-source-identity')
    const withKey = await writePolicies(` --kms-key-arn ${KMS_KEY_ARN}`)
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [documents.callerPolicy]
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = documents.trustPolicy
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(...documents.permissionsPolicy.Statement)]
    return {
      'README.md': replaceParts('README.md', {
        figures: formatResults('day', DAY_COLUMNS, DAY_PEERS),
        'figures of tenants': formatResults('tenants', TENANT_COLUMNS, TENANT_PEERS),
      }),
      'docs/options.md': replaceParts('docs/options.md', {
        'configuration error': toCodeBlock(
          'text',
          createConfigurationError(
            { rolearn: TARGET_ROLE_ARN },
            { CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: '7200' },
          ),
        ),
      }),
      'docs/getting-started.md': replaceParts('docs/getting-started.md', {
        'configuration error': toCodeBlock('text', createConfigurationError({}, {})),
        denial: toCodeBlock('text', await createDenial()),
      }),
      'docs/iam-setup.md': replaceParts('docs/iam-setup.md', {
        'caller policy': formatJson(documents.callerPolicy),
        'trust policy': formatJson(documents.trustPolicy),
        'permissions policy': formatJson(documents.permissionsPolicy),
        'statement for session tags': formatStatement(withTags.trustPolicy, 'TagSession'),
        'statement for a source identity': formatStatement(
          withSourceIdentity.trustPolicy,
          'SetSourceIdentity',
        ),
        'statement for one tenant': formatStatement(withTags.permissionsPolicy, 'Tables'),
        'statement for a key': formatStatement(withKey.permissionsPolicy, 'KeyThroughDynamoDB'),
      }),
      'docs/cli.md': replaceParts('docs/cli.md', {
        flags: await formatFlags(),
        'exit codes': await formatExitCodes(),
      }),
      'docs/policies.svg': await renderCommand(command, 0),
      'docs/check.svg': await renderCommand(`check --table ${TABLE} --access GetItem,PutItem,Query`, 1),
    }
  } finally {
    await sandbox.close()
  }
}
