/** A function with middy and the clients that this package needs, but without this package. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'

export const packages = [middy, AssumeRoleCommand, GetCommand]

export const construct = (): unknown => [new STSClient(), DynamoDBDocumentClient.from(new DynamoDBClient())]
