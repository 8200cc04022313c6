/** `check` on accounts that are configured right or wrong in one way: what it finds, and that it changes nothing. */
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Step } from '../../src/cli/report.ts'
import { READ, WRITE } from '../../src/iam/actions.ts'
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
import { command } from '../unit/cli/command-line.ts'
import { FUNCTION_NAME, functionVariables, setEnvironment } from './lambda.ts'

const TABLE_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
const CALLER = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`
/** The actions that both engines support. Only DynamoDB Local supports transactions and PartiQL. */
const READS = ['BatchGetItem', 'GetItem', 'Query', 'Scan']
const WRITES = ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem']
const CHECK = `check --table ${TABLE} --access ${[...READS, ...WRITES]}`

/** Items whose partition keys the tests name, so that the tests notice a request that changes one. */
const ITEMS: Record<string, Record<string, { S: string }>[]> = {
  [TABLE]: [{ id: { S: 'acme' }, name: { S: 'one' } }, { id: { S: '2' } }],
  [OTHER_TABLE]: [{ id: { S: 'acme' } }],
  [ORDERS_TABLE]: [{ tenant: { S: 'acme' }, order: { S: '1' } }],
}

let sandbox: Sandbox
let before: Record<string, string>

const contents = async (): Promise<Record<string, string>> => {
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

/** What `check --json` writes. */
const checkJson = async (line: string) => {
  const { code, out, err } = await command(`${line} --json`)
  expect(err).toBe('')
  const { ok, steps, note }: { ok: boolean; steps: Step[]; note?: string } = JSON.parse(out)
  expect(code).toBe(ok ? 0 : 1)
  return { code, note, steps, failed: steps.filter(({ outcome }) => outcome === 'failed') }
}
/** A label for each step, such as `table Orders: ok`. */
const outcomesOf = (steps: readonly Step[]): string[] =>
  steps.map(({ subject, outcome }) =>
    subject.kind === 'table' ? `table ${subject.name}: ${outcome}` : `${subject.kind}: ${outcome}`,
  )
const isTable = ({ subject }: Step): boolean => subject.kind === 'table'
const tableStep = (name: string, rest: object) => ({ subject: { kind: 'table', name }, ...rest })

const permit = (actions: readonly string[], rest: object) => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(
      allowStatement(
        actions.map((action) => `dynamodb:${action}`),
        rest,
      ),
    ),
  ]
}

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTenantAccounts() })
  for (const [table, items] of Object.entries(ITEMS)) await sandbox.getAccount(ACCOUNT_B).seed(table, items)
  before = await contents()
  expect(Object.values(before).join()).toContain('acme')
  setEnvironment({ ...functionVariables(sandbox), AWS_EC2_METADATA_DISABLED: 'true' })
  // The SDK multiplies the delay before a retry by a random number.
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(async () => {
  jest.restoreAllMocks()
  // Every test also asserts that `check` changed no item.
  const after = await contents()
  await sandbox.close()
  expect(after).toEqual(before)
})

describe('with a valid configuration', () => {
  test('reports each step and ends with exit code 0', async () => {
    process.env.CROSS_ACCOUNT_DYNAMO_SESSION_TAGS = 'team=confidential'
    const { code, steps, note } = await checkJson(CHECK)
    expect(code).toBe(0)
    expect(outcomesOf(steps)).toEqual([
      'credentials: ok',
      'sts: ok',
      'role: ok',
      'session: ok',
      `table ${TABLE}: ok`,
    ])
    expect(steps[0]?.message).toContain(CALLER)
    expect(steps[1]?.message).toContain('us-east-1')
    expect(steps[2]?.message).toMatch(new RegExp(`${TARGET_ROLE_ARN} .*${FUNCTION_NAME}.* team$`))
    expect(steps[3]?.message).toMatch(/\b60 minutes.*\b15 minutes/)
    expect(steps[4]?.allowed).toEqual([...READS, ...WRITES])
    expect(note).toBeDefined()
  })

  test('writes the steps of --json as lines', async () => {
    const { steps, note } = await checkJson(CHECK)
    const { code, out, err } = await command(CHECK)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const names = ['credentials', 'STS', 'role', 'session', `table ${TABLE}`]
    const lines = steps.map(({ message }, index) => `ok     ${names[index]}: ${message}`)
    expect(out.split('\n')).toEqual([...lines, note, ''])
  })

  test('sends session tags and a source identity, and tries the scope of the variables', async () => {
    allowStsActions(sandbox, ['sts:TagSession', 'sts:SetSourceIdentity'])
    process.env.CROSS_ACCOUNT_DYNAMO_TABLES = TABLE
    process.env.CROSS_ACCOUNT_DYNAMO_ACCESS = 'GetItem'
    const { failed, steps } = await checkJson('check --session-tags team=orders --source-identity maya')
    expect(failed).toEqual([])
    expect(steps.at(2)?.message).toMatch(/\bteam\b.*\bmaya\b/)
    expect(steps.at(-1)).toMatchObject(tableStep(TABLE, { outcome: 'ok', allowed: ['GetItem'] }))
    const call = sandbox.calls.find(({ operation }) => operation === 'AssumeRole')
    expect(call).toMatchObject({
      tags: { team: 'orders' },
      sourceIdentity: 'maya',
      input: { policy: expect.stringContaining('dynamodb:GetItem') },
    })
  })

  test('notes that no table was tried if none is named', async () => {
    const { code, steps, note } = await checkJson('check')
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({ subject: { kind: 'tables' }, outcome: 'note' })
    expect(note).toBeUndefined()
    expect(sandbox.calls.filter(({ service }) => service === 'dynamodb')).toEqual([])
  })

  test('takes the ARN of a table', async () => {
    const { failed, steps } = await checkJson(`check --table ${TABLE_ARN} --access GetItem,PutItem`)
    expect(failed).toEqual([])
    expect(steps.at(-1)).toMatchObject(
      tableStep(TABLE_ARN, { outcome: 'ok', allowed: ['GetItem', 'PutItem'] }),
    )
  })

  test('keeps tables apart from the other steps, whatever they are called', async () => {
    permit(['GetItem'], { Resource: '*' })
    const { steps } = await checkJson('check --table session --table role --table tables --access GetItem')
    expect(outcomesOf(steps)).toEqual([
      'credentials: ok',
      'sts: ok',
      'role: ok',
      'session: ok',
      'table session: failed',
      'table role: failed',
      'table tables: failed',
    ])
    expect(steps.filter(isTable).map(({ subject }) => subject)).toEqual([
      { kind: 'table', name: 'session' },
      { kind: 'table', name: 'role' },
      { kind: 'table', name: 'tables' },
    ])
    const { out } = await command('check --table session --access GetItem')
    expect(out).toMatch(/^ok +session: .*\nfailed +table session: /m)
  })

  test('uses colors for outcomes and subjects only', async () => {
    const plain = await command(`${CHECK} --external-id wrong`)
    const colored = await command(`${CHECK} --external-id wrong`, { colors: true })
    expect(colored.out).toContain('\u001b[31mfailed\u001b[39m \u001b[1mrole:\u001b[22m ')
    expect(stripVTControlCharacters(colored.out)).toBe(plain.out)
  })
})

describe('the documents of the policies command satisfy check, and are all needed', () => {
  test.each([
    ['without tags', TABLE, '', '', ''],
    [
      'with tags and a source identity',
      TABLE,
      '--session-tags team=orders,stage=prod --transitive-tag-keys team --source-identity maya',
      '',
      '',
    ],
    [
      'for a tenant',
      ORDERS_TABLE,
      '--session-tags TenantId=acme',
      '--tenant-tag TenantId',
      '--key tenant=acme',
    ],
  ])('%s', async (_title, table, forBoth, forPolicies, forCheck) => {
    const flags = `--table ${table} --access ${[...READS, ...WRITES].filter((action) => forCheck === '' || action !== 'Scan')} ${forBoth}`
    const { code, out } = await command(
      `policies ${flags} ${forPolicies} --execution-role-arn ${EXECUTION_ROLE_ARN} --json`,
    )
    expect(code).toBe(0)
    const { trustPolicy, permissionsPolicy, callerPolicy } = JSON.parse(out)
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [callerPolicy]
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = trustPolicy
    sandbox.getRole(TARGET_ROLE_ARN).policies = [permissionsPolicy]
    const { steps } = await checkJson(`check ${flags} ${forCheck}`)
    expect(steps.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(steps.at(-1)?.subject).toEqual({ kind: 'table', name: table })
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
    expect((await checkJson(`check ${flags} ${forCheck}`)).failed).toMatchObject([
      { subject: { kind: 'role' } },
    ])
  })
})

describe('every action', () => {
  const every = [...READ, ...WRITE]
  const tables = [TABLE, OTHER_TABLE, ORDERS_TABLE]
  const line = `check ${tables.map((table) => `--table ${table}`).join(' ')} --access read-write`

  test('sends one request for each table, and nothing else', async () => {
    permit([], { Action: 'dynamodb:*', Resource: '*' })
    sandbox.clear()
    await checkJson(line)
    const sent = sandbox.calls.filter(({ service }) => service === 'dynamodb')
    expect(sent).toHaveLength(tables.length * every.length)
    expect(new Set(sent.map(({ operation }) => operation))).toEqual(
      new Set([...READS, ...WRITES, 'ExecuteStatement', 'TransactWriteItems']),
    )
  })

  test.each([[''], ['--key id=acme'], ['--key id=unknown'], ['--key tenant=acme']])(
    'is reported by its name if it is denied: %s',
    async (key) => {
      permit(['DescribeTable'], { Resource: '*' })
      const { failed } = await checkJson(`${line} ${key}`)
      const denied = every.filter((action) => key === '' || !/^PartiQL|^Scan$/.test(action))
      expect(failed).toMatchObject(tables.map((table) => tableStep(table, { denied })))
    },
  )

  test.each([[''], ['--key id=acme'], ['--key id=unknown'], ['--key tenant=acme']])(
    'that both engines support is found to be allowed: %s',
    async (key) => {
      permit([], { Action: 'dynamodb:*', Resource: '*' })
      const allowed = [...READS, ...WRITES].filter((action) => key === '' || action !== 'Scan')
      const { steps } = await checkJson(
        `check --table ${TABLE} --table ${ORDERS_TABLE} --access ${[...READS, ...WRITES]} ${key}`,
      )
      expect(steps.filter((step) => isTable(step) && step.outcome === 'ok')).toMatchObject(
        [TABLE, ORDERS_TABLE].map((table) => tableStep(table, { allowed })),
      )
    },
  )

  restrictToEngine('dynamodb-local', 'transactions and PartiQL').test(
    'is found to be allowed, except for statements that only a write could test',
    async () => {
      permit([], { Action: 'dynamodb:*', Resource: '*' })
      const { code, steps } = await checkJson(
        `check --table ${TABLE} --table ${ORDERS_TABLE} --access read-write`,
      )
      expect(code).toBe(0)
      const untestable = every.filter((action) => /^PartiQL(?!Select)/.test(action))
      expect(steps.filter(isTable)).toMatchObject(
        [TABLE, ORDERS_TABLE].flatMap((table) => [
          tableStep(table, {
            outcome: 'ok',
            allowed: every.filter((action) => !untestable.includes(action)),
          }),
          // DynamoDB rejects the two kinds of statements with different messages.
          tableStep(table, { outcome: 'note', unclear: ['PartiQLDelete', 'PartiQLUpdate'] }),
          tableStep(table, { outcome: 'note', unclear: ['PartiQLInsert'] }),
        ]),
      )
    },
  )
})

describe('credentials', () => {
  test('that cannot be found fail, and STS is not called', async () => {
    const {
      AWS_ACCESS_KEY_ID: _,
      AWS_SECRET_ACCESS_KEY: __,
      AWS_SESSION_TOKEN: ___,
      ...without
    } = process.env
    setEnvironment(without as Record<string, string>)
    const { failed, steps } = await checkJson(CHECK)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: { kind: 'credentials' } }])
    expect(failed[0]?.message).toContain('CredentialsProviderError')
    expect(failed[0]?.message).toContain('AWS_ACCESS_KEY_ID')
    expect(failed[0]?.message).toContain('AWS_PROFILE')
    expect(sandbox.calls).toEqual([])
  })

  test('that STS does not accept fail', async () => {
    sandbox.revokeSessions(process.env.AWS_ACCESS_KEY_ID)
    const { failed } = await checkJson(CHECK)
    expect(failed).toMatchObject([{ subject: { kind: 'credentials' } }])
    expect(failed[0]?.message).toContain('InvalidClientTokenId')
  })

  test.each(['', '--json'])(
    'are never written, nor are external IDs and values of tags: %s',
    async (json) => {
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
      const answers = [
        await command(`${CHECK} --session-tags team=secretive ${json}`),
        await command(`${CHECK} --external-id wrong-and-secret --session-tags team=secretive ${json}`),
        await command(`check --table ${OTHER_TABLE} --access read ${json}`),
      ]
      expect(answers.map(({ code }) => code)).toEqual([0, 1, 1])
      expect(new Set(secrets).size).toBeGreaterThanOrEqual(9)
      const written = answers.map(({ out, err }) => out + err).join()
      for (const secret of [...secrets, EXTERNAL_ID, 'wrong-and-secret', 'secretive'])
        expect(written).not.toContain(secret)
    },
  )
})

describe('STS', () => {
  test('fails if it cannot be reached', async () => {
    process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:1'
    const { failed, steps } = await checkJson(CHECK)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: { kind: 'sts' } }])
    expect(failed[0]?.message).toMatch(/^STS_UNAVAILABLE: .*ECONNREFUSED/s)
  })

  test('fails if its endpoint is invalid, without advice about credentials', async () => {
    process.env.AWS_USE_FIPS_ENDPOINT = 'true'
    const { failed, steps } = await checkJson(CHECK)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: { kind: 'sts' } }])
    expect(failed[0]?.message).toMatch(/^ASSUME_ROLE_REJECTED: .*AWS_USE_FIPS_ENDPOINT/s)
    expect(failed[0]?.message).not.toContain('AWS_PROFILE')
  })

  test('fails if it throttles AssumeRole', async () => {
    sandbox.faults.inject({ service: 'sts', operation: 'AssumeRole', kind: 'throttle' })
    const { failed, steps } = await checkJson(CHECK)
    expect(outcomesOf(steps)).toEqual(['credentials: ok', 'sts: ok', 'sts: failed'])
    expect(failed[0]?.message).toMatch(/^STS_THROTTLED/)
  })
})

test.each([
  ['sts', 'AssumeRole', 'AccessDenied'],
  ['sts', 'AssumeRole', 'ValidationError'],
  ['dynamodb', 'GetItem', 'ValidationException'],
  ['dynamodb', 'GetItem', 'AccessDeniedException'],
] as const)(
  'escapes control characters in what %s answers to %s with %s',
  async (service, operation, code) => {
    const message = 'a\u001b[2Kb\r\u009b2J\u202ec\nok     role: fine'
    sandbox.faults.inject({ service, operation, kind: 'status', status: 400, code, message })
    for (const colors of [false, true]) {
      const { out } = await command(`check --table ${TABLE} --access GetItem`, { colors })
      expect(out).toContain('failed')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not be printed
      expect(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.exec(stripVTControlCharacters(out))).toBe(null)
      expect(out).not.toContain('\u001b[2K')
      expect(out).not.toMatch(/^ *ok +role: fine/m)
    }
  },
)

test('an STS that does not report the caller is no finding', async () => {
  sandbox.faults.inject({
    service: 'sts',
    operation: 'GetCallerIdentity',
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
  })
  const { failed, steps } = await checkJson(CHECK)
  expect(failed).toEqual([])
  expect(steps[0]).toMatchObject({ subject: { kind: 'credentials' }, outcome: 'note' })
})

describe('a denied AssumeRole call', () => {
  const denial = async (line = CHECK) => {
    const { failed, steps } = await checkJson(line)
    expect(outcomesOf(steps)).toEqual(['credentials: ok', 'sts: ok', 'role: failed'])
    return { message: failed[0]?.message ?? '', add: failed[0]?.add ?? [] }
  }
  /** The parts of the request without which the role can be assumed. */
  const failingParts = async (line: string): Promise<string[]> =>
    [...(await denial(line)).message.matchAll(/without (.*)\. Only/g)].map(([, part = '']) => part)
  /** Replaces the placeholders of a statement, as the policies command does. */
  const fillIn = (statement: object, values: Readonly<Record<string, string>>): object =>
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
      'because of another external ID',
      () => {
        process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID = 'another-id'
      },
    ],
  ])('%s is explained with the statements of both accounts', async (_title, misconfigure) => {
    misconfigure()
    const { message, add } = await denial()
    expect(message).toContain(`AWS said: AccessDenied: User: ${CALLER}`)
    expect(message).toContain('--execution-role-arn')
    expect(message).not.toMatch(/context\.|externalId|another-id/)
    expect(await failingParts(CHECK)).toEqual([])
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
  })

  test('names --external-id if none is sent', async () => {
    delete process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
    const { message } = await denial()
    expect(message).toContain('--external-id')
    expect(message).not.toContain('externalId')
  })

  test('quotes a role whose name contains names of options unchanged', async () => {
    const role = `arn:aws:iam::${ACCOUNT_B}:role/sessionTags-externalId`
    const { message, add } = await denial(`check --role-arn ${role}`)
    expect(message).toContain(role)
    expect(message).not.toContain('--session-tags')
    expect(add[0]?.statement).toMatchObject({ Resource: role })
    expect((await command(`check --role-arn ${role}`)).out).toContain(`"Resource": "${role}"`)
  })

  test('because of tags or the source identity names what the role can be assumed without', async () => {
    const both = `${CHECK} --session-tags team=orders --source-identity maya`
    allowStsActions(sandbox, [])
    // The trust policy allows neither, so leaving out one of them is not enough.
    expect(await failingParts(both)).toEqual([])
    expect(await failingParts(`${CHECK} --source-identity maya`)).toEqual(['the source identity'])
    allowStsActions(sandbox, ['sts:SetSourceIdentity'])
    expect(await failingParts(both)).toEqual(['the session tag team'])
    expect(await failingParts(both.replace('team=orders', 'team=orders,stage=prod'))).toEqual([
      'the session tags',
    ])
  })

  test('because of one tag of several names that tag', async () => {
    allowStsActions(sandbox, ['sts:TagSession'], 'both', {
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['TenantId', 'team'] },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
    })
    expect(await failingParts(`${CHECK} --session-tags TenantId=acme,team=orders,debug=on`)).toEqual([
      'the session tag debug',
    ])
  })

  test('because of transitive tags says that they are transitive', async () => {
    allowStsActions(sandbox, ['sts:TagSession'], 'both', { Null: { 'sts:TransitiveTagKeys': 'true' } })
    const line = `${CHECK} --session-tags team=orders,stage=prod --transitive-tag-keys team`
    expect(await failingParts(line)).toEqual(['its tags being transitive'])
  })

  test('is explained with the statements of the policies command, conditions on tags included', async () => {
    const flags =
      `--table ${ORDERS_TABLE} --access GetItem --session-tags TenantId=acme,team=orders --tenant-tag TenantId ` +
      `--transitive-tag-keys team --source-identity maya --execution-role-arn ${EXECUTION_ROLE_ARN}`
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy()
    const { message, add } = await denial(`check ${flags} --key tenant=acme`)
    expect(message).not.toContain('--execution-role-arn')
    const { out } = await command(`policies ${flags} --json`)
    const { trustPolicy, callerPolicy } = JSON.parse(out)
    const [caller, trust] = add.map(({ statement }) =>
      fillIn(statement, {
        '<the external ID that the function sends>': EXTERNAL_ID,
        '<the value of team>': 'orders',
      }),
    )
    expect([caller]).toEqual(callerPolicy.Statement)
    expect(trust).toEqual(trustPolicy.Statement)
    // With the statements added, the session is allowed, and sessions with other tags are still denied.
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [createPolicy(...[caller ?? []].flat())]
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(...[trust ?? []].flat())
    expect((await checkJson(`check ${flags} --key tenant=acme`)).steps.at(2)).toMatchObject({ outcome: 'ok' })
    await denial(`check ${flags.replace('team=orders', 'team=others')} --key tenant=acme`)
  })

  test('of a caller that is not the function is explained for the execution role of the function', async () => {
    const named = 'arn:aws:iam::333333333333:role/functions/Orders'
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy()
    const { failed, steps } = await checkJson(`${CHECK} --execution-role-arn ${named}`)
    expect(steps[1]).toMatchObject({
      subject: { kind: 'credentials' },
      outcome: 'note',
      message: expect.stringContaining(named),
    })
    expect(failed[0]?.add).toMatchObject([
      { account: '333333333333', to: expect.stringContaining(named) },
      { account: ACCOUNT_B, statement: { Principal: { AWS: named } } },
    ])
    const { steps: own } = await checkJson(`${CHECK} --execution-role-arn ${EXECUTION_ROLE_ARN}`)
    expect(own.filter(({ subject }) => subject.kind === 'credentials')).toHaveLength(1)
  })

  test('because of tags that the caller passes on is explained with sts:TagSession in both accounts', async () => {
    sandbox.faults.inject({
      service: 'sts',
      operation: 'AssumeRole',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: `User: ${CALLER} is not authorized to perform: sts:TagSession on resource: ${TARGET_ROLE_ARN}`,
    })
    const { add } = await denial()
    expect(add).toMatchObject([
      { account: ACCOUNT_A, statement: [{ Action: 'sts:AssumeRole' }, { Action: 'sts:TagSession' }] },
      { account: ACCOUNT_B, statement: [{ Action: 'sts:AssumeRole' }, { Action: 'sts:TagSession' }] },
    ])
  })
})

test('a session that is longer than the role allows fails', async () => {
  sandbox.getRole(TARGET_ROLE_ARN).maxSessionDuration = 1800
  const { failed, steps } = await checkJson(CHECK)
  expect(outcomesOf(steps)).toEqual(['credentials: ok', 'sts: ok', 'role: failed'])
  expect(failed[0]?.message).toMatch(/^ASSUME_ROLE_REJECTED: .*MaxSessionDuration/s)
  expect(failed[0]?.add).toBeUndefined()
})

test('notes a trust policy that does not require the external ID', async () => {
  allowStsActions(sandbox, [])
  const { failed, steps } = await checkJson('check')
  expect(failed).toEqual([])
  expect(outcomesOf(steps)).toContain('role: note')
})

describe('a table', () => {
  test('that does not exist fails', async () => {
    permit(['GetItem'], { Resource: '*' })
    const { failed } = await checkJson('check --table Nowhere --access GetItem')
    expect(failed).toEqual([
      {
        subject: { kind: 'table', name: 'Nowhere' },
        outcome: 'failed',
        message: expect.stringMatching(new RegExp(`${ACCOUNT_B}.*us-east-1`)),
      },
    ])
  })

  test.each([
    ['reads', WRITES, READS],
    ['writes', READS, WRITES],
  ])(
    'whose %s are denied fails with the statement to add, which is enough',
    async (_title, allowed, denied) => {
      permit(allowed, { Resource: TABLE_ARN })
      const { failed, steps } = await checkJson(CHECK)
      expect(steps).toContainEqual(expect.objectContaining(tableStep(TABLE, { outcome: 'ok', allowed })))
      const statement = {
        Effect: 'Allow',
        Action: denied.map((action) => `dynamodb:${action}`),
        Resource: TABLE_ARN,
      }
      const to = 'the permissions policy of CrossAccountDynamoRole'
      expect(failed).toMatchObject([
        tableStep(TABLE, { outcome: 'failed', denied, add: [{ account: ACCOUNT_B, to, statement }] }),
      ])
      expect((await command(CHECK)).out).toContain(
        `Account ${ACCOUNT_B}: add this to ${to}.\n${JSON.stringify(statement, undefined, 2).replace(/^/gm, '       ')}`,
      )
      sandbox.getRole(TARGET_ROLE_ARN).policies?.push(createPolicy(failed[0]?.add?.[0]?.statement ?? {}))
      expect((await checkJson(CHECK)).failed).toEqual([])
    },
  )

  test('whose actions the session policy does not allow fails without a statement to add', async () => {
    process.env.CROSS_ACCOUNT_DYNAMO_TABLES = TABLE
    process.env.CROSS_ACCOUNT_DYNAMO_ACCESS = READS.join()
    const { failed, steps } = await checkJson(CHECK)
    expect(steps).toContainEqual(expect.objectContaining(tableStep(TABLE, { outcome: 'ok', allowed: READS })))
    expect(failed).toMatchObject([{ denied: WRITES, message: expect.stringMatching(/_TABLES.*_ACCESS/) }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('with an explicit deny fails with the words of AWS and without a statement to add', async () => {
    sandbox
      .getRole(TARGET_ROLE_ARN)
      .policies?.push(createPolicy({ Effect: 'Deny', Action: 'dynamodb:PutItem', Resource: '*' }))
    const { failed } = await checkJson(CHECK)
    expect(failed).toMatchObject([
      {
        denied: ['PutItem'],
        message: expect.stringContaining('with an explicit deny in an identity-based policy'),
      },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('whose KMS key the role may not use fails with the flag that adds it', async () => {
    const message = `User: x is not authorized to perform: kms:Decrypt on resource: y because no identity-based policy allows the kms:Decrypt action`
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'GetItem',
      kind: 'status',
      status: 400,
      code: 'com.amazon.coral.service#AccessDeniedException',
      message,
    })
    const { failed } = await checkJson(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([{ denied: ['GetItem'], message: expect.stringContaining('--kms-key-arn') }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('that cannot be reached fails in one step', async () => {
    process.env.AWS_ENDPOINT_URL_DYNAMODB = 'http://127.0.0.1:1'
    const { failed } = await checkJson(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([
      tableStep(TABLE, {
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
    'that answers %i %s is a finding, because the action may not be allowed',
    async (status, code, message) => {
      sandbox.faults.inject({
        service: 'dynamodb',
        operation: 'GetItem',
        kind: 'status',
        status,
        code,
        message,
      })
      const { failed, steps } = await checkJson(`check --table ${TABLE} --access GetItem`)
      expect(failed).toEqual([steps.at(-1)])
      expect(failed).toEqual([
        tableStep(TABLE, {
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
  ])('notes that only a write could test %s', async (action, message) => {
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'ExecuteStatement',
      kind: 'status',
      status: 400,
      code: 'ValidationException',
      message,
    })
    const { code, steps } = await checkJson(`check --table ${TABLE} --access ${action}`)
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({ outcome: 'note', unclear: [action] })
  })

  test('whose partition key is not a string fails with --key', async () => {
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
    const { failed } = await checkJson(`check --table ${TABLE} --access PutItem --key id=7`)
    expect(failed[0]).toMatchObject({
      message: expect.stringMatching(/\bid\b.*--key.*Type mismatch/),
      unclear: ['PutItem'],
    })
  })

  test('that does not answer one request fails for that action only', async () => {
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Scan', kind: 'reset' })
    const { failed, steps } = await checkJson(`check --table ${TABLE} --access GetItem,Scan`)
    expect(steps.at(-2)).toMatchObject({ outcome: 'ok', allowed: ['GetItem'] })
    expect(failed).toMatchObject([{ unclear: ['Scan'] }])
  })

  test.each([
    ['ConditionalCheckFailed', 'ok'],
    ['ValidationError', 'ok'],
    ['ThrottlingError', 'failed'],
    ['None', 'failed'],
  ])('whose transaction is canceled because of %s: %s', async (Code, outcome) => {
    // The embedded engine does not support transactions, so its answer is replaced.
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
    permit(['ConditionCheckItem'], { Resource: TABLE_ARN })
    const { steps } = await checkJson(`check --table ${TABLE} --access ConditionCheckItem`)
    expect(steps.at(-1)?.outcome).toBe(outcome)
  })

  test.each([
    ['because no VPC endpoint policy allows the dynamodb:GetItem action', `VPC endpoint.*${ACCOUNT_A}`],
    ['with an explicit deny in a VPC endpoint policy', `VPC endpoint.*${ACCOUNT_A}`],
    ['with an explicit deny in a resource-based policy', `resource-based.*${ACCOUNT_B}`],
    ['kms:Decrypt: because no resource-based policy allows the kms:Decrypt action', 'key policy'],
    ['kms:Decrypt: with an explicit deny in a resource-based policy', 'key policy'],
  ])('that is denied %s fails with the policy to change, and its account', async (reason, expected) => {
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'GetItem',
      kind: 'status',
      status: 400,
      code: 'AccessDeniedException',
      message: `User: x is not authorized to perform: dynamodb:GetItem on resource: y ${reason}`,
    })
    const { failed } = await checkJson(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([
      { denied: ['GetItem'], message: expect.stringMatching(new RegExp(expected, 's')) },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })
})

describe('a policy that compares partition keys with a session tag', () => {
  const OWN_KEYS = {
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

  test('allows the key of the tenant, and denies other keys and Scan', async () => {
    permit(actions, { Resource: ORDERS_TABLE_ARN, Condition: OWN_KEYS })
    const { failed, steps } = await checkJson(`${line} --key tenant=acme`)
    expect(failed).toEqual([])
    expect(steps.filter(isTable)).toEqual([
      tableStep(ORDERS_TABLE, { outcome: 'ok', message: expect.anything(), allowed: actions }),
      tableStep(ORDERS_TABLE, { outcome: 'ok', message: expect.stringContaining('Scan') }),
    ])
    expect((await checkJson(`${line} --key tenant=globex`)).failed).toMatchObject([{ denied: actions }])
  })

  test('denies everything without --key, which the advice names instead of a statement', async () => {
    permit(actions, { Resource: ORDERS_TABLE_ARN, Condition: OWN_KEYS })
    const { failed } = await checkJson(line)
    expect(failed).toMatchObject([{ denied: actions, message: expect.stringContaining('--key') }])
    // A statement without the condition would open the items of all tenants.
    expect(failed[0]?.add).toBeUndefined()
    expect((await command(line)).out).not.toContain('"Effect"')
  })

  test('is proposed if the session reaches the keys of other tenants, and confines it', async () => {
    permit([...actions, 'Scan'], { Resource: ORDERS_TABLE_ARN })
    const { failed } = await checkJson(`${line} --key tenant=acme`)
    expect(failed).toMatchObject([
      {
        allowed: [...actions, 'Scan'],
        add: [{ account: ACCOUNT_B, statement: { Condition: OWN_KEYS } }],
      },
    ])
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(failed[0]?.add?.[0]?.statement ?? {})]
    expect((await checkJson(`${line} --key tenant=acme`)).code).toBe(0)
  })

  test('cannot confine Scan, so no statement is proposed for it', async () => {
    permit(actions, { Resource: ORDERS_TABLE_ARN, Condition: OWN_KEYS })
    sandbox
      .getRole(TARGET_ROLE_ARN)
      .policies?.push(createPolicy({ Effect: 'Allow', Action: 'dynamodb:Scan', Resource: ORDERS_TABLE_ARN }))
    const { failed } = await checkJson(`${line} --key tenant=acme`)
    expect(failed).toMatchObject([{ allowed: ['Scan'] }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('is not confirmed if a request for another key has no clear answer', async () => {
    permit(actions, { Resource: ORDERS_TABLE_ARN, Condition: OWN_KEYS })
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Scan', kind: 'throttle' })
    expect((await checkJson(`${line} --key tenant=acme`)).failed).toMatchObject([{ unclear: ['Scan'] }])
  })

  test('is proposed with the tag of --tenant-tag if two tags have the value of the key', async () => {
    permit([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const two = line.replace('TenantId=acme', 'team=acme,TenantId=acme')
    const { failed } = await checkJson(`${two} --key tenant=acme --tenant-tag TenantId`)
    expect(failed[0]?.add?.[0]?.statement).toMatchObject({ Condition: OWN_KEYS })
  })

  test('is proposed for actions that name keys, and the others are not tried', async () => {
    permit([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const { failed, steps } = await checkJson(`${line},Scan --key tenant=acme`)
    expect(steps.at(-1)).toMatchObject(
      tableStep(ORDERS_TABLE, { outcome: 'note', message: expect.stringContaining('Scan') }),
    )
    const statement = failed[0]?.add?.[0]?.statement
    expect(statement).toMatchObject({
      Action: actions.map((action) => `dynamodb:${action}`),
      Condition: OWN_KEYS,
    })
    sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(statement ?? {})]
    expect((await checkJson(`${line} --key tenant=acme`)).code).toBe(0)
    expect((await checkJson(`${line} --key tenant=globex`)).code).toBe(1)
    // If no tag has the value of --key, the statement allows that key only.
    permit([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const { failed: untagged } = await checkJson(
      `check --table ${ORDERS_TABLE} --access GetItem --key tenant=acme`,
    )
    expect(untagged[0]?.add?.[0]?.statement).toMatchObject({
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'acme' } },
    })
  })
})

test('prints no session token that DynamoDB or a proxy repeats', async () => {
  const token = `IQoJb3JpZ2luX2VjE${'x7Qz'.repeat(20)}`
  sandbox.faults.inject({
    service: 'dynamodb',
    kind: 'status',
    status: 400,
    code: 'InvalidSignatureException',
    message: `The canonical request should have been POST / x-amz-security-token:${token}`,
  })
  for (const json of ['', ' --json']) {
    const { code, out } = await command(`check --table ${TABLE} --access GetItem${json}`)
    expect(code).toBe(1)
    expect(out).toContain('InvalidSignatureException')
    expect(out).not.toContain('x7Qz')
  }
})
