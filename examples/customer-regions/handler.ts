/**
 * Reads an order from a table in the customer's own account and Region. A `session` function cannot return a Region, because a
 * client and its connections belong to one Region. Therefore each Region has its own middleware.
 *
 * Setup: as in ../customer-accounts, with the Region of each customer in the registry. In policies.json, the tables of acme are in
 * eu-west-1 and those of globex in us-east-1.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import type { Context, EventBridgeEvent } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { type Customer, findCustomer } from '../customer-accounts/registry.ts'

const createDynamo = (region: string) =>
  crossAccountDynamo({
    region,
    session: ({ event }: SessionRequest<Customer>) => ({
      roleArn: event.roleArn,
      externalId: event.externalId,
    }),
  })
const dynamoByRegion = new Map(['eu-west-1', 'us-east-1'].map((region) => [region, createDynamo(region)]))

export const handler = async (
  { detail }: EventBridgeEvent<'Order placed', { customerId: string; order: string }>,
  context: Context,
) => {
  const customer = await findCustomer(detail.customerId)
  if (customer === undefined) throw new Error('there is no such customer')
  const dynamo = dynamoByRegion.get(customer.region ?? '')
  if (dynamo === undefined) throw new Error(`the customer's Region is not supported: ${customer.region}`)
  const client = await dynamo.clientFor({ event: customer, context })
  const { Item } = await client.send(new GetCommand({ TableName: 'Orders', Key: { order: detail.order } }))
  return Item
}
