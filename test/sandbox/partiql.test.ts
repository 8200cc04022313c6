import { BatchExecuteStatementCommand, ExecuteStatementCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { accessesOf } from './accesses.ts'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { onlyOn } from './only-on.ts'
import { asAcme, ORDERS_ARN, tenants } from './tenants.ts'

const LEADING_KEYS = 'dynamodb:LeadingKeys'
const schema = tenants()[1]?.tables?.at(-1)

describe('a PartiQL statement', () => {
  const ask = (Statement: string, Parameters: object[] = []) =>
    accessesOf('ExecuteStatement', { Statement, Parameters: Parameters as never }, () => schema)?.[0]

  test.each([
    [`SELECT "order", n FROM "Orders" WHERE tenant = 'acme' AND "order" = '1'`, 'Select', ['acme']],
    ['select * from Orders', 'Select', undefined],
    [`SELECT * FROM "Orders" WHERE region = 'acme'`, 'Select', undefined],
    [`INSERT INTO "Orders" VALUE {'n': -1, 'tenant': 'it''s', 'order': '1'}`, 'Insert', ["it's"]],
    [`UPDATE "Orders" SET tenant = 'x', n = 2 WHERE "tenant" = 100 AND "order" = '1'`, 'Update', ['100']],
    [`DELETE FROM "Orders" WHERE tenant = 'a = ?' AND "order" = '1'`, 'Delete', ['a = ?']],
    // IAM sees both keys, so a tenant cannot name its own key to reach another tenant's.
    [`SELECT * FROM "Orders" WHERE tenant = 'acme' AND tenant = 'evil'`, 'Select', ['acme', 'evil']],
  ])('gives its action, table and leading keys to IAM: %s', (text, kind, keys) => {
    expect(ask(text)).toEqual({
      action: `dynamodb:PartiQL${kind}`,
      table: 'Orders',
      context: keys ? { [LEADING_KEYS]: keys } : {},
    })
  })

  test('on an index has the leading key of the index', () => {
    expect(ask(`SELECT * FROM "Orders"."byRegion" WHERE region = 'eu' AND tenant = 'acme'`)).toEqual({
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
  ])('takes its parameters in order: %s', (text, parameters, keys) => {
    expect(ask(text, parameters)?.context[LEADING_KEYS]).toEqual(keys)
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
    `SELECT * FROM "${ORDERS_ARN}" WHERE tenant = 'acme'`,
    `INSERT INTO "Orders" VALUE {"tenant": 'acme'}`,
    'UPDATE "Orders" SET n = 1',
    `UPSERT INTO "Orders" VALUE {'tenant': 'acme'}`,
  ])('that the sandbox does not understand is refused: %j', (text) => {
    expect(() => ask(text)).toThrow(expect.objectContaining({ status: 400, code: 'SandboxError' }))
  })
})

describe('statements', () => {
  let sandbox: Sandbox
  let clients: Clients

  beforeEach(async () => {
    sandbox = await startSandbox({ accounts: tenants() })
    clients = clientsOf(sandbox)
  })
  afterEach(async () => {
    clients.close()
    await sandbox.close()
  })

  test('that are not understood are refused, whatever the policies allow', async () => {
    const documents = await asAcme(sandbox, clients, 'dynamodb:*', {})
    await expect(
      documents.send(new ExecuteStatementCommand({ Statement: 'SELECT 1' })),
    ).rejects.toMatchObject({ name: 'SandboxError', $metadata: { httpStatusCode: 400 } })
  })

  onlyOn('dynamodb-local', 'dynalite has no PartiQL').test(
    'in a batch are allowed or denied one by one',
    async () => {
      const documents = await asAcme(sandbox, clients)
      await documents.send(
        new ExecuteStatementCommand({
          Statement: `INSERT INTO "Orders" VALUE {'tenant': 'acme', 'order': '1'}`,
        }),
      )
      const one = (tenant: string) => ({
        Statement: 'SELECT "order" FROM "Orders" WHERE tenant = ? AND "order" = ?',
        Parameters: [tenant, '1'],
      })
      const { Responses } = await documents.send(
        new BatchExecuteStatementCommand({ Statements: ['evil', 'acme', 'bad'].map(one) }),
      )
      const denied = { Error: { Code: 'AccessDenied' } }
      expect(Responses).toMatchObject([denied, { Item: { order: '1' } }, denied])
    },
  )
})
