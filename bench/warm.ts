/**
 * What the middleware adds to a warm invocation: middy with nothing, with a middleware that does nothing, and with
 * ours, in turns within one run. Prints the medians and their differences; figures of different machines do not compare.
 */
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { startSandbox } from '../test/sandbox/index.ts'
import { EXECUTION_ROLE_ARN, EXTERNAL_ID, TARGET_ROLE_ARN, textbook } from '../test/sandbox/textbook.ts'

const INVOCATIONS = 20_000
const ROUNDS = 41

const sandbox = await startSandbox({ accounts: textbook({ sessionTags: true }) })
Object.assign(process.env, sandbox.env, sandbox.lambdaEnv(EXECUTION_ROLE_ARN))
const middleware = crossAccountDynamo({ roleArn: TARGET_ROLE_ARN, externalId: EXTERNAL_ID })
await middleware.ready()
const ofTenants = crossAccountDynamo({
  roleArn: TARGET_ROLE_ARN,
  externalId: EXTERNAL_ID,
  sessionTags: ({ event }: { event: { tenant?: string } }) => ({ TenantId: event.tenant ?? 'acme' }),
})
await ofTenants.clientFor({ event: {}, context: {} as never })

// biome-ignore lint/suspicious/noExplicitAny: handlers of different contexts, called alike
type Handler = (event: object, context: any) => Promise<unknown>
const work = async () => {}
const handlers: Record<string, Handler> = {
  'middy alone': middy(work),
  'with a middleware that does nothing': middy(work).use({ before: () => {} }),
  'with crossAccountDynamo()': middy(work).use(middleware),
  'with a resolver of session tags': middy(work).use(ofTenants),
}

const nanosecondsOf = async (handler: Handler): Promise<number> => {
  const contexts = Array.from({ length: INVOCATIONS }, () => ({ awsRequestId: 'id' }))
  const start = process.hrtime.bigint()
  for (const context of contexts) await handler({}, context)
  return Number(process.hrtime.bigint() - start) / INVOCATIONS
}

const samples = new Map(Object.keys(handlers).map((name) => [name, [] as number[]]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, handler] of Object.entries(handlers))
    samples.get(name)?.push(await nanosecondsOf(handler))
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const bare = median(samples.get('middy alone') ?? [])
for (const [name, values] of samples) {
  const ns = median(values)
  console.log(
    `${name.padEnd(38)} ${ns.toFixed(0).padStart(6)} ns an invocation, ${(ns - bare).toFixed(0).padStart(4)} ns more, ${(ns / bare).toFixed(2)} times`,
  )
}
const { length } = sandbox.calls.filter(({ service }) => service === 'sts')
console.log(
  `STS was called ${length} time${length === 1 ? '' : 's'}, once a session, in ${(INVOCATIONS * ROUNDS).toLocaleString('en')} invocations of each.`,
)
await sandbox.close()
