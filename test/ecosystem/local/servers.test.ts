/**
 * Runs a handler on a developer's machine, as docs/local-development.md describes: the scripts and the variables of `fixtures/`, in
 * processes of their own.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { testCombination } from '../support/combination.ts'
import { findShownFiles } from '../support/shown-files.ts'
import { startDynalite, startDynamodbLocal, startMoto } from './servers.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const TSC = join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc')

/** The variables of this process without those that configure AWS, this package or Node.js. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:AWS_|CROSS_ACCOUNT_DYNAMO_|NODE_)/.test(name)),
)
/** Without these, the SDK reads the configuration files of the developer's machine. */
const noConfigurationFiles = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }

/** Runs `node --env-file=<envFile> <script> <args>`. Variables of the process take precedence over those of the file. */
const runScript = async (
  envFile: string,
  endpoint: Readonly<Record<string, string>>,
  script: string,
  ...args: readonly string[]
): Promise<string> => {
  const flags = ['--disable-warning=ExperimentalWarning', `--env-file=${envFile}`]
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, ...args], {
    cwd: FIXTURES,
    env: { ...inherited, ...noConfigurationFiles, ...endpoint },
  })
  return stdout
}

/** Reads the variables of a file for `--env-file`. */
const readVariables = (envFile: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(join(FIXTURES, envFile), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2)),
  )

interface TenantEvent {
  readonly tenant?: string
}

/** Creates a handler that reads all items, also those that belong to another tenant. Call it after `setEnvironment()`. */
const createTenantHandler = () =>
  middy()
    .use(
      crossAccountDynamo({
        session: ({ event }: SessionRequest<TenantEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
      }),
    )
    .handler(
      async (_event: TenantEvent, context) =>
        (await context.dynamo.send(new ScanCommand({ TableName: 'MyTable' }))).Items,
    )

const scan = async (endpoint: string, accessKeyId: string): Promise<unknown> => {
  const credentials = { accessKeyId, secretAccessKey: 'any' }
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint, credentials, region: 'us-east-1' }),
  )
  return (await client.send(new ScanCommand({ TableName: 'MyTable' }))).Items
}

/** Checks the types of the fixtures, and that the page shows them. */
const checkFixtures = async (context: TestContext): Promise<void> => {
  await context.test('the handler and the scripts compile', async () => {
    await promisify(execFile)(process.execPath, [TSC, '-p', FIXTURES])
  })
  await context.test('docs/local-development.md shows the handler, the scripts and the variables', () => {
    const shown = findShownFiles('local-development.md')
    const files = readdirSync(FIXTURES).filter((file) => file !== 'tsconfig.json')
    assert.deepEqual([...shown.keys()].toSorted(), files.toSorted())
    for (const file of files) assert.equal(shown.get(file), readFileSync(join(FIXTURES, file), 'utf8'))
  })
}

for (const { name, start, missing, sharesTables } of [
  { name: 'dynalite', start: startDynalite, missing: '', sharesTables: true },
  {
    name: 'DynamoDB Local',
    start: startDynamodbLocal,
    missing: 'Java is not installed',
    sharesTables: false,
  },
] as const) {
  testCombination(
    [name],
    'stores items in direct mode, checks the `session` function, and does not isolate tenants',
    async (context) => {
      if (name === 'dynalite') await checkFixtures(context)
      const url = await start()
      if (url === undefined) return context.skip(missing)
      const endpoint = { AWS_ENDPOINT_URL_DYNAMODB: url }
      await runScript('dynamodb-local.env', endpoint, 'create-table.ts')
      const output = await runScript('dynamodb-local.env', endpoint, 'invoke.ts', '{ "id": "123" }')
      assert.deepEqual(JSON.parse(output), { id: '123' })

      assert.deepEqual(await scan(url, 'local'), [{ id: '123' }])
      // DynamoDB Local has a separate database for each access key. Neither server checks a signature.
      if (sharesTables) assert.deepEqual(await scan(url, 'another'), [{ id: '123' }])
      else await assert.rejects(scan(url, 'another'), { name: 'ResourceNotFoundException' })

      setEnvironment({ ...noConfigurationFiles, ...readVariables('dynamodb-local.env'), ...endpoint })
      const handler = createTenantHandler()
      assert.deepEqual(await handler({ tenant: 'acme' }, createLambdaContext()), [{ id: '123' }])
      await assert.rejects(handler({}, createLambdaContext()), { code: 'SESSION_IDENTITY_MISSING' })
    },
  )
}

testCombination(
  ['moto'],
  'assumes the role, stores the items in the account of the role, and does not evaluate IAM policies',
  async (context) => {
    const url = await startMoto()
    if (url === undefined) return context.skip('moto_server is not installed')
    const endpoint = { AWS_ENDPOINT_URL: url }
    await runScript('moto.env', endpoint, 'create-table.ts')
    const output = await runScript('moto.env', endpoint, 'invoke.ts', '{ "id": "123" }')
    assert.deepEqual(JSON.parse(output), { id: '123' })

    setEnvironment({ ...noConfigurationFiles, ...readVariables('moto.env'), ...endpoint })
    const listTables = async (RoleArn?: string): Promise<string[] | undefined> => {
      const { Credentials } =
        RoleArn === undefined
          ? {}
          : await new STSClient().send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test' }))
      const credentials = Credentials && {
        accessKeyId: Credentials.AccessKeyId ?? '',
        secretAccessKey: Credentials.SecretAccessKey ?? '',
        sessionToken: Credentials.SessionToken ?? '',
      }
      const client = new DynamoDBClient({ ...(credentials && { credentials }) })
      return (await client.send(new ListTablesCommand())).TableNames
    }
    // The role does not exist, and the call has no external ID.
    assert.deepEqual(await listTables('arn:aws:iam::222222222222:role/AnotherRole'), ['MyTable'])
    assert.deepEqual(await listTables('arn:aws:iam::333333333333:role/AnotherRole'), [])
    assert.deepEqual(await listTables(), [])

    const handler = createTenantHandler()
    assert.deepEqual(await handler({ tenant: 'acme' }, createLambdaContext()), [{ id: '123' }])
    await assert.rejects(handler({}, createLambdaContext()), { code: 'SESSION_IDENTITY_MISSING' })
  },
)
