/** The customers, in a table of our own account: the execution role's own credentials reach it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'

export interface Customer {
  readonly customerId: string
  /** The customer's to say. */
  readonly roleArn: string
  /** Ours to say, such as a `crypto.randomUUID()` from the sign-up. */
  readonly externalId: string
}

const documents = DynamoDBDocumentClient.from(new DynamoDBClient())

export const findCustomer = async (customerId: string): Promise<Customer | undefined> => {
  const { Item } = await documents.send(new GetCommand({ TableName: 'Customers', Key: { customerId } }))
  return Item as Customer | undefined
}
