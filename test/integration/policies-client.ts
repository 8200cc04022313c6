/** Creates AssumeRole requests and clients that match the options of crossAccountPolicies(). */
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import middy from '@middy/core'
import { crossAccountDynamo } from 'middy-cross-account-dynamo'
import type { CrossAccountPoliciesOptions } from 'middy-cross-account-dynamo/policies'
import { createLambdaContext } from './lambda.ts'

export const TENANT = 'acme'

/** Returns the session tags that the policies require. */
export const createSessionTags = ({
  sessionTagKeys = [],
  tenantTag,
}: CrossAccountPoliciesOptions): Record<string, string> => ({
  ...(Array.isArray(sessionTagKeys)
    ? Object.fromEntries(sessionTagKeys.map((key) => [key, `of-${key}`]))
    : (sessionTagKeys as Record<string, string>)),
  ...(tenantTag !== undefined && { [tenantTag]: TENANT }),
})

const createSourceIdentity = ({ sourceIdentity }: CrossAccountPoliciesOptions): string | undefined =>
  sourceIdentity === true ? 'someone' : sourceIdentity || undefined

export const toTagList = (tags: Record<string, string>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** Creates the AssumeRole request that the policies allow, for calls to STS without the middleware. */
export const createAssumeRoleInput = (
  options: CrossAccountPoliciesOptions,
): Partial<AssumeRoleCommandInput> => ({
  ExternalId: options.externalId,
  Tags: toTagList(createSessionTags(options)),
  TransitiveTagKeys: [...(options.transitiveTagKeys ?? [])],
  SourceIdentity: createSourceIdentity(options),
})

/** Returns the client that a handler finds on its context if the middleware is configured to match the policies. */
export const createClient = (
  options: CrossAccountPoliciesOptions,
  hasScope = false,
): Promise<DynamoDBDocumentClient> => {
  const { roleArn, region, tables, access, indexes, kmsKeyArn } = options
  const { externalId, transitiveTagKeys = [], tenantTag } = options
  const sourceIdentity = createSourceIdentity(options)
  const sessionTags = createSessionTags(options)
  const scope = {
    tables,
    access,
    ...(indexes !== undefined && { indexes }),
    ...(tenantTag !== undefined && { leadingKeys: [TENANT] }),
    ...(kmsKeyArn !== undefined && { kmsKeyArn }),
  }
  const handler = middy()
    .use(
      crossAccountDynamo({
        roleArn,
        region,
        ...(externalId !== undefined && { externalId }),
        ...(Object.keys(sessionTags).length > 0 && { sessionTags }),
        ...(transitiveTagKeys.length > 0 && { transitiveTagKeys: [...transitiveTagKeys] }),
        ...(sourceIdentity !== undefined && { sourceIdentity }),
        ...(hasScope && { scope }),
      }),
    )
    .handler(async (_event: object, { dynamo }) => dynamo)
  return handler({}, createLambdaContext())
}
