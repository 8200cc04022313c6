import {
  GetCommand,
  TransactGetCommand,
  type TransactGetCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { restrictToEngine } from './restrict-to-engine.ts'
import { createAcmeClient, createTenantAccounts, ORDERS_TABLE, ORDERS_TABLE_ARN } from './tenant-accounts.ts'
import { ACCOUNT_B } from './two-accounts.ts'

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

const TableName = ORDERS_TABLE
const createWrite = (...TransactItems: NonNullable<TransactWriteCommandInput['TransactItems']>) =>
  new TransactWriteCommand({ TransactItems })
const createRead = (...keys: Record<string, string>[]) => {
  const TransactItems: TransactGetCommandInput['TransactItems'] = keys.map((Key) => ({
    Get: { TableName, Key },
  }))
  return new TransactGetCommand({ TransactItems })
}
const createKey = (order: string, tenant = 'acme') => ({ tenant, order })
const createPut = (order: string, tenant?: string) => ({
  Put: { TableName, Item: { ...createKey(order, tenant), n: 1 } },
})
const createConditionCheck = (order: string, tenant?: string) => ({
  ConditionCheck: { TableName, Key: createKey(order, tenant), ConditionExpression: 'attribute_exists(n)' },
})
const matchAccessDenied = (action: string) =>
  expect.objectContaining({
    name: 'AccessDeniedException',
    message: expect.stringContaining(
      `perform: dynamodb:${action} on resource: ${ORDERS_TABLE_ARN} because no`,
    ),
  })

restrictToEngine('dynamodb-local', 'dynalite has no transactions').describe('transactions', () => {
  test('writes all items of a transaction or none, and reads them', async () => {
    const documentClient = await createAcmeClient(sandbox, clients)
    await documentClient.send(createWrite(createPut('1'), createPut('2')))
    await documentClient.send(
      createWrite(
        createConditionCheck('1'),
        { Delete: { TableName, Key: createKey('2') } },
        {
          Update: {
            TableName,
            Key: createKey('3'),
            UpdateExpression: 'ADD n :n',
            ExpressionAttributeValues: { ':n': 3 },
          },
        },
      ),
    )
    const { Responses } = await documentClient.send(
      createRead(createKey('1'), createKey('2'), createKey('3')),
    )
    expect(Responses?.map(({ Item }) => Item?.n)).toEqual([1, undefined, 3])

    await expect(
      documentClient.send(createWrite(createPut('4'), createConditionCheck('2'))),
    ).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed' }],
    })
    expect(sandbox.calls.at(-1)).toMatchObject({
      operation: 'TransactWriteItems',
      table: ORDERS_TABLE,
      accountId: ACCOUNT_B,
      error: 'TransactionCanceledException',
    })
    expect(
      (await documentClient.send(new GetCommand({ TableName, Key: createKey('4') }))).Item,
    ).toBeUndefined()
  })

  test('requires the permission for the action of each item in a transaction', async () => {
    const transactItems = {
      PutItem: createPut('1'),
      ConditionCheckItem: createConditionCheck('0'),
      DeleteItem: { Delete: { TableName, Key: createKey('2') } },
    }
    const actions = Object.keys(transactItems).map((name) => `dynamodb:${name}`)
    const checkedItem = { ...createKey('0'), n: 1 }
    await (await createAcmeClient(sandbox, clients)).send(
      createWrite({ Put: { TableName, Item: checkedItem } }),
    )
    for (const deniedAction of Object.keys(transactItems)) {
      const documentClient = await createAcmeClient(
        sandbox,
        clients,
        actions.filter((name) => !name.endsWith(deniedAction)),
      )
      await expect(documentClient.send(createWrite(...Object.values(transactItems)))).rejects.toEqual(
        matchAccessDenied(deniedAction),
      )
    }
    await (await createAcmeClient(sandbox, clients, actions)).send(
      createWrite(...Object.values(transactItems)),
    )
    await expect(
      (await createAcmeClient(sandbox, clients, actions)).send(createRead(createKey('1'))),
    ).rejects.toEqual(matchAccessDenied('GetItem'))
  })

  test('lets transactions access only the items of the session’s tenant', async () => {
    const documentClient = await createAcmeClient(sandbox, clients)
    await documentClient.send(createWrite(createPut('1')))
    await expect(documentClient.send(createWrite(createPut('2'), createPut('1', 'evil')))).rejects.toEqual(
      matchAccessDenied('PutItem'),
    )
    await expect(
      documentClient.send(createWrite(createPut('2'), createConditionCheck('1', 'evil'))),
    ).rejects.toEqual(matchAccessDenied('ConditionCheckItem'))
    await expect(documentClient.send(createRead(createKey('1'), createKey('1', 'evil')))).rejects.toEqual(
      matchAccessDenied('GetItem'),
    )
    expect((await documentClient.send(createRead(createKey('2')))).Responses).toEqual([{}])
  })

  test('evaluates dynamodb:EnclosingOperation in transactions', async () => {
    const condition = { StringEquals: { 'dynamodb:EnclosingOperation': 'TransactWriteItems' } }
    const documentClient = await createAcmeClient(sandbox, clients, 'dynamodb:*', condition)
    await documentClient.send(createWrite(createPut('1')))
    await expect(documentClient.send(createRead(createKey('1')))).rejects.toEqual(
      matchAccessDenied('GetItem'),
    )
  })

  test('accepts table ARNs in transactions', async () => {
    const documentClient = await createAcmeClient(sandbox, clients)
    await documentClient.send(
      createWrite({ Put: { TableName: ORDERS_TABLE_ARN, Item: { ...createKey('1'), n: 1 } } }),
    )
    expect((await documentClient.send(createRead(createKey('1')))).Responses?.[0]?.Item).toMatchObject({
      n: 1,
    })
  })
})
