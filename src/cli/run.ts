/** The commands, their help, and the function that runs a command line. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { CrossAccountDynamoError } from '../errors.ts'
import { escapeControls, escapeLines } from '../text.ts'
import { type CommandHelp, type Flags, formatFlagIssues, formatHelp, readFlags, UsageError } from './flags.ts'
import { runPoliciesCommand } from './policies.ts'
import type { ExitCode, Terminal } from './terminal.ts'

interface Command extends CommandHelp {
  readonly run: (flags: Flags, terminal: Terminal) => ExitCode | Promise<ExitCode>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  policies: {
    usage: 'policies [flags]',
    about:
      'Writes the IAM policies of both accounts, each below a heading with its account.\n' +
      'It reads the environment variables of the function. A flag replaces the variable in brackets.',
    example:
      'npx middy-cross-account-dynamo policies --dotenv .env --table MyTable --access read \\\n' +
      '  --execution-role-arn arn:aws:iam::111111111111:role/LambdaExecutionRole --format terraform',
    flags: [
      'role-arn',
      'execution-role-arn',
      'table',
      'access',
      'region',
      'external-id',
      'session-tags',
      'session-tag-key',
      'transitive-tag-keys',
      'source-identity',
      'any-source-identity',
      'tenant-tag',
      'indexes',
      'no-indexes',
      'kms-key-arn',
      'organization-id',
      'trust-whole-account',
      'format',
      'env-prefix',
      'dotenv',
      'json',
      'help',
    ],
    run: runPoliciesCommand,
  },
  check: {
    usage: 'check [flags]',
    about:
      'Tries the configuration with the credentials of the caller, and reports what is missing in which account.\n' +
      'It changes nothing: requests name a key that is in no table, and writes have a condition that no item meets.\n' +
      'If neither a flag nor a variable sets the Region, it reads the Region of the profile.\n' +
      'Without --table and --access, it tries the tables and actions to which the variables restrict the session.\n' +
      'It also assumes the role without the external ID, to report whether the trust policy requires one.\n' +
      'With --key, it also tries the keys of other tenants. It reports a problem if the session can use them.',
    example:
      'npx middy-cross-account-dynamo check --dotenv .env --table Orders --access GetItem,PutItem \\\n' +
      '  --session-tags TenantId=acme --key tenant=acme',
    flags: [
      'role-arn',
      'execution-role-arn',
      'table',
      'access',
      'region',
      'external-id',
      'session-tags',
      'transitive-tag-keys',
      'source-identity',
      'index',
      'indexes',
      'key',
      'tenant-tag',
      'allow-missing-external-id',
      'env-prefix',
      'dotenv',
      'json',
      'help',
    ],
    // Only `check` loads the SDK. Therefore `policies` also works if the SDK is not installed.
    run: async (flags, terminal) => (await import('./check.ts')).runCheckCommand(flags, terminal),
  },
}

const HELP = `Usage: npx middy-cross-account-dynamo <command> [flags]

  policies  writes the IAM policies of both accounts
  check     tries the configuration, and reports what is missing

  <command> --help lists the flags of a command; --version prints the version.
  Exit codes: 0 success, 1 problem found by check, 2 usage error, 3 unexpected error.
`

/** Runs a command line and returns its exit code. Does not throw. */
export const run = async (args: readonly string[], terminal: Terminal): Promise<ExitCode> => {
  const [name = '', ...rest] = args
  if (name === '--version') {
    terminal.out(`${readVersion()}\n`)
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.out(HELP)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return runCommand(name, command, rest, terminal)
  terminal.err(escapeLines(`${name === '' ? '' : `There is no command ${JSON.stringify(name)}.\n`}${HELP}`))
  return 2
}

const runCommand = async (
  name: string,
  command: Command,
  args: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> => {
  let flags: Flags = {}
  try {
    flags = readFlags(args, command.flags)
    if (flags.help !== undefined) {
      terminal.out(formatHelp(command))
      return 0
    }
    loadVariables(flags.dotenv)
    return await command.run(flags, terminal)
  } catch (error) {
    const usage = formatUsageError(error, flags)
    terminal.err(escapeLines(`${name}: ${usage ?? `unexpected error: ${describeError(error)}`}\n`))
    return usage === undefined ? 3 : 2
  }
}

/** Returns the message of an error in one line. */
const describeError = (error: unknown): string => {
  const { message = String(error), code } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes('@aws-sdk/')
    ? 'the AWS SDK is not installed; run npm install @aws-sdk/client-sts @aws-sdk/client-dynamodb'
    : message.replace(/\s*\n\s*/g, ' ')
}

const readVersion = (): string =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

/** Returns the message of an error that the flags or variables caused, or `undefined` for any other error. */
const formatUsageError = (error: unknown, flags: Flags): string | undefined => {
  if (error instanceof UsageError) return error.message
  if (!(error instanceof CrossAccountDynamoError) || error.code !== 'CONFIG_INVALID') return undefined
  const { issues } = error
  const count = issues.length === 1 ? 'a problem' : `${issues.length} problems`
  return `the configuration has ${count}:\n${formatFlagIssues(issues, flags)}`
}

const loadVariables = (file: string | undefined): void => {
  if (file === undefined) return
  try {
    const variables = parseEnv(readFileSync(file, 'utf8'))
    for (const [name, value] of Object.entries(variables)) process.env[name] ??= value
  } catch (error) {
    throw new UsageError(escapeControls(`--dotenv ${file} cannot be read: ${(error as Error).message}`))
  }
}
