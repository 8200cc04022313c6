/** The function of put-and-get, watched: Powertools Logger, a metric of each AssumeRole, and X-Ray. */
import { tracingChannel } from 'node:diagnostics_channel'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { Tracer } from '@aws-lambda-powertools/tracer'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { type AssumeRoleTrace, crossAccountDynamo } from 'middy-cross-account-dynamo'

const serviceName = 'orders'
const logger = new Logger({ serviceName })
const tracer = new Tracer({ serviceName })
const metrics = new Metrics({ namespace: 'CrossAccountDynamo', serviceName })

// A metric in the embedded metric format, written at once: an AssumeRole may end between two invocations.
tracingChannel<string, AssumeRoleTrace>('middy-cross-account-dynamo:assume-role').subscribe({
  start: () => {},
  end: () => {},
  asyncStart: () => {},
  asyncEnd: (trace) => {
    const metric = metrics.singleMetric()
    metric.addDimension('reason', trace.reason)
    metric.addMetric(
      'error' in trace ? 'AssumeRoleFailed' : 'AssumeRole',
      MetricUnit.Milliseconds,
      trace.durationMs ?? 0,
    )
  },
  error: () => {},
})

export const handler = middy()
  .use(crossAccountDynamo({ logger, awsClientCapture: (client) => tracer.captureAWSv3Client(client) }))
  .handler(async (event: { id: string }, context) => {
    const TableName = process.env.TABLE_NAME ?? 'MyTable'
    const { Item } = await context.dynamo.send(new GetCommand({ TableName, Key: { id: event.id } }))
    return Item
  })
