/** The credentials of the target role in middy's own AWS middlewares, and an external ID from SSM or Secrets Manager. */
import assert from 'node:assert/strict'
import { json } from 'node:stream/consumers'
import { beforeEach, mock } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import secretsManager from '@middy/secrets-manager'
import ssm from '@middy/ssm'
import sts from '@middy/sts'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import { createLambdaContext, setEnvironment } from '../../lambda-runtime.ts'
import { EXTERNAL_ID, TARGET_ROLE_ARN } from '../../sandbox/two-accounts.ts'
import { testCombination } from '../support/combination.ts'
import { startHttpServer } from '../support/http-server.ts'
import { importRecipe } from '../support/recipes.ts'
import { startSandboxProcess } from '../support/sandbox.ts'

const HOUR_MS = 3_600_000
const sandbox = await startSandboxProcess()

/** The access key ID of each request to SSM and Secrets Manager. */
let accessKeyIds: string[] = []
/** How many requests SSM and Secrets Manager still deny. */
let denials = 0
/** When SSM or Secrets Manager received the first request with each access key ID. */
const firstUsedAtMs = new Map<string, number>()
/** The value of each parameter and secret. */
const values: Record<string, string> = {
  '/right': EXTERNAL_ID,
  '/wrong': 'another-external-id',
  '/name': 'value',
  '/orders/external-id': EXTERNAL_ID,
}

interface ServiceRequest {
  readonly Name?: string
  readonly Names?: readonly string[]
  readonly SecretId?: string
}

const createResponse = ({ Name, Names, SecretId = '' }: ServiceRequest) => {
  const toParameter = (name: string) => ({ Name: name, Type: 'SecureString', Value: values[name] })
  if (Names) return { Parameters: Names.map(toParameter), InvalidParameters: [] }
  return Name === undefined ? { SecretString: values[SecretId] } : { Parameter: toParameter(Name) }
}

/** SSM and Secrets Manager, without a check of the signature. They reject credentials that are older than an hour. */
const endpoint = await startHttpServer(async (request, response) => {
  const body = (await json(request)) as ServiceRequest
  const [, accessKeyId = ''] = /Credential=(\w+)\//.exec(request.headers.authorization ?? '') ?? []
  accessKeyIds.push(accessKeyId)
  const firstUseMs = firstUsedAtMs.get(accessKeyId) ?? Date.now()
  firstUsedAtMs.set(accessKeyId, firstUseMs)
  const isExpired = Date.now() - firstUseMs > HOUR_MS
  const isDenied = denials > 0
  if (isDenied) denials -= 1
  const error = isExpired ? 'ExpiredTokenException' : isDenied ? 'AccessDeniedException' : undefined
  response.writeHead(error === undefined ? 200 : 400, {
    'content-type': 'application/x-amz-json-1.1',
    // The advanced time. If the time differs from that of the client, the SDK sends a failed request again.
    date: new Date(Date.now()).toUTCString(),
  })
  response.end(JSON.stringify(error === undefined ? createResponse(body) : { __type: error }))
})

beforeEach(async () => {
  await sandbox.clear()
  accessKeyIds = []
  setEnvironment({
    ...(await sandbox.createFunctionVariables()),
    AWS_ENDPOINT_URL_SSM: endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
  })
})

/** Advances the time of this process and of the sandbox, for the remaining tests of this file, too. */
const advanceTime = async (ms: number): Promise<void> => {
  advancedMs += ms
  await sandbox.advanceClock(ms)
}
const realNow = Date.now.bind(Date)
let advancedMs = 0
mock.method(Date, 'now', () => realNow() + advancedMs)

const getIssuedAccessKeyIds = async () =>
  (await sandbox.getCalls()).flatMap(({ issuedAccessKeyId }) => issuedAccessKeyId ?? [])

/** Returns a function that checks that an error of `getInternal` has one reason, with this name or code. */
const hasReason = (expected: string) => (error: unknown) => {
  const { data } = (error as { cause: { data: { name: string; code?: string }[] } }).cause
  assert.deepEqual(
    data.map(({ name, code }) => code ?? name),
    [expected],
  )
  return true
}

const fetchData = { value: '/name' }
/** Fetches the value in each invocation, with the credentials in `request.internal.dynamo`. */
const options = { fetchData, awsClientAssumeRole: 'dynamo', cacheExpiry: 0, setToContext: true } as const

const createStsMiddleware = () =>
  sts({
    fetchData: {
      // biome-ignore lint/suspicious/noExplicitAny: the types of @middy/sts accept only strings
      dynamo: { RoleArn: TARGET_ROLE_ARN, ExternalId: EXTERNAL_ID } as any,
    },
    cacheKey: `sts of ${Math.random()}`,
  })

for (const [packageName, createFetcher] of [
  ['@middy/ssm', () => ssm(options)],
  ['@middy/secrets-manager', () => secretsManager(options)],
] as const) {
  // biome-ignore lint/suspicious/noExplicitAny: a middleware that sets request.internal.dynamo
  const createHandler = (middleware: any) =>
    middy()
      .use(middleware)
      .use(createFetcher())
      .handler(async (_event: unknown, context) => (context as { value?: unknown }).value)

  testCombination(
    [packageName, '@middy/core'],
    "uses the target role's new credentials with `awsClientAssumeRole` after the first ones have expired",
    async () => {
      const handler = createHandler(crossAccountDynamo())
      assert.equal(await handler({}, createLambdaContext()), 'value')
      assert.equal(await handler({}, createLambdaContext()), 'value')
      await advanceTime(2 * HOUR_MS)
      assert.equal(await handler({}, createLambdaContext()), 'value')
      const [first, second, ...others] = await getIssuedAccessKeyIds()
      assert.deepEqual(others, [])
      assert.ok(first !== undefined && second !== undefined)
      assert.deepEqual(accessKeyIds, [first, first, second])
    },
  )

  testCombination(
    ['@middy/sts', packageName, '@middy/core'],
    'keeps its first credentials with `awsClientAssumeRole` after they have expired',
    async () => {
      const handler = createHandler(createStsMiddleware())
      assert.equal(await handler({}, createLambdaContext()), 'value')
      await advanceTime(2 * HOUR_MS)
      await assert.rejects(async () => handler({}, createLambdaContext()), hasReason('ExpiredTokenException'))
      const [first, ...others] = await getIssuedAccessKeyIds()
      assert.deepEqual(others, [])
      assert.ok(first !== undefined)
      assert.deepEqual([...new Set(accessKeyIds)], [first])
      assert.ok(accessKeyIds.length > 1)
    },
  )

  testCombination(
    [packageName, '@middy/core'],
    'fails with `awsClientAssumeRole` if a `session` function determines the credentials',
    async () => {
      const handler = createHandler(crossAccountDynamo({ session: () => ({ sessionName: 'acme' }) }))
      await assert.rejects(async () => handler({}, createLambdaContext()), hasReason('CONFIG_INVALID'))
      assert.deepEqual(accessKeyIds, [])
    },
  )
}

for (const [packageName, readValue] of [
  [
    '@aws-sdk/client-ssm',
    async (Name: string) =>
      (await new SSMClient({}).send(new GetParameterCommand({ Name, WithDecryption: true }))).Parameter
        ?.Value,
  ],
  [
    '@aws-sdk/client-secrets-manager',
    async (SecretId: string) =>
      (await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId }))).SecretString,
  ],
] as const) {
  /** Does at the top level of a module what the user's module does, so that no `session` function is necessary. */
  const importHandler = async (name: string) => {
    const externalId = await readValue(name)
    assert.ok(externalId)
    return middy()
      .use(crossAccountDynamo({ externalId }))
      .handler(async (event: { id: string }, context) => {
        await context.dynamo.send(new PutCommand({ TableName: 'MyTable', Item: { id: event.id } }))
        return (await context.dynamo.send(new GetCommand({ TableName: 'MyTable', Key: { id: event.id } })))
          .Item
      })
  }

  testCombination(
    [packageName, '@middy/core'],
    'provides the external ID with a top-level `await`, without a `session` function',
    async () => {
      delete process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
      const handler = await importHandler('/right')
      assert.deepEqual(await handler({ id: '1' }, createLambdaContext()), { id: '1' })
      // The value is read once, with the credentials of the execution role.
      assert.deepEqual(accessKeyIds, [process.env.AWS_ACCESS_KEY_ID])

      const deniedHandler = await importHandler('/wrong')
      await assert.rejects(async () => deniedHandler({ id: '1' }, createLambdaContext()), {
        code: 'ASSUME_ROLE_DENIED',
      })
    },
  )
}

testCombination(
  ['@aws-sdk/client-ssm', '@middy/core'],
  'runs the recipe for an external ID from Parameter Store',
  async () => {
    delete process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
    const { handler } = await importRecipe<typeof import('./recipes/external-id.ts')>('middy', 'external-id')
    assert.equal(await handler({ id: 'missing' }, createLambdaContext()), undefined)
    const assumeRoleCalls = (await sandbox.getCalls()).filter(({ operation }) => operation === 'AssumeRole')
    assert.deepEqual(
      assumeRoleCalls.map(({ status, hasExternalId }) => ({ status, hasExternalId })),
      [{ status: 200, hasExternalId: true }],
    )
  },
)

testCombination(
  ['@aws-sdk/client-ssm', '@middy/core'],
  'runs the recipe for an external ID from Parameter Store in a CommonJS bundle, which sends a failed request again',
  async () => {
    delete process.env.CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID
    // The request at module scope, and that of the first invocation.
    denials = 2
    const { handler } = await importRecipe<typeof import('./recipes/external-id-commonjs.ts')>(
      'middy',
      'external-id-commonjs',
    )
    // The request at module scope fails before the first invocation. This must not end the process.
    while (denials > 1) await setTimeout(10)
    await setTimeout(100)
    await assert.rejects(async () => handler({ id: 'missing' }, createLambdaContext()), {
      code: 'SESSION_IDENTITY_MISSING',
    })
    assert.equal(await handler({ id: 'missing' }, createLambdaContext()), undefined)
    assert.equal(await handler({ id: 'missing' }, createLambdaContext()), undefined)
    assert.equal(accessKeyIds.length, 3)
    const assumeRoleCalls = (await sandbox.getCalls()).filter(({ operation }) => operation === 'AssumeRole')
    assert.deepEqual(
      assumeRoleCalls.map(({ status, hasExternalId }) => ({ status, hasExternalId })),
      [{ status: 200, hasExternalId: true }],
    )
  },
)
