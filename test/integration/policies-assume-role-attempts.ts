/**
 * Attempts to assume the target role that the trust policy must allow, and attempts that it must deny. They call STS without
 * the middleware, because the middleware does not send some of these requests.
 */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import type { CrossAccountPoliciesOptions } from 'middy-cross-account-dynamo/policies'
import type { Clients } from '../sandbox/clients.ts'
import type { CredentialsOptions, Sandbox } from '../sandbox/index.ts'
import {
  ADMIN_ROLE_ARN,
  ROLE_IN_ACCOUNT_C_ARN,
  SECOND_EXECUTION_ROLE_ARN,
  UNRELATED_ROLE_ARN,
} from '../sandbox/policy-test-accounts.ts'
import { ACCOUNT_A, EXECUTION_ROLE_ARN } from '../sandbox/two-accounts.ts'
import type { Attempt } from './policies-attempts.ts'
import { createAssumeRoleInput, createSessionTags, toTagList } from './policies-client.ts'

const CALLERS = [EXECUTION_ROLE_ARN, SECOND_EXECUTION_ROLE_ARN, UNRELATED_ROLE_ARN, ROLE_IN_ACCOUNT_C_ARN]

const isTrusted = ({ executionRoleArn, organizationId }: CrossAccountPoliciesOptions, arn: string): boolean =>
  (organizationId === undefined || arn.includes(ACCOUNT_A)) &&
  [executionRoleArn].flat().some((principal) => {
    if (principal.endsWith('*')) return arn.startsWith(principal.slice(0, -1))
    return principal === ACCOUNT_A || principal.endsWith(':root')
      ? arn.includes(ACCOUNT_A)
      : principal === arn
  })

/** Creates an attempt for each caller that the options trust, and one for a role that the caller policy must exclude. */
export const createAssumeRoleAttempts = (
  options: CrossAccountPoliciesOptions,
  sandbox: Sandbox,
  clients: Clients,
): Attempt[] => [
  ...CALLERS.filter((arn) => isTrusted(options, arn)).map((arn) => ({
    description: `AssumeRole by ${arn}`,
    expected: 'allowed',
    run: () => clients.assumeRole(createAssumeRoleInput(options), sandbox.issueCredentials(arn)),
  })),
  {
    description: 'AssumeRole of another role, which trusts the whole account',
    expected: 'sts:AssumeRole denied',
    run: () => clients.assumeRole({ RoleArn: ADMIN_ROLE_ARN, ExternalId: undefined }),
  },
]

/** Creates attempts that the trust policy must deny, even if the caller's account allows them. */
export const createDeniedAssumeRoleAttempts = (
  options: CrossAccountPoliciesOptions,
  sandbox: Sandbox,
  clients: Clients,
): Attempt[] => {
  const { externalId, transitiveTagKeys = [], sourceIdentity, organizationId } = options
  const allowedInput = createAssumeRoleInput(options)
  const tags = createSessionTags(options)
  const keys = Object.keys(tags)
  const assumeRole = (
    input: Partial<AssumeRoleCommandInput> = {},
    caller = EXECUTION_ROLE_ARN,
    callerSession?: CredentialsOptions,
  ) =>
    clients.assumeRole({ ...allowedInput, ...input }, sandbox.issueCredentials(caller, 'fn', callerSession))
  const createDenied = (
    description: string,
    run: () => Promise<unknown>,
    action = 'sts:AssumeRole',
  ): Attempt => ({
    description,
    expected: `${action} denied`,
    run,
  })
  const createTagInput = (changedTags: Record<string, string>): Partial<AssumeRoleCommandInput> => ({
    Tags: toTagList(changedTags),
    TransitiveTagKeys: transitiveTagKeys.filter((key) => key in changedTags),
  })
  const omitTag = (key: string) => Object.fromEntries(Object.entries(tags).filter(([name]) => name !== key))
  // Without session tags, the trust policy does not allow sts:TagSession.
  const actionDeniedForTags = keys.length > 0 ? 'sts:AssumeRole' : 'sts:TagSession'
  const extraTag = { more: 'of it' }
  const nonTransitiveKey = keys.find((key) => !transitiveTagKeys.includes(key))
  const keysWithFixedValue = Array.isArray(options.sessionTagKeys)
    ? []
    : Object.keys(options.sessionTagKeys ?? {})

  return [
    ...CALLERS.filter((arn) => !isTrusted(options, arn)).map((arn) =>
      createDenied(`the caller ${arn}`, () => assumeRole({}, arn)),
    ),
    ...(externalId === undefined
      ? []
      : [
          createDenied('no external ID', () => assumeRole({ ExternalId: undefined })),
          createDenied('another external ID', () => assumeRole({ ExternalId: `${externalId}-2` })),
        ]),
    createDenied(
      'an extra tag',
      () => assumeRole(createTagInput({ ...tags, ...extraTag })),
      actionDeniedForTags,
    ),
    createDenied(
      'an inherited tag',
      () => assumeRole({}, EXECUTION_ROLE_ARN, { tags: extraTag, transitiveTagKeys: ['more'] }),
      actionDeniedForTags,
    ),
    ...(keys.length > 0 ? [createDenied('no tags', () => assumeRole(createTagInput({})))] : []),
    ...keys.flatMap((key) => [
      createDenied(`no tag ${key}`, () => assumeRole(createTagInput(omitTag(key)))),
      createDenied(`an empty tag ${key}`, () => assumeRole(createTagInput({ ...tags, [key]: '' }))),
      createDenied(`the tag ${key} in uppercase`, () =>
        assumeRole(createTagInput({ ...omitTag(key), [key.toUpperCase()]: tags[key] as string })),
      ),
    ]),
    ...keysWithFixedValue.map((key) =>
      createDenied(`another value of the tag ${key}`, () =>
        assumeRole(createTagInput({ ...tags, [key]: 'another' })),
      ),
    ),
    ...(nonTransitiveKey === undefined
      ? []
      : [
          createDenied('a non-transitive tag made transitive', () =>
            assumeRole({ TransitiveTagKeys: [...transitiveTagKeys, nonTransitiveKey] }),
          ),
        ]),
    ...(sourceIdentity
      ? [createDenied('no source identity', () => assumeRole({ SourceIdentity: undefined }))]
      : [
          createDenied(
            'a source identity',
            () => assumeRole({ SourceIdentity: 'mallory' }),
            'sts:SetSourceIdentity',
          ),
        ]),
    ...(typeof sourceIdentity === 'string'
      ? [createDenied('another source identity', () => assumeRole({ SourceIdentity: 'mallory' }))]
      : []),
    ...(organizationId === undefined
      ? []
      : [undefined, 'o-anotherorgid'].map((otherOrganizationId) =>
          createDenied(`an account of ${otherOrganizationId ?? 'no organization'}`, async () => {
            const account = sandbox.getAccount(ACCOUNT_A)
            account.organizationId = otherOrganizationId
            await assumeRole().finally(() => {
              account.organizationId = organizationId
            })
          }),
        )),
  ]
}
