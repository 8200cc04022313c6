/** The floor: bare middy, and a client with the credentials of the function, which has access to the table without a role. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { type BenchEvent, readItem } from './read-item.ts'

const client = DynamoDBDocumentClient.from(new DynamoDBClient())

export const handler = middy<BenchEvent>().handler(async (event) => readItem(client, event))
