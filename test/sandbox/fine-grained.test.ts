import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { accessesOf } from './accesses.ts'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { OWN_TENANT, policy, statement } from './policies.ts'
import { asAcme as acmeSession, ORDERS, tenants } from './tenants.ts'
import { ACCOUNT_B, TABLE, TARGET_ROLE_ARN } from './textbook.ts'

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

const SESSION = 'arn:aws:sts::222222222222:assumed-role/CrossAccountDynamoRole/orders'
const tableArn = (name: string) => `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${name}`
const not = (
  action: string,
  resource: string,
  because = `because no identity-based policy allows the ${action} action`,
) =>
  expect.objectContaining({
    name: 'AccessDeniedException',
    message: `User: ${SESSION} is not authorized to perform: ${action} on resource: ${resource} ${because}`,
  })
const permit = (...statements: object[]) => {
  sandbox.role(TARGET_ROLE_ARN).policies = [policy(...statements)]
}

describe('leading keys bound to a session tag', () => {
  const own = { tenant: 'acme', order: '1' }
  const other = { tenant: 'evil', order: '1' }
  const TableName = ORDERS
  const query = (tenant: string) => ({
    TableName,
    KeyConditionExpression: '#pk = :tenant AND #sk BETWEEN :a AND :b',
    ExpressionAttributeNames: { '#pk': 'tenant', '#sk': 'order' },
    ExpressionAttributeValues: { ':tenant': tenant, ':a': '0', ':b': '9' },
  })

  const asAcme = (condition: object) => acmeSession(sandbox, clients, 'dynamodb:*', condition)

  test.each([
    ['GetItem', (key: typeof own) => new GetCommand({ TableName, Key: key })],
    ['PutItem', (key: typeof own) => new PutCommand({ TableName, Item: key })],
    ['DeleteItem', (key: typeof own) => new DeleteCommand({ TableName, Key: key })],
    ['UpdateItem', (Key: typeof own) => new UpdateCommand({ TableName, Key, UpdateExpression: 'REMOVE n' })],
    ['Query', (key: typeof own) => new QueryCommand(query(key.tenant))],
    [
      'BatchGetItem',
      (key: typeof own) =>
        new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ ...own, order: '2' }, key] } } }),
    ],
    [
      'BatchWriteItem',
      (key: typeof own) =>
        new BatchWriteCommand({
          RequestItems: {
            [TableName]: [{ PutRequest: { Item: { ...own, order: '2' } } }, { DeleteRequest: { Key: key } }],
          },
        }),
    ],
  ])('%s reaches the own tenant and no other', async (operation, command) => {
    const documents = await asAcme(OWN_TENANT)
    await documents.send(command(own) as never)
    await expect(documents.send(command(other) as never)).rejects.toEqual(
      not(`dynamodb:${operation}`, tableArn(TableName)),
    )
  })

  test('Query in the other ways to write it', async () => {
    const documents = await asAcme(OWN_TENANT)
    const plain = (tenant: string) =>
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'tenant=:t',
        ExpressionAttributeValues: { ':t': tenant },
      })
    const legacy = (tenant: string) =>
      new QueryCommand({
        TableName,
        KeyConditions: { tenant: { ComparisonOperator: 'EQ', AttributeValueList: [tenant] } },
      })
    for (const command of [plain, legacy]) {
      await documents.send(command('acme'))
      await expect(documents.send(command('evil'))).rejects.toEqual(
        not('dynamodb:Query', tableArn(TableName)),
      )
    }
  })

  test('Query on an index is about the key of the index', async () => {
    const documents = await asAcme(OWN_TENANT)
    const ofRegion = (region: string) =>
      new QueryCommand({
        TableName,
        IndexName: 'byRegion',
        KeyConditionExpression: '#r = :r',
        ExpressionAttributeNames: { '#r': 'region' },
        ExpressionAttributeValues: { ':r': region },
      })
    await documents.send(ofRegion('acme'))
    const index = `${tableArn(TableName)}/index/byRegion`
    await expect(documents.send(ofRegion('eu'))).rejects.toEqual(not('dynamodb:Query', index))
  })

  test('Scan has none: refused where keys are needed, and only there', async () => {
    const scan = new ScanCommand({ TableName })
    const needsKeys = await asAcme({ ...OWN_TENANT, Null: { 'dynamodb:LeadingKeys': 'false' } })
    await expect(needsKeys.send(scan)).rejects.toEqual(not('dynamodb:Scan', tableArn(TableName)))
    await needsKeys.send(new QueryCommand(query('acme')))
    // ForAllValues holds for no values, at AWS too: a policy must not allow Scan by it.
    await (await asAcme(OWN_TENANT)).send(scan)
  })

  test('an untagged session reaches nothing', async () => {
    await asAcme(OWN_TENANT)
    const documents = clients.documents(await clients.assume())
    await expect(documents.send(new GetCommand({ TableName, Key: own }))).rejects.toEqual(
      not('dynamodb:GetItem', tableArn(TableName)),
    )
  })
})

test('attributes that a policy does not list are refused', async () => {
  const Condition = { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['id', 'name'] } }
  permit(statement('dynamodb:*', { Resource: tableArn(TABLE), Condition }))
  const documents = clients.documents(await clients.assume())
  const update = (field: string) =>
    new UpdateCommand({
      TableName: TABLE,
      Key: { id: '1' },
      UpdateExpression: 'SET #f = if_not_exists(#f, :v)',
      ConditionExpression: 'attribute_not_exists(name)',
      ExpressionAttributeNames: { '#f': field },
      ExpressionAttributeValues: { ':v': 'secret' },
    })
  await expect(documents.send(update('salary'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
  await expect(documents.send(update('name'))).rejects.toMatchObject({ name: 'ValidationException' })
  await documents.send(new GetCommand({ TableName: TABLE, Key: { id: '1' }, ProjectionExpression: 'id' }))
})

test('a transaction asks for each of its parts', () => {
  const schemaOf = () => ({
    TableName: TABLE,
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' as const }],
  })
  const Key = { id: { S: 'a' } }
  const parts = [
    { Put: { TableName: TABLE, Item: { id: { S: 'b' }, n: { N: '1' } } } },
    { ConditionCheck: { TableName: 'Customers', Key, ConditionExpression: 'attribute_exists(id)' } },
  ]
  expect(accessesOf('TransactWriteItems', { TransactItems: parts }, schemaOf as never)).toEqual([
    {
      action: 'dynamodb:PutItem',
      table: TABLE,
      context: {
        'dynamodb:Attributes': ['id', 'n'],
        'dynamodb:LeadingKeys': ['b'],
        'dynamodb:EnclosingOperation': 'TransactWriteItems',
      },
    },
    {
      action: 'dynamodb:ConditionCheckItem',
      table: 'Customers',
      context: { 'dynamodb:Attributes': ['id'], 'dynamodb:LeadingKeys': ['a'] },
    },
  ])
  expect(
    accessesOf(
      'TransactGetItems',
      { TransactItems: [{ Get: { TableName: TABLE, Key } }] },
      schemaOf as never,
    ),
  ).toMatchObject([{ action: 'dynamodb:GetItem', context: { 'dynamodb:LeadingKeys': ['a'] } }])
})
