import { crc32 } from 'node:zlib'
import type { Account } from './account.ts'
import { type AuthenticationErrorCodes, type AuthenticationOptions, authenticate } from './authenticate.ts'
import { authorize, type Denial } from './authorize.ts'
import { AwsError } from './aws-error.ts'
import { runAllowedStatements } from './batch-statements.ts'
import type { HttpResponse, ServiceHandler } from './http-server.ts'
import { type DecryptRequest, findDecryptFailure } from './kms.ts'
import { listRequiredActions, type RequiredAction } from './required-actions.ts'
import { parseTableArn, replaceTableArns } from './table-arn.ts'

const CORAL = 'com.amazon.coral.service#'
const CONTENT_TYPE = 'application/x-amz-json-1.0'

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const ERROR_CODES: AuthenticationErrorCodes = {
  missingToken: { status: 400, code: `${CORAL}MissingAuthenticationTokenException` },
  incompleteSignature: { status: 400, code: `${CORAL}IncompleteSignatureException` },
  invalidSignature: { status: 400, code: `${CORAL}InvalidSignatureException` },
  invalidToken: { status: 400, code: `${CORAL}UnrecognizedClientException` },
  expiredToken: { status: 400, code: `${CORAL}ExpiredTokenException` },
}

export interface DynamoDBHandlerOptions extends Pick<AuthenticationOptions, 'sessions' | 'clock'> {
  accounts: Account[]
  /** The Regions whose endpoint this is. The tables exist in each of them. */
  regions: readonly string[]
}

/**
 * Creates the DynamoDB endpoint of all accounts. It authenticates and authorizes a request, and forwards it to the
 * engine of the caller's account, or of the account in the table's ARN.
 */
export function createDynamoDBHandler({
  accounts,
  regions,
  sessions,
  clock,
}: DynamoDBHandlerOptions): ServiceHandler {
  const authenticationOptions: AuthenticationOptions = {
    service: 'dynamodb',
    errorCodes: ERROR_CODES,
    regions,
    sessions,
    clock,
  }
  const findAccount = (id: string) => accounts.find((account) => account.id === id)

  return {
    name: 'dynamodb',
    throttlingError: new AwsError(
      400,
      'com.amazonaws.dynamodb.v20120810#ThrottlingException',
      'Rate of requests exceeds the allowed throughput.',
    ),
    getErrorCode: (status) =>
      status === 503 ? `${CORAL}ServiceUnavailableException` : `${CORAL}InternalServerError`,
    describeCall({ method, headers, body }) {
      if (method === 'GET') return { operation: 'Health' }
      const input = parseJson(body)
      const table = input && findTableName(input)
      return {
        operation: headers['x-amz-target']?.split('.')[1] ?? 'Unknown',
        ...(input && { input }),
        ...(table && { table }),
      }
    },
    createHeaders: ({ body }) => ({ 'x-amz-crc32': crc32(body) }),
    formatError: ({ status, code, message }) => ({
      status,
      contentType: CONTENT_TYPE,
      body: JSON.stringify({
        __type: code,
        // DynamoDB spells the field `Message` for AccessDeniedException and `message` for all other errors.
        [code.endsWith('#AccessDeniedException') ? 'Message' : 'message']: message,
      }),
    }),

    async handle(request, call) {
      if (call.operation === 'Health')
        return {
          status: 200,
          contentType: 'text/plain',
          body: `healthy: dynamodb.${regions[0]}.amazonaws.com `,
        }

      const session = await authenticate(authenticationOptions, request, call)
      const { region = '' } = call
      const input = call.input as Record<string, unknown> | undefined
      if (!input) throw new AwsError(400, `${CORAL}SerializationException`, '')
      const callerAccount = session.role.account
      const findSchema = (table: string) => {
        const { accountId = callerAccount.id, name } = parseTableArn(table)
        return findAccount(accountId)?.tables.get(name)
      }
      const requiredActions = listRequiredActions(call.operation, input, findSchema)
      if (!requiredActions) throw new AwsError(400, `${CORAL}UnknownOperationException`, '')
      const table = requiredActions[0]?.table
      if (table) call.table ??= parseTableArn(table).name

      const errors: (AwsError | undefined)[] = []
      for (const requiredAction of requiredActions) {
        const resource = toResource(requiredAction, region, callerAccount.id)
        const { action, context } = requiredAction
        const denial = await authorize({ session, action, resource, context, nowMs: clock.now(), region })
        const error = denial && createAccessDeniedError(session.arn, action, resource.arn, denial)
        if (error && call.operation !== 'BatchExecuteStatement') throw error
        errors.push(error)
      }
      const tableAccount = findAccount(parseTableArn(table ?? '').accountId ?? callerAccount.id)
      if (!tableAccount)
        throw new Error(
          `A policy allows access to ${table}, but the sandbox does not have the table's account.`,
        )
      await decryptTables(requiredActions, { session, tableAccount, nowMs: clock.now(), region })
      const run = (allowedInput: Record<string, unknown>) =>
        forwardToEngine(tableAccount, call.operation, allowedInput)
      const response = errors.some(Boolean)
        ? await runAllowedStatements(input, errors, run)
        : await run(input)
      if (response.status !== 200) call.error = JSON.parse(response.body).__type.split('#').at(-1)
      return response
    },
  }
}

/** @throws an error of DynamoDB if a table has a customer managed key, and the session cannot use the key. */
async function decryptTables(
  requiredActions: readonly RequiredAction[],
  options: Pick<DecryptRequest, 'session' | 'tableAccount' | 'nowMs' | 'region'>,
): Promise<void> {
  // DynamoDB returns the description of a table without its key.
  const itemActions = requiredActions.filter(({ action }) => action !== 'dynamodb:DescribeTable')
  for (const table of new Set(itemActions.map((action) => parseTableArn(action.table ?? '').name))) {
    const keyArn = options.tableAccount.tables.get(table)?.SSESpecification?.KMSMasterKeyId
    if (keyArn === undefined) continue
    const failure = await findDecryptFailure({ ...options, keyArn, table })
    if (failure !== undefined) throw createKmsError(options.session.arn, keyArn, failure)
  }
}

/**
 * Creates the error of DynamoDB for a key that it cannot use on behalf of the session.
 *
 * @see https://github.com/aws/aws-cdk/issues/10010 for a key that does not exist
 */
function createKmsError(
  principal: string,
  keyArn: string,
  failure: Denial | 'disabled' | 'missing',
): AwsError {
  if (failure === 'disabled')
    return new AwsError(
      400,
      `${CORAL}ValidationException`,
      `KMS key disabled error: com.amazonaws.services.kms.model.DisabledException: ${keyArn} is disabled. (Service: AWSKMS; Status Code: 400; Error Code: DisabledException)`,
    )
  if (failure === 'missing')
    return new AwsError(
      400,
      `${CORAL}AccessDeniedException`,
      'KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access. (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException)',
    )
  const { code, message } = createAccessDeniedError(principal, 'kms:Decrypt', keyArn, failure)
  return new AwsError(400, code, `KMS key access denied error: ${message}`)
}

async function forwardToEngine(
  account: Account,
  operation: string,
  input: Record<string, unknown>,
): Promise<HttpResponse> {
  const { input: engineInput, restoreTableArns } = replaceTableArns(input)
  const { status, body } = await account.engine.send(operation, engineInput)
  const table = String(engineInput.TableName)
  if (status === 200 && operation === 'CreateTable') account.tables.set(table, engineInput as never)
  if (status === 200 && operation === 'DeleteTable') account.tables.delete(table)
  return { status, contentType: CONTENT_TYPE, body: restoreTableArns(body) }
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

interface TableFields {
  TableName?: string
  RequestItems?: object
  TransactItems?: Record<string, { TableName?: string }>[]
}

/** Returns the table of a request, or the first table of a batch or transaction. */
function findTableName(input: object): string | undefined {
  try {
    const { TableName, RequestItems = {}, TransactItems = [] } = input as TableFields
    const [firstTransactItem] = Object.values<{ TableName?: string }>(TransactItems[0] ?? {})
    const table = TableName ?? Object.keys(RequestItems)[0] ?? firstTransactItem?.TableName
    return table && parseTableArn(table).name
  } catch {
    // The input is not authenticated yet and can have any shape.
    return undefined
  }
}

function toResource({ table, index }: RequiredAction, region: string, callerAccountId: string) {
  if (table === undefined) return { arn: '*', accountId: callerAccountId }
  const parsed = parseTableArn(table)
  const accountId = parsed.accountId ?? callerAccountId
  const arn = `arn:aws:dynamodb:${parsed.region ?? region}:${accountId}:table/${parsed.name}`
  return { arn: index === undefined ? arn : `${arn}/index/${index}`, accountId }
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function createAccessDeniedError(
  principal: string,
  action: string,
  resourceArn: string,
  { isExplicit, policyType }: Denial,
): AwsError {
  const reason = isExplicit
    ? `with an explicit deny in ${policyType === 'identity-based' ? 'an' : 'a'} ${policyType} policy`
    : `because no ${policyType} policy allows the ${action} action`
  const message = `User: ${principal} is not authorized to perform: ${action} on resource: ${resourceArn} ${reason}`
  return new AwsError(400, `${CORAL}AccessDeniedException`, message)
}
