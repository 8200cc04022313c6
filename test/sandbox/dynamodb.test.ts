import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  ListTablesCommand,
  TagResourceCommand,
} from '@aws-sdk/client-dynamodb'
import { BatchGetCommand, DeleteCommand, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { matchAccessDenied, SESSION_ARN, toTableArn } from './access-denied.ts'
import { type Clients, createClients } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import {
  allowStatement,
  allowStsActions,
  createPolicy,
  createRevokeSessionsPolicy,
  OWN_TENANT_CONDITION,
} from './policies.ts'
import { restrictToEngine } from './restrict-to-engine.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
} from './two-accounts.ts'

let sandbox: Sandbox
let clients: Clients

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  clients = createClients(sandbox)
})
afterEach(async () => {
  clients.close()
  await sandbox.close()
})

const setPermissions = (...statements: object[]) => {
  sandbox.getRole(TARGET_ROLE_ARN).policies = [createPolicy(...statements)]
}

test('writes and reads items in the table of account B and records the caller', async () => {
  const documentClient = clients.createDocumentClient(await clients.assumeRole())
  await documentClient.send(new PutCommand({ TableName: TABLE, Item: { id: '123', n: 1 } }))
  const { Item } = await documentClient.send(new GetCommand({ TableName: TABLE, Key: { id: '123' } }))
  expect(Item).toEqual({ id: '123', n: 1 })
  expect(sandbox.calls.at(-1)).toMatchObject({
    service: 'dynamodb',
    operation: 'GetItem',
    principal: SESSION_ARN,
    accountId: ACCOUNT_B,
    sessionName: 'orders',
    table: TABLE,
    region: 'us-east-1',
    status: 200,
    host: new URL(sandbox.env.AWS_ENDPOINT_URL_DYNAMODB ?? '').host,
  })
})

test('seed() writes items without permissions', async () => {
  await sandbox.getAccount(ACCOUNT_B).seed(TABLE, [{ id: { S: 'seeded' } }])
  const { Items } = await clients
    .createDocumentClient(await clients.assumeRole())
    .send(new ScanCommand({ TableName: TABLE }))
  expect(Items).toEqual([{ id: 'seeded' }])
})

test('returns the health check without a signature', async () => {
  const response = await fetch(sandbox.env.AWS_ENDPOINT_URL_DYNAMODB ?? '')
  expect(response.headers.get('content-type')).toBe('text/plain')
  expect(await response.text()).toBe('healthy: dynamodb.us-east-1.amazonaws.com ')
  expect(sandbox.calls).toMatchObject([{ operation: 'Health', status: 200 }])
})

test('returns and records an error of the engine', async () => {
  const documentClient = clients.createDocumentClient(await clients.assumeRole())
  const put = new PutCommand({
    TableName: TABLE,
    Item: { id: '1' },
    ConditionExpression: 'attribute_exists(id)',
  })
  await expect(documentClient.send(put)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' })
  expect(sandbox.calls.at(-1)).toMatchObject({ status: 400, error: 'ConditionalCheckFailedException' })
})

describe('tables', () => {
  test('denies a table without permissions in a single request and in a batch', async () => {
    const documentClient = clients.createDocumentClient(await clients.assumeRole())
    const get = new GetCommand({ TableName: OTHER_TABLE, Key: { id: '1' } })
    await expect(documentClient.send(get)).rejects.toEqual(
      matchAccessDenied('dynamodb:GetItem', toTableArn(OTHER_TABLE)),
    )
    const Keys = [{ id: '1' }]
    const batch = new BatchGetCommand({ RequestItems: { [TABLE]: { Keys }, [OTHER_TABLE]: { Keys } } })
    await expect(documentClient.send(batch)).rejects.toEqual(
      matchAccessDenied('dynamodb:BatchGetItem', toTableArn(OTHER_TABLE)),
    )
  })

  test('accepts table ARNs', async () => {
    const documentClient = clients.createDocumentClient(await clients.assumeRole())
    const TableName = toTableArn(TABLE)
    await documentClient.send(new PutCommand({ TableName, Item: { id: '1' } }))
    expect((await documentClient.send(new GetCommand({ TableName, Key: { id: '1' } }))).Item).toEqual({
      id: '1',
    })
    const batch = new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ id: '1' }] } } })
    expect((await documentClient.send(batch)).Responses).toEqual({ [TableName]: [{ id: '1' }] })
    expect(sandbox.calls.at(-1)?.table).toBe(TABLE)
  })

  test('denies a table of another account, because the sandbox has no resource-based policies', async () => {
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = [
      createPolicy(allowStatement('dynamodb:*', { Resource: '*' })),
    ]
    const documentClient = clients.createDocumentClient(sandbox.issueCredentials(EXECUTION_ROLE_ARN))
    await expect(
      documentClient.send(new GetCommand({ TableName: toTableArn(TABLE), Key: { id: '1' } })),
    ).rejects.toThrow(`table/${TABLE} because no resource-based policy allows the dynamodb:GetItem action`)
    await expect(
      documentClient.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } })),
    ).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    expect(sandbox.calls.at(-1)?.accountId).toBe(ACCOUNT_A)
  })

  test('requires permissions to describe and list tables', async () => {
    const client = clients.createDynamoDBClient(await clients.assumeRole())
    await expect(client.send(new ListTablesCommand({}))).rejects.toEqual(
      matchAccessDenied('dynamodb:ListTables', '*'),
    )
    const describeTable = new DescribeTableCommand({ TableName: TABLE })
    await expect(client.send(describeTable)).rejects.toEqual(
      matchAccessDenied('dynamodb:DescribeTable', toTableArn(TABLE)),
    )
    setPermissions(allowStatement(['dynamodb:ListTables', 'dynamodb:DescribeTable'], { Resource: '*' }))
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([TABLE, OTHER_TABLE])
    expect((await client.send(describeTable)).Table?.TableArn).toBe(toTableArn(TABLE))
  })

  test('checks the leading keys of a table that a request created', async () => {
    setPermissions(allowStatement(['dynamodb:CreateTable', 'dynamodb:DeleteTable'], { Resource: '*' }))
    sandbox
      .getRole(TARGET_ROLE_ARN)
      .policies?.push(
        createPolicy(allowStatement('dynamodb:PutItem', { Resource: '*', Condition: OWN_TENANT_CONDITION })),
      )
    allowStsActions(sandbox, ['sts:TagSession'])
    const credentials = await clients.assumeRole({ Tags: [{ Key: 'TenantId', Value: 'acme' }] })
    const TableName = 'CreatedTable'
    await clients.createDynamoDBClient(credentials).send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    const documentClient = clients.createDocumentClient(credentials)
    await documentClient.send(new PutCommand({ TableName, Item: { pk: 'acme' } }))
    await expect(documentClient.send(new PutCommand({ TableName, Item: { pk: 'evil' } }))).rejects.toEqual(
      matchAccessDenied('dynamodb:PutItem', toTableArn(TableName)),
    )
    await clients.createDynamoDBClient(credentials).send(new DeleteTableCommand({ TableName }))
  })

  restrictToEngine('dynalite', 'DynamoDB Local does not support tags').test(
    'requires a permission to tag a table',
    async () => {
      const client = clients.createDynamoDBClient(await clients.assumeRole())
      const tag = new TagResourceCommand({
        ResourceArn: toTableArn(TABLE),
        Tags: [{ Key: 'stage', Value: 'test' }],
      })
      await expect(client.send(tag)).rejects.toEqual(
        matchAccessDenied('dynamodb:TagResource', toTableArn(TABLE)),
      )
      setPermissions(allowStatement('dynamodb:TagResource', { Resource: toTableArn(TABLE) }))
      await client.send(tag)
    },
  )

  test('names an explicit deny in the error message', async () => {
    setPermissions(allowStatement('dynamodb:*', { Resource: '*' }), {
      Effect: 'Deny',
      Action: 'dynamodb:DeleteItem',
      Resource: '*',
    })
    const documentClient = clients.createDocumentClient(await clients.assumeRole())
    await expect(
      documentClient.send(new DeleteCommand({ TableName: TABLE, Key: { id: '1' } })),
    ).rejects.toEqual(
      matchAccessDenied(
        'dynamodb:DeleteItem',
        toTableArn(TABLE),
        'with an explicit deny in an identity-based policy',
      ),
    )
  })
})

test('denies a session that was issued before its role was revoked, and serves a new one', async () => {
  const get = new GetCommand({ TableName: TABLE, Key: { id: '1' } })
  const oldSession = clients.createDocumentClient(await clients.assumeRole())
  await oldSession.send(get)
  sandbox.clock.advance(60_000)
  sandbox.getRole(TARGET_ROLE_ARN).policies?.push(createRevokeSessionsPolicy(sandbox.clock.now()))
  await expect(oldSession.send(get)).rejects.toEqual(
    matchAccessDenied(
      'dynamodb:GetItem',
      toTableArn(TABLE),
      'with an explicit deny in an identity-based policy',
    ),
  )
  await clients.createDocumentClient(await clients.assumeRole()).send(get)
})

describe('session policies', () => {
  const Policy = JSON.stringify(
    createPolicy(allowStatement(['dynamodb:GetItem', 'dynamodb:ListTables'], { Resource: '*' })),
  )

  test('restricts the session to the session policy and grants nothing beyond the role', async () => {
    const documentClient = clients.createDocumentClient(await clients.assumeRole({ Policy }))
    await documentClient.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
    await expect(
      documentClient.send(new PutCommand({ TableName: TABLE, Item: { id: '1' } })),
    ).rejects.toEqual(
      matchAccessDenied(
        'dynamodb:PutItem',
        toTableArn(TABLE),
        'because no session policy allows the dynamodb:PutItem action',
      ),
    )
    await expect(documentClient.send(new ListTablesCommand({}))).rejects.toEqual(
      matchAccessDenied('dynamodb:ListTables', '*'),
    )
  })

  test('evaluates session tags in the session policy', async () => {
    allowStsActions(sandbox, ['sts:TagSession'])
    const tenantPolicy = JSON.stringify(
      createPolicy(allowStatement('dynamodb:GetItem', { Resource: '*', Condition: OWN_TENANT_CONDITION })),
    )
    const Tags = [{ Key: 'TenantId', Value: 'acme' }]
    const documentClient = clients.createDocumentClient(
      await clients.assumeRole({ Policy: tenantPolicy, Tags }),
    )
    await documentClient.send(new GetCommand({ TableName: TABLE, Key: { id: 'acme' } }))
    await expect(
      documentClient.send(new GetCommand({ TableName: TABLE, Key: { id: 'evil' } })),
    ).rejects.toThrow(/because no session policy allows the dynamodb:GetItem action$/)
  })
})
