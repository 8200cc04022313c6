import { DynamoDB, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import middy from '@middy/core'
import dynamoose from 'dynamoose'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'

interface OrderEvent {
  tenant: string
  order: string
}

/** dynamoose calls `ddb.getItem(input)`. This method of the SDK's class DynamoDB calls `send` of its object. */
const toDynamoDB = (client: DynamoDBClient): DynamoDB =>
  Object.assign(Object.create(client), DynamoDB.prototype)

const createOrders = (client: DynamoDBClient) => {
  const instance = new dynamoose.Instance()
  instance.aws.ddb.set(toDynamoDB(client))
  // The name of the model differs from the name of the table, because dynamoose shares tables by that name.
  const orders = dynamoose.model('Order', {
    tenant: { type: String, hashKey: true },
    order: { type: String, rangeKey: true },
    status: String,
  })
  // By default, dynamoose creates a table that does not exist, and needs the permission for DescribeTable.
  new instance.Table('Orders', [orders], { create: false, waitForActive: false })
  return orders
}

const ordersByClient = new WeakMap<DynamoDBClient, ReturnType<typeof createOrders>>()
const getOrders = (client: DynamoDBClient) => {
  const orders = ordersByClient.get(client) ?? createOrders(client)
  ordersByClient.set(client, orders)
  return orders
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      documentClient: false,
      session: ({ event }: SessionRequest<OrderEvent>) => ({ sessionTags: { TenantId: event.tenant } }),
    }),
  )
  .handler(async ({ tenant, order }: OrderEvent, context) => {
    const orders = getOrders(context.dynamo)
    await orders.create({ tenant, order, status: 'open' })
    return (await orders.get({ tenant, order })).toJSON()
  })
