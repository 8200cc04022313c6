import { DynamoDB, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import middy from '@middy/core'
import dynamoose from 'dynamoose'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

/** dynamoose calls `ddb.getItem(input)`. This method of the SDK's class DynamoDB calls `send` of its object. */
const toDynamoDB = (client: DynamoDBClient): DynamoDB =>
  Object.assign(Object.create(client), DynamoDB.prototype)

const dynamo = crossAccountDynamo({ documentClient: false })
dynamoose.aws.ddb.set(toDynamoDB(dynamo.client))
const orders = dynamoose.model('Order', { id: String, status: String })
// By default, dynamoose creates a table that does not exist, and needs the permission for DescribeTable.
new dynamoose.Table('MyTable', [orders], { create: false, waitForActive: false })

export const handler = middy()
  .use(dynamo)
  .handler(async ({ id }: { id: string }) => {
    await orders.create({ id, status: 'open' })
    return (await orders.get({ id })).toJSON()
  })
