/** Callers that may assume the role, and callers that may not. They call STS themselves, so that they can send anything. */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import type { Clients } from '../sandbox/clients.ts'
import type { CredentialsOptions, Sandbox } from '../sandbox/index.ts'
import {
  ADMIN_ROLE_ARN,
  ROLE_IN_ACCOUNT_C_ARN,
  SECOND_EXECUTION_ROLE_ARN,
  UNRELATED_ROLE_ARN,
} from '../sandbox/policy-test-accounts.ts'
import { ACCOUNT_A, EXECUTION_ROLE_ARN } from '../sandbox/two-accounts.ts'
import { listOf, requestOf, type SetUp, tagsOf } from './set-up-sent.ts'
import type { Attempt } from './set-up-trial.ts'

const CALLERS = [EXECUTION_ROLE_ARN, SECOND_EXECUTION_ROLE_ARN, UNRELATED_ROLE_ARN, ROLE_IN_ACCOUNT_C_ARN]

const trusts = ({ executionRoleArn, organizationId }: SetUp, arn: string): boolean =>
  (organizationId === undefined || arn.includes(ACCOUNT_A)) &&
  [executionRoleArn].flat().some((one) => {
    if (one.endsWith('*')) return arn.startsWith(one.slice(0, -1))
    return one === ACCOUNT_A || one.endsWith(':root') ? arn.includes(ACCOUNT_A) : one === arn
  })

export const callerAttempts = (setUp: SetUp, sandbox: Sandbox, clients: Clients): Attempt[] => [
  ...CALLERS.filter((arn) => trusts(setUp, arn)).map((arn) => ({
    what: `AssumeRole by ${arn}`,
    expected: 'done',
    run: () => clients.assumeRole(requestOf(setUp), sandbox.issueCredentials(arn)),
  })),
  {
    what: 'AssumeRole of another role, which trusts the whole account',
    expected: 'sts:AssumeRole refused',
    run: () => clients.assumeRole({ RoleArn: ADMIN_ROLE_ARN, ExternalId: undefined }),
  },
]

/** Callers whose own account allows everything, with requests that the trust policy must deny. */
export const strangerAttempts = (setUp: SetUp, sandbox: Sandbox, clients: Clients): Attempt[] => {
  const { externalId, transitiveTagKeys = [], sourceIdentity, organizationId } = setUp
  const right = requestOf(setUp)
  const tags = tagsOf(setUp)
  const keys = Object.keys(tags)
  const assume = (
    input: Partial<AssumeRoleCommandInput> = {},
    caller = EXECUTION_ROLE_ARN,
    inherited?: CredentialsOptions,
  ) => clients.assumeRole({ ...right, ...input }, sandbox.issueCredentials(caller, 'fn', inherited))
  const refused = (what: string, run: () => Promise<unknown>, action = 'sts:AssumeRole'): Attempt => ({
    what,
    expected: `${action} refused`,
    run,
  })
  const withTags = (changed: Record<string, string>): Partial<AssumeRoleCommandInput> => ({
    Tags: listOf(changed),
    TransitiveTagKeys: transitiveTagKeys.filter((key) => key in changed),
  })
  const without = (key: string) => Object.fromEntries(Object.entries(tags).filter(([name]) => name !== key))
  const ofTags = keys.length > 0 ? 'sts:AssumeRole' : 'sts:TagSession'
  const more = { more: 'of it' }
  const ordinary = keys.find((key) => !transitiveTagKeys.includes(key))
  const fixed = Array.isArray(setUp.sessionTagKeys) ? [] : Object.keys(setUp.sessionTagKeys ?? {})

  return [
    ...CALLERS.filter((arn) => !trusts(setUp, arn)).map((arn) =>
      refused(`the caller ${arn}`, () => assume({}, arn)),
    ),
    ...(externalId === undefined
      ? []
      : [
          refused('no external ID', () => assume({ ExternalId: undefined })),
          refused('another external ID', () => assume({ ExternalId: `${externalId}-2` })),
        ]),
    refused('an extra tag', () => assume(withTags({ ...tags, ...more })), ofTags),
    refused(
      'an inherited tag',
      () => assume({}, EXECUTION_ROLE_ARN, { tags: more, transitiveTagKeys: ['more'] }),
      ofTags,
    ),
    ...(keys.length > 0 ? [refused('no tags', () => assume(withTags({})))] : []),
    ...keys.flatMap((key) => [
      refused(`no tag ${key}`, () => assume(withTags(without(key)))),
      refused(`an empty tag ${key}`, () => assume(withTags({ ...tags, [key]: '' }))),
      refused(`the tag ${key} in capitals`, () =>
        assume(withTags({ ...without(key), [key.toUpperCase()]: tags[key] as string })),
      ),
    ]),
    ...fixed.map((key) =>
      refused(`another value of the tag ${key}`, () => assume(withTags({ ...tags, [key]: 'another' }))),
    ),
    ...(ordinary === undefined
      ? []
      : [
          refused('an ordinary tag made transitive', () =>
            assume({ TransitiveTagKeys: [...transitiveTagKeys, ordinary] }),
          ),
        ]),
    ...(sourceIdentity
      ? [refused('no source identity', () => assume({ SourceIdentity: undefined }))]
      : [refused('a source identity', () => assume({ SourceIdentity: 'mallory' }), 'sts:SetSourceIdentity')]),
    ...(typeof sourceIdentity === 'string'
      ? [refused('another source identity', () => assume({ SourceIdentity: 'mallory' }))]
      : []),
    ...(organizationId === undefined
      ? []
      : [undefined, 'o-anotherorgid'].map((elsewhere) =>
          refused(`an account of ${elsewhere ?? 'no organization'}`, async () => {
            const account = sandbox.getAccount(ACCOUNT_A)
            account.organizationId = elsewhere
            await assume().finally(() => {
              account.organizationId = organizationId
            })
          }),
        )),
  ]
}
