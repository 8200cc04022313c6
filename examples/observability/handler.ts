/** Reads an item, with Powertools logs, a metric for each AssumeRole call, and X-Ray traces of the requests to DynamoDB. */
import { tracingChannel } from 'node:diagnostics_channel'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { Tracer } from '@aws-lambda-powertools/tracer'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { type AssumeRoleTrace, crossAccountDynamo } from 'middy-cross-account-dynamo'

const serviceName = 'orders'
const logger = new Logger({ serviceName })
// In the INIT phase there is no trace. With HTTP capture, X-Ray would report that for each request that the middleware sends there.
const tracer = new Tracer({ serviceName, captureHTTPsRequests: false })
const metrics = new Metrics({ namespace: 'CrossAccountDynamo', serviceName })

// Use `singleMetric()`, which writes the metric immediately, because an AssumeRole call can end between two invocations.
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
