import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'

const { Parameter } = await new SSMClient().send(
  new GetParameterCommand({ Name: '/orders/external-id', WithDecryption: true }),
)
// With undefined, the middleware would send the external ID of the environment variable, or none.
if (Parameter?.Value === undefined) throw new Error('The parameter /orders/external-id has no value.')

export const handler = middy()
  .use(crossAccountDynamo({ externalId: Parameter.Value }))
  .handler(
    async (event: { id: string }, context) =>
      (await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } }))).Item,
  )
