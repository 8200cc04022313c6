/** The parts of the README that the package itself writes. `npm run readme` updates them, and a test compares them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../src/cli/run.ts'
import { readConfiguration } from '../src/configuration/configuration.ts'
import { startSandbox } from '../test/sandbox/index.ts'
import { policy } from '../test/sandbox/policies.ts'
import { EXECUTION_ROLE_ARN, TABLE, TARGET_ROLE_ARN, textbook } from '../test/sandbox/textbook.ts'
import { svgOf } from './svg.ts'

const ROOT = join(import.meta.dirname, '..')
const NAME = 'npx middy-cross-account-dynamo'

/** What a command writes to a terminal. Throws if it ends with another exit code. */
const outputOf = async (line: string, expectedCode: number): Promise<string> => {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const colors = !line.includes('--json')
  const code = await run(line.replace(/\\\n/g, '').split(/\s+/), {
    out: write,
    err: write,
    colors: { out: colors, err: colors },
  })
  if (code !== expectedCode) throw new Error(`${line} ended with exit code ${code}:\n${text}`)
  return text
}
/** The command and its output as SVG. */
const pictureOf = async (command: string, expectedCode: number): Promise<string> =>
  svgOf(`${NAME} ${command}`, `$ ${NAME} ${command}\n${await outputOf(command, expectedCode)}`)

/** The error of a configuration with a misspelled option and an invalid variable. */
const configurationError = (): string => {
  const environment = { AWS_REGION: 'us-east-1', CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: '7200' }
  try {
    readConfiguration({ rolearn: TARGET_ROLE_ARN }, environment)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('the configuration is valid')
}

/** The texts of the files, by their paths in the repository. */
export const readmeParts = async (): Promise<Readonly<Record<string, string>>> => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const variables = Object.fromEntries(
    [...readme.matchAll(/^(CROSS_ACCOUNT_DYNAMO_\w+)=(.+)$/gm)].map(([, name = '', value]) => [name, value]),
  )
  const [, command = ''] = new RegExp(`^${NAME} (policies --.*?[^\\\\])$`, 'ms').exec(readme) ?? []
  const accounts = textbook()
  const sandbox = await startSandbox({ accounts })
  Object.assign(process.env, variables, sandbox.env, sandbox.lambdaEnv(EXECUTION_ROLE_ARN, 'orders-function'))
  try {
    const documents = JSON.parse(await outputOf(`${command} --json`, 0))
    const block = (name: string) => JSON.stringify(documents[`${name}Policy`], undefined, 2)
    sandbox.role(EXECUTION_ROLE_ARN).policies = [documents.callerPolicy]
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = documents.trustPolicy
    sandbox.role(TARGET_ROLE_ARN).policies = [policy(...documents.permissionsPolicy.Statement)]
    return {
      'README.md': readme
        .replace(
          /(<!-- policy: (\w+) -->\n```json\n).*?(?=\n```)/gs,
          (_, head: string, name: string) => head + block(name),
        )
        .replace(/(?<=```text\n)CONFIG_INVALID: .*?(?=\n```)/s, configurationError),
      'docs/policies.svg': await pictureOf(command, 0),
      'docs/check.svg': await pictureOf(`check --table ${TABLE} --access GetItem,PutItem,Query`, 1),
    }
  } finally {
    await sandbox.close()
  }
}
