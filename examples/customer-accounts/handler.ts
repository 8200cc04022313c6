/**
 * Reads an order from a table in the customer's own account; role and external ID come from a registry in ours.
 *
 * Set-up: EventBridge brings an event of some customer; the roles are those of policies.json, where acme and globex
 * stand for all customers. The external ID is ours: made when a customer signs up, another for each customer, and never
 * the customer's choice. Else we could be made a confused deputy: mallory signs up with the ARN of acme's role, which
 * trusts us, and reads acme's orders. Acme's role asks for the external ID that we made for acme, and for mallory we
 * send mallory's.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { EventBridgeEvent } from 'aws-lambda'
import { crossAccountDynamo, type ResolverRequest } from 'middy-cross-account-dynamo'
import { type Customer, findCustomer } from './registry.ts'

type Event = EventBridgeEvent<'Order placed', { customerId: string; order: string }>

/** Looked up once for both resolvers, under the customer's own name. */
const customerOf = ({ event, internal }: ResolverRequest<Event>): Promise<Customer | undefined> => {
  const name = `customer:${event.detail.customerId}`
  internal[name] ??= findCustomer(event.detail.customerId)
  return internal[name] as Promise<Customer | undefined>
}

export const handler = middy()
  .use(
    crossAccountDynamo({
      roleArn: async (request: ResolverRequest<Event>) => (await customerOf(request))?.roleArn,
      externalId: async (request: ResolverRequest<Event>) => (await customerOf(request))?.externalId,
    }),
  )
  .handler(async ({ detail }: Event, context) => {
    const Key = { order: detail.order }
    const { Item } = await context.dynamo.send(new GetCommand({ TableName: 'Orders', Key }))
    return Item
  })
