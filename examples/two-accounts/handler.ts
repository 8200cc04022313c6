/**
 * GET /orders/{order}, with a note of each read in another account: two clients in one handler, each with a role, an
 * external ID and, if need be, a Region of its own.
 *
 * Set-up: the roles of policies.json, and the variables ORDERS_DYNAMO_ROLE_ARN, ORDERS_DYNAMO_EXTERNAL_ID,
 * AUDIT_DYNAMO_ROLE_ARN and AUDIT_DYNAMO_EXTERNAL_ID; AUDIT_DYNAMO_REGION too, if that table is in another Region.
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
    // First the note: what cannot be noted is not read.
    await audit.send(new PutCommand({ TableName: 'Reads', Item: { request: awsRequestId, order } }))
    const { Item } = await orders.send(new GetCommand({ TableName: 'Orders', Key: { order } }))
    return Item ? { statusCode: 200, body: JSON.stringify(Item) } : { statusCode: 404 }
  })
