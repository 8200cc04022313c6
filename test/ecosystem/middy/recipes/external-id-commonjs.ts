import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const ssm = new SSMClient()
const readExternalId = async () => {
  const command = new GetParameterCommand({ Name: '/orders/external-id', WithDecryption: true })
  return (await ssm.send(command)).Parameter?.Value
}
let externalId = readExternalId()
// Without this line, a failed request ends the process.
externalId.catch(() => {})

export const handler = middy()
  .use(
    crossAccountDynamo({
      session: async () => {
        // Sends a failed request again.
        externalId = externalId.catch(readExternalId)
        return { externalId: await externalId }
      },
    }),
  )
  .handler(
    async (event: { id: string }, context) =>
      (await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))).Item,
  )
