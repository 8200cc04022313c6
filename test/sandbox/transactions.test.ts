import {
  GetCommand,
  TransactGetCommand,
  type TransactGetCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { onlyOn } from './only-on.ts'
import { asAcme, ORDERS, ORDERS_ARN, tenants } from './tenants.ts'
import { ACCOUNT_B } from './textbook.ts'

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

const TableName = ORDERS
const write = (...TransactItems: NonNullable<TransactWriteCommandInput['TransactItems']>) =>
  new TransactWriteCommand({ TransactItems })
const read = (...keys: Record<string, string>[]) => {
  const TransactItems: TransactGetCommandInput['TransactItems'] = keys.map((Key) => ({
    Get: { TableName, Key },
  }))
  return new TransactGetCommand({ TransactItems })
}
const key = (order: string, tenant = 'acme') => ({ tenant, order })
const put = (order: string, tenant?: string) => ({
  Put: { TableName, Item: { ...key(order, tenant), n: 1 } },
})
const check = (order: string, tenant?: string) => ({
  ConditionCheck: { TableName, Key: key(order, tenant), ConditionExpression: 'attribute_exists(n)' },
})
const not = (action: string) =>
  expect.objectContaining({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`perform: dynamodb:${action} on resource: ${ORDERS_ARN} because no`),
  })

onlyOn('dynamodb-local', 'dynalite has no transactions').describe('a transaction', () => {
  test('writes all of its parts or none, and reads them', async () => {
    const documents = await asAcme(sandbox, clients)
    await documents.send(write(put('1'), put('2')))
    await documents.send(
      write(
        check('1'),
        { Delete: { TableName, Key: key('2') } },
        {
          Update: {
            TableName,
            Key: key('3'),
            UpdateExpression: 'ADD n :n',
            ExpressionAttributeValues: { ':n': 3 },
          },
        },
      ),
    )
    const { Responses } = await documents.send(read(key('1'), key('2'), key('3')))
    expect(Responses?.map(({ Item }) => Item?.n)).toEqual([1, undefined, 3])

    await expect(documents.send(write(put('4'), check('2')))).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
    })
    expect(sandbox.calls.at(-1)).toMatchObject({
      operation: 'TransactWriteItems',
      table: ORDERS,
      accountId: ACCOUNT_B,
      error: 'TransactionCanceledException',
    })
    expect((await documents.send(new GetCommand({ TableName, Key: key('4') }))).Item).toBeUndefined()
  })

  test('needs the permission of each part, under its own name', async () => {
    const parts = {
      PutItem: put('1'),
      ConditionCheckItem: check('0'),
      DeleteItem: { Delete: { TableName, Key: key('2') } },
    }
    const actions = Object.keys(parts).map((name) => `dynamodb:${name}`)
    const seed = { ...key('0'), n: 1 }
    await (await asAcme(sandbox, clients)).send(write({ Put: { TableName, Item: seed } }))
    for (const missing of Object.keys(parts)) {
      const documents = await asAcme(
        sandbox,
        clients,
        actions.filter((name) => !name.endsWith(missing)),
      )
      await expect(documents.send(write(...Object.values(parts)))).rejects.toEqual(not(missing))
    }
    await (await asAcme(sandbox, clients, actions)).send(write(...Object.values(parts)))
    await expect((await asAcme(sandbox, clients, actions)).send(read(key('1')))).rejects.toEqual(
      not('GetItem'),
    )
  })

  test('reaches the own tenant and no other, whatever its part', async () => {
    const documents = await asAcme(sandbox, clients)
    await documents.send(write(put('1')))
    await expect(documents.send(write(put('2'), put('1', 'evil')))).rejects.toEqual(not('PutItem'))
    await expect(documents.send(write(put('2'), check('1', 'evil')))).rejects.toEqual(
      not('ConditionCheckItem'),
    )
    await expect(documents.send(read(key('1'), key('1', 'evil')))).rejects.toEqual(not('GetItem'))
    expect((await documents.send(read(key('2')))).Responses).toEqual([{}])
  })

  test('may be told from the operations on their own', async () => {
    const inside = { StringEquals: { 'dynamodb:EnclosingOperation': 'TransactWriteItems' } }
    const documents = await asAcme(sandbox, clients, 'dynamodb:*', inside)
    await documents.send(write(put('1')))
    await expect(documents.send(read(key('1')))).rejects.toEqual(not('GetItem'))
  })

  test('takes tables by their ARNs', async () => {
    const documents = await asAcme(sandbox, clients)
    await documents.send(write({ Put: { TableName: ORDERS_ARN, Item: { ...key('1'), n: 1 } } }))
    expect((await documents.send(read(key('1')))).Responses?.[0]?.Item).toMatchObject({ n: 1 })
  })
})
