import { BatchExecuteStatementCommand, ExecuteStatementCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { listRequiredActions } from './required-actions.ts'
import { restrictToEngine } from './restrict-to-engine.ts'
import { createAcmeClient, createTenantAccounts, ORDERS_TABLE_ARN } from './tenant-accounts.ts'

const LEADING_KEYS = 'dynamodb:LeadingKeys'
const ORDERS_SCHEMA = createTenantAccounts()[1]?.tables?.at(-1)

describe('PartiQL statements', () => {
  const getRequiredAction = (Statement: string, Parameters: object[] = []) =>
    listRequiredActions(
      'ExecuteStatement',
      { Statement, Parameters: Parameters as never },
      () => ORDERS_SCHEMA,
    )?.[0]

  test.each([
    [`SELECT "order", n FROM "Orders" WHERE tenant = 'acme' AND "order" = '1'`, 'Select', ['acme']],
    ['select * from Orders', 'Select', undefined],
    [`SELECT * FROM "Orders" WHERE region = 'acme'`, 'Select', undefined],
    [`INSERT INTO "Orders" VALUE {'n': -1, 'tenant': 'it''s', 'order': '1'}`, 'Insert', ["it's"]],
    [`UPDATE "Orders" SET tenant = 'x', n = 2 WHERE "tenant" = 100 AND "order" = '1'`, 'Update', ['100']],
    [`DELETE FROM "Orders" WHERE tenant = 'a = ?' AND "order" = '1'`, 'Delete', ['a = ?']],
    // The request context contains both keys, so a tenant cannot add its own key to access another tenant's items.
    [`SELECT * FROM "Orders" WHERE tenant = 'acme' AND tenant = 'evil'`, 'Select', ['acme', 'evil']],
  ])('requires the action and the leading keys of the statement: %s', (text, kind, keys) => {
    expect(getRequiredAction(text)).toEqual({
      action: `dynamodb:PartiQL${kind}`,
      table: 'Orders',
      context: keys ? { [LEADING_KEYS]: keys } : {},
    })
  })

  test('uses the partition key of the index as the leading key of a statement on an index', () => {
    expect(
      getRequiredAction(`SELECT * FROM "Orders"."byRegion" WHERE region = 'eu' AND tenant = 'acme'`),
    ).toEqual({
      action: 'dynamodb:PartiQLSelect',
      table: 'Orders',
      index: 'byRegion',
      context: { [LEADING_KEYS]: ['eu'] },
    })
  })

  test.each([
    [`INSERT INTO "Orders" VALUE {'paid': ?, 'tenant': ?}`, [{ BOOL: true }, { S: 'acme' }], ['acme']],
    ['UPDATE "Orders" SET n = ? WHERE tenant = ?', [{ N: '1' }, { S: 'acme' }], ['acme']],
    ['DELETE FROM "Orders" WHERE "order" = ? AND tenant = ?', [{ S: '1' }, { N: '2' }], ['2']],
    ['SELECT * FROM "Orders" WHERE tenant = ?', [{ BOOL: true }], undefined],
  ])('assigns parameters in the order of the question marks: %s', (text, parameters, keys) => {
    expect(getRequiredAction(text, parameters)?.context[LEADING_KEYS]).toEqual(keys)
  })

  test.each([
    '',
    'SELECT 1',
    `SELECT * FROM "Orders" o WHERE o.tenant = 'acme'`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme' -- AND more`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme'; DELETE FROM "Orders"`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme' OR n = 1`,
    `SELECT * FROM "Orders" WHERE NOT tenant = 'acme'`,
    `SELECT * FROM "Orders" WHERE tenant IN ['acme']`,
    `SELECT * FROM "Orders" WHERE tenant > 'acme'`,
    `SELECT * FROM "${ORDERS_TABLE_ARN}" WHERE tenant = 'acme'`,
    `INSERT INTO "Orders" VALUE {"tenant": 'acme'}`,
    'UPDATE "Orders" SET n = 1',
    `UPSERT INTO "Orders" VALUE {'tenant': 'acme'}`,
  ])('refuses a statement that the sandbox does not support: %j', (text) => {
    expect(() => getRequiredAction(text)).toThrow(
      expect.objectContaining({ status: 400, code: 'SandboxError' }),
    )
  })
})

describe('PartiQL requests', () => {
  let sandbox: Sandbox
  let clients: Clients

  beforeEach(async () => {
    sandbox = await startSandbox({ accounts: createTenantAccounts() })
    clients = createClients(sandbox)
  })
  afterEach(async () => {
    clients.close()
    await sandbox.close()
  })

  test('refuses unsupported statements even if the policies allow them', async () => {
    const documentClient = await createAcmeClient(sandbox, clients, 'dynamodb:*', {})
    await expect(
      documentClient.send(new ExecuteStatementCommand({ Statement: 'SELECT 1' })),
    ).rejects.toMatchObject({ name: 'SandboxError', $metadata: { httpStatusCode: 400 } })
  })

  restrictToEngine('dynamodb-local', 'dynalite has no PartiQL').test(
    'allows or denies each statement of a batch separately',
    async () => {
      const documentClient = await createAcmeClient(sandbox, clients)
      await documentClient.send(
        new ExecuteStatementCommand({
          Statement: `INSERT INTO "Orders" VALUE {'tenant': 'acme', 'order': '1'}`,
        }),
      )
      const createStatement = (tenant: string) => ({
        Statement: 'SELECT "order" FROM "Orders" WHERE tenant = ? AND "order" = ?',
        Parameters: [tenant, '1'],
      })
      const { Responses } = await documentClient.send(
        new BatchExecuteStatementCommand({ Statements: ['evil', 'acme', 'bad'].map(createStatement) }),
      )
      const denied = { Error: { Code: 'AccessDenied' } }
      expect(Responses).toMatchObject([denied, { Item: { order: '1' } }, denied])
    },
  )
})
