import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  ListTablesCommand,
  TagResourceCommand,
} from '@aws-sdk/client-dynamodb'
import { BatchGetCommand, DeleteCommand, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clients, clientsOf } from './clients.ts'
import { type Sandbox, startSandbox } from './index.ts'
import { onlyOn } from './only-on.ts'
import { allow, OWN_TENANT, policy, revokeSessionsBefore, statement } from './policies.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  OTHER_TABLE,
  TABLE,
  TARGET_ROLE_ARN,
  textbook,
} from './textbook.ts'

let sandbox: Sandbox
let clients: Clients

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: textbook() })
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

test('items go to the table of account B and come back, and the call tells who it was', async () => {
  const documents = clients.documents(await clients.assume())
  await documents.send(new PutCommand({ TableName: TABLE, Item: { id: '123', n: 1 } }))
  const { Item } = await documents.send(new GetCommand({ TableName: TABLE, Key: { id: '123' } }))
  expect(Item).toEqual({ id: '123', n: 1 })
  expect(sandbox.calls.at(-1)).toMatchObject({
    service: 'dynamodb',
    operation: 'GetItem',
    principal: SESSION,
    accountId: ACCOUNT_B,
    sessionName: 'orders',
    table: TABLE,
    region: 'us-east-1',
    status: 200,
    host: new URL(sandbox.env.AWS_ENDPOINT_URL_DYNAMODB ?? '').host,
  })
})

test('seed() puts items past all policies', async () => {
  await sandbox.account(ACCOUNT_B).seed(TABLE, [{ id: { S: 'seeded' } }])
  const { Items } = await clients
    .documents(await clients.assume())
    .send(new ScanCommand({ TableName: TABLE }))
  expect(Items).toEqual([{ id: 'seeded' }])
})

test('the health line is there for anybody', async () => {
  const answer = await fetch(sandbox.env.AWS_ENDPOINT_URL_DYNAMODB ?? '')
  expect(answer.headers.get('content-type')).toBe('text/plain')
  expect(await answer.text()).toBe('healthy: dynamodb.us-east-1.amazonaws.com ')
  expect(sandbox.calls).toMatchObject([{ operation: 'Health', status: 200 }])
})

test('an error of the engine is passed on and recorded', async () => {
  const documents = clients.documents(await clients.assume())
  const put = new PutCommand({
    TableName: TABLE,
    Item: { id: '1' },
    ConditionExpression: 'attribute_exists(id)',
  })
  await expect(documents.send(put)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' })
  expect(sandbox.calls.at(-1)).toMatchObject({ status: 400, error: 'ConditionalCheckFailedException' })
})

describe('a table', () => {
  test('that is not permitted is denied, alone or in a batch', async () => {
    const documents = clients.documents(await clients.assume())
    const get = new GetCommand({ TableName: OTHER_TABLE, Key: { id: '1' } })
    await expect(documents.send(get)).rejects.toEqual(not('dynamodb:GetItem', tableArn(OTHER_TABLE)))
    const Keys = [{ id: '1' }]
    const batch = new BatchGetCommand({ RequestItems: { [TABLE]: { Keys }, [OTHER_TABLE]: { Keys } } })
    await expect(documents.send(batch)).rejects.toEqual(not('dynamodb:BatchGetItem', tableArn(OTHER_TABLE)))
  })

  test('may be given by its ARN', async () => {
    const documents = clients.documents(await clients.assume())
    const TableName = tableArn(TABLE)
    await documents.send(new PutCommand({ TableName, Item: { id: '1' } }))
    expect((await documents.send(new GetCommand({ TableName, Key: { id: '1' } }))).Item).toEqual({ id: '1' })
    const batch = new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ id: '1' }] } } })
    expect((await documents.send(batch)).Responses).toEqual({ [TableName]: [{ id: '1' }] })
    expect(sandbox.calls.at(-1)?.table).toBe(TABLE)
  })

  test('of another account needs a resource policy, which the sandbox has none of', async () => {
    sandbox.role(EXECUTION_ROLE_ARN).policies = [policy(statement('dynamodb:*', { Resource: '*' }))]
    const documents = clients.documents(sandbox.credentials(EXECUTION_ROLE_ARN))
    await expect(
      documents.send(new GetCommand({ TableName: tableArn(TABLE), Key: { id: '1' } })),
    ).rejects.toThrow(`table/${TABLE} because no resource-based policy allows the dynamodb:GetItem action`)
    await expect(
      documents.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } })),
    ).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    expect(sandbox.calls.at(-1)?.accountId).toBe(ACCOUNT_A)
  })

  test('is described, and listed, with permission', async () => {
    const client = clients.dynamodb(await clients.assume())
    await expect(client.send(new ListTablesCommand({}))).rejects.toEqual(not('dynamodb:ListTables', '*'))
    const describeTable = new DescribeTableCommand({ TableName: TABLE })
    await expect(client.send(describeTable)).rejects.toEqual(not('dynamodb:DescribeTable', tableArn(TABLE)))
    permit(statement(['dynamodb:ListTables', 'dynamodb:DescribeTable'], { Resource: '*' }))
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([TABLE, OTHER_TABLE])
    expect((await client.send(describeTable)).Table?.TableArn).toBe(tableArn(TABLE))
  })

  test('made at run time has its leading keys, until it is deleted', async () => {
    permit(statement(['dynamodb:CreateTable', 'dynamodb:DeleteTable'], { Resource: '*' }))
    sandbox
      .role(TARGET_ROLE_ARN)
      .policies?.push(policy(statement('dynamodb:PutItem', { Resource: '*', Condition: OWN_TENANT })))
    allow(sandbox, ['sts:TagSession'])
    const credentials = await clients.assume({ Tags: [{ Key: 'TenantId', Value: 'acme' }] })
    const TableName = 'Made'
    await clients.dynamodb(credentials).send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    const documents = clients.documents(credentials)
    await documents.send(new PutCommand({ TableName, Item: { pk: 'acme' } }))
    await expect(documents.send(new PutCommand({ TableName, Item: { pk: 'evil' } }))).rejects.toEqual(
      not('dynamodb:PutItem', tableArn(TableName)),
    )
    await clients.dynamodb(credentials).send(new DeleteTableCommand({ TableName }))
  })

  onlyOn('dynalite', 'DynamoDB Local takes no tags').test('is tagged, with permission', async () => {
    const client = clients.dynamodb(await clients.assume())
    const tag = new TagResourceCommand({
      ResourceArn: tableArn(TABLE),
      Tags: [{ Key: 'stage', Value: 'test' }],
    })
    await expect(client.send(tag)).rejects.toEqual(not('dynamodb:TagResource', tableArn(TABLE)))
    permit(statement('dynamodb:TagResource', { Resource: tableArn(TABLE) }))
    await client.send(tag)
  })

  test('denied explicitly says so', async () => {
    permit(statement('dynamodb:*', { Resource: '*' }), {
      Effect: 'Deny',
      Action: 'dynamodb:DeleteItem',
      Resource: '*',
    })
    const documents = clients.documents(await clients.assume())
    await expect(documents.send(new DeleteCommand({ TableName: TABLE, Key: { id: '1' } }))).rejects.toEqual(
      not('dynamodb:DeleteItem', tableArn(TABLE), 'with an explicit deny in an identity-based policy'),
    )
  })
})

test('denies a session that was issued before its role was revoked, and serves a new one', async () => {
  const get = new GetCommand({ TableName: TABLE, Key: { id: '1' } })
  const oldSession = clients.documents(await clients.assume())
  await oldSession.send(get)
  sandbox.clock.advance(60_000)
  sandbox.role(TARGET_ROLE_ARN).policies?.push(revokeSessionsBefore(sandbox.clock.now()))
  await expect(oldSession.send(get)).rejects.toEqual(
    not('dynamodb:GetItem', tableArn(TABLE), 'with an explicit deny in an identity-based policy'),
  )
  await clients.documents(await clients.assume()).send(get)
})

describe('a session policy', () => {
  const Policy = JSON.stringify(
    policy(statement(['dynamodb:GetItem', 'dynamodb:ListTables'], { Resource: '*' })),
  )

  test('takes away, and gives nothing', async () => {
    const documents = clients.documents(await clients.assume({ Policy }))
    await documents.send(new GetCommand({ TableName: TABLE, Key: { id: '1' } }))
    await expect(documents.send(new PutCommand({ TableName: TABLE, Item: { id: '1' } }))).rejects.toEqual(
      not(
        'dynamodb:PutItem',
        tableArn(TABLE),
        'because no session policy allows the dynamodb:PutItem action',
      ),
    )
    await expect(documents.send(new ListTablesCommand({}))).rejects.toEqual(not('dynamodb:ListTables', '*'))
  })

  test('sees the session tags', async () => {
    allow(sandbox, ['sts:TagSession'])
    const bound = JSON.stringify(
      policy(statement('dynamodb:GetItem', { Resource: '*', Condition: OWN_TENANT })),
    )
    const Tags = [{ Key: 'TenantId', Value: 'acme' }]
    const documents = clients.documents(await clients.assume({ Policy: bound, Tags }))
    await documents.send(new GetCommand({ TableName: TABLE, Key: { id: 'acme' } }))
    await expect(documents.send(new GetCommand({ TableName: TABLE, Key: { id: 'evil' } }))).rejects.toThrow(
      /because no session policy allows the dynamodb:GetItem action$/,
    )
  })
})
