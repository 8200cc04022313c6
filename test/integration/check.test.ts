/** `check` on accounts where things are right, and wrong in each way: what it says, and that it changes nothing. */
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { Step } from '../../src/cli/report.ts'
import { READ, WRITE } from '../../src/policies/actions.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { onlyOn } from '../sandbox/only-on.ts'
import { allow, policy, statement } from '../sandbox/policies.ts'
import { ORDERS, ORDERS_ARN, tenants } from '../sandbox/tenants.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
} from '../sandbox/textbook.ts'
import { command } from '../unit/cli/command-line.ts'
import { FUNCTION_NAME, functionVariables, setEnvironment } from './lambda.ts'

const TABLE_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
const CALLER = `arn:aws:sts::${ACCOUNT_A}:assumed-role/LambdaExecutionRole/${FUNCTION_NAME}`
/** What both engines know; transactions and PartiQL are for DynamoDB Local. */
const READS = ['BatchGetItem', 'GetItem', 'Query', 'Scan']
const WRITES = ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem']
const ASK = `check --table ${TABLE} --access ${[...READS, ...WRITES]}`

/** Items of each kind of key, so that a request that reached one would be seen. */
const ITEMS: Record<string, Record<string, { S: string }>[]> = {
  [TABLE]: [{ id: { S: 'acme' }, name: { S: 'one' } }, { id: { S: '2' } }],
  [OTHER_TABLE]: [{ id: { S: 'acme' } }],
  [ORDERS]: [{ tenant: { S: 'acme' }, order: { S: '1' } }],
}

let sandbox: Sandbox
let before: Record<string, string>

const contents = async (): Promise<Record<string, string>> => {
  const { engine } = sandbox.account(ACCOUNT_B)
  const scans = Object.keys(ITEMS).map(async (TableName) => {
    const { Items } = JSON.parse((await engine.send('Scan', { TableName })).body)
    return [
      TableName,
      JSON.stringify(Items.map((item: object) => JSON.stringify(Object.entries(item).sort())).sort()),
    ]
  })
  return Object.fromEntries(await Promise.all(scans))
}

/** What `check` found, told to a machine. */
const examine = async (line: string) => {
  const { code, out, err } = await command(`${line} --json`)
  expect(err).toBe('')
  const { ok, steps, note }: { ok: boolean; steps: Step[]; note?: string } = JSON.parse(out)
  expect(code).toBe(ok ? 0 : 1)
  return { code, note, steps, failed: steps.filter(({ outcome }) => outcome === 'failed') }
}
const permit = (actions: readonly string[], rest: object) => {
  sandbox.role(TARGET_ROLE_ARN).policies = [
    policy(
      statement(
        actions.map((action) => `dynamodb:${action}`),
        rest,
      ),
    ),
  ]
}

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: tenants() })
  for (const [table, items] of Object.entries(ITEMS)) await sandbox.account(ACCOUNT_B).seed(table, items)
  before = await contents()
  expect(Object.values(before).join()).toContain('acme')
  setEnvironment({ ...functionVariables(sandbox), AWS_EC2_METADATA_DISABLED: 'true' })
  // The SDK multiplies the delay before a retry by a random number.
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(async () => {
  jest.restoreAllMocks()
  // Whatever a test had it try.
  const after = await contents()
  await sandbox.close()
  expect(after).toEqual(before)
})

describe('where all is well', () => {
  test('it says so step by step, and ends with 0', async () => {
    setEnvironment({
      ...(process.env as Record<string, string>),
      CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=secretive',
    })
    const { code, out, err } = await command(ASK)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')).toEqual([
      `ok     credentials: those of ${CALLER}`,
      'ok     STS: answers in us-east-1',
      `ok     role: ${TARGET_ROLE_ARN} assumed with session name ${FUNCTION_NAME}, an external ID, session tags team`,
      'ok     session: lives for 60 minutes, and is refreshed 15 minutes before its end',
      `ok     ${TABLE}: allowed: ${[...READS, ...WRITES].join(', ')}`,
      'Tables were tried with a key that fits none, under a condition that cannot hold: nothing was changed.',
      '',
    ])
  })

  test('it accepts what the trust policy accepts, and tries what the variables narrow the session to', async () => {
    allow(sandbox, ['sts:TagSession', 'sts:SetSourceIdentity'])
    setEnvironment({
      ...(process.env as Record<string, string>),
      CROSS_ACCOUNT_DYNAMO_TABLES: TABLE,
      CROSS_ACCOUNT_DYNAMO_ACCESS: 'GetItem',
    })
    const { failed, steps } = await examine(`check --session-tags team=orders --source-identity maya`)
    expect(failed).toEqual([])
    expect(steps.at(2)?.message).toContain('session tags team, source identity maya, a session policy')
    expect(steps.at(-1)).toEqual({
      subject: TABLE,
      outcome: 'ok',
      message: 'allowed: GetItem',
      allowed: ['GetItem'],
    })
  })

  test('without a table, it says that none was tried', async () => {
    const { code, steps, note } = await examine('check')
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({ subject: 'tables', outcome: 'note' })
    expect(note).toBeUndefined()
    expect(sandbox.calls.filter(({ service }) => service === 'dynamodb')).toEqual([])
  })

  test('a table may be named by its ARN', async () => {
    const { failed, steps } = await examine(`check --table ${TABLE_ARN} --access GetItem,PutItem`)
    expect(failed).toEqual([])
    expect(steps.at(-1)).toEqual({
      subject: TABLE_ARN,
      outcome: 'ok',
      message: 'allowed: GetItem, PutItem',
      allowed: ['GetItem', 'PutItem'],
    })
  })

  test('colours are for outcomes only', async () => {
    const plain = await command(`${ASK} --external-id wrong`)
    const coloured = await command(`${ASK} --external-id wrong`, { colours: true })
    expect(coloured.out).toContain('\u001b[31mfailed\u001b[39m \u001b[1mrole:\u001b[22m ASSUME_ROLE_DENIED')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
    const bare = coloured.out.replace(/\u001b\[\d+m/g, '')
    const withoutId = (text: string) => text.replace(/request [\w-]+/, '')
    expect(withoutId(bare)).toBe(withoutId(plain.out))
  })
})

describe('what `policies` writes is all that `check` wants', () => {
  test.each([
    ['plain', TABLE, '', '', ''],
    [
      'tags',
      TABLE,
      '--session-tags team=orders,stage=prod --transitive-tag-keys team --source-identity maya',
      '',
      '',
    ],
    ['a tenant', ORDERS, '--session-tags TenantId=acme', '--tenant-tag TenantId', '--key tenant=acme'],
  ])('%s', async (_title, table, both, forPolicies, forCheck) => {
    const asked = `--table ${table} --access ${[...READS, ...WRITES].filter((action) => forCheck === '' || action !== 'Scan')} ${both}`
    const { code, out } = await command(
      `policies ${asked} ${forPolicies} --execution-role-arn ${EXECUTION_ROLE_ARN} --json`,
    )
    expect(code).toBe(0)
    const { trustPolicy, permissionsPolicy, callerPolicy } = JSON.parse(out)
    sandbox.role(EXECUTION_ROLE_ARN).policies = [callerPolicy]
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = trustPolicy
    sandbox.role(TARGET_ROLE_ARN).policies = [permissionsPolicy]
    const { steps } = await examine(`check ${asked} ${forCheck}`)
    expect(steps.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
    expect(steps.at(-1)?.subject).toBe(table)
    // And it is all needed.
    sandbox.role(EXECUTION_ROLE_ARN).policies = []
    expect((await examine(`check ${asked} ${forCheck}`)).failed).toMatchObject([{ subject: 'role' }])
  })
})

describe('every action', () => {
  const every = [...READ, ...WRITE]
  const tables = [TABLE, OTHER_TABLE, ORDERS]
  const ask = `check ${tables.map((table) => `--table ${table}`).join(' ')} --access read-write`

  test('is asked of IAM once for each table, and nothing else is sent', async () => {
    permit([], { Action: 'dynamodb:*', Resource: '*' })
    sandbox.clear()
    await examine(ask)
    const asked = sandbox.calls.filter(({ service }) => service === 'dynamodb')
    expect(asked).toHaveLength(tables.length * every.length)
    expect(new Set(asked.map(({ operation }) => operation))).toEqual(
      new Set([...READS, ...WRITES, 'ExecuteStatement', 'TransactWriteItems']),
    )
  })

  test.each([[''], ['--key id=acme'], ['--key id=nobody'], ['--key tenant=acme']])(
    'is denied by its own name: %s',
    async (key) => {
      permit(['DescribeTable'], { Resource: '*' })
      const { failed } = await examine(`${ask} ${key}`)
      const withKeys = every.filter((action) => key === '' || !/^PartiQL|^Scan$/.test(action))
      expect(failed.map(({ subject }) => subject)).toEqual(tables)
      for (const { message } of failed) expect(message).toBe(`denied: ${withKeys.join(', ')}`)
    },
  )

  test.each([[''], ['--key id=acme'], ['--key id=nobody'], ['--key tenant=acme']])(
    'of those that both engines know is seen to be allowed: %s',
    async (key) => {
      permit([], { Action: 'dynamodb:*', Resource: '*' })
      const known = [...READS, ...WRITES].filter((action) => key === '' || action !== 'Scan')
      const { steps } = await examine(
        `check --table ${TABLE} --table ${ORDERS} --access ${[...READS, ...WRITES]} ${key}`,
      )
      const allowed = steps.filter(({ message }) => message.startsWith('allowed: '))
      expect(allowed.map(({ subject, message }) => `${subject} ${message}`)).toEqual(
        [TABLE, ORDERS].map((table) => `${table} allowed: ${known.join(', ')}`),
      )
    },
  )

  onlyOn('dynamodb-local', 'transactions and PartiQL').test(
    'is seen to be allowed, but for the statements that only a write could tell of',
    async () => {
      permit([], { Action: 'dynamodb:*', Resource: '*' })
      const { code, steps } = await examine(`check --table ${TABLE} --table ${ORDERS} --access read-write`)
      expect(code).toBe(0)
      const untold = every.filter((action) => /^PartiQL(?!Select)/.test(action))
      const tried = steps.filter(({ subject }) => subject === TABLE || subject === ORDERS)
      expect(tried.map(({ outcome, message }) => `${outcome} ${message.split(' (')[0]}`)).toEqual(
        [TABLE, ORDERS].flatMap(() => [
          `ok allowed: ${every.filter((action) => !untold.includes(action)).join(', ')}`,
          // In two sorts of words.
          'note cannot be told: PartiQLDelete, PartiQLUpdate',
          'note cannot be told: PartiQLInsert',
        ]),
      )
    },
  )
})

describe('credentials', () => {
  test('that are not there', async () => {
    const {
      AWS_ACCESS_KEY_ID: _,
      AWS_SECRET_ACCESS_KEY: __,
      AWS_SESSION_TOKEN: ___,
      ...without
    } = process.env
    setEnvironment(without as Record<string, string>)
    const { failed, steps } = await examine(ASK)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: 'credentials' }])
    expect(failed[0]?.message).toContain(
      'CredentialsProviderError: Could not load credentials from any providers',
    )
    expect(failed[0]?.message).toContain('AWS_ACCESS_KEY_ID')
    expect(failed[0]?.message).toContain('AWS_PROFILE')
    expect(sandbox.calls).toEqual([])
  })

  test('that have ended', async () => {
    sandbox.revoke(process.env.AWS_ACCESS_KEY_ID)
    const { failed } = await examine(ASK)
    expect(failed).toMatchObject([{ subject: 'credentials' }])
    expect(failed[0]?.message).toContain('InvalidClientTokenId')
  })

  test.each(['', '--json'])('of nobody are written: %s', async (json) => {
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
        for (const [, secret = ''] of xml.matchAll(/<(?:AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)</g))
          secrets.push(secret)
        return xml
      },
    })
    const answers = [
      await command(`${ASK} --session-tags team=secretive ${json}`),
      await command(`${ASK} --external-id wrong-and-secret --session-tags team=secretive ${json}`),
      await command(`check --table ${OTHER_TABLE} --access read ${json}`),
    ]
    expect(answers.map(({ code }) => code)).toEqual([0, 1, 1])
    expect(new Set(secrets).size).toBeGreaterThanOrEqual(9)
    const written = answers.map(({ out, err }) => out + err).join()
    for (const secret of [...secrets, EXTERNAL_ID, 'wrong-and-secret', 'secretive'])
      expect(written).not.toContain(secret)
  })
})

describe('STS', () => {
  test('that cannot be reached', async () => {
    process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:1'
    const { failed, steps } = await examine(ASK)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: 'STS' }])
    expect(failed[0]?.message).toMatch(/^STS_UNAVAILABLE: .*ECONNREFUSED.*interface endpoint for sts/s)
  })

  test('whose endpoint is configured wrong: nobody has to sign in', async () => {
    process.env.AWS_USE_FIPS_ENDPOINT = 'true'
    const { failed, steps } = await examine(ASK)
    expect(steps).toEqual(failed)
    expect(failed).toMatchObject([{ subject: 'STS' }])
    expect(failed[0]?.message).toMatch(/^ASSUME_ROLE_REJECTED: .*AWS_USE_FIPS_ENDPOINT/s)
    expect(failed[0]?.message).not.toContain('sign in')
  })

  test('that fails after it answered', async () => {
    sandbox.faults.inject({ service: 'sts', operation: 'AssumeRole', kind: 'throttle' })
    const { failed, steps } = await examine(ASK)
    expect(steps.map(({ subject, outcome }) => `${subject} ${outcome}`)).toEqual([
      'credentials ok',
      'STS ok',
      'STS failed',
    ])
    expect(failed[0]?.message).toMatch(/^STS_THROTTLED/)
  })
})

test.each([
  ['sts', 'AssumeRole', 'AccessDenied'],
  ['sts', 'AssumeRole', 'ValidationError'],
  ['dynamodb', 'GetItem', 'ValidationException'],
  ['dynamodb', 'GetItem', 'AccessDeniedException'],
] as const)(
  'what %s answers to %s with %s is printed without control characters',
  async (service, operation, code) => {
    const message = 'a\u001b[2Kb\r\u009b2J\u202ec\nok     role: fine'
    sandbox.faults.inject({ service, operation, kind: 'status', status: 400, code, message })
    for (const colours of [false, true]) {
      const { out } = await command(`check --table ${TABLE} --access GetItem`, { colours })
      expect(out).toContain('failed')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be printed
      expect(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.exec(stripVTControlCharacters(out))).toBe(null)
      expect(out).not.toContain('\u001b[2K')
      expect(out).not.toMatch(/^ *ok +role: fine/m)
    }
  },
)

test('an STS that says nobody whose credentials they are is no finding', async () => {
  sandbox.faults.inject({
    service: 'sts',
    operation: 'GetCallerIdentity',
    kind: 'status',
    status: 403,
    code: 'AccessDenied',
  })
  const { failed, steps } = await examine(ASK)
  expect(failed).toEqual([])
  expect(steps[0]).toMatchObject({ subject: 'credentials', outcome: 'note' })
})

describe('the role is refused', () => {
  const refused = async (line = ASK) => {
    const { failed, steps } = await examine(line)
    expect(steps.map(({ subject, outcome }) => `${subject} ${outcome}`)).toEqual([
      'credentials ok',
      'STS ok',
      'role failed',
    ])
    return { message: failed[0]?.message ?? '', add: failed[0]?.add ?? [] }
  }
  const refusal = async (line = ASK) => (await refused(line)).message
  /** With what is not shown filled in, as `policies` does it. */
  const filledIn = (statement: object, values: Readonly<Record<string, string>>): object =>
    JSON.parse(
      Object.entries(values).reduce(
        (text, [what, value]) => text.replaceAll(what, value),
        JSON.stringify(statement),
      ),
    )

  test.each([
    [
      'account A',
      () => {
        sandbox.role(EXECUTION_ROLE_ARN).policies = []
      },
    ],
    [
      'account B',
      () => {
        sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy()
      },
    ],
    [
      'account B, since the external ID is another',
      () => {
        process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID = 'another-id'
      },
    ],
  ])('by %s: both statements are shown, since AWS does not say whose it is', async (_title, spoil) => {
    spoil()
    const { message, add } = await refused()
    expect(message).toMatch(/^ASSUME_ROLE_DENIED: .*AWS does not say which account refused sts:AssumeRole/s)
    expect(message).toContain(`let ${CALLER} assume ${TARGET_ROLE_ARN}.`)
    expect(message).toContain('the two must be equal to the letter')
    expect(message).toContain('This names whoever ran check')
    expect(message).not.toMatch(/can be assumed without|this function|context\.|externalId/)
    expect(add).toEqual([
      {
        account: ACCOUNT_A,
        to: `a policy of ${EXECUTION_ROLE_ARN}`,
        statement: {
          Sid: 'AssumeTargetRole',
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Resource: TARGET_ROLE_ARN,
        },
      },
      {
        account: ACCOUNT_B,
        to: 'the trust policy of CrossAccountDynamoRole, which must exist',
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

  test('for its tags, which is found out by leaving them out', async () => {
    allow(sandbox, [])
    const message = await refusal(`${ASK} --session-tags team=orders --source-identity maya`)
    // With either, the other is still refused.
    expect(message).not.toContain('can be assumed without')
    allow(sandbox, ['sts:SetSourceIdentity'])
    expect(await refusal(`${ASK} --session-tags team=orders --source-identity maya`)).toContain(
      'The role can be assumed without the session tag team: only that is refused.',
    )
    expect(await refusal(`${ASK} --session-tags team=orders,stage=prod --source-identity maya`)).toContain(
      'The role can be assumed without the session tags: only that is refused.',
    )
  })

  test('for one tag of several, which is named', async () => {
    allow(sandbox, ['sts:TagSession'], 'both', {
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['TenantId', 'team'] },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
    })
    const message = await refusal(`${ASK} --session-tags TenantId=acme,team=orders,debug=on`)
    expect(message.match(/can be assumed without .*/g)).toEqual([
      'can be assumed without the session tag debug: only that is refused.',
    ])
  })

  test('for tags that are transitive', async () => {
    allow(sandbox, ['sts:TagSession'], 'both', { Null: { 'sts:TransitiveTagKeys': 'true' } })
    const message = await refusal(`${ASK} --session-tags team=orders,stage=prod --transitive-tag-keys team`)
    expect(message.match(/can be assumed without .*/g)).toEqual([
      'can be assumed without its tags being transitive: only that is refused.',
    ])
  })

  test('and what it says to add is what `policies` writes, conditions on tags included', async () => {
    const asked =
      `--table ${ORDERS} --access GetItem --session-tags TenantId=acme,team=orders --tenant-tag TenantId ` +
      `--transitive-tag-keys team --source-identity maya --execution-role-arn ${EXECUTION_ROLE_ARN}`
    sandbox.role(EXECUTION_ROLE_ARN).policies = []
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy()
    const { message, add } = await refused(`check ${asked} --key tenant=acme`)
    expect(message).not.toContain('This names whoever ran check')
    const { out } = await command(`policies ${asked} --json`)
    const { trustPolicy, callerPolicy } = JSON.parse(out)
    const [caller, trust] = add.map(({ statement }) =>
      filledIn(statement, {
        '<the external ID that the function sends>': EXTERNAL_ID,
        '<the value of team>': 'orders',
      }),
    )
    expect([caller]).toEqual(callerPolicy.Statement)
    expect(trust).toEqual(trustPolicy.Statement)
    // The tags of others are still refused.
    sandbox.role(EXECUTION_ROLE_ARN).policies = [policy(...[caller ?? []].flat())]
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy(...[trust ?? []].flat())
    expect((await examine(`check ${asked} --key tenant=acme`)).steps.at(2)).toMatchObject({ outcome: 'ok' })
    expect(await refusal(`check ${asked.replace('team=orders', 'team=others')} --key tenant=acme`)).toContain(
      'ASSUME_ROLE_DENIED',
    )
  })

  test('to somebody else than the function: the statements are for the function', async () => {
    const named = 'arn:aws:iam::333333333333:role/functions/Orders'
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy()
    const { failed, steps } = await examine(`${ASK} --execution-role-arn ${named}`)
    expect(steps[1]).toMatchObject({
      subject: 'credentials',
      outcome: 'note',
      message: expect.stringContaining(`not those of ${named}`),
    })
    expect(failed[0]?.add).toMatchObject([
      { account: '333333333333', to: `a policy of ${named}` },
      { account: ACCOUNT_B, statement: { Principal: { AWS: named } } },
    ])
    const { steps: own } = await examine(`${ASK} --execution-role-arn ${EXECUTION_ROLE_ARN}`)
    expect(own.filter(({ subject }) => subject === 'credentials')).toHaveLength(1)
  })

  test('for tags that the caller hands down: the error knows them', async () => {
    sandbox.faults.inject({
      service: 'sts',
      operation: 'AssumeRole',
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      message: `User: ${CALLER} is not authorized to perform: sts:TagSession on resource: ${TARGET_ROLE_ARN}`,
    })
    const { message, add } = await refused()
    expect(add).toEqual([])
    expect(message).toMatch(/^- Account 222222222222.*"sts:TagSession"/ms)
  })

  test('for its source identity', async () => {
    expect(await refusal(`${ASK} --source-identity maya`)).toContain(
      'The role can be assumed without the source identity: only that is refused.',
    )
  })

  test('for a session that is too long', async () => {
    sandbox.role(TARGET_ROLE_ARN).maxSessionDuration = 1800
    expect(await refusal()).toMatch(/^ASSUME_ROLE_REJECTED: .*MaxSessionDuration/s)
  })
})

test('a trust policy that asks for no external ID is noted', async () => {
  allow(sandbox, [])
  const { failed, steps } = await examine('check')
  expect(failed).toEqual([])
  expect(steps.find(({ outcome }) => outcome === 'note')).toMatchObject({
    subject: 'role',
    message: expect.stringContaining('without the external ID, too'),
  })
})

describe('a table', () => {
  test('that is not there', async () => {
    permit(['GetItem'], { Resource: '*' })
    const { failed } = await examine('check --table Nowhere --access GetItem')
    expect(failed).toEqual([
      {
        subject: 'Nowhere',
        outcome: 'failed',
        message: `there is no such table in account ${ACCOUNT_B} in us-east-1`,
      },
    ])
  })

  test.each([
    ['reads', WRITES, READS],
    ['writes', READS, WRITES],
  ])(
    'whose %s are denied: the statement to add, after which all is well',
    async (_title, allowed, denied) => {
      permit(allowed, { Resource: TABLE_ARN })
      const { failed, steps } = await examine(ASK)
      expect(steps).toContainEqual({
        subject: TABLE,
        outcome: 'ok',
        message: `allowed: ${allowed.join(', ')}`,
        allowed,
      })
      expect(failed).toEqual([
        {
          subject: TABLE,
          outcome: 'failed',
          message: `denied: ${denied.join(', ')}`,
          denied,
          add: [
            {
              account: ACCOUNT_B,
              to: 'the permissions policy of CrossAccountDynamoRole',
              statement: {
                Effect: 'Allow',
                Action: denied.map((action) => `dynamodb:${action}`),
                Resource: TABLE_ARN,
              },
            },
          ],
        },
      ])
      sandbox.role(TARGET_ROLE_ARN).policies?.push(policy(failed[0]?.add?.[0]?.statement ?? {}))
      expect((await examine(ASK)).code).toBe(0)
      const { out } = await command(ASK)
      expect(out).not.toContain('failed')
    },
  )

  test('that only the session policy leaves out', async () => {
    setEnvironment({
      ...(process.env as Record<string, string>),
      CROSS_ACCOUNT_DYNAMO_TABLES: TABLE,
      CROSS_ACCOUNT_DYNAMO_ACCESS: READS.join(),
    })
    const { failed, steps } = await examine(ASK)
    expect(steps).toContainEqual({
      subject: TABLE,
      outcome: 'ok',
      message: `allowed: ${READS.join(', ')}`,
      allowed: READS,
    })
    expect(failed).toMatchObject([
      { message: expect.stringMatching(/^denied: BatchWriteItem.*\nIt is the session policy/) },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('that is denied in so many words, or by the organisation', async () => {
    sandbox
      .role(TARGET_ROLE_ARN)
      .policies?.push(policy({ Effect: 'Deny', Action: 'dynamodb:PutItem', Resource: '*' }))
    const { failed } = await examine(ASK)
    expect(failed).toMatchObject([
      {
        message: expect.stringContaining(
          'denied: PutItem\nAWS says: with an explicit deny in an identity-based policy',
        ),
      },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('whose key is refused', async () => {
    const message = `User: x is not authorized to perform: kms:Decrypt on resource: y because no identity-based policy allows the kms:Decrypt action`
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'GetItem',
      kind: 'status',
      status: 400,
      code: 'com.amazon.coral.service#AccessDeniedException',
      message,
    })
    const { failed } = await examine(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([{ message: expect.stringContaining('`policies --kms-key-arn`') }])
  })

  test('that does not answer', async () => {
    process.env.AWS_ENDPOINT_URL_DYNAMODB = 'http://127.0.0.1:1'
    const { failed } = await examine(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([
      {
        subject: TABLE,
        message: expect.stringMatching(/^DynamoDB could not be reached in us-east-1: .*gateway endpoint/s),
      },
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
    [400, 'ValidationException', 'Something that nobody knew'],
    [500, 'InternalServerError', 'Internal'],
  ])(
    'that answers %i %s: nothing is known to be allowed, so that is a finding',
    async (status, code, message) => {
      sandbox.faults.inject({
        service: 'dynamodb',
        operation: 'GetItem',
        kind: 'status',
        status,
        code,
        message,
      })
      const { failed, steps } = await examine(`check --table ${TABLE} --access GetItem`)
      expect(failed).toEqual([steps.at(-1)])
      expect(failed).toEqual([
        {
          subject: TABLE,
          outcome: 'failed',
          message: `cannot be told: GetItem (${code}: ${message})`,
          unclear: ['GetItem'],
        },
      ])
    },
  )

  test.each([
    ['PartiQLInsert', 'One or more parameter values were invalid: Missing the key id in the item'],
    ['PartiQLUpdate', 'Where clause does not contain a mandatory equality on all key attributes'],
    ['PartiQLDelete', 'Where clause does not contain a mandatory equality on all key attributes'],
  ])('of which only a write could tell %s: a note', async (action, message) => {
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'ExecuteStatement',
      kind: 'status',
      status: 400,
      code: 'ValidationException',
      message,
    })
    const { code, steps } = await examine(`check --table ${TABLE} --access ${action}`)
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({ outcome: 'note', unclear: [action] })
  })

  test('whose partition key is no text', async () => {
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
    const { failed } = await examine(`check --table ${TABLE} --access PutItem --key id=7`)
    expect(failed[0]).toMatchObject({
      message: `its partition key id is no string, as --key has it: PutItem (${message})`,
      unclear: ['PutItem'],
    })
  })

  test('that leaves one request without an answer: the others are still told', async () => {
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Scan', kind: 'reset' })
    const { failed, steps } = await examine(`check --table ${TABLE} --access GetItem,Scan`)
    expect(steps.at(-2)).toMatchObject({ outcome: 'ok', allowed: ['GetItem'] })
    expect(failed).toMatchObject([
      { unclear: ['Scan'], message: expect.stringContaining('cannot be told: Scan') },
    ])
  })

  test.each([
    ['ConditionalCheckFailed', 'ok'],
    ['ValidationError', 'ok'],
    ['ThrottlingError', 'failed'],
    ['None', 'failed'],
  ])('whose transaction is cancelled by %s: %s', async (Code, outcome) => {
    // The engine may know no transactions: what it says is put in its place.
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
    const { steps } = await examine(`check --table ${TABLE} --access ConditionCheckItem`)
    expect(steps.at(-1)?.outcome).toBe(outcome)
  })

  test.each([
    [
      'because no VPC endpoint policy allows the dynamodb:GetItem action',
      new RegExp(`VPC endpoint for dynamodb .*caller's account, ${ACCOUNT_A}`),
    ],
    ['with an explicit deny in a VPC endpoint policy', new RegExp(`caller's account, ${ACCOUNT_A}`)],
    ['with an explicit deny in a resource-based policy', new RegExp(`in account ${ACCOUNT_B}`)],
    ['kms:Decrypt: because no resource-based policy allows the kms:Decrypt action', /its key policy/],
    ['kms:Decrypt: with an explicit deny in a resource-based policy', /its key policy/],
  ])('that is refused %s: whose that is', async (reason, words) => {
    sandbox.faults.inject({
      service: 'dynamodb',
      operation: 'GetItem',
      kind: 'status',
      status: 400,
      code: 'AccessDeniedException',
      message: `User: x is not authorized to perform: dynamodb:GetItem on resource: y ${reason}`,
    })
    const { failed } = await examine(`check --table ${TABLE} --access GetItem`)
    expect(failed).toMatchObject([{ denied: ['GetItem'], message: expect.stringMatching(words) }])
    expect(failed[0]?.add).toBeUndefined()
  })
})

describe('keys that are compared with a tag', () => {
  const OWN = {
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
  const ask = `check --session-tags TenantId=acme --table ${ORDERS} --access ${actions}`

  test("are tried with the tenant's, and only that is allowed", async () => {
    permit(actions, { Resource: ORDERS_ARN, Condition: OWN })
    const { failed, steps } = await examine(`${ask} --key tenant=acme`)
    expect(failed).toEqual([])
    expect(steps.slice(-2)).toEqual([
      { subject: ORDERS, outcome: 'ok', message: `allowed: ${actions.join(', ')}`, allowed: actions },
      { subject: ORDERS, outcome: 'ok', message: 'other keys are refused, and so is Scan' },
    ])
    expect((await examine(`${ask} --key tenant=globex`)).failed).toMatchObject([
      { message: `denied: ${actions.join(', ')}` },
    ])
  })

  test('are denied without, and it says how to say them', async () => {
    permit(actions, { Resource: ORDERS_ARN, Condition: OWN })
    const { failed } = await examine(ask)
    expect(failed).toMatchObject([{ message: expect.stringContaining('--key <name>=<value>') }])
    // A statement without the condition would open the items of all tenants.
    expect(failed[0]?.add).toBeUndefined()
    expect((await command(ask)).out).not.toContain('"Effect"')
  })

  test('and are not: the keys of others are reached, and what to write instead keeps them apart', async () => {
    permit([...actions, 'Scan'], { Resource: ORDERS_ARN })
    const { failed } = await examine(`${ask} --key tenant=acme`)
    expect(failed).toMatchObject([
      {
        message: expect.stringMatching(
          new RegExp(
            `^the session reaches other tenants' keys: ${actions.join(', ')}, Scan\nScan names no key`,
          ),
        ),
        allowed: [...actions, 'Scan'],
        add: [{ account: ACCOUNT_B, to: expect.stringContaining('in the place of what allows it now') }],
      },
    ])
    sandbox.role(TARGET_ROLE_ARN).policies = [policy(failed[0]?.add?.[0]?.statement ?? {})]
    expect((await examine(`${ask} --key tenant=acme`)).code).toBe(0)
  })

  test('but a Scan compares none', async () => {
    permit(actions, { Resource: ORDERS_ARN, Condition: OWN })
    sandbox
      .role(TARGET_ROLE_ARN)
      .policies?.push(policy({ Effect: 'Allow', Action: 'dynamodb:Scan', Resource: ORDERS_ARN }))
    const { failed } = await examine(`${ask} --key tenant=acme`)
    expect(failed).toMatchObject([{ allowed: ['Scan'] }])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('with others, of which it cannot be told, are no good sign', async () => {
    permit(actions, { Resource: ORDERS_ARN, Condition: OWN })
    sandbox.faults.inject({ service: 'dynamodb', operation: 'Scan', kind: 'throttle' })
    expect((await examine(`${ask} --key tenant=acme`)).failed).toMatchObject([{ unclear: ['Scan'] }])
  })

  test('of two tags with one value, the one that is named is compared', async () => {
    permit([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const two = ask.replace('TenantId=acme', 'team=acme,TenantId=acme')
    const { failed } = await examine(`${two} --key tenant=acme --tenant-tag TenantId`)
    expect(failed[0]?.add?.[0]?.statement).toMatchObject({ Condition: OWN })
  })

  test('what may name no key is not tried, and the statement to add compares the key', async () => {
    permit([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const { failed, steps } = await examine(`${ask},Scan --key tenant=acme`)
    expect(steps.at(-1)).toMatchObject({
      outcome: 'note',
      message: expect.stringContaining('may name no key'),
    })
    const given = failed[0]?.add?.[0]?.statement
    expect(given).toMatchObject({ Action: actions.map((action) => `dynamodb:${action}`), Condition: OWN })
    sandbox.role(TARGET_ROLE_ARN).policies = [policy(given ?? {})]
    expect((await examine(`${ask} --key tenant=acme`)).code).toBe(0)
    expect((await examine(`${ask} --key tenant=globex`)).code).toBe(1)
    // Where no tag has that value, the statement is for this one key.
    permit([], { Action: 'dynamodb:DescribeTable', Resource: '*' })
    const { failed: untagged } = await examine(`check --table ${ORDERS} --access GetItem --key tenant=acme`)
    expect(untagged[0]?.add?.[0]?.statement).toMatchObject({
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'acme' } },
    })
  })
})
