/** The customers, in a table of the function's own account, which its execution role can read. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'

export interface Customer {
  readonly customerId: string
  /** The customer enters this ARN. */
  readonly roleArn: string
  /** Generated when the customer signs up, for example with `crypto.randomUUID()`. The customer cannot choose it. */
  readonly externalId: string
  /** The Region of the customer's tables. Only ../customer-regions uses it. */
  readonly region?: string
}

const documents = DynamoDBDocumentClient.from(new DynamoDBClient())

export const findCustomer = async (customerId: string): Promise<Customer | undefined> => {
  const { Item } = await documents.send(new GetCommand({ TableName: 'Customers', Key: { customerId } }))
  return Item as Customer | undefined
}
