/** The function for the account of the Lambda function. */
import { Stack, Token, TokenComparison } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { RegionInfo } from 'aws-cdk-lib/region-info'
import { createCallerPolicy } from '../iam/documents.ts'
import { readTrustConfiguration, type TrustConfiguration } from '../iam/trust-configuration.ts'
import { createPlaceholders, type Placeholders } from './placeholders.ts'
import { type CrossAccountSession, readRoleLocation, toPolicyOptions } from './session.ts'

/** The options of {@link grantCrossAccountDynamo}. */
export interface GrantOptions {
  /**
   * The prefix of the names of the variables: the option `envPrefix` of the middleware.
   *
   * @default CROSS_ACCOUNT_DYNAMO
   */
  readonly envPrefix?: string | undefined
}

/**
 * Lets a function assume the target role with this session: adds the statement to the policy of its execution role, and sets the
 * environment variables that the middleware reads.
 *
 * The CDK does not change an execution role that is imported with `mutable: false` or from another account. In this case, add the
 * caller policy of `crossAccountPolicies()` to the role.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if a property of the session is invalid. The error lists all problems.
 *
 * @example
 * ```ts
 * import { App, Stack } from 'aws-cdk-lib'
 * import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
 * import { grantCrossAccountDynamo } from 'middy-cross-account-dynamo/cdk'
 *
 * const stack = new Stack(new App(), 'Function', { env: { account: '111111111111', region: 'us-east-1' } })
 * const ordersFunction = new LambdaFunction(stack, 'Orders', {
 *   runtime: Runtime.NODEJS_24_X,
 *   handler: 'index.handler',
 *   code: Code.fromInline('exports.handler = async () => {}'),
 * })
 * grantCrossAccountDynamo(ordersFunction, {
 *   roleArn: 'arn:aws:iam::222222222222:role/Orders',
 *   externalId: 'example-external-id',
 *   tenantTag: 'TenantId',
 * })
 * ```
 */
export const grantCrossAccountDynamo = (
  lambdaFunction: LambdaFunction,
  session: CrossAccountSession,
  { envPrefix = 'CROSS_ACCOUNT_DYNAMO' }: GrantOptions = {},
): void => {
  addCallerPolicy(lambdaFunction, session)
  for (const [name, value] of Object.entries(toVariables(session, Stack.of(lambdaFunction).region))) {
    if (value !== undefined) lambdaFunction.addEnvironment(`${envPrefix}_${name}`, value)
  }
}

const addCallerPolicy = (lambdaFunction: LambdaFunction, session: CrossAccountSession): void => {
  const placeholders = createPlaceholders()
  const { Statement } = createCallerPolicy(readCallerConfiguration(session, placeholders))
  for (const statement of placeholders.restore(Statement))
    lambdaFunction.addToRolePolicy(PolicyStatement.fromJson(statement))
}

/** Reads the session. The caller policy depends only on the session, so the options about the tables are examples. */
const readCallerConfiguration = (
  session: CrossAccountSession,
  placeholders: Placeholders,
): TrustConfiguration => {
  const { partition, accountId } = readRoleLocation(session.roleArn)
  return readTrustConfiguration({
    ...toPolicyOptions(session, placeholders),
    executionRoleArn: `arn:${partition}:iam::${accountId}:role/Example`,
    tables: ['Example'],
    access: 'read',
    region: session.region ?? RegionInfo.regions.find((region) => region.partition === partition)?.name,
  })
}

/** Returns the variables of the middleware without their prefix. A variable that is `undefined` is not set. */
const toVariables = (
  { roleArn, externalId, sessionTags = {}, transitiveTagKeys, sourceIdentity, region }: CrossAccountSession,
  functionRegion: string,
): Readonly<Record<string, string | undefined>> => ({
  ROLE_ARN: roleArn,
  EXTERNAL_ID: externalId,
  SESSION_TAGS: Object.keys(sessionTags).length === 0 ? undefined : JSON.stringify(sessionTags),
  TRANSITIVE_TAG_KEYS: transitiveTagKeys?.join(','),
  SOURCE_IDENTITY: sourceIdentity === true ? undefined : sourceIdentity,
  REGION:
    region === undefined || Token.compareStrings(region, functionRegion) === TokenComparison.SAME
      ? undefined
      : region,
})
