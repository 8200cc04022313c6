/** Tests that `check` tries the indexes of a table, and what it says about denied actions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { adviseOnNetwork } from '../../src/cli/table-advice.ts'
import { listActionNames } from '../../src/iam/actions.ts'
import { redact } from '../../src/redact.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, allowStsActions, createPolicy } from '../sandbox/policies.ts'
import { ACCOUNT_B, createTwoAccounts, OTHER_TABLE, TABLE, TARGET_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { runCommandLine } from '../unit/cli/command-line.ts'
import { createFunctionVariables, setEnvironment } from './lambda.ts'
import { formatOutcomes, injectDenial, runCheck } from './run-check.ts'

const INDEX = 'byCity'
const TABLE_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${TABLE}`
const LINE = `check --table ${TABLE} --access Query,Scan`

let sandbox: Sandbox

const createAccounts = () => {
  const [caller, target] = createTwoAccounts()
  const tables = target?.tables?.map((table) => ({
    ...table,
    AttributeDefinitions: [
      ...(table.AttributeDefinitions ?? []),
      { AttributeName: 'city', AttributeType: 'S' as const },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: INDEX,
        KeySchema: [{ AttributeName: 'city', KeyType: 'HASH' as const }],
        Projection: { ProjectionType: 'ALL' as const },
      },
    ],
  }))
  return [caller, { ...target, tables }] as Parameters<typeof startSandbox>[0]['accounts']
}

/** Replaces the permissions of the target role by `Query` and `Scan` on these resources. */
const allowReads = (...resources: string[]): void => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [
    createPolicy(allowStatement(['dynamodb:Query', 'dynamodb:Scan'], { Resource: resources })),
  ]
}

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createAccounts() })
  setEnvironment({ ...createFunctionVariables(sandbox), AWS_EC2_METADATA_DISABLED: 'true' })
  jest.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(async () => {
  jest.restoreAllMocks()
  await sandbox.close()
})

describe('the indexes of a table', () => {
  test('without a flag, check notes that it did not try indexes, and sends no request to them', async () => {
    allowReads(TABLE_ARN)
    const { code, steps } = await runCheck(LINE)
    expect(code).toBe(0)
    expect(steps.at(-1)).toMatchObject({
      outcome: 'note',
      message: expect.stringMatching(/--index .*--indexes/),
    })
    expect(JSON.stringify(sandbox.calls)).not.toContain('IndexName')
  })

  test('check does not mention indexes if no action can read them', async () => {
    const { steps } = await runCheck(`check --table ${TABLE} --access GetItem,PutItem`)
    expect(steps.at(-1)).toMatchObject({ outcome: 'ok', allowed: ['GetItem', 'PutItem'] })
  })

  test.each(['--indexes', `--index ${INDEX}`, `--index ${TABLE}/${INDEX}`])(
    'with %s, check fails if the role may query the table but not its indexes, and writes a statement that is sufficient',
    async (flag) => {
      allowReads(TABLE_ARN)
      const { code, failed } = await runCheck(`${LINE} ${flag}`)
      expect(code).toBe(1)
      const index = flag === '--indexes' ? '*' : INDEX
      expect(failed).toMatchObject([
        {
          subject: { kind: 'table', name: TABLE, index },
          denied: ['Query', 'Scan'],
          add: [{ account: ACCOUNT_B, statement: { Resource: `${TABLE_ARN}/index/${index}` } }],
        },
      ])
      sandbox.getRole(TARGET_ROLE_ARN).policies?.push(createPolicy(failed[0]?.add?.[0]?.statement ?? {}))
      const { steps } = await runCheck(`${LINE} ${flag}`)
      expect(formatOutcomes(steps).slice(-2)).toEqual([`table ${TABLE}: ok`, `table ${TABLE}/${index}: ok`])
    },
  )

  test('--indexes fails if the role may query only one index', async () => {
    allowReads(TABLE_ARN, `${TABLE_ARN}/index/${INDEX}`)
    expect((await runCheck(`${LINE} --index ${INDEX}`)).code).toBe(0)
    expect((await runCheck(`${LINE} --indexes`)).failed).toMatchObject([{ denied: ['Query', 'Scan'] }])
  })

  test('check fails if the table has no index of that name', async () => {
    allowReads(TABLE_ARN, `${TABLE_ARN}/index/*`)
    const { failed } = await runCheck(`${LINE} --index nowhere`)
    expect(failed).toMatchObject([
      {
        subject: { kind: 'table', name: TABLE, index: 'nowhere' },
        message: expect.stringContaining('nowhere'),
      },
    ])
  })

  test('a name with a table is tried only in that table', async () => {
    allowReads(TABLE_ARN, `${TABLE_ARN}/index/*`, TABLE_ARN.replace(TABLE, OTHER_TABLE))
    const { code, steps } = await runCheck(`${LINE} --table ${OTHER_TABLE} --index ${TABLE}/${INDEX}`)
    expect(code).toBe(0)
    expect(formatOutcomes(steps)).not.toContain(`table ${OTHER_TABLE}/${INDEX}: ok`)
    expect(formatOutcomes(steps)).toContain(`table ${TABLE}/${INDEX}: ok`)
  })

  test('a scope includes the indexes of its tables', async () => {
    allowReads(TABLE_ARN, `${TABLE_ARN}/index/*`)
    process.env.CROSS_ACCOUNT_DYNAMO_TABLES = TABLE
    process.env.CROSS_ACCOUNT_DYNAMO_ACCESS = 'read'
    expect((await runCheck(`${LINE} --indexes`)).code).toBe(0)
  })

  test.each([
    [`check --table ${TABLE} --access GetItem --indexes`, 'Query'],
    [`${LINE} --index ${OTHER_TABLE}/${INDEX}`, TABLE],
    [`${LINE} --index ${TABLE}/`, 'name of an index'],
    [`${LINE} --index by*`, 'name of an index'],
    [`${LINE} --index a/${INDEX}/c`, 'name of an index'],
    ['check --index byCity', 'Query'],
  ])('refuses flags with which no index can be tried: %s', async (line, expected) => {
    const { code, err } = await runCommandLine(line)
    expect(code).toBe(2)
    expect(err).toContain(expected)
    expect(sandbox.calls.filter(({ operation }) => operation === 'AssumeRole')).toEqual([])
  })
})

describe('the indexes of a table whose partition key restricts the session', () => {
  const TENANT_LINE = `check --table ${TABLE} --access Query --session-tags TenantId=acme --key id=acme --tenant-tag TenantId --allow-missing-external-id`
  const CONDITION = {
    'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': `\${aws:PrincipalTag/TenantId}` },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
  const allowQuery = (Resource: string, elements: object = {}) =>
    createPolicy(allowStatement('dynamodb:Query', { Resource, ...elements }))

  beforeEach(() => {
    allowStsActions(sandbox, ['sts:TagSession'])
  })

  test.each([`--index ${INDEX}`, '--indexes'])(
    'with %s, check fails if the session can read other keys of an index, and offers no statement',
    async (flag) => {
      sandbox.getRole(TARGET_ROLE_ARN).policies = [
        allowQuery(TABLE_ARN, { Condition: CONDITION }),
        allowQuery(`${TABLE_ARN}/index/*`),
      ]
      const { failed } = await runCheck(`${TENANT_LINE} ${flag}`)
      expect(failed).toMatchObject([{ subject: { name: TABLE }, allowed: ['Query'] }])
      expect(failed[0]?.subject).toHaveProperty('index')
      expect(failed[0]?.add).toBeUndefined()
    },
  )

  test.each(['nowhere', `${OTHER_TABLE}-index`])(
    'check fails if the table has no index %s',
    async (index) => {
      sandbox.getRole(TARGET_ROLE_ARN).policies = [
        allowQuery(TABLE_ARN, { Condition: CONDITION }),
        allowQuery(`${TABLE_ARN}/index/*`),
      ]
      const { failed } = await runCheck(`${TENANT_LINE} --index ${index}`)
      expect(failed).toMatchObject([{ subject: { index }, message: expect.stringContaining(index) }])
    },
  )

  test('check notes that it did not try the own key on an index', async () => {
    sandbox.getRole(TARGET_ROLE_ARN).policies = [allowQuery(TABLE_ARN, { Condition: CONDITION })]
    const { steps } = await runCheck(`${TENANT_LINE} --index ${INDEX}`)
    expect(steps).toContainEqual(
      expect.objectContaining({ subject: { kind: 'table', name: TABLE, index: INDEX }, outcome: 'note' }),
    )
  })

  test('check succeeds if the role cannot read the index', async () => {
    sandbox.getRole(TARGET_ROLE_ARN).policies = [allowQuery(TABLE_ARN, { Condition: CONDITION })]
    const { code, steps } = await runCheck(`${TENANT_LINE} --index ${INDEX}`)
    expect(code).toBe(0)
    expect(formatOutcomes(steps)).toContain(`table ${TABLE}/${INDEX}: ok`)
  })
})

test('check asks for the name of an index that the role cannot read, before it offers a statement', async () => {
  allowReads(TABLE_ARN, `${TABLE_ARN}/index/${INDEX}`)
  const { failed } = await runCheck(`${LINE} --index byCty`)
  expect(failed).toMatchObject([
    { message: expect.stringMatching(/whether this index exists.*check the name/) },
  ])
})

test('check ignores the variable of the KMS key if no variable names tables', async () => {
  allowReads(TABLE_ARN)
  process.env.CROSS_ACCOUNT_DYNAMO_KMS_KEY_ARN =
    'arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  expect((await runCheck(LINE)).code).toBe(0)
})

describe('actions that no preset contains', () => {
  test('check tries DescribeTable', async () => {
    const line = `check --table ${TABLE} --access DescribeTable`
    expect((await runCheck(line)).failed).toMatchObject([{ denied: ['DescribeTable'] }])
    sandbox
      .getRole(TARGET_ROLE_ARN)
      .policies?.push(createPolicy(allowStatement('dynamodb:DescribeTable', { Resource: TABLE_ARN })))
    expect((await runCheck(line)).code).toBe(0)
  })

  test('check says that it cannot try SearchVectors', async () => {
    const { code, steps } = await runCheck(`check --table ${TABLE} --access SearchVectors --indexes`)
    expect(code).toBe(0)
    expect(steps.filter(({ subject }) => subject.kind === 'table')).toMatchObject([
      { outcome: 'note', unclear: ['SearchVectors'] },
      { subject: { index: '*' }, outcome: 'note', unclear: ['SearchVectors'] },
    ])
  })
})

// The messages are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
describe('what AWS says about a denied action', () => {
  /** Makes DynamoDB deny an operation on the table. The message ends with the reason. */
  const denyOperation = (operation: string, reason: string): void =>
    injectDenial(
      sandbox,
      operation,
      `User: arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/orders-function is not authorized to perform: dynamodb:${operation} on resource: ${TABLE_ARN} ${reason}`,
    )

  test('check quotes each policy that explicitly denies, and groups only the actions of one policy', async () => {
    denyOperation(
      'Query',
      'with an explicit deny in a service control policy: arn:aws:organizations::333333333333:policy/o-exampleorgid/service_control_policy/p-first',
    )
    denyOperation(
      'Scan',
      'with an explicit deny in a service control policy: arn:aws:organizations::333333333333:policy/o-exampleorgid/service_control_policy/p-second',
    )
    denyOperation('GetItem', 'because no service control policy allows the dynamodb:GetItem action')
    denyOperation('PutItem', 'because no service control policy allows the dynamodb:PutItem action')
    const { failed } = await runCheck(`check --table ${TABLE} --access Query,Scan,GetItem,PutItem`)
    expect(failed).toMatchObject([
      { denied: ['Query'], message: expect.stringContaining('p-first') },
      { denied: ['Scan'], message: expect.stringContaining('p-second') },
      { denied: ['GetItem', 'PutItem'], message: expect.not.stringContaining('explicit deny') },
    ])
  })

  test.each([
    ['VPC endpoint policy', '111111111111'],
    ['session policy', 'scope'],
    ['permissions boundary', ACCOUNT_B],
  ])('check says where the %s is that explicitly denies', async (policy, place) => {
    denyOperation('Query', `with an explicit deny in a ${policy}`)
    const { failed } = await runCheck(`check --table ${TABLE} --access Query`)
    expect(failed).toMatchObject([
      { message: expect.stringMatching(new RegExp(`The policy is in .*${place}.*exception`)) },
    ])
    expect(failed[0]?.add).toBeUndefined()
  })

  test('check quotes the names of all actions', async () => {
    for (const action of listActionNames())
      expect(redact(`is not authorized to perform: dynamodb:${action} on resource`)).toContain(
        `dynamodb:${action} `,
      )
  })

  test.each([{ Message: 5 }, { Message: ['a'] }, {}])(
    'check does not fail on a response without a text: %j',
    async (body) => {
      sandbox.faults.inject({
        service: 'dynamodb',
        operation: 'Query',
        kind: 'rewrite',
        body: () => JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', ...body }),
      })
      const { failed } = await runCheck(`check --table ${TABLE} --access Query`)
      expect(failed).toHaveLength(1)
    },
  )

  test('check quotes it for a table, in text and as JSON', async () => {
    allowReads(TABLE_ARN)
    const { failed } = await runCheck(`check --table ${TABLE} --access GetItem`)
    const quote = `AWS said: User: arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/orders-function is not authorized to perform: dynamodb:GetItem on resource: ${TABLE_ARN} because no identity-based policy allows the dynamodb:GetItem action`
    expect(failed[0]?.message).toContain(quote)
    expect((await runCommandLine(`check --table ${TABLE} --access GetItem`)).out).toContain(quote)
  })

  test('check quotes the ARN of a policy that explicitly denies, and offers no statement', async () => {
    const policyArn =
      'arn:aws:organizations::333333333333:policy/o-exampleorgid/service_control_policy/p-guard'
    injectDenial(
      sandbox,
      'Query',
      `User: x is not authorized to perform: dynamodb:Query on resource: ${TABLE_ARN} with an explicit deny in a service control policy: ${policyArn}`,
    )
    const { failed } = await runCheck(`check --table ${TABLE} --access Query`)
    expect(failed).toMatchObject([{ denied: ['Query'], message: expect.stringContaining(policyArn) }])
    expect(failed[0]?.message).toMatch(/add an exception/)
    expect(failed[0]?.add).toBeUndefined()
  })

  test('check says that AWS does not reveal whether a table exists, first of all if all actions are denied', async () => {
    const all = await runCheck('check --table Nowhere --access GetItem,Query')
    expect(all.failed[0]?.message).toMatch(
      /does not reveal whether this table exists in us-east-1.*check the name.*Region/s,
    )
    const { out } = await runCommandLine('check --table Nowhere --access GetItem,Query')
    expect(out.indexOf('check the name')).toBeLessThan(out.indexOf('add this to'))
    allowReads(TABLE_ARN)
    const some = await runCheck(`check --table ${TABLE} --access GetItem,Query`)
    expect(some.failed[0]?.message).toMatch(/lacks these permissions/)
    expect(some.failed[0]?.message).not.toMatch(/does not reveal/)
  })
})

test('check names AWS_ACCOUNT_ID_ENDPOINT_MODE if the name of an account-based endpoint cannot be resolved', () => {
  const accountHost = `${ACCOUNT_B}.ddb.us-east-1.amazonaws.com`
  for (const code of ['ENOTFOUND', 'EAI_AGAIN'])
    expect(adviseOnNetwork(`Error: getaddrinfo ${code} ${accountHost}`, 'us-east-1')).toMatch(
      /Check the Region us-east-1.*AWS_ACCOUNT_ID_ENDPOINT_MODE=disabled/,
    )
  for (const other of [
    `connect ECONNREFUSED ${accountHost}`,
    'getaddrinfo ENOTFOUND dynamodb.us-east-1.amazonaws.com',
  ])
    expect(adviseOnNetwork(other, 'us-east-1')).not.toContain('AWS_ACCOUNT_ID_ENDPOINT_MODE')
})

describe('a terminal', () => {
  test('without credentials, check first advises to sign in', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
      delete process.env[name]
    process.env.AWS_SHARED_CREDENTIALS_FILE = '/nowhere'
    process.env.AWS_CONFIG_FILE = '/nowhere'
    const { failed } = await runCheck('check')
    expect(formatOutcomes(failed)).toEqual(['credentials: failed'])
    expect(failed[0]?.message).toMatch(/sign in.*AWS_PROFILE.*In Lambda/s)
  })

  test('check reads a Region that only the profile sets', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'profile-'))
    const file = join(directory, 'config')
    writeFileSync(file, '[default]\nregion = us-east-1\n')
    delete process.env.AWS_REGION
    process.env.AWS_CONFIG_FILE = file
    try {
      const { steps } = await runCheck('check')
      expect(formatOutcomes(steps)).toContain('session: ok')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
