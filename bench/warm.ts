/**
 * Measures the time that the middleware adds to a warm invocation. Compares middy alone, a middleware that does nothing, a static
 * session, and a synchronous `session` function, in alternation within one run. The contexts are plain objects, like those of
 * Lambda's runtime client. With `accessor`, the context also has the accessor `callbackWaitsForEmptyEventLoop` of the runtimes
 * before Node.js 24, which makes the context slower to copy. Prints the medians. Do not compare figures of different machines.
 */
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { startSandbox } from '../test/sandbox/index.ts'
import {
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  TARGET_ROLE_ARN,
} from '../test/sandbox/two-accounts.ts'

const INVOCATIONS = 1_000
const ROUNDS = 801
const TENANTS = Array.from({ length: 10 }, (_, index) => `tenant-${index}`)

const sandbox = await startSandbox({ accounts: createTwoAccounts({ canTagSession: true }) })
Object.assign(process.env, sandbox.env, sandbox.createLambdaEnvironment(EXECUTION_ROLE_ARN))
const options = { roleArn: TARGET_ROLE_ARN, externalId: EXTERNAL_ID }
const middleware = crossAccountDynamo(options)
await middleware.ready()
const tenantMiddleware = crossAccountDynamo({
  ...options,
  session: ({ event }: { event: { tenant: string } }) => ({ sessionTags: { TenantId: event.tenant } }),
})
for (const tenant of TENANTS) await tenantMiddleware.clientFor({ event: { tenant }, context: {} as never })

const createContext = (awsRequestId: string): object => ({
  functionName: 'orders',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:111111111111:function:orders',
  memoryLimitInMB: '128',
  awsRequestId,
  logGroupName: '/aws/lambda/orders',
  logStreamName: '2026/01/01/[$LATEST]0',
  identity: undefined,
  clientContext: undefined,
  getRemainingTimeInMillis: () => 3000,
})
const createContextWithAccessor = (awsRequestId: string): object => {
  let isWaiting = true
  const accessor = {
    get callbackWaitsForEmptyEventLoop() {
      return isWaiting
    },
    set callbackWaitsForEmptyEventLoop(value: boolean) {
      isWaiting = value
    },
  }
  return Object.assign(accessor, createContext(awsRequestId))
}

// biome-ignore lint/suspicious/noExplicitAny: the handlers have different event and context types
type Handler = (event: any, context: any) => Promise<unknown>
const baseHandler = async () => {}
const doNothing = { before: () => {} }
const cases: Record<string, readonly [Handler, (awsRequestId: string) => object]> = {
  'middy alone': [middy(baseHandler), createContext],
  'middy alone, accessor': [middy(baseHandler), createContextWithAccessor],
  'a middleware that does nothing': [middy(baseHandler).use(doNothing), createContext],
  'crossAccountDynamo(), static': [middy(baseHandler).use(middleware), createContext],
  'crossAccountDynamo(), static, accessor': [middy(baseHandler).use(middleware), createContextWithAccessor],
  'with a session function': [middy(baseHandler).use(tenantMiddleware), createContext],
  'with a session function, accessor': [middy(baseHandler).use(tenantMiddleware), createContextWithAccessor],
}

const events = TENANTS.map((tenant) => ({ tenant }))
const measureInvocationNs = async (
  handler: Handler,
  createRequestContext: (awsRequestId: string) => object,
): Promise<number> => {
  const contexts = Array.from({ length: INVOCATIONS }, (_, index) => createRequestContext(`id-${index}`))
  const start = process.hrtime.bigint()
  for (const [index, context] of contexts.entries())
    await handler(events[index % events.length] ?? {}, context)
  return Number(process.hrtime.bigint() - start) / INVOCATIONS
}

const samples = new Map(Object.keys(cases).map((name) => [name, [] as number[]]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, [handler, createRequestContext]] of Object.entries(cases))
    samples.get(name)?.push(await measureInvocationNs(handler, createRequestContext))
}
const getMedian = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
for (const [name, values] of samples) {
  const baselineNs = getMedian(
    samples.get(name.endsWith('accessor') ? 'middy alone, accessor' : 'middy alone') ?? [],
  )
  const medianNs = getMedian(values)
  console.log(
    `${name.padEnd(40)} ${medianNs.toFixed(0).padStart(6)} ns per invocation, ${(medianNs - baselineNs).toFixed(0).padStart(5)} ns more than middy alone`,
  )
}
const stsCalls = sandbox.calls.filter(({ service }) => service === 'sts')
console.log(
  `STS calls: ${stsCalls.length}, one per session (1 static, ${TENANTS.length} tenants), in ${(INVOCATIONS * ROUNDS).toLocaleString('en')} invocations of each case.`,
)
await sandbox.close()
