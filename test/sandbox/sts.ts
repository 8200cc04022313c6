import type { Account } from './account.ts'
import { assumeRole } from './assume-role.ts'
import type { AssumeRoleRequest } from './assume-role-limits.ts'
import { type AuthenticationErrorCodes, type AuthenticationOptions, authenticate } from './authenticate.ts'
import { AwsError } from './aws-error.ts'
import type { ServiceHandler } from './http-server.ts'
import type { SignedRequest } from './signature.ts'
import { formatXml, type Xml } from './xml.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
const CONTENT_TYPE = 'text/xml'

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const ERROR_CODES: AuthenticationErrorCodes = {
  missingToken: { status: 403, code: 'MissingAuthenticationToken' },
  incompleteSignature: { status: 400, code: 'IncompleteSignature' },
  invalidSignature: { status: 403, code: 'SignatureDoesNotMatch' },
  invalidToken: { status: 403, code: 'InvalidClientTokenId' },
  expiredToken: { status: 403, code: 'ExpiredToken' },
}

export interface StsHandlerOptions extends Pick<AuthenticationOptions, 'sessions' | 'clock'> {
  accounts: Account[]
}

export function createStsHandler({ accounts, sessions, clock }: StsHandlerOptions): ServiceHandler {
  const authenticationOptions: AuthenticationOptions = {
    service: 'sts',
    errorCodes: ERROR_CODES,
    sessions,
    clock,
  }

  return {
    name: 'sts',
    throttlingError: new AwsError(400, 'Throttling', 'Rate exceeded'),
    getErrorCode: (status) => (status === 503 ? 'ServiceUnavailable' : 'InternalFailure'),
    describeCall(request) {
      if (request.method === 'GET') return { operation: 'Health' }
      const operation = parseForm(request).get('Action') ?? 'Unknown'
      if (operation !== 'AssumeRole') return { operation }
      const input = parseAssumeRole(request)
      const { roleArn, roleSessionName, tags, transitiveTagKeys, externalId, sourceIdentity } = input
      return {
        operation,
        input,
        roleArn,
        sessionName: roleSessionName,
        tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
        transitiveTagKeys,
        hasExternalId: externalId !== undefined,
        ...(sourceIdentity !== undefined && { sourceIdentity }),
      }
    },
    createHeaders: () => ({}),
    formatError: ({ status, code, message }, requestId) => {
      const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message }
      const body = formatXml({
        [`ErrorResponse xmlns="${NAMESPACE}"`]: { Error: error, RequestId: requestId },
      })
      return { status, contentType: CONTENT_TYPE, body }
    },

    async handle(request, call, requestId) {
      // The STS endpoint redirects an unsigned GET request to the product page.
      if (call.operation === 'Health') return { status: 302, contentType: 'text/html', body: '' }
      const createResponse = (result: Xml) => ({
        status: 200,
        contentType: CONTENT_TYPE,
        body: formatXml({
          [`${call.operation}Response xmlns="${NAMESPACE}"`]: {
            [`${call.operation}Result`]: result,
            ResponseMetadata: { RequestId: requestId },
          },
        }),
      })

      const caller = await authenticate(authenticationOptions, request, call)
      if (call.operation === 'GetCallerIdentity')
        return createResponse({ Arn: caller.arn, UserId: caller.userId, Account: caller.role.account.id })
      if (call.operation !== 'AssumeRole')
        throw new AwsError(
          400,
          'InvalidAction',
          `Could not find operation ${call.operation} for version 2011-06-15`,
        )

      const roles = accounts.flatMap((account) => account.roles)
      const region = call.region ?? ''
      const granted = await assumeRole(caller, parseAssumeRole(request), {
        roles,
        nowMs: clock.now(),
        region,
      })
      const session = sessions.issue(granted.session)
      call.issuedAccessKeyId = session.accessKeyId
      return createResponse({
        AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
        Credentials: {
          AccessKeyId: session.accessKeyId,
          SecretAccessKey: session.secretAccessKey,
          SessionToken: session.sessionToken,
          Expiration: new Date(session.expiresAtMs).toISOString().replace(/\.\d+/, ''),
        },
        PackedPolicySize: granted.packedPolicySize,
        SourceIdentity: session.sourceIdentity,
      })
    },
  }
}

const parseForm = ({ body }: SignedRequest) => new URLSearchParams(body.toString())

function parseAssumeRole(request: SignedRequest): AssumeRoleRequest {
  const form = parseForm(request)
  const readText = (name: string) => form.get(name) ?? undefined
  const readList = (name: string, field = '') => {
    const values: string[] = []
    for (let n = 1; form.has(`${name}.member.${n}${field}`); n += 1)
      values.push(form.get(`${name}.member.${n}${field}`) ?? '')
    return values
  }
  const tagValues = readList('Tags', '.Value')
  const [externalId, sourceIdentity, policy] = ['ExternalId', 'SourceIdentity', 'Policy'].map(readText)
  return {
    roleArn: readText('RoleArn') ?? '',
    roleSessionName: readText('RoleSessionName') ?? '',
    durationSeconds: Number(readText('DurationSeconds') ?? 3600),
    ...(externalId !== undefined && { externalId }),
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    ...(policy !== undefined && { policy }),
    policyArns: readList('PolicyArns', '.arn'),
    tags: readList('Tags', '.Key').map((key, index) => ({ key, value: tagValues[index] ?? '' })),
    transitiveTagKeys: readList('TransitiveTagKeys'),
  }
}
