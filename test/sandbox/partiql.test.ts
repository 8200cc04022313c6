import {
  BatchExecuteStatementCommand,
  ExecuteStatementCommand,
  ExecuteTransactionCommand,
} from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { accessesOf } from './accesses.ts'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { onlyOn } from './only-on.ts'
import { OWN_TENANT, policy, statement } from './policies.ts'
import { asAcme, ORDERS_ARN, tenants } from './tenants.ts'
import { ACCOUNT_B, TARGET_ROLE_ARN } from './textbook.ts'

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

const FULL_SCAN = 'dynamodb:FullTableScan'
const LEADING_KEYS = 'dynamodb:LeadingKeys'

describe('what IAM is asked', () => {
  const schema = tenants()[1]?.tables?.at(-1)
  const ask = (Statement: string, Parameters: object[] = []) =>
    accessesOf('ExecuteStatement', { Statement, Parameters: Parameters as never }, () => schema)?.[0]
  const keysOf = (condition: string, ...parameters: object[]) => {
    const { [FULL_SCAN]: scan, [LEADING_KEYS]: keys } =
      ask(`SELECT * FROM "Orders" WHERE ${condition}`, parameters)?.context ?? {}
    return scan === 'true' ? 'all' : keys
  }

  test.each([
    [
      `SELECT "order", total.net FROM "Orders" WHERE tenant = 'acme' AND begins_with("order", 'a') ORDER BY "order" DESC`,
      {
        action: 'dynamodb:PartiQLSelect',
        table: 'Orders',
        context: {
          [LEADING_KEYS]: ['acme'],
          'dynamodb:Attributes': ['order', 'total', 'tenant'],
          'dynamodb:Select': 'SPECIFIC_ATTRIBUTES',
          [FULL_SCAN]: 'false',
        },
      },
    ],
    [
      `select * from "Orders"."byRegion" where region = 'eu' and tenant = 'acme'`,
      {
        action: 'dynamodb:PartiQLSelect',
        table: 'Orders',
        index: 'byRegion',
        context: {
          [LEADING_KEYS]: ['eu'],
          'dynamodb:Attributes': ['region', 'tenant'],
          'dynamodb:Select': 'ALL_PROJECTED_ATTRIBUTES',
          [FULL_SCAN]: 'false',
        },
      },
    ],
    [
      'SELECT * FROM Orders',
      {
        action: 'dynamodb:PartiQLSelect',
        table: 'Orders',
        context: { 'dynamodb:Select': 'ALL_ATTRIBUTES', [FULL_SCAN]: 'true' },
      },
    ],
    [
      `INSERT INTO "Orders" VALUE {'tenant': 'acme', 'order': '1', 'lines': [{'n': -1}, <<'a', 'b'>>], 'paid': false}`,
      {
        action: 'dynamodb:PartiQLInsert',
        table: 'Orders',
        context: { [LEADING_KEYS]: ['acme'], 'dynamodb:Attributes': ['tenant', 'order', 'lines', 'paid'] },
      },
    ],
    [
      `UPDATE "Orders" SET n = n + 1 SET a.b[0] = list_append(c, [1]), d = 'x' REMOVE e, f
       WHERE tenant = 'acme' AND "order" = '1' AND g IS NOT MISSING RETURNING MODIFIED OLD *`,
      {
        action: 'dynamodb:PartiQLUpdate',
        table: 'Orders',
        context: {
          [LEADING_KEYS]: ['acme'],
          'dynamodb:Attributes': ['n', 'a', 'c', 'd', 'e', 'f', 'tenant', 'order', 'g'],
          'dynamodb:ReturnValues': 'UPDATED_OLD',
        },
      },
    ],
    [
      `DELETE FROM "Orders" WHERE tenant = 'acme' AND "order" = '1' RETURNING ALL OLD *`,
      {
        action: 'dynamodb:PartiQLDelete',
        table: 'Orders',
        context: {
          [LEADING_KEYS]: ['acme'],
          'dynamodb:Attributes': ['tenant', 'order'],
          'dynamodb:ReturnValues': 'ALL_OLD',
        },
      },
    ],
  ])('%s', (text, access) => {
    expect(ask(text)).toEqual(access)
  })

  test.each([
    [`tenant = 'it''s'`, ["it's"]],
    [`'acme' = "tenant"`, ['acme']],
    ['tenant = 100', ['100']],
    ['tenant=-5', ['-5']],
    [`tenant IN ['a', 'b']`, ['a', 'b']],
    [`tenant IN ('a', 'b') AND n > 1`, ['a', 'b']],
    [`tenant = 'a' OR tenant = 'b'`, ['a', 'b']],
    [`(tenant = 'a' OR (tenant = 'b' AND n BETWEEN 1 AND 2)) AND NOT n = 1`, ['a', 'b']],
    // Documented as full scans.
    [`tenant > 'a'`, 'all'],
    [`address = 'acme'`, 'all'],
    [`tenant = 'a' OR address = 'b'`, 'all'],
    // And these by the same rule.
    [`NOT tenant = 'a'`, 'all'],
    [`tenant <> 'a'`, 'all'],
    ['tenant = "order"', 'all'],
    [`tenant.name = 'a'`, 'all'],
    [`tenant IN ['a', "order"]`, 'all'],
    [`tenant = 'a' + 'b'`, 'all'],
    [`Tenant = 'a'`, 'all'],
  ])('WHERE %s is about %j', (condition, keys) => {
    expect(keysOf(condition)).toEqual(keys)
  })

  test('parameters stand for the values, in their order', () => {
    const condition = 'n = ? AND tenant IN [?, ?] AND b = ?'
    const given = [{ N: '1' }, { S: 'a' }, { N: '2' }, { BOOL: true }]
    expect(keysOf(condition, ...given)).toEqual(['a', '2'])
    expect(keysOf('tenant = ?', { BOOL: true })).toEqual('all')
    const { context } =
      ask(`INSERT INTO "Orders" VALUE {'n': ?, 'tenant': ?}`, [{ N: '1' }, { S: 'acme' }]) ?? {}
    expect(context?.[LEADING_KEYS]).toEqual(['acme'])
  })

  test.each([
    '',
    'SELECT',
    'SELECT * FROM "Orders" o',
    `SELECT * FROM "Orders" o WHERE o.tenant = 'acme'`,
    `SELECT * FROM "Orders", "Customers" WHERE tenant = 'acme'`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme' -- AND more`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme'; DELETE FROM "Orders"`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme' AND tenant = 'evil'`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme`,
    `SELECT * FROM "Orders" WHERE unknown(tenant) = 'acme'`,
    `SELECT * FROM "Orders" WHERE tenant = 'acme' LIMIT 1`,
    `SELECT * FROM "Orders" WHERE tenant NOT IN ['acme']`,
    'SELECT COUNT(*) FROM "Orders"',
    'SELECT VALUE tenant FROM "Orders"',
    `SELECT * FROM "${ORDERS_ARN}" WHERE tenant = 'acme'`,
    `EXISTS(SELECT * FROM "Orders" WHERE tenant = 'acme')`,
    'INSERT INTO "Orders" VALUE ?',
    `INSERT INTO "Orders" << {'tenant': 'acme'} >>`,
    `INSERT INTO "Orders" VALUE {"tenant": 'acme'}`,
    'UPDATE "Orders" SET n = 1',
    `UPDATE "Orders" WHERE tenant = 'acme'`,
    `DELETE FROM "Orders" WHERE tenant = 'acme' RETURNING NONE`,
    `UPSERT INTO "Orders" VALUE {'tenant': 'acme'}`,
  ])('%j is refused, since it is not understood', (text) => {
    expect(() => ask(text)).toThrow(
      expect.objectContaining({
        status: 400,
        message: expect.stringContaining('The sandbox does not understand this PartiQL statement'),
      }),
    )
  })

  test('each statement of a batch or a transaction, which knows what it stands in', () => {
    const statements = [
      { Statement: `DELETE FROM "Orders" WHERE tenant = 'a'` },
      { Statement: 'SELECT * FROM "Orders" WHERE tenant = ?', Parameters: [{ S: 'b' }] },
    ]
    const ofBatch = accessesOf('BatchExecuteStatement', { Statements: statements }, () => schema)
    expect(ofBatch?.map(({ action, context }) => [action, context[LEADING_KEYS]])).toEqual([
      ['dynamodb:PartiQLDelete', ['a']],
      ['dynamodb:PartiQLSelect', ['b']],
    ])
    const ofTransaction = accessesOf('ExecuteTransaction', { TransactStatements: statements }, () => schema)
    const enclosing = { 'dynamodb:EnclosingOperation': 'ExecuteTransaction' }
    expect(ofTransaction).toEqual(
      ofBatch?.map((access) => ({ ...access, context: { ...access.context, ...enclosing } })),
    )
  })
})

test('a statement that is not understood reaches nobody, whatever is allowed', async () => {
  const documents = await asAcme(sandbox, clients, 'dynamodb:*', {})
  await expect(documents.send(new ExecuteStatementCommand({ Statement: 'SELECT 1' }))).rejects.toMatchObject({
    name: 'SandboxError',
    message: 'The sandbox does not understand this PartiQL statement, at its end: SELECT 1',
    $metadata: { httpStatusCode: 400 },
  })
})

onlyOn('dynamodb-local', 'dynalite has no PartiQL').describe('PartiQL', () => {
  const run = (Statement: string, ...Parameters: unknown[]) =>
    new ExecuteStatementCommand({ Statement, ...(Parameters.length > 0 && { Parameters }) })
  const insert = (tenant: string, order = '1') =>
    run(`INSERT INTO "Orders" VALUE {'tenant': ?, 'order': ?, 'n': 1}`, tenant, order)
  const select = (tenant: string) => run('SELECT "order", n FROM "Orders" WHERE tenant = ?', tenant)
  const not = (action: string, resource = ORDERS_ARN) =>
    expect.objectContaining({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`perform: dynamodb:${action} on resource: ${resource} because no`),
    })

  test('writes and reads items, and the call tells who it was', async () => {
    const documents = await asAcme(sandbox, clients)
    await documents.send(insert('acme'))
    await documents.send(
      run(`UPDATE "Orders" SET n = n + 1 SET region = 'eu' WHERE tenant = 'acme' AND "order" = ?`, '1'),
    )
    expect((await documents.send(select('acme'))).Items).toEqual([{ order: '1', n: 2 }])
    expect(sandbox.calls.at(-1)).toMatchObject({
      operation: 'ExecuteStatement',
      table: 'Orders',
      accountId: ACCOUNT_B,
    })
    await documents.send(run(`DELETE FROM "Orders" WHERE tenant = 'acme' AND "order" = '1'`))
    expect((await documents.send(select('acme'))).Items).toEqual([])
    await expect(
      documents.send(run(`SELECT * FROM "Orders" WHERE tenant = ? ORDER BY n`, 'acme')),
    ).rejects.toMatchObject({ name: 'ValidationException' })
  })

  test.each([
    ['Select', select],
    ['Insert', (tenant: string) => insert(tenant, '2')],
    [
      'Update',
      (tenant: string) => run('UPDATE "Orders" SET n = 2 WHERE tenant = ? AND "order" = ?', tenant, '1'),
    ],
    ['Delete', (tenant: string) => run('DELETE FROM "Orders" WHERE tenant = ? AND "order" = ?', tenant, '1')],
  ])('%s needs its own permission, and reaches the own tenant and no other', async (kind, command) => {
    await sandbox.account(ACCOUNT_B).seed('Orders', [{ tenant: { S: 'acme' }, order: { S: '1' } }])
    const action = `PartiQL${kind}`
    const others = ['Select', 'Insert', 'Update', 'Delete'].filter((other) => other !== kind)
    const without = await asAcme(sandbox, clients, [
      'dynamodb:*Item',
      ...others.map((name) => `dynamodb:PartiQL${name}`),
    ])
    await expect(without.send(command('acme'))).rejects.toEqual(not(action))
    const documents = await asAcme(sandbox, clients, `dynamodb:${action}`)
    await documents.send(command('acme'))
    await expect(documents.send(command('evil'))).rejects.toEqual(not(action))
  })

  test('an index is a resource of its own, with its own leading key', async () => {
    const documents = await asAcme(sandbox, clients)
    const ofRegion = (region: string) => run('SELECT * FROM "Orders"."byRegion" WHERE region = ?', region)
    await documents.send(ofRegion('acme'))
    await expect(documents.send(ofRegion('eu'))).rejects.toEqual(
      not('PartiQLSelect', `${ORDERS_ARN}/index/byRegion`),
    )
  })

  test('a full scan may be denied', async () => {
    const condition = { ...OWN_TENANT, Bool: { [FULL_SCAN]: 'false' } }
    const documents = await asAcme(sandbox, clients, 'dynamodb:PartiQL*', condition)
    await documents.send(select('acme'))
    for (const scan of ['SELECT * FROM "Orders"', `SELECT * FROM "Orders" WHERE tenant = 'acme' OR n = 1`])
      await expect(documents.send(run(scan))).rejects.toEqual(not('PartiQLSelect'))
    // ForAllValues holds for no values.
    await (await asAcme(sandbox, clients)).send(run('SELECT * FROM "Orders"'))
  })

  test('a table has its name in one spelling, for the engine as for IAM', async () => {
    const documents = await asAcme(sandbox, clients)
    sandbox.role(TARGET_ROLE_ARN).policies = [policy(statement('dynamodb:*', { Resource: '*' }))]
    await documents.send(run(`SELECT * FROM Orders WHERE tenant = 'acme'`))
    await expect(documents.send(run(`SELECT * FROM orders WHERE tenant = 'acme'`))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  test('the statements of a batch are allowed or denied on their own', async () => {
    const documents = await asAcme(sandbox, clients)
    await documents.send(insert('acme'))
    const one = (tenant: string) => ({
      Statement: 'SELECT n FROM "Orders" WHERE tenant = ? AND "order" = ?',
      Parameters: [tenant, '1'],
    })
    const batch = (...tenantNames: string[]) =>
      documents.send(new BatchExecuteStatementCommand({ Statements: tenantNames.map(one) }))
    const error = {
      Code: 'AccessDenied',
      Message: expect.stringContaining('not authorized to perform: dynamodb:PartiQLSelect'),
    }
    const { Responses } = await batch('evil', 'acme', 'bad')
    expect(Responses).toMatchObject([{ Error: error }, { Item: { n: 1 } }, { Error: error }])
    expect((await batch('evil')).Responses).toMatchObject([{ Error: error }])
    expect((await batch('acme')).Responses).toMatchObject([{ Item: { n: 1 } }])
  })

  test('a transaction runs if all of its statements are allowed', async () => {
    const inside = { ...OWN_TENANT, StringEquals: { 'dynamodb:EnclosingOperation': 'ExecuteTransaction' } }
    const documents = await asAcme(sandbox, clients, 'dynamodb:PartiQL*', inside)
    const both = (...tenantNames: string[]) =>
      documents.send(
        new ExecuteTransactionCommand({
          TransactStatements: tenantNames.map((tenant, index) => ({
            Statement: `INSERT INTO "Orders" VALUE {'tenant': ?, 'order': ?}`,
            Parameters: [tenant, String(index)],
          })),
        }),
      )
    await expect(both('acme', 'evil')).rejects.toEqual(not('PartiQLInsert'))
    await both('acme', 'acme')
    await expect(documents.send(insert('acme', '9'))).rejects.toEqual(not('PartiQLInsert'))
    await expect(both('acme')).rejects.toMatchObject({ name: 'TransactionCanceledException' })
  })
})
