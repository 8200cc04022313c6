/**
 * Reads an order from a table in the customer's own account. The role and the external ID come from a registry in your account.
 *
 * Setup: EventBridge sends an event of a customer. The roles are those of policies.json, where acme and globex stand for
 * all customers. Generate a unique external ID for each customer when the customer signs up, and never let customers choose
 * it. Otherwise you are exposed to the confused deputy problem: mallory signs up with the ARN of acme's role, which trusts
 * your account, and reads acme's orders. Acme's role requires the external ID that you generated for acme. For mallory, the
 * function sends mallory's external ID, so STS denies the call.
 */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import type { EventBridgeEvent } from 'aws-lambda'
import { crossAccountDynamo, type SessionRequest } from 'middy-cross-account-dynamo'
import { findCustomer } from './registry.ts'

type Event = EventBridgeEvent<'Order placed', { customerId: string; order: string }>

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: async ({ event }: SessionRequest<Event>) => {
        const customer = await findCustomer(event.detail.customerId)
        return customer && { roleArn: customer.roleArn, externalId: customer.externalId }
      },
    }),
  )
  .handler(async ({ detail }, context) => {
    const Key = { order: detail.order }
    const { Item } = await context.dynamo.send(new GetCommand({ TableName: 'Orders', Key }))
    return Item
  })
