/** The part of the handler that all peers have in common, and their configuration. */
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'

export interface BenchEvent {
  /** The key of the item to read. An event without `id` only needs the client, such as a scheduled warm-up event. */
  readonly id?: string
  /** The tenant, for handlers with many tenants. */
  readonly tenant?: string
}

export const ROLE_ARN = process.env.CROSS_ACCOUNT_DYNAMO_ROLE_ARN ?? ''
export const EXTERNAL_ID = process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID ?? ''
export const SESSION_NAME = process.env.AWS_LAMBDA_FUNCTION_NAME ?? ''

export const readItem = async (client: DynamoDBDocumentClient, { id }: BenchEvent): Promise<unknown> => {
  if (id === undefined) return undefined
  const { Item } = await client.send(new GetCommand({ TableName: 'MyTable', Key: { id } }))
  return Item
}
