/** The middleware `@middy/sts` with its defaults. It sets the credentials on the context. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import sts from '@middy/sts'
import { type BenchEvent, EXTERNAL_ID, ROLE_ARN, readItem, SESSION_NAME } from './read-item.ts'

interface CredentialsContext {
  readonly assumeRole: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
}

const assumeRoleInput = { RoleArn: ROLE_ARN, RoleSessionName: SESSION_NAME, ExternalId: EXTERNAL_ID }

export const handler = middy<BenchEvent>()
  .use(
    sts({
      fetchData: {
        // The types of version 4.7.0 only allow strings.
        assumeRole: assumeRoleInput as unknown as string,
      },
      setToContext: true,
    }),
  )
  .handler(async (event, context) => {
    const { assumeRole: credentials } = context as unknown as CredentialsContext
    return readItem(DynamoDBDocumentClient.from(new DynamoDBClient({ credentials })), event)
  })
