/**
 * The least that a middleware for temporary credentials does in a warm invocation: it compares the time with the expiration, and sets
 * the client on the context. It never refreshes the credentials.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { client } from './from-temporary-credentials.ts'
import { type BenchEvent, readItem } from './read-item.ts'

const expiresAt = Date.now() + 3_600_000

interface ClientContext {
  dynamo: DynamoDBDocumentClient
}

export const handler = middy<BenchEvent, unknown, Error, ClientContext>()
  .before(({ context }) => {
    if (Date.now() >= expiresAt) throw new Error('the credentials have expired')
    context.dynamo = client
  })
  .handler(async (event, context) => readItem(context.dynamo, event))
