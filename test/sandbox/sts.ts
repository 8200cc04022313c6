import type { Account } from './account.ts'
import { assumeRole } from './assume-role.ts'
import type { AssumeRoleRequest } from './assume-role-limits.ts'
import { type Authenticator, authenticate, type RejectionCodes } from './authenticate.ts'
import type { Service } from './front.ts'
import { Refusal } from './refusal.ts'
import type { SignedRequest } from './signature.ts'
import { type Xml, xml } from './xml.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
const CONTENT_TYPE = 'text/xml'

/** https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const CODES: RejectionCodes = {
  missing: { status: 403, code: 'MissingAuthenticationToken' },
  incomplete: { status: 400, code: 'IncompleteSignature' },
  mismatch: { status: 403, code: 'SignatureDoesNotMatch' },
  unknown: { status: 403, code: 'InvalidClientTokenId' },
  expired: { status: 403, code: 'ExpiredToken' },
}

export interface StsContext extends Pick<Authenticator, 'sessions' | 'clock'> {
  accounts: Account[]
}

export function stsService({ accounts, sessions, clock }: StsContext): Service {
  const authenticator: Authenticator = { service: 'sts', codes: CODES, sessions, clock }

  return {
    name: 'sts',
    throttled: new Refusal(400, 'Throttling', 'Rate exceeded'),
    codeOf: (status) => (status === 503 ? 'ServiceUnavailable' : 'InternalFailure'),
    describe(request) {
      if (request.method === 'GET') return { operation: 'Health' }
      const operation = parameters(request).get('Action') ?? 'Unknown'
      if (operation !== 'AssumeRole') return { operation }
      const asked = readAssumeRole(request)
      const { roleArn, roleSessionName, tags, transitiveTagKeys, externalId, sourceIdentity } = asked
      return {
        operation,
        input: asked,
        roleArn,
        sessionName: roleSessionName,
        tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
        transitiveTagKeys,
        externalIdGiven: externalId !== undefined,
        ...(sourceIdentity !== undefined && { sourceIdentity }),
      }
    },
    headersOf: () => ({}),
    refuse: ({ status, code, message }, requestId) => {
      const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message }
      const body = xml({ [`ErrorResponse xmlns="${NAMESPACE}"`]: { Error: error, RequestId: requestId } })
      return { status, contentType: CONTENT_TYPE, body }
    },

    async answer(request, call, requestId) {
      // Its endpoint sends a browser to the product's page; nobody is asked who they are.
      if (call.operation === 'Health') return { status: 302, contentType: 'text/html', body: '' }
      const answer = (result: Xml) => ({
        status: 200,
        contentType: CONTENT_TYPE,
        body: xml({
          [`${call.operation}Response xmlns="${NAMESPACE}"`]: {
            [`${call.operation}Result`]: result,
            ResponseMetadata: { RequestId: requestId },
          },
        }),
      })

      const caller = await authenticate(authenticator, request, call)
      if (call.operation === 'GetCallerIdentity')
        return answer({ Arn: caller.arn, UserId: caller.userId, Account: caller.role.account.id })
      if (call.operation !== 'AssumeRole')
        throw new Refusal(
          400,
          'InvalidAction',
          `Could not find operation ${call.operation} for version 2011-06-15`,
        )

      const roles = accounts.flatMap((account) => account.roles)
      const region = call.region ?? ''
      const granted = await assumeRole(caller, readAssumeRole(request), { roles, now: clock.now(), region })
      const session = sessions.issue(granted.session)
      call.issued = session.accessKeyId
      return answer({
        AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
        Credentials: {
          AccessKeyId: session.accessKeyId,
          SecretAccessKey: session.secretAccessKey,
          SessionToken: session.sessionToken,
          Expiration: new Date(session.expiresAt).toISOString().replace(/\.\d+/, ''),
        },
        PackedPolicySize: granted.packedPolicySize,
        SourceIdentity: session.sourceIdentity,
      })
    },
  }
}

const parameters = ({ body }: SignedRequest) => new URLSearchParams(body.toString())

function readAssumeRole(request: SignedRequest): AssumeRoleRequest {
  const form = parameters(request)
  const text = (name: string) => form.get(name) ?? undefined
  const list = (name: string, field = '') => {
    const values: string[] = []
    for (let n = 1; form.has(`${name}.member.${n}${field}`); n += 1)
      values.push(form.get(`${name}.member.${n}${field}`) ?? '')
    return values
  }
  const values = list('Tags', '.Value')
  const [externalId, sourceIdentity, policy] = ['ExternalId', 'SourceIdentity', 'Policy'].map(text)
  return {
    roleArn: text('RoleArn') ?? '',
    roleSessionName: text('RoleSessionName') ?? '',
    durationSeconds: Number(text('DurationSeconds') ?? 3600),
    ...(externalId !== undefined && { externalId }),
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    ...(policy !== undefined && { policy }),
    policyArns: list('PolicyArns', '.arn'),
    tags: list('Tags', '.Key').map((key, index) => ({ key, value: values[index] ?? '' })),
    transitiveTagKeys: list('TransitiveTagKeys'),
  }
}
