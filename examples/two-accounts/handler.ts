/**
 * GET /orders/{order}, which reads an order in one account and writes an audit record in another account. The handler has two
 * clients, each with its own role, external ID and Region.
 *
 * Setup: create the roles in policies.json, and set the variables ORDERS_DYNAMO_ROLE_ARN, ORDERS_DYNAMO_EXTERNAL_ID,
 * AUDIT_DYNAMO_ROLE_ARN and AUDIT_DYNAMO_EXTERNAL_ID. If the audit table is in another Region, set AUDIT_DYNAMO_REGION too.
 */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

export const handler = middy()
  .use(crossAccountDynamo({ contextKey: 'orders', envPrefix: 'ORDERS_DYNAMO' }))
  .use(crossAccountDynamo({ contextKey: 'audit', envPrefix: 'AUDIT_DYNAMO' }))
  .handler(async ({ pathParameters }: APIGatewayProxyEventV2, { orders, audit, awsRequestId }) => {
    const order = pathParameters?.order
    // Write the audit record first, so that no order is read without one.
    await audit.send(new PutCommand({ TableName: 'Reads', Item: { request: awsRequestId, order } }))
    const { Item } = await orders.send(new GetCommand({ TableName: 'Orders', Key: { order } }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
