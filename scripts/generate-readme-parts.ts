/** Generates the parts of the README that show output of the package. `npm run readme` updates them, and a test compares them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../src/cli/run.ts'
import { readConfiguration } from '../src/configuration/configuration.ts'
import { startSandbox } from '../test/sandbox/index.ts'
import { createPolicy } from '../test/sandbox/policies.ts'
import {
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  TABLE,
  TARGET_ROLE_ARN,
} from '../test/sandbox/two-accounts.ts'
import { renderTerminalSvg } from './terminal-svg.ts'

const ROOT = join(import.meta.dirname, '..')
const COMMAND = 'npx middy-cross-account-dynamo'

/**
 * Runs a command and returns the text that it writes to a terminal.
 *
 * @throws if the exit code is not `expectedExitCode`.
 */
const runCommand = async (commandLine: string, expectedExitCode: number): Promise<string> => {
  let output = ''
  const write = (text: string) => {
    output += text
  }
  const hasColors = !commandLine.includes('--json')
  const exitCode = await run(commandLine.replace(/\\\n/g, '').split(/\s+/), {
    out: write,
    err: write,
    colors: { out: hasColors, err: hasColors },
  })
  if (exitCode !== expectedExitCode)
    throw new Error(`${commandLine} ended with exit code ${exitCode}:\n${output}`)
  return output
}

/** Runs a command and returns the command and its output as SVG. */
const renderCommand = async (command: string, expectedExitCode: number): Promise<string> =>
  renderTerminalSvg(
    `${COMMAND} ${command}`,
    `$ ${COMMAND} ${command}\n${await runCommand(command, expectedExitCode)}`,
  )

/** Returns the error message of a configuration with a misspelled option and an invalid variable. */
const createConfigurationError = (): string => {
  const environment = { AWS_REGION: 'us-east-1', CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: '7200' }
  try {
    readConfiguration({ rolearn: TARGET_ROLE_ARN }, environment)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('The configuration must be invalid.')
}

/** Returns the text of each file by its path in the repository. */
export const generateReadmeParts = async (): Promise<Readonly<Record<string, string>>> => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
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
    const documents = JSON.parse(await runCommand(`${command} --json`, 0))
    const formatPolicy = (name: string) => JSON.stringify(documents[`${name}Policy`], undefined, 2)
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [documents.callerPolicy]
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = documents.trustPolicy
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(...documents.permissionsPolicy.Statement)]
    return {
      'README.md': readme
        .replace(
          /(<!-- policy: (\w+) -->\n```json\n).*?(?=\n```)/gs,
          (_, head: string, name: string) => head + formatPolicy(name),
        )
        .replace(/(?<=```text\n)CONFIG_INVALID: .*?(?=\n```)/s, createConfigurationError),
      'docs/policies.svg': await renderCommand(command, 0),
      'docs/check.svg': await renderCommand(`check --table ${TABLE} --access GetItem,PutItem,Query`, 1),
    }
  } finally {
    await sandbox.close()
  }
}
