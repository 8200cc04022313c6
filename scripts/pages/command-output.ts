/**
 * Generates the parts of README.md and of docs/ that show figures, flags and output of the package. `npm run pages` writes them, and a
 * test compares them.
 */
import { PEER_NAMES, type Peer } from '../../bench/peers.ts'
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
import { type Figure, findFigure, ONE_ROLE_PEERS, readBench, TENANT_PEERS } from './bench-figures.ts'
import { readPage, replaceParts } from './parts.ts'

const COMMAND = 'npx middy-cross-account-dynamo'

const toCodeBlock = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

interface CommandOutput {
  readonly stdout: string
  /** Standard output and standard error, as a terminal shows them. */
  readonly terminalText: string
}

/** @throws if the exit code is not `expectedExitCode`. */
const runCommand = async (
  commandLine: string,
  { expectedExitCode = 0, hasColors = false } = {},
): Promise<CommandOutput> => {
  let stdout = ''
  let terminalText = ''
  const exitCode = await run(commandLine.replace(/\\\n/g, '').split(/\s+/), {
    out: (text) => {
      stdout += text
      terminalText += text
    },
    err: (text) => {
      terminalText += text
    },
    colors: { out: hasColors, err: hasColors },
  })
  if (exitCode !== expectedExitCode)
    throw new Error(`${commandLine} ended with exit code ${exitCode}:\n${terminalText}`)
  return { stdout, terminalText }
}

/** Runs a command and returns the command and its output as SVG. */
const renderCommand = async (command: string, expectedExitCode: number): Promise<string> => {
  const { terminalText } = await runCommand(command, { expectedExitCode, hasColors: true })
  return renderTerminalSvg(`${COMMAND} ${command}`, `$ ${COMMAND} ${command}\n${terminalText}`)
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

interface BenchColumn extends Omit<Figure, 'bench'> {
  readonly title: string
}

const DAY_COLUMNS: readonly BenchColumn[] = [
  { title: 'failed invocations', metric: 'failed invocations', case: /^no outage$/ },
  { title: 'failed with an outage', metric: 'failed invocations', case: /^STS outage/ },
  { title: 'invocations that waited', metric: 'waited for STS', case: /^no outage$/ },
  { title: 'STS calls', metric: 'STS calls', case: /^no outage$/ },
  { title: 'connections to DynamoDB', metric: 'connections to DynamoDB', case: /^no outage$/ },
]

const TENANT_COLUMNS: readonly BenchColumn[] = [
  { title: 'memory per tenant', metric: 'memory per tenant', case: /^100 tenants$/ },
  { title: 'new connections to DynamoDB', metric: 'new connections to DynamoDB', case: /^100 tenants$/ },
  { title: 'new connections to STS', metric: 'new connections to STS', case: /^100 tenants$/ },
]

/** Returns the name of a way to use the table. The version of `@middy/sts` is part of the name, because its figures depend on it. */
const formatPeer = (peer: Peer, packages: Readonly<Record<string, string>>): string =>
  PEER_NAMES[peer].replace(/`(@middy\/sts)`/, (text, name) => `${text} ${packages[name]}`)

/** Returns a table of stored results, with one row for each peer. */
const formatResults = (bench: string, columns: readonly BenchColumn[], peers: readonly Peer[]): string => {
  const { packages } = readBench(bench)
  return formatMarkdown({
    header: ['', ...columns.map(({ title }) => title)],
    rows: peers.map((peer) => [
      formatPeer(peer, packages),
      ...columns.map((column) => formatMeasurement(findFigure({ ...column, bench }, PEER_NAMES[peer]))),
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
  const { stdout } = await runCommand(`${command} --help`)
  const lines = stdout.matchAll(
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
  const formatCommands = (name: string): string =>
    policies.has(name) && check.has(name) ? 'both' : policies.has(name) ? '`policies`' : '`check`'
  const getOrder = (name: string): number => ['both', '`policies`', '`check`'].indexOf(formatCommands(name))
  const rows = names
    .toSorted((a, b) => getOrder(a) - getOrder(b))
    .map((name) => {
      const { label, meaning, variable } = policies.get(name) ??
        check.get(name) ?? { label: '', meaning: '', variable: '' }
      return [`\`${label}\``, formatCommands(name), variable && `\`${variable}\``, escapeCell(meaning)]
    })
  return formatMarkdown({ header: ['flag', 'command', 'variable', 'meaning'], rows }, 'left')
}

/** Returns the exit codes that `--help` lists. */
const formatExitCodes = async (): Promise<string> => {
  const { stdout } = await runCommand('--help')
  const [, list = ''] = /Exit codes: (.+)\./.exec(stdout) ?? []
  const codes = list.split(', ').map((item) => /^(\d) (.+)$/.exec(item)?.slice(1) ?? [item])
  return formatMarkdown({ header: ['exit code', 'meaning'], rows: codes }, 'left')
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
      JSON.parse((await runCommand(`${command}${flags} --json`)).stdout)
    const documents = await writePolicies()
    const withTags = await writePolicies(' --tenant-tag TenantId')
    const withSourceIdentity = await writePolicies(' --any-source-identity')
    const withKey = await writePolicies(` --kms-key-arn ${KMS_KEY_ARN}`)
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [documents.callerPolicy]
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = documents.trustPolicy
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(...documents.permissionsPolicy.Statement)]
    return {
      'README.md': replaceParts('README.md', {
        figures: formatResults('day', DAY_COLUMNS, ONE_ROLE_PEERS),
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
