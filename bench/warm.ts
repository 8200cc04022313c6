/**
 * Measures what the middleware adds to a warm invocation: middy alone, with a middleware that does nothing, with a static
 * session, and with a synchronous `session` function, in turns within one run. The contexts are those of Lambda's runtime client:
 * plain objects. With `accessor`, the context also has the accessor `callbackWaitsForEmptyEventLoop` of the runtimes before
 * Node.js 24, which makes it slower to copy. Prints the medians. Figures of different machines do not compare.
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
const perTenant = crossAccountDynamo({
  ...options,
  session: ({ event }: { event: { tenant: string } }) => ({ sessionTags: { TenantId: event.tenant } }),
})
for (const tenant of TENANTS) await perTenant.clientFor({ event: { tenant }, context: {} as never })

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

// biome-ignore lint/suspicious/noExplicitAny: handlers of different events and contexts, called alike
type Handler = (event: any, context: any) => Promise<unknown>
const work = async () => {}
const doNothing = { before: () => {} }
const cases: Record<string, readonly [Handler, (awsRequestId: string) => object]> = {
  'middy alone': [middy(work), createContext],
  'middy alone, accessor': [middy(work), createContextWithAccessor],
  'a middleware that does nothing': [middy(work).use(doNothing), createContext],
  'crossAccountDynamo(), static': [middy(work).use(middleware), createContext],
  'crossAccountDynamo(), static, accessor': [middy(work).use(middleware), createContextWithAccessor],
  'with a session function': [middy(work).use(perTenant), createContext],
  'with a session function, accessor': [middy(work).use(perTenant), createContextWithAccessor],
}

const events = TENANTS.map((tenant) => ({ tenant }))
const measureNs = async (handler: Handler, create: (awsRequestId: string) => object): Promise<number> => {
  const contexts = Array.from({ length: INVOCATIONS }, (_, index) => create(`id-${index}`))
  const start = process.hrtime.bigint()
  for (const [index, context] of contexts.entries())
    await handler(events[index % events.length] ?? {}, context)
  return Number(process.hrtime.bigint() - start) / INVOCATIONS
}

const samples = new Map(Object.keys(cases).map((name) => [name, [] as number[]]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, [handler, create]] of Object.entries(cases))
    samples.get(name)?.push(await measureNs(handler, create))
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
for (const [name, values] of samples) {
  const bare = median(samples.get(name.endsWith('accessor') ? 'middy alone, accessor' : 'middy alone') ?? [])
  const ns = median(values)
  console.log(
    `${name.padEnd(40)} ${ns.toFixed(0).padStart(6)} ns per invocation, ${(ns - bare).toFixed(0).padStart(5)} ns more than middy alone`,
  )
}
const { length } = sandbox.calls.filter(({ service }) => service === 'sts')
console.log(
  `STS calls: ${length}, one per session (1 static, ${TENANTS.length} tenants), in ${(INVOCATIONS * ROUNDS).toLocaleString('en')} invocations of each case.`,
)
await sandbox.close()
