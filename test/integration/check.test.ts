/** Tests that `check` finds each misconfiguration of the sandbox accounts and changes no item. */
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Step } from '../../src/cli/report.ts'
import {
  READ_ACTIONS as ALL_READ_ACTIONS,
  WRITE_ACTIONS as ALL_WRITE_ACTIONS,
} from '../../src/iam/actions.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, allowStsActions, createPolicy } from '../sandbox/policies.ts'
import { restrictToEngine } from '../sandbox/restrict-to-engine.ts'
import { createTenantAccounts, ORDERS_TABLE, ORDERS_TABLE_ARN } from '../sandbox/tenant-accounts.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { runCommandLine } from '../unit/cli/command-line.ts'
import { createFunctionVariables, FUNCTION_NAME, setEnvironment } from './lambda.ts'
import { formatOutcomes, injectDenial, runCheck } from './run-check.ts'

const TABLE_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
const CALLER_ARN = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`
/** The actions that both engines support. Only DynamoDB Local supports transactions and PartiQL. */
const READ_ACTIONS = ['BatchGetItem', 'GetItem', 'Query', 'Scan']
const WRITE_ACTIONS = ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem']
const CHECK_LINE = `check --table ${TABLE} --access ${[...READ_ACTIONS, ...WRITE_ACTIONS]}`

/** Items whose partition keys the tests use, so that a request that writes would change them. */
const ITEMS: Record<string, Record<string, { S: string }>[]> = {
  [TABLE]: [{ id: { S: 'acme' }, name: { S: 'one' } }, { id: { S: '2' } }],
  [OTHER_TABLE]: [{ id: { S: 'acme' } }],
  [ORDERS_TABLE]: [{ tenant: { S: 'acme' }, order: { S: '1' } }],
}

let sandbox: Sandbox
let itemsBefore: Record<string, string>

/** Returns the items of each table as text, sorted. */
const readItems = async (): Promise<Record<string, string>> => {
  const { engine } = sandbox.getAccount(ACCOUNT_B)
  const scans = Object.keys(ITEMS).map(async (TableName) => {
    const { Items } = JSON.parse((await engine.send('Scan', { TableName })).body)
    return [
      TableName,
      JSON.stringify(Items.map((item: object) => JSON.stringify(Object.entries(item).sort())).sort()),
    ]
  })
  return Object.fromEntries(await Promise.all(scans))
}

const isTableStep = ({ subject }: Step): boolean => subject.kind === 'table'
const createTableStep = (name: string, otherFields: object) => ({
  subject: { kind: 'table', name },
  ...otherFields,
})

/** Replaces the permissions policies of the target role by one statement. */
const setPermissions = (actions: readonly string[], otherElements: object) => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(
      allowStatement(
        actions.map((action) => `dynamodb:${action}`),
        otherElements,
      ),
    ),
  ]
}

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTenantAccounts() })
  for (const [table, items] of Object.entries(ITEMS)) await sandbox.getAccount(ACCOUNT_B).seed(table, items)
  itemsBefore = await readItems()
  expect(Object.values(itemsBefore).join()).toContain('acme')
  setEnvironment({ ...createFunctionVariables(sandbox), AWS_EC2_METADATA_DISABLED: 'true' })
  // The SDK multiplies the delay before a retry by a random number.
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(async () => {
  jest.restoreAllMocks()
  // Every test also asserts that `check` changed no item.
  const itemsAfter = await readItems()
  await sandbox.close()
  expect(itemsAfter).toEqual(itemsBefore)
})

describe('with a valid configuration', () => {
  test('check reports each step and exits with 0 if the configuration is valid', async () => {
    process.env.CROSS_ACCOUNT_DYNAMO_SESSION_TAGS = 'team=confidential'
    const { code, steps, note } = await runCheck(CHECK_LINE)
    expect(code).toBe(0)
    expect(formatOutcomes(steps)).toEqual([
      'credentials: ok',
      'sts: ok',
      'role: ok',
      'session: ok',
      `table ${TABLE}: ok`,
      `table ${TABLE}: note`,
    ])
    expect(steps[0]?.message).toContain(CALLER_ARN)
    expect(steps[1]?.message).toContain('us-east-1')
    expect(steps[2]?.message).toMatch(new RegExp(`${TARGET_ROLE_ARN} .*${FUNCTION_NAME}.* team$`))
    expect(steps[3]?.message).toMatch(/\b60 minutes.*\b15 minutes/)
    expect(steps[4]?.allowed).toEqual([...READ_ACTIONS, ...WRITE_ACTIONS])
    expect(steps[5]?.message).toMatch(/indexes were not tried.*Query, Scan.*--index/)
    expect(note).toBeDefined()
  })

  test('check writes the same steps as lines and as JSON', async () => {
    const { steps, note } = await runCheck(CHECK_LINE)
    const { code, out, err } = await runCommandLine(CHECK_LINE)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const names = ['credentials', 'STS', 'role', 'session', `table ${TABLE}`, `table ${TABLE}`]
    const lines = steps.map(
      ({ message, outcome }, index) => `${outcome.padEnd(6)} ${names[index]}: ${message}`,
    )
    expect(out.split('\n')).toEqual([...lines, note, ''])
  })

  test('check sends session tags and a source identity, and tests the tables and actions of the environment variables', async () => {
    allowStsActions(sandbox, ['sts:TagSession', 'sts:SetSourceIdentity'])
    process.env.CROSS_ACCOUNT_DYNAMO_TABLES = TABLE
    process.env.CROSS_ACCOUNT_DYNAMO_ACCESS = 'GetItem'
    const { failed, steps } = await runCheck(
      'check --session-tags team=orders --source-identity maya --allow-missing-external-id',
    )
    expect(failed).toEqual([])
    expect(steps.at(2)?.message).toMatch(/\bteam\b.*\bmaya\b/)
    expect(steps.at(-1)).toMatchObject(createTableStep(TABLE, { outcome: 'ok', allowed: ['GetItem'] }))
    const call = sandbox.calls.find(({ operation }) => operation === 'AssumeRole')
    expect(call).toMatchObject({
      tags: { team: 'orders' },
      sourceIdentity: 'maya',
      input: { policy: expect.stringContaining('dynamodb:GetItem') },
    })
  })

  test('check notes that it tested no table if none is configured', async () => {
    const { code, steps, note } = await runCheck('check')
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({ subject: { kind: 'tables' }, outcome: 'note' })
    expect(note).toBeUndefined()
    expect(sandbox.calls.filter(({ service }) => service === 'dynamodb')).toEqual([])
  })

  test('check accepts the ARN of a table', async () => {
    const { failed, steps } = await runCheck(`check --table ${TABLE_ARN} --access GetItem,PutItem`)
    expect(failed).toEqual([])
    expect(steps.at(-1)).toMatchObject(
      createTableStep(TABLE_ARN, { outcome: 'ok', allowed: ['GetItem', 'PutItem'] }),
    )
  })

  test('check distinguishes a table named session, role or tables from the other steps', async () => {
    setPermissions(['GetItem'], { Resource: '*' })
    const { steps } = await runCheck('check --table session --table role --table tables --access GetItem')
    expect(formatOutcomes(steps)).toEqual([
      'credentials: ok',
      'sts: ok',
      'role: ok',
      'session: ok',
      'table session: failed',
      'table role: failed',
      'table tables: failed',
    ])
    expect(steps.filter(isTableStep).map(({ subject }) => subject)).toEqual([
      { kind: 'table', name: 'session' },
      { kind: 'table', name: 'role' },
      { kind: 'table', name: 'tables' },
    ])
    const { out } = await runCommandLine('check --table session --access GetItem')
    expect(out).toMatch(/^ok +session: .*\nfailed +table session: /m)
  })

  test('check colors outcomes and subjects only', async () => {
    const plain = await runCommandLine(`${CHECK_LINE} --external-id wrong`)
    const colored = await runCommandLine(`${CHECK_LINE} --external-id wrong`, { colors: true })
    // cspell:ignore mfailed mrole
    expect(colored.out).toContain('\u001b[31mfailed\u001b[39m \u001b[1mrole:\u001b[22m ')
    expect(stripVTControlCharacters(colored.out)).toBe(plain.out)
  })
})

describe('check after the policies command', () => {
  test.each([
    ['without session tags', TABLE, '', '', '--indexes'],
    [
      'with session tags and a source identity',
      TABLE,
      '--session-tags team=orders,stage=prod --transitive-tag-keys team --source-identity maya',
      '',
      '--indexes',
    ],
    [
      'for a tenant',
      ORDERS_TABLE,
      '--session-tags TenantId=acme',
      '--tenant-tag TenantId',
      '--key tenant=acme',
    ],
  ])(
    'check succeeds %s with the documents of the policies command, and fails without the caller policy',
    async (_case, table, forBoth, forPolicies, forCheck) => {
      const flags = `--table ${table} --access ${[...READ_ACTIONS, ...WRITE_ACTIONS].filter((action) => !forCheck.includes('--key') || action !== 'Scan')} ${forBoth}`
      const { code, out } = await runCommandLine(
        `policies ${flags} ${forPolicies} --execution-role-arn ${EXECUTION_ROLE_ARN} --json`,
      )
      expect(code).toBe(0)
      const { trustPolicy, permissionsPolicy, callerPolicy } = JSON.parse(out)
      sandbox.getRole(EXECUTION_ROLE_ARN).policies = [callerPolicy]
      sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = trustPolicy
      sandbox.getRole(TARGET_ROLE_ARN).policies = [permissionsPolicy]
      const { steps } = await runCheck(`check ${flags} ${forCheck}`)
      expect(steps.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      const subject = { kind: 'table', name: table, ...(forCheck === '--indexes' && { index: '*' }) }
      expect(steps.at(-1)).toMatchObject({ subject, outcome: 'ok' })
      sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
      expect((await runCheck(`check ${flags} ${forCheck}`)).failed).toMatchObject([
        { subject: { kind: 'role' } },
      ])
    },
  )
})

describe('the actions of --access read-write', () => {
  const allActions = [...new Set([...ALL_READ_ACTIONS, ...ALL_WRITE_ACTIONS])]
  const tables = [TABLE, OTHER_TABLE, ORDERS_TABLE]
  const line = `check ${tables.map((table) => `--table ${table}`).join(' ')} --access read-write`

  test('check sends one request for each action and table, and no other request', async () => {
    setPermissions([], { Action: 'dynamodb:*', Resource: '*' })
    sandbox.clear()
    await runCheck(line)
    const dynamoDbCalls = sandbox.calls.filter(({ service }) => service === 'dynamodb')
    expect(dynamoDbCalls).toHaveLength(tables.length * allActions.length)
    expect(new Set(dynamoDbCalls.map(({ operation }) => operation))).toEqual(
      new Set([...READ_ACTIONS, ...WRITE_ACTIONS, 'ExecuteStatement', 'TransactWriteItems']),
    )
  })

  test.each([[''], ['--key id=acme'], ['--key id=unknown'], ['--key tenant=acme']])(
    'check reports the name of each denied action, with the flags "%s"',
    async (key) => {
      setPermissions(['DescribeTable'], { Resource: '*' })
      const { failed } = await runCheck(`${line} ${key}`)
      const denied = allActions.filter((action) => key === '' || !/^PartiQL|^Scan$/.test(action))
      expect(failed).toMatchObject(tables.map((table) => createTableStep(table, { denied })))
    },
  )

  test.each([[''], ['--key id=acme'], ['--key id=unknown'], ['--key tenant=acme']])(
    'check reports each allowed action that both engines support, with the flags "%s"',
    async (key) => {
      setPermissions([], { Action: 'dynamodb:*', Resource: '*' })
      const allowed = [...READ_ACTIONS, ...WRITE_ACTIONS].filter((action) => key === '' || action !== 'Scan')
      const { steps } = await runCheck(
        `check --table ${TABLE} --table ${ORDERS_TABLE} --access ${[...READ_ACTIONS, ...WRITE_ACTIONS]} ${key}`,
      )
      expect(steps.filter((step) => isTableStep(step) && step.outcome === 'ok')).toMatchObject(
        [TABLE, ORDERS_TABLE].map((table) => createTableStep(table, { allowed })),
      )
    },
  )

  restrictToEngine('dynamodb-local', 'transactions and PartiQL').test(
    'check reports each allowed action, except for PartiQL statements that it could test only by writing',
    async () => {
      setPermissions([], { Action: 'dynamodb:*', Resource: '*' })
      const { code, steps } = await runCheck(
        `check --table ${TABLE} --table ${ORDERS_TABLE} --access read-write`,
      )
      expect(code).toBe(0)
      const untestable = allActions.filter((action) => /^PartiQL(?!Select)/.test(action))
      expect(steps.filter(isTableStep)).toMatchObject(
        [TABLE, ORDERS_TABLE].flatMap((table) => [
          createTableStep(table, {
            outcome: 'ok',
            allowed: allActions.filter((action) => !untestable.includes(action)),
          }),
          // DynamoDB rejects updates and deletes with another message than inserts, so they are separate steps.
          createTableStep(table, { outcome: 'note', unclear: ['PartiQLDelete', 'PartiQLUpdate'] }),
          createTableStep(table, { outcome: 'note', unclear: ['PartiQLInsert'] }),
          createTableStep(table, { outcome: 'note', message: expect.stringContaining('--index') }),
        ]),
      )
    },
  )
})

describe('credentials', () => {
  test('check fails without credentials, and does not call STS', async () => {
    const {
      AWS_ACCESS_KEY_ID: _,
      AWS_SECRET_ACCESS_KEY: __,
      AWS_SESSION_TOKEN: ___,
      ...otherVariables
    } = process.env
    setEnvironment(otherVariables as Record<string, string>)
    const { failed, steps } = await runCheck(CHECK_LINE)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: { kind: 'credentials' } }])
    expect(failed[0]?.message).toContain('CredentialsProviderError')
    expect(failed[0]?.message).toContain('AWS_ACCESS_KEY_ID')
    expect(failed[0]?.message).toContain('AWS_PROFILE')
    expect(sandbox.calls).toEqual([])
  })

  test('check fails if STS does not accept the credentials', async () => {
    sandbox.revokeSessions(process.env.AWS_ACCESS_KEY_ID)
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([{ subject: { kind: 'credentials' } }])
    expect(failed[0]?.message).toContain('InvalidClientTokenId')
  })

  test.each(['without --json', '--json'])(
    'check %s writes no credentials, external IDs or values of tags',
    async (format) => {
      const json = format === '--json' ? format : ''
      const secrets: string[] = [
        process.env.AWS_ACCESS_KEY_ID,
        process.env.AWS_SECRET_ACCESS_KEY,
        process.env.AWS_SESSION_TOKEN,
      ] as string[]
      sandbox.faults.inject({
        service: 'sts',
        operation: 'AssumeRole',
        kind: 'rewrite',
        body: (xml) => {
          for (const [, secret = ''] of xml.matchAll(
            /<(?:AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)</g,
          ))
            secrets.push(secret)
          return xml
        },
      })
      const commandResults = [
        await runCommandLine(`${CHECK_LINE} --session-tags team=secretive ${json}`),
        await runCommandLine(
          `${CHECK_LINE} --external-id wrong-and-secret --session-tags team=secretive ${json}`,
        ),
        await runCommandLine(`check --table ${OTHER_TABLE} --access read ${json}`),
      ]
      expect(commandResults.map(({ code }) => code)).toEqual([0, 1, 1])
      expect(new Set(secrets).size).toBeGreaterThanOrEqual(9)
      const written = commandResults.map(({ out, err }) => out + err).join()
      for (const secret of [...secrets, EXTERNAL_ID, 'wrong-and-secret', 'secretive'])
        expect(written).not.toContain(secret)
    },
  )
})

describe('STS', () => {
  test('check fails if STS cannot be reached', async () => {
    process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:1'
    const { failed, steps } = await runCheck(CHECK_LINE)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: { kind: 'sts' } }])
    expect(failed[0]?.message).toMatch(/^STS_UNAVAILABLE: .*ECONNREFUSED/s)
  })

  test('check fails without advice about credentials if the endpoint of STS is invalid', async () => {
    process.env.AWS_USE_FIPS_ENDPOINT = 'true'
    const { failed, steps } = await runCheck(CHECK_LINE)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: { kind: 'sts' } }])
    expect(failed[0]?.message).toMatch(/^ASSUME_ROLE_REJECTED: .*AWS_USE_FIPS_ENDPOINT/s)
    expect(failed[0]?.message).not.toContain('AWS_PROFILE')
  })

  test('check fails if STS throttles AssumeRole', async () => {
    sandbox.faults.inject({ service: 'sts', operation: 'AssumeRole', kind: 'throttle' })
    const { failed, steps } = await runCheck(CHECK_LINE)
    expect(formatOutcomes(steps)).toEqual(['credentials: ok', 'sts: ok', 'sts: failed'])
    expect(failed[0]?.message).toMatch(/^STS_THROTTLED/)
  })
})

test.each([
  ['sts', 'AssumeRole', 'AccessDenied'],
  ['sts', 'AssumeRole', 'ValidationError'],
  ['dynamodb', 'GetItem', 'ValidationException'],
  ['dynamodb', 'GetItem', 'AccessDeniedException'],
] as const)(
  'check escapes control characters in an error response of %s to %s with %s',
  async (service, operation, code) => {
    const message = 'a\u001b[2Kb\r\u009b2J\u202ec\nok     role: fine'
    sandbox.faults.inject({ service, operation, kind: 'status', status: 400, code, message })
    for (const colors of [false, true]) {
      const { out } = await runCommandLine(`check --table ${TABLE} --access GetItem`, { colors })
      expect(out).toContain('failed')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not be printed
      expect(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.exec(stripVTControlCharacters(out))).toBe(null)
      expect(out).not.toContain('\u001b[2K')
      expect(out).not.toMatch(/^ *ok +role: fine/m)
    }
  },
)

test('check succeeds with a note if STS denies GetCallerIdentity', async () => {
  sandbox.faults.inject({
    service: 'sts',
    operation: 'GetCallerIdentity',
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
  })
  const { failed, steps } = await runCheck(CHECK_LINE)
  expect(failed).toEqual([])
  expect(steps[0]).toMatchObject({ subject: { kind: 'credentials' }, outcome: 'note' })
})

describe('a denied AssumeRole call', () => {
  const runDeniedCheck = async (line = CHECK_LINE) => {
    const { failed, steps } = await runCheck(line)
    expect(formatOutcomes(steps)).toEqual(['credentials: ok', 'sts: ok', 'role: failed'])
    return { message: failed[0]?.message ?? '', add: failed[0]?.add ?? [] }
  }
  /** Returns each part of the request that `check` reports as the cause, because the role can be assumed without it. */
  const findDeniedParameters = async (line: string): Promise<string[]> =>
    [...(await runDeniedCheck(line)).message.matchAll(/without (.*)\. This part/g)].map(
      ([, part = '']) => part,
    )
  /** Replaces the placeholders in a statement by values. */
  const replacePlaceholders = (statement: object, values: Readonly<Record<string, string>>): object =>
    JSON.parse(
      Object.entries(values).reduce(
        (text, [placeholder, value]) => text.replaceAll(placeholder, value),
        JSON.stringify(statement),
      ),
    )

  test.each([
    [
      'by account A',
      () => {
        sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
      },
    ],
    [
      'by account B',
      () => {
        sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy()
      },
    ],
    [
      'because the external ID differs',
      () => {
        process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID = 'another-id'
      },
    ],
  ])(
    'if AssumeRole is denied %s, check writes the statements for both accounts',
    async (_case, misconfigure) => {
      misconfigure()
      const { message, add } = await runDeniedCheck()
      expect(message).toContain(`AWS said: AccessDenied: User: ${CALLER_ARN}`)
      expect(message).toContain('--execution-role-arn')
      expect(message).not.toMatch(/context\.|externalId|another-id/)
      expect(await findDeniedParameters(CHECK_LINE)).toEqual([])
      expect(add).toEqual([
        {
          account: ACCOUNT_A,
          to: expect.stringContaining(EXECUTION_ROLE_ARN),
          statement: {
            Sid: 'AssumeTargetRole',
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Resource: TARGET_ROLE_ARN,
          },
        },
        {
          account: ACCOUNT_B,
          to: expect.stringContaining('CrossAccountDynamoRole'),
          statement: {
            Sid: 'AssumeRole',
            Effect: 'Allow',
            Principal: { AWS: EXECUTION_ROLE_ARN },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'sts:ExternalId': '<the external ID that the function sends>' } },
          },
        },
      ])
    },
  )

  test('if AssumeRole is denied without an external ID, check names --external-id', async () => {
    delete process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
    const { message } = await runDeniedCheck()
    expect(message).toContain('--external-id')
    expect(message).not.toContain('externalId')
  })

  test('check writes the name of a role unchanged if it contains names of options', async () => {
    const role = `arn:aws:iam::${ACCOUNT_B}:role/sessionTags-externalId`
    const { message, add } = await runDeniedCheck(`check --role-arn ${role}`)
    expect(message).toContain(role)
    expect(message).not.toContain('--session-tags')
    expect(add[0]?.statement).toMatchObject({ Resource: role })
    expect((await runCommandLine(`check --role-arn ${role}`)).out).toContain(`"Resource": "${role}"`)
  })

  test('if session tags or the source identity are denied, check names which of them is denied', async () => {
    const both = `${CHECK_LINE} --session-tags team=orders --source-identity maya`
    allowStsActions(sandbox, [])
    // The trust policy allows neither, so the call is also denied without one of them.
    expect(await findDeniedParameters(both)).toEqual([])
    expect(await findDeniedParameters(`${CHECK_LINE} --source-identity maya`)).toEqual([
      'the source identity',
    ])
    allowStsActions(sandbox, ['sts:SetSourceIdentity'])
    expect(await findDeniedParameters(both)).toEqual(['the session tag team'])
    expect(await findDeniedParameters(both.replace('team=orders', 'team=orders,stage=prod'))).toEqual([
      'the session tags',
    ])
  })

  test('if one of several session tags is denied, check names that tag', async () => {
    allowStsActions(sandbox, ['sts:TagSession'], 'both', {
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['TenantId', 'team'] },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
    })
    expect(
      await findDeniedParameters(`${CHECK_LINE} --session-tags TenantId=acme,team=orders,debug=on`),
    ).toEqual(['the session tag debug'])
  })

  test('if transitive session tags are denied, check says that the tags are transitive', async () => {
    allowStsActions(sandbox, ['sts:TagSession'], 'both', { Null: { 'sts:TransitiveTagKeys': 'true' } })
    const line = `${CHECK_LINE} --session-tags team=orders,stage=prod --transitive-tag-keys team`
    expect(await findDeniedParameters(line)).toEqual(['transitive tag keys'])
  })

  test('if AssumeRole is denied, check writes the statements of the policies command, including conditions on tags', async () => {
    const flags =
      `--table ${ORDERS_TABLE} --access GetItem --session-tags TenantId=acme,team=orders --tenant-tag TenantId ` +
      `--transitive-tag-keys team --source-identity maya --execution-role-arn ${EXECUTION_ROLE_ARN}`
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy()
    const { message, add } = await runDeniedCheck(`check ${flags} --key tenant=acme`)
    expect(message).not.toContain('--execution-role-arn')
    const { out } = await runCommandLine(`policies ${flags} --json`)
    const { trustPolicy, callerPolicy } = JSON.parse(out)
    const [caller, trust] = add.map(({ statement }) =>
      replacePlaceholders(statement, {
        '<the external ID that the function sends>': EXTERNAL_ID,
        '<the value of team>': 'orders',
      }),
    )
    expect([caller]).toEqual(callerPolicy.Statement)
    expect(trust).toEqual(trustPolicy.Statement)
    // With the statements added, the session is allowed, and sessions with other tags are still denied.
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [createPolicy(...[caller ?? []].flat())]
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(...[trust ?? []].flat())
    expect((await runCheck(`check ${flags} --key tenant=acme`)).steps.at(2)).toMatchObject({ outcome: 'ok' })
    await runDeniedCheck(`check ${flags.replace('team=orders', 'team=others')} --key tenant=acme`)
  })

  test('if another caller than the function runs check, the statements are for the role of --execution-role-arn', async () => {
    const executionRoleArn = 'arn:aws:iam::333333333333:role/functions/Orders'
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy()
    const { failed, steps } = await runCheck(`${CHECK_LINE} --execution-role-arn ${executionRoleArn}`)
    expect(steps[1]).toMatchObject({
      subject: { kind: 'credentials' },
      outcome: 'note',
      message: expect.stringContaining(executionRoleArn),
    })
    expect(failed[0]?.add).toMatchObject([
      { account: '333333333333', to: expect.stringContaining(executionRoleArn) },
      { account: ACCOUNT_B, statement: { Principal: { AWS: executionRoleArn } } },
    ])
    const { steps: stepsOfFunction } = await runCheck(
      `${CHECK_LINE} --execution-role-arn ${EXECUTION_ROLE_ARN}`,
    )
    expect(stepsOfFunction.filter(({ subject }) => subject.kind === 'credentials')).toHaveLength(1)
  })

  test('if transitive tags of the caller’s session are denied, check writes statements with sts:TagSession for both accounts', async () => {
    sandbox.faults.inject({
      service: 'sts',
      operation: 'AssumeRole',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: `User: ${CALLER_ARN} is not authorized to perform: sts:TagSession on resource: ${TARGET_ROLE_ARN}`,
    })
    const { add } = await runDeniedCheck()
    expect(add).toMatchObject([
      { account: ACCOUNT_A, statement: [{ Action: 'sts:AssumeRole' }, { Action: 'sts:TagSession' }] },
      { account: ACCOUNT_B, statement: [{ Action: 'sts:AssumeRole' }, { Action: 'sts:TagSession' }] },
    ])
  })
})

test('check fails if the duration of the session exceeds the maximum session duration of the role', async () => {
  sandbox.getRole(TARGET_ROLE_ARN).maxSessionDuration = 1800
  const { failed, steps } = await runCheck(CHECK_LINE)
  expect(formatOutcomes(steps)).toEqual(['credentials: ok', 'sts: ok', 'role: failed'])
  expect(failed[0]?.message).toMatch(/^ASSUME_ROLE_REJECTED: .*MaxSessionDuration/s)
  expect(failed[0]?.add).toBeUndefined()
})

test('check fails if the trust policy does not require the external ID, unless a flag allows it', async () => {
  allowStsActions(sandbox, [])
  const { code, failed } = await runCheck('check')
  expect(code).toBe(1)
  expect(formatOutcomes(failed)).toEqual(['role: failed'])
  expect(failed[0]?.message).toContain('--allow-missing-external-id')
  const allowed = await runCheck('check --allow-missing-external-id')
  expect(allowed.code).toBe(0)
  expect(formatOutcomes(allowed.steps)).toContain('role: note')
})

describe('the step of a table', () => {
  test('check fails if a table does not exist', async () => {
    setPermissions(['GetItem'], { Resource: '*' })
    const { failed } = await runCheck('check --table Nowhere --access GetItem')
    expect(failed).toEqual([
      {
        subject: { kind: 'table', name: 'Nowhere' },
        outcome: 'failed',
        message: expect.stringMatching(new RegExp(`${ACCOUNT_B}.*us-east-1`)),
      },
    ])
  })

  test.each([
    ['reads', WRITE_ACTIONS, READ_ACTIONS],
    ['writes', READ_ACTIONS, WRITE_ACTIONS],
  ])(
    'if %s are denied, check fails and writes a statement that is sufficient',
    async (_case, allowed, denied) => {
      setPermissions(allowed, { Resource: TABLE_ARN })
      const { failed, steps } = await runCheck(CHECK_LINE)
      expect(steps).toContainEqual(
        expect.objectContaining(createTableStep(TABLE, { outcome: 'ok', allowed })),
      )
      const statement = {
        Effect: 'Allow',
        Action: denied.map((action) => `dynamodb:${action}`),
        Resource: TABLE_ARN,
      }
      const to = 'the permissions policy of CrossAccountDynamoRole'
      expect(failed).toMatchObject([
        createTableStep(TABLE, { outcome: 'failed', denied, add: [{ account: ACCOUNT_B, to, statement }] }),
      ])
      expect((await runCommandLine(CHECK_LINE)).out).toContain(
        `Account ${ACCOUNT_B}: add this to ${to}.\n${JSON.stringify(statement, undefined, 2).replace(/^/gm, '       ')}`,
      )
      sandbox.getRole(TARGET_ROLE_ARN).policies?.push(createPolicy(failed[0]?.add?.[0]?.statement ?? {}))
      expect((await runCheck(CHECK_LINE)).failed).toEqual([])
    },
  )

  test('if the session policy denies actions, check fails without a statement to add', async () => {
    process.env.CROSS_ACCOUNT_DYNAMO_TABLES = TABLE
    process.env.CROSS_ACCOUNT_DYNAMO_ACCESS = READ_ACTIONS.join()
    const { failed, steps } = await runCheck(CHECK_LINE)
    expect(steps).toContainEqual(
      expect.objectContaining(createTableStep(TABLE, { outcome: 'ok', allowed: READ_ACTIONS })),
    )
    expect(failed).toMatchObject([
      { denied: WRITE_ACTIONS, message: expect.stringMatching(/_TABLES.*_ACCESS/) },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('if an explicit deny applies, check fails with the message of AWS and without a statement to add', async () => {
    sandbox
      .getRole(TARGET_ROLE_ARN)
      .policies?.push(createPolicy({ Effect: 'Deny', Action: 'dynamodb:PutItem', Resource: '*' }))
    const { failed } = await runCheck(CHECK_LINE)
    expect(failed).toMatchObject([
      {
        denied: ['PutItem'],
        message: expect.stringContaining('with an explicit deny in an identity-based policy'),
      },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('if the role is not allowed to use the KMS key, check fails and names --kms-key-arn', async () => {
    const message = `User: x is not authorized to perform: kms:Decrypt on resource: y because no identity-based policy allows the kms:Decrypt action`
    injectDenial(sandbox, 'GetItem', message)
    const { failed } = await runCheck(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([{ denied: ['GetItem'], message: expect.stringContaining('--kms-key-arn') }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('if DynamoDB cannot be reached, check fails in one step for all actions of the table', async () => {
    process.env.AWS_ENDPOINT_URL_DYNAMODB = 'http://127.0.0.1:1'
    const { failed } = await runCheck(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([
      createTableStep(TABLE, {
        unclear: ['GetItem'],
        message: expect.stringMatching(/us-east-1.*ECONNREFUSED.*gateway endpoint/s),
      }),
    ])
  })

  test.each([
    [400, 'Odd', 'Strange'],
    [400, 'UnrecognizedClientException', 'The security token included in the request is invalid.'],
    [400, 'ThrottlingException', 'Rate exceeded'],
    [
      400,
      'ProvisionedThroughputExceededException',
      'The level of configured provisioned throughput was exceeded.',
    ],
    [400, 'ValidationException', 'Something unknown'],
    [500, 'InternalServerError', 'Internal'],
  ])(
    'if DynamoDB responds with %i %s, check fails, because the permission is unclear',
    async (status, code, message) => {
      sandbox.faults.inject({
        service: 'dynamodb',
        operation: 'GetItem',
        kind: 'status',
        status,
        code,
        message,
      })
      const { failed, steps } = await runCheck(`check --table ${TABLE} --access GetItem`)
      expect(failed).toEqual([steps.at(-1)])
      expect(failed).toEqual([
        createTableStep(TABLE, {
          outcome: 'failed',
          message: expect.stringContaining(`${code}: ${message}`),
          unclear: ['GetItem'],
        }),
      ])
    },
  )

  test.each([
    ['PartiQLInsert', 'One or more parameter values were invalid: Missing the key id in the item'],
    ['PartiQLUpdate', 'Where clause does not contain a mandatory equality on all key attributes'],
    ['PartiQLDelete', 'Where clause does not contain a mandatory equality on all key attributes'],
  ])('check notes that it could test %s only by writing', async (action, message) => {
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'ExecuteStatement',
      kind: 'status',
      status: 400,
      code: 'ValidationException',
      message,
    })
    const { code, steps } = await runCheck(`check --table ${TABLE} --access ${action}`)
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({ outcome: 'note', unclear: [action] })
  })

  test('if the partition key is not a string, check with --key fails', async () => {
    const message =
      'One or more parameter values were invalid: Type mismatch for key id expected: N actual: S'
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      kind: 'status',
      status: 400,
      code: 'ValidationException',
      message,
    })
    const { failed } = await runCheck(`check --table ${TABLE} --access PutItem --key id=7`)
    expect(failed[0]).toMatchObject({
      message: expect.stringMatching(/\bid\b.*--key.*Type mismatch/),
      unclear: ['PutItem'],
    })
  })

  test('if DynamoDB does not answer one request, check fails for that action only', async () => {
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Scan', kind: 'reset' })
    const { failed, steps } = await runCheck(`check --table ${TABLE} --access GetItem,Scan`)
    expect(steps).toContainEqual(expect.objectContaining({ outcome: 'ok', allowed: ['GetItem'] }))
    expect(failed).toMatchObject([{ unclear: ['Scan'] }])
  })

  test.each([
    ['ConditionalCheckFailed', 'ok'],
    ['ValidationError', 'ok'],
    ['ThrottlingError', 'failed'],
    ['None', 'failed'],
  ])('if a transaction is canceled because of %s, the outcome is %s', async (Code, outcome) => {
    // The embedded engine does not support transactions, so the test replaces its response.
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'TransactWriteItems',
      kind: 'rewrite',
      body: () =>
        JSON.stringify({
          __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
          Message: 'Transaction cancelled',
          CancellationReasons: [{ Code }],
        }),
    })
    setPermissions(['ConditionCheckItem'], { Resource: TABLE_ARN })
    const { steps } = await runCheck(`check --table ${TABLE} --access ConditionCheckItem`)
    expect(steps.at(-1)?.outcome).toBe(outcome)
  })

  test.each([
    ['because no VPC endpoint policy allows the dynamodb:GetItem action', `VPC endpoint.*${ACCOUNT_A}`],
    ['with an explicit deny in a VPC endpoint policy', `VPC endpoint.*${ACCOUNT_A}`],
    ['with an explicit deny in a resource-based policy', `resource-based.*${ACCOUNT_B}`],
    ['kms:Decrypt: because no resource-based policy allows the kms:Decrypt action', 'key policy'],
    ['kms:Decrypt: with an explicit deny in a resource-based policy', 'key policy'],
  ])(
    'if AWS denies a request %s, check fails and names the policy to change and its account',
    async (reason, expected) => {
      sandbox.faults.inject({
        service: 'dynamodb',
        operation: 'GetItem',
        kind: 'status',
        status: 400,
        code: 'AccessDeniedException',
        message: `User: x is not authorized to perform: dynamodb:GetItem on resource: y ${reason}`,
      })
      const { failed } = await runCheck(`check --table ${TABLE} --access GetItem`)
      expect(failed).toMatchObject([
        { denied: ['GetItem'], message: expect.stringMatching(new RegExp(expected, 's')) },
      ])
      expect(failed[0]?.add).toBeUndefined()
    },
  )
})

describe('a condition that compares partition keys with a session tag', () => {
  const TENANT_CONDITION = {
    'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': `\${aws:PrincipalTag/TenantId}` },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
  const actions = [
    'GetItem',
    'Query',
    'PutItem',
    'UpdateItem',
    'DeleteItem',
    'BatchGetItem',
    'BatchWriteItem',
  ]
  const line = `check --session-tags TenantId=acme --table ${ORDERS_TABLE} --access ${actions}`

  test('with a tenant condition, check with --key succeeds for the key of the tenant, and fails for another key', async () => {
    setPermissions(actions, { Resource: ORDERS_TABLE_ARN, Condition: TENANT_CONDITION })
    const { failed, steps } = await runCheck(`${line} --key tenant=acme`)
    expect(failed).toEqual([])
    expect(steps.filter(isTableStep)).toEqual([
      createTableStep(ORDERS_TABLE, { outcome: 'ok', message: expect.anything(), allowed: actions }),
      createTableStep(ORDERS_TABLE, { outcome: 'note', message: expect.stringContaining('--indexes') }),
      createTableStep(ORDERS_TABLE, { outcome: 'ok', message: expect.stringContaining('Scan') }),
    ])
    expect((await runCheck(`${line} --key tenant=globex`)).failed).toMatchObject([{ denied: actions }])
  })

  test('with a tenant condition, check without --key fails and names --key instead of a statement', async () => {
    setPermissions(actions, { Resource: ORDERS_TABLE_ARN, Condition: TENANT_CONDITION })
    const { failed } = await runCheck(line)
    expect(failed).toMatchObject([{ denied: actions, message: expect.stringContaining('--key') }])
    // A statement without the condition would allow access to the items of all tenants.
    expect(failed[0]?.add).toBeUndefined()
    expect((await runCommandLine(line)).out).not.toContain('"Effect"')
  })

  test('if the session can access the keys of other tenants, check writes a statement with a tenant condition that prevents it', async () => {
    setPermissions([...actions, 'Scan'], { Resource: ORDERS_TABLE_ARN })
    const { failed } = await runCheck(`${line} --key tenant=acme`)
    expect(failed).toMatchObject([
      {
        allowed: [...actions, 'Scan'],
        add: [{ account: ACCOUNT_B, statement: { Condition: TENANT_CONDITION } }],
      },
    ])
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(failed[0]?.add?.[0]?.statement ?? {})]
    expect((await runCheck(`${line} --key tenant=acme`)).code).toBe(0)
  })

  test('if the session can use Scan, check fails without a statement, because a tenant condition cannot restrict Scan', async () => {
    setPermissions(actions, { Resource: ORDERS_TABLE_ARN, Condition: TENANT_CONDITION })
    sandbox
      .getRole(TARGET_ROLE_ARN)
      .policies?.push(createPolicy({ Effect: 'Allow', Action: 'dynamodb:Scan', Resource: ORDERS_TABLE_ARN }))
    const { failed } = await runCheck(`${line} --key tenant=acme`)
    expect(failed).toMatchObject([{ allowed: ['Scan'] }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('check does not confirm a tenant condition if the response to a request for another key is unclear', async () => {
    setPermissions(actions, { Resource: ORDERS_TABLE_ARN, Condition: TENANT_CONDITION })
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Scan', kind: 'throttle' })
    expect((await runCheck(`${line} --key tenant=acme`)).failed).toMatchObject([{ unclear: ['Scan'] }])
  })

  test('if two tags have the value of --key, check writes a tenant condition with the tag of --tenant-tag', async () => {
    setPermissions([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const lineWithTwoTags = line.replace('TenantId=acme', 'team=acme,TenantId=acme')
    const { failed } = await runCheck(`${lineWithTwoTags} --key tenant=acme --tenant-tag TenantId`)
    expect(failed[0]?.add?.[0]?.statement).toMatchObject({ Condition: TENANT_CONDITION })
  })

  test('check writes a tenant condition for actions that name partition keys, and does not test the other actions', async () => {
    setPermissions([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const { failed, steps } = await runCheck(`${line},Scan --key tenant=acme`)
    expect(steps.at(-1)).toMatchObject(
      createTableStep(ORDERS_TABLE, { outcome: 'note', message: expect.stringContaining('Scan') }),
    )
    const statement = failed[0]?.add?.[0]?.statement
    expect(statement).toMatchObject({
      Action: actions.map((action) => `dynamodb:${action}`),
      Condition: TENANT_CONDITION,
    })
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(statement ?? {})]
    expect((await runCheck(`${line} --key tenant=acme`)).code).toBe(0)
    expect((await runCheck(`${line} --key tenant=globex`)).code).toBe(1)
    // If no tag has the value of --key, the statement allows that key only.
    setPermissions([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const { failed: untagged } = await runCheck(
      `check --table ${ORDERS_TABLE} --access GetItem --key tenant=acme`,
    )
    expect(untagged[0]?.add?.[0]?.statement).toMatchObject({
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'acme' } },
    })
  })
})

test('check prints no session token that an error message of DynamoDB or a proxy contains', async () => {
  const token = `IQoJb3JpZ2luX2VjE${'x7Qz'.repeat(20)}`
  sandbox.faults.inject({
    service: 'dynamodb',
    kind: 'status',
    status: 400,
    code: 'InvalidSignatureException',
    message: `The canonical request should have been POST / x-amz-security-token:${token}`,
  })
  for (const json of ['', ' --json']) {
    const { code, out } = await runCommandLine(`check --table ${TABLE} --access GetItem${json}`)
    expect(code).toBe(1)
    expect(out).toContain('InvalidSignatureException')
    expect(out).not.toContain('x7Qz')
  }
})
