import { crc32 } from 'node:zlib'
import { type Access, accessesOf } from './accesses.ts'
import type { Account } from './account.ts'
import { type Authenticator, authenticate, type RejectionCodes } from './authenticate.ts'
import { authorize, type Denial } from './authorize.ts'
import { runAllowed } from './batch-statements.ts'
import type { Answer, Service } from './front.ts'
import { Refusal } from './refusal.ts'
import { parseTableArn, withTableNames } from './table-arn.ts'

const CORAL = 'com.amazon.coral.service#'
const CONTENT_TYPE = 'application/x-amz-json-1.0'

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const CODES: RejectionCodes = {
  missing: { status: 400, code: `${CORAL}MissingAuthenticationTokenException` },
  incomplete: { status: 400, code: `${CORAL}IncompleteSignatureException` },
  mismatch: { status: 400, code: `${CORAL}InvalidSignatureException` },
  unknown: { status: 400, code: `${CORAL}UnrecognizedClientException` },
  expired: { status: 400, code: `${CORAL}ExpiredTokenException` },
}

export interface DynamoDBContext extends Pick<Authenticator, 'sessions' | 'clock'> {
  accounts: Account[]
  region: string
}

/** DynamoDB's door for all accounts: the engine behind it is that of the signer, or of the table's ARN. */
export function dynamodbService({ accounts, region, sessions, clock }: DynamoDBContext): Service {
  const authenticator: Authenticator = { service: 'dynamodb', codes: CODES, region, sessions, clock }
  const accountOf = (id: string) => accounts.find((account) => account.id === id)

  return {
    name: 'dynamodb',
    throttled: new Refusal(
      400,
      'com.amazonaws.dynamodb.v20120810#ThrottlingException',
      'Rate of requests exceeds the allowed throughput.',
    ),
    codeOf: (status) =>
      status === 503 ? `${CORAL}ServiceUnavailableException` : `${CORAL}InternalServerError`,
    describe({ method, headers, body }) {
      if (method === 'GET') return { operation: 'Health' }
      const input = parsed(body)
      const table = input && tableOf(input)
      return {
        operation: headers['x-amz-target']?.split('.')[1] ?? 'Unknown',
        ...(input && { input }),
        ...(table && { table }),
      }
    },
    headersOf: ({ body }) => ({ 'x-amz-crc32': crc32(body) }),
    refuse: ({ status, code, message }) => ({
      status,
      contentType: CONTENT_TYPE,
      // DynamoDB spells it so, and only here.
      body: JSON.stringify({
        __type: code,
        [code.endsWith('#AccessDeniedException') ? 'Message' : 'message']: message,
      }),
    }),

    async answer(request, call) {
      if (call.operation === 'Health')
        return { status: 200, contentType: 'text/plain', body: `healthy: dynamodb.${region}.amazonaws.com ` }

      const session = await authenticate(authenticator, request, call)
      const input = call.input as Record<string, unknown> | undefined
      if (!input) throw new Refusal(400, `${CORAL}SerializationException`, '')
      const home = session.role.account
      const schemaOf = (table: string) => {
        const { accountId = home.id, name } = parseTableArn(table)
        return accountOf(accountId)?.tables.get(name)
      }
      const accesses = accessesOf(call.operation, input, schemaOf)
      if (!accesses) throw new Refusal(400, `${CORAL}UnknownOperationException`, '')
      const table = accesses[0]?.table
      if (table) call.table ??= parseTableArn(table).name

      const refusals: (Refusal | undefined)[] = []
      for (const access of accesses) {
        const resource = resourceOf(access, region, home.id)
        const { action, context } = access
        const denial = await authorize({ session, action, resource, context, now: clock.now(), region })
        const refusal = denial && denied(session.arn, action, resource.arn, denial)
        if (refusal && call.operation !== 'BatchExecuteStatement') throw refusal
        refusals.push(refusal)
      }
      const owner = accountOf(parseTableArn(table ?? '').accountId ?? home.id)
      if (!owner) throw new Error('Allowed on a table of an account that is not in the sandbox')
      const run = (allowed: Record<string, unknown>) => forward(owner, call.operation, allowed)
      const answer = refusals.some(Boolean) ? await runAllowed(input, refusals, run) : await run(input)
      if (answer.status !== 200) call.error = JSON.parse(answer.body).__type.split('#').at(-1)
      return answer
    },
  }
}

async function forward(account: Account, operation: string, input: Record<string, unknown>): Promise<Answer> {
  const { input: named, restore } = withTableNames(input)
  const { status, body } = await account.engine.send(operation, named)
  const table = String(named.TableName)
  if (status === 200 && operation === 'CreateTable') account.tables.set(table, named as never)
  if (status === 200 && operation === 'DeleteTable') account.tables.delete(table)
  return { status, contentType: CONTENT_TYPE, body: restore(body) }
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

interface Named {
  TableName?: string
  RequestItems?: object
  TransactItems?: Record<string, { TableName?: string }>[]
}

/** The table that a request is about, or the first of a batch. */
function tableOf(input: object): string | undefined {
  try {
    const { TableName, RequestItems = {}, TransactItems = [] } = input as Named
    const [transacted] = Object.values<{ TableName?: string }>(TransactItems[0] ?? {})
    const table = TableName ?? Object.keys(RequestItems)[0] ?? transacted?.TableName
    return table && parseTableArn(table).name
  } catch {
    return undefined
  }
}

function resourceOf({ table, index }: Access, region: string, accountId: string) {
  if (table === undefined) return { arn: '*', accountId }
  const given = parseTableArn(table)
  const owner = given.accountId ?? accountId
  const arn = `arn:aws:dynamodb:${given.region ?? region}:${owner}:table/${given.name}`
  return { arn: index === undefined ? arn : `${arn}/index/${index}`, accountId: owner }
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function denied(principal: string, action: string, arn: string, { explicit, policy }: Denial): Refusal {
  const because = explicit
    ? `with an explicit deny in ${policy === 'identity-based' ? 'an' : 'a'} ${policy} policy`
    : `because no ${policy} policy allows the ${action} action`
  const message = `User: ${principal} is not authorized to perform: ${action} on resource: ${arn} ${because}`
  return new Refusal(400, `${CORAL}AccessDeniedException`, message)
}
