/** What the README shows of the command line, made by the command line: `npm run readme` writes it, a test compares it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../src/cli/run.ts'
import { startSandbox } from '../test/sandbox/index.ts'
import { policy } from '../test/sandbox/policies.ts'
import { EXECUTION_ROLE_ARN, TABLE, TARGET_ROLE_ARN, textbook } from '../test/sandbox/textbook.ts'
import { svgOf } from './svg.ts'

const ROOT = join(import.meta.dirname, '..')
const NAME = 'npx middy-cross-account-dynamo'

/** Runs a command as on a terminal, where nothing may go wrong but what is to be shown. */
const shown = async (line: string, expected: number): Promise<string> => {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const colours = !line.includes('--json')
  const code = await run(line.replace(/\\\n/g, '').split(/\s+/), {
    out: write,
    err: write,
    colours: { out: colours, err: colours },
  })
  if (code !== expected) throw new Error(`${line} ended with ${code}:\n${text}`)
  return text
}
/** A backslash lets a command go on in the next line. */
const picture = async (command: string, expected: number): Promise<string> =>
  svgOf(`${NAME} ${command}`, `$ ${NAME} ${command}\n${await shown(command, expected)}`)

/** The files, by their paths in the repository. */
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
    const documents = JSON.parse(await shown(`${command} --json`, 0))
    const block = (name: string) => JSON.stringify(documents[`${name}Policy`], undefined, 2)
    sandbox.role(EXECUTION_ROLE_ARN).policies = [documents.callerPolicy]
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = documents.trustPolicy
    sandbox.role(TARGET_ROLE_ARN).policies = [policy(...documents.permissionsPolicy.Statement)]
    return {
      'README.md': readme.replace(
        /(<!-- policy: (\w+) -->\n```json\n).*?(?=\n```)/gs,
        (_, head: string, name: string) => head + block(name),
      ),
      'docs/policies.svg': await picture(command, 0),
      'docs/check.svg': await picture(`check --table ${TABLE} --access GetItem,PutItem,Query`, 1),
    }
  } finally {
    await sandbox.close()
  }
}
