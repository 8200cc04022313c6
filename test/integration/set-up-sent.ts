/** What a function sends if it is configured like its policies. */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import type { CrossAccountPoliciesOptions } from 'middy-cross-account-dynamo/policies'
import { lambdaContext } from './lambda.ts'

export type SetUp = CrossAccountPoliciesOptions

export const TENANT = 'acme'

/** The session tags that the function sends. */
export const tagsOf = ({ sessionTagKeys = [], tenantTag }: SetUp): Record<string, string> => ({
  ...(Array.isArray(sessionTagKeys)
    ? Object.fromEntries(sessionTagKeys.map((key) => [key, `of-${key}`]))
    : (sessionTagKeys as Record<string, string>)),
  ...(tenantTag !== undefined && { [tenantTag]: TENANT }),
})

const sourceIdentityOf = ({ sourceIdentity }: SetUp): string | undefined =>
  sourceIdentity === true ? 'someone' : sourceIdentity || undefined

export const listOf = (tags: Record<string, string>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** The same as a request to STS, for calls without the middleware. */
export const requestOf = (setUp: SetUp): Partial<AssumeRoleCommandInput> => ({
  ExternalId: setUp.externalId,
  Tags: listOf(tagsOf(setUp)),
  TransitiveTagKeys: [...(setUp.transitiveTagKeys ?? [])],
  SourceIdentity: sourceIdentityOf(setUp),
})

/** The client on the context of a handler whose middleware is configured like the policies. */
export const clientOf = (setUp: SetUp, isScoped = false): Promise<DynamoDBDocumentClient> => {
  const { roleArn, region, tables, access, indexes = false } = setUp
  const { externalId, transitiveTagKeys = [], tenantTag } = setUp
  const sourceIdentity = sourceIdentityOf(setUp)
  const sessionTags = tagsOf(setUp)
  const scope = { tables, access, indexes, ...(tenantTag !== undefined && { leadingKeys: [TENANT] }) }
  const handler = middy()
    .use(
      crossAccountDynamo({
        roleArn,
        region,
        ...(externalId !== undefined && { externalId }),
        ...(Object.keys(sessionTags).length > 0 && { sessionTags }),
        ...(transitiveTagKeys.length > 0 && { transitiveTagKeys: [...transitiveTagKeys] }),
        ...(sourceIdentity !== undefined && { sourceIdentity }),
        ...(isScoped && { scope }),
      }),
    )
    .handler(async (_event: object, { dynamo }) => dynamo)
  return handler({}, lambdaContext())
}
