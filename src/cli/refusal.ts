/** A role that is refused: what is to blame, as far as it can be found out, and what to add to both accounts. */
import { CALLER, type CrossAccountDynamoError, isEndpointMistake, UNKNOWN_CALLER } from '../errors.ts'
import { parseRoleArn, roleOfSession } from '../limits.ts'
import { callerPolicyOf, type Statement, trustPolicyOf } from '../policies/documents.ts'
import type { SetUp } from '../policies/set-up.ts'
import type { SessionIdentity } from '../session-identity.ts'
import type { Addition, Step } from './report.ts'
import type { Visit } from './tables.ts'

type Assume = (identity: SessionIdentity) => Promise<unknown>

export const refusalOf = async (
  error: CrossAccountDynamoError,
  visit: Visit,
  assume: Assume,
): Promise<Step> => {
  const { code } = error
  const isDenied = code === 'ASSUME_ROLE_DENIED'
  const { caller = CALLER.exec(error.message)?.groups?.caller, identity } = visit
  const isOfSts = error.retryable || isEndpointMistake(error.cause)
  const subject = isOfSts ? 'STS' : caller === undefined && !isDenied ? 'credentials' : 'role'
  const message = inOwnWords(error.message, caller)
  if (!isDenied) {
    const signIn =
      '\nOutside of Lambda, sign in first: the SDK looks in the environment, and in the profile of AWS_PROFILE.'
    return { subject, outcome: 'failed', message: subject === 'credentials' ? message + signIn : message }
  }

  const culprits = await culpritsOf(identity, assume)
  const add = additionsOf({ ...visit, caller })
  // What a calling session hands down needs permission, too, without being asked for here: then the error knows more.
  const { action = 'sts:AssumeRole' } = CALLER.exec(message)?.groups ?? {}
  const isKnown = JSON.stringify(add).includes(`"${action}"`)
  return {
    subject,
    outcome: 'failed',
    message: [
      isKnown ? message.slice(0, message.indexOf('\n- Account ')).replace(/:$/, '.') : message,
      ...culprits.map((culprit) => `The role can be assumed without ${culprit}: only that is refused.`),
      ...(isKnown ? remarksOn(visit) : []),
    ].join('\n'),
    ...(isKnown && { add }),
  }
}

/** The middleware speaks to whoever wrote a function; here it may be anybody who signed in. */
const inOwnWords = (message: string, caller = 'whoever runs check'): string =>
  message
    .replaceAll(' for context.dynamo', '')
    .replace('let this function assume', `let ${caller} assume`)
    .replace("The function's own credentials", 'The credentials at hand')

const remarksOn = ({ identity, executionRoles }: Visit): string[] => [
  identity.externalId === undefined
    ? 'If the trust policy asks for sts:ExternalId, give --external-id.'
    : 'If the trust policy asks for sts:ExternalId, the two must be equal to the letter; AWS never says that they are not.',
  ...(executionRoles.length === 0
    ? [
        'This names whoever ran check (with the path of a role, if it has one): say --execution-role-arn for the function.',
      ]
    : []),
  'Secrets and values of tags are not shown: `policies`, with the same flags, writes all of it.',
]

/** The statements that `policies` would write for this session, but for values that are nobody's business. */
const additionsOf = (visit: Visit): Addition[] => {
  const { configuration, identity, tenantTag, executionRoles, caller } = visit
  const role = parseRoleArn(identity.roleArn)
  const callers =
    executionRoles.length > 0
      ? executionRoles
      : [roleOfSession(caller ?? '')?.arn ?? caller ?? UNKNOWN_CALLER]
  const setUp: SetUp = {
    roleArn: identity.roleArn,
    role,
    region: configuration.region,
    executionRoleArn: callers,
    executionRoles: callers,
    // Neither of the two policies names tables.
    tables: [],
    access: [],
    externalId: identity.externalId === undefined ? undefined : '<the external ID that the function sends>',
    tags: new Map(
      identity.sessionTags.map(({ Key }) => [Key, Key === tenantTag ? undefined : `<the value of ${Key}>`]),
    ),
    transitiveTagKeys: identity.transitiveTagKeys,
    sourceIdentity: identity.sourceIdentity,
  }
  const accounts = [...new Set(callers.map((arn) => arn.split(':')[4] ?? 'of the function'))]
  const inAccount = (account: string) => callers.filter((arn) => (arn.split(':')[4] ?? account) === account)
  return [
    ...accounts.map((account) => ({
      account,
      to: `a policy of ${inAccount(account).join(', ')}`,
      statement: onlyOf(callerPolicyOf(setUp).Statement),
    })),
    {
      account: role.accountId,
      to: `the trust policy of ${role.name}, which must exist`,
      statement: onlyOf(trustPolicyOf(setUp).Statement),
    },
  ]
}

const onlyOf = (statements: readonly Statement[]): object =>
  statements.length === 1 ? (statements[0] as Statement) : statements

/** Whether somebody is one of these roles. */
export const isOneOf = (caller: string, roles: readonly string[]): boolean => {
  const role = roleOfSession(caller)
  return roles
    .map(parseRoleArn)
    .some(({ accountId, name }) => accountId === role?.accountId && name === role.name)
}

export const succeeds = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  )

/**
 * What the role could be assumed without, the least of it. AWS does not say which condition it is that does not hold.
 */
const culpritsOf = async (identity: SessionIdentity, assume: Assume): Promise<string[]> => {
  const { sessionTags, transitiveTagKeys, sourceIdentity, ...others } = identity
  type Suspect = readonly [name: string, without: SessionIdentity]
  const withTags = (tags: SessionIdentity['sessionTags']): SessionIdentity => ({
    ...identity,
    sessionTags: tags,
    transitiveTagKeys: transitiveTagKeys.filter((key) => tags.some(({ Key }) => Key === key)),
  })
  const least: readonly (readonly Suspect[])[] = [
    transitiveTagKeys.length === 0
      ? []
      : [['its tags being transitive', { ...identity, transitiveTagKeys: [] }]],
    sessionTags.length < 2
      ? []
      : sessionTags.map(({ Key }) => [
          `the session tag ${Key}`,
          withTags(sessionTags.filter((tag) => tag.Key !== Key)),
        ]),
    sessionTags.length === 0
      ? []
      : [
          [
            sessionTags.length === 1 ? `the session tag ${sessionTags[0]?.Key}` : 'the session tags',
            withTags([]),
          ],
        ],
  ]
  const guilty = async (suspects: readonly Suspect[]): Promise<string[]> => {
    const tried = await Promise.all(
      suspects.map(async ([name, without]) => ((await succeeds(assume(without))) ? [name] : [])),
    )
    return tried.flat()
  }
  const tagged = await Promise.all(least.map(guilty))
  const source =
    sourceIdentity === undefined
      ? []
      : await guilty([['the source identity', { ...others, sessionTags, transitiveTagKeys }]])
  return [...(tagged.find(({ length }) => length > 0) ?? []), ...source]
}
