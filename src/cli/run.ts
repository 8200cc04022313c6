/** A command line -> an exit code. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { CrossAccountDynamoError } from '../errors.ts'
import { escapeControls } from '../values.ts'
import { type FlagName, type Flags, helpOf, inFlags, readFlags, WrongUse } from './flags.ts'
import { policies } from './policies.ts'
import { type ExitCode, printable, type Terminal } from './terminal.ts'

interface Command {
  readonly about: string
  readonly example: string
  readonly flags: readonly FlagName[]
  readonly run: (flags: Flags, terminal: Terminal) => ExitCode | Promise<ExitCode>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  policies: {
    about:
      'Writes the IAM policies that both accounts need, each under the account that it belongs to.\n' +
      'It reads the variables that the function has; a flag wins over its variable, in brackets here.',
    example:
      'npx middy-cross-account-dynamo policies --env-file .env --table MyTable --access read \\\n' +
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
      'kms-key-arn',
      'organization-id',
      'trust-whole-account',
      'format',
      'env-prefix',
      'env-file',
      'variables',
      'json',
      'help',
    ],
    run: policies,
  },
  check: {
    about:
      'Tries the configuration with the credentials at hand, and says what is missing in which account.\n' +
      'Nothing is changed: tables are tried with a key that fits none, under a condition that cannot hold.\n' +
      'Without --table and --access it tries those to which the variables narrow the session.\n' +
      'The role is also asked for without the external ID, to see whether the trust policy wants it.\n' +
      'With --key, the keys of others are tried, too: that they are reached is a finding.',
    example:
      'npx middy-cross-account-dynamo check --env-file .env --table Orders --access GetItem,PutItem \\\n' +
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
      'key',
      'tenant-tag',
      'env-prefix',
      'env-file',
      'variables',
      'json',
      'help',
    ],
    // The SDK is loaded by whoever needs it.
    run: async (flags, terminal) => (await import('./check.ts')).check(flags, terminal),
  },
}

const HELP = `Usage: npx middy-cross-account-dynamo <command> [flags]

  policies  writes the IAM policies that both accounts need
  check     tries the configuration, and says what is missing

  <command> --help says more; --version says which this is.
  Exit codes: 0 well, 1 findings, 2 wrong use, 3 it broke and found nothing out.
`

export const run = async (args: readonly string[], terminal: Terminal): Promise<ExitCode> => {
  const [name = '', ...rest] = args
  if (name === '--version') {
    terminal.out(`${versionOf()}\n`)
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.out(HELP)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    terminal.err(printable(`${name === '' ? '' : `There is no command ${JSON.stringify(name)}.\n`}${HELP}`))
    return 2
  }
  let flags: Flags = {}
  try {
    flags = readFlags(rest, command.flags)
    if (flags.help !== undefined) {
      terminal.out(helpOf(`${name} [flags]`, command.about, command.example, command.flags))
      return 0
    }
    for (const flag of ['env-file', 'variables'] as const) loadVariables(flag, flags[flag])
    return await command.run(flags, terminal)
  } catch (error) {
    const isConfiguration = error instanceof CrossAccountDynamoError && error.code === 'CONFIG_INVALID'
    if (isConfiguration || error instanceof WrongUse) {
      terminal.err(printable(`${name}: ${inFlags(error.message, flags)}\n`))
      return 2
    }
    terminal.err(printable(`${name} broke: ${reasonOf(error).replace(/\s*\n\s*/g, ' ')}\n`))
    return 3
  }
}

const reasonOf = (error: unknown): string => {
  const { message = String(error), code } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes('@aws-sdk/')
    ? 'the AWS SDK is not installed here: npm install @aws-sdk/client-sts @aws-sdk/client-dynamodb'
    : message
}

const versionOf = (): string =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

const loadVariables = (flag: string, file: string | undefined): void => {
  if (file === undefined) return
  try {
    const variables = parseEnv(readFileSync(file, 'utf8'))
    for (const [name, value] of Object.entries(variables)) process.env[name] ??= value
  } catch (error) {
    throw new WrongUse(escapeControls(`--${flag} ${file} cannot be read: ${(error as Error).message}`))
  }
}
