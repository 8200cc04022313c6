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
import { matchAccessDenied, toTableArn } from './access-denied.ts'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { allowStatement, createPolicy, OWN_TENANT_CONDITION } from './policies.ts'
import { listRequiredActions } from './required-actions.ts'
import { createAcmeClient as acmeSession, createTenantAccounts, ORDERS_TABLE } from './tenant-accounts.ts'
import { TABLE, TARGET_ROLE_ARN } from './two-accounts.ts'

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

const setPermissions = (...statements: object[]) => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(...statements)]
}

describe('leading keys restricted to a session tag', () => {
  const ownKey = { tenant: 'acme', order: '1' }
  const otherKey = { tenant: 'evil', order: '1' }
  const TableName = ORDERS_TABLE
  const createQueryInput = (tenant: string) => ({
    TableName,
    KeyConditionExpression: '#pk = :tenant AND #sk BETWEEN :a AND :b',
    ExpressionAttributeNames: { '#pk': 'tenant', '#sk': 'order' },
    ExpressionAttributeValues: { ':tenant': tenant, ':a': '0', ':b': '9' },
  })

  const createAcmeClient = (condition: object) => acmeSession(sandbox, clients, 'dynamodb:*', condition)

  test.each([
    ['GetItem', (key: typeof ownKey) => new GetCommand({ TableName, Key: key })],
    ['PutItem', (key: typeof ownKey) => new PutCommand({ TableName, Item: key })],
    ['DeleteItem', (key: typeof ownKey) => new DeleteCommand({ TableName, Key: key })],
    [
      'UpdateItem',
      (Key: typeof ownKey) => new UpdateCommand({ TableName, Key, UpdateExpression: 'REMOVE n' }),
    ],
    ['Query', (key: typeof ownKey) => new QueryCommand(createQueryInput(key.tenant))],
    [
      'BatchGetItem',
      (key: typeof ownKey) =>
        new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ ...ownKey, order: '2' }, key] } } }),
    ],
    [
      'BatchWriteItem',
      (key: typeof ownKey) =>
        new BatchWriteCommand({
          RequestItems: {
            [TableName]: [
              { PutRequest: { Item: { ...ownKey, order: '2' } } },
              { DeleteRequest: { Key: key } },
            ],
          },
        }),
    ],
  ])('allows %s only for the tenant of the session', async (operation, command) => {
    const documentClient = await createAcmeClient(OWN_TENANT_CONDITION)
    await documentClient.send(command(ownKey) as never)
    await expect(documentClient.send(command(otherKey) as never)).rejects.toEqual(
      matchAccessDenied(`dynamodb:${operation}`, toTableArn(TableName)),
    )
  })

  test('restricts all forms of a key condition in Query', async () => {
    const documentClient = await createAcmeClient(OWN_TENANT_CONDITION)
    const createPlainQuery = (tenant: string) =>
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'tenant=:t',
        ExpressionAttributeValues: { ':t': tenant },
      })
    const createLegacyQuery = (tenant: string) =>
      new QueryCommand({
        TableName,
        KeyConditions: { tenant: { ComparisonOperator: 'EQ', AttributeValueList: [tenant] } },
      })
    for (const createQuery of [createPlainQuery, createLegacyQuery]) {
      await documentClient.send(createQuery('acme'))
      await expect(documentClient.send(createQuery('evil'))).rejects.toEqual(
        matchAccessDenied('dynamodb:Query', toTableArn(TableName)),
      )
    }
  })

  test('compares the partition key of the index in a Query on an index', async () => {
    const documentClient = await createAcmeClient(OWN_TENANT_CONDITION)
    const createIndexQuery = (region: string) =>
      new QueryCommand({
        TableName,
        IndexName: 'byRegion',
        KeyConditionExpression: '#r = :r',
        ExpressionAttributeNames: { '#r': 'region' },
        ExpressionAttributeValues: { ':r': region },
      })
    await documentClient.send(createIndexQuery('acme'))
    const index = `${toTableArn(TableName)}/index/byRegion`
    await expect(documentClient.send(createIndexQuery('eu'))).rejects.toEqual(
      matchAccessDenied('dynamodb:Query', index),
    )
  })

  test('denies Scan only if the policy requires leading keys', async () => {
    const scan = new ScanCommand({ TableName })
    const requiringKeys = await createAcmeClient({
      ...OWN_TENANT_CONDITION,
      Null: { 'dynamodb:LeadingKeys': 'false' },
    })
    await expect(requiringKeys.send(scan)).rejects.toEqual(
      matchAccessDenied('dynamodb:Scan', toTableArn(TableName)),
    )
    await requiringKeys.send(new QueryCommand(createQueryInput('acme')))
    // ForAllValues is true for an empty set of values, in AWS too. It must not be the only condition on Scan.
    await (await createAcmeClient(OWN_TENANT_CONDITION)).send(scan)
  })

  test('denies all items to a session without tags', async () => {
    await createAcmeClient(OWN_TENANT_CONDITION)
    const documentClient = clients.createDocumentClient(await clients.assumeRole())
    await expect(documentClient.send(new GetCommand({ TableName, Key: ownKey }))).rejects.toEqual(
      matchAccessDenied('dynamodb:GetItem', toTableArn(TableName)),
    )
  })
})

test('a policy can restrict the attributes of a request', async () => {
  const Condition = { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['id', 'name'] } }
  setPermissions(allowStatement('dynamodb:*', { Resource: toTableArn(TABLE), Condition }))
  const documentClient = clients.createDocumentClient(await clients.assumeRole())
  const createUpdate = (field: string) =>
    new UpdateCommand({
      TableName: TABLE,
      Key: { id: '1' },
      UpdateExpression: 'SET #f = if_not_exists(#f, :v)',
      ConditionExpression: 'attribute_not_exists(name)',
      ExpressionAttributeNames: { '#f': field },
      ExpressionAttributeValues: { ':v': 'secret' },
    })
  await expect(documentClient.send(createUpdate('salary'))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  })
  await expect(documentClient.send(createUpdate('name'))).rejects.toMatchObject({
    name: 'ValidationException',
  })
  await documentClient.send(
    new GetCommand({ TableName: TABLE, Key: { id: '1' }, ProjectionExpression: 'id' }),
  )
})

test('a transaction requires an action for each of its items', () => {
  const findSchema = () => ({
    TableName: TABLE,
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' as const }],
  })
  const Key = { id: { S: 'a' } }
  const items = [
    { Put: { TableName: TABLE, Item: { id: { S: 'b' }, n: { N: '1' } } } },
    { ConditionCheck: { TableName: 'Customers', Key, ConditionExpression: 'attribute_exists(id)' } },
  ]
  expect(listRequiredActions('TransactWriteItems', { TransactItems: items }, findSchema as never)).toEqual([
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
    listRequiredActions(
      'TransactGetItems',
      { TransactItems: [{ Get: { TableName: TABLE, Key } }] },
      findSchema as never,
    ),
  ).toMatchObject([{ action: 'dynamodb:GetItem', context: { 'dynamodb:LeadingKeys': ['a'] } }])
})
