/** The function for the account of the Lambda function. */
import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { createCallerPolicy } from '../iam/documents.ts'
import { readTrustConfiguration, type TrustConfiguration } from '../iam/trust-configuration.ts'
import { DEFAULT_PREFIX, toVariableName } from '../options/rows.ts'
import { quote } from '../text.ts'
import { createPlaceholders, type Placeholders } from './placeholders.ts'
import {
  type CrossAccountSession,
  checkSession,
  readRoleLocation,
  throwProblems,
  toPolicyOptions,
} from './session.ts'

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
 * The CDK does not change an execution role that is imported with `mutable: false`. In this case, add the caller policy of
 * `crossAccountPolicies()` to the role.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if a property of the session is invalid, or if the function already has a session with
 * this `envPrefix`. The error lists all invalid properties.
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
 *   region: 'us-east-1',
 *   externalId: 'example-external-id',
 *   tenantTag: 'TenantId',
 * })
 * ```
 */
export const grantCrossAccountDynamo = (
  lambdaFunction: LambdaFunction,
  session: CrossAccountSession,
  { envPrefix = DEFAULT_PREFIX }: GrantOptions = {},
): void => {
  const subject = `grantCrossAccountDynamo() of ${lambdaFunction.node.path}`
  checkSession(session, subject)
  const placeholders = createPlaceholders()
  const { Statement } = createCallerPolicy(readCallerConfiguration(session, placeholders, subject))
  markPrefix(lambdaFunction, envPrefix, subject)
  // The Sids of a policy must be unique, and a function can have several target roles.
  for (const { Sid: _, ...statement } of placeholders.restore(Statement))
    lambdaFunction.addToRolePolicy(PolicyStatement.fromJson(statement))
  for (const [suffix, value] of Object.entries(toVariables(session, Stack.of(lambdaFunction).region))) {
    if (value !== undefined) lambdaFunction.addEnvironment(toVariableName(envPrefix, { suffix }), value)
  }
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const VARIABLE_PREFIX = /^[A-Za-z](?:\w*[A-Za-z0-9])?$/

/** Adds a child construct for the prefix, because a second session with the same prefix would replace the variables of the first. */
const markPrefix = (lambdaFunction: LambdaFunction, envPrefix: string, subject: string): void => {
  if (!VARIABLE_PREFIX.test(envPrefix))
    throwProblems(subject, [
      `envPrefix: must begin with a letter, contain only letters, digits and underscores, and not end with an underscore, but is ${quote(envPrefix)}`,
    ])
  const id = `CrossAccountDynamo:${envPrefix}`
  if (lambdaFunction.node.tryFindChild(id) !== undefined)
    throwProblems(subject, [
      `envPrefix: the function already has a session with the prefix ${envPrefix}; set another one`,
    ])
  new Construct(lambdaFunction, id)
}

/**
 * Reads the session. The generator also requires options of the tables. They do not affect the caller policy, so they have example
 * values.
 */
const readCallerConfiguration = (
  session: CrossAccountSession,
  placeholders: Placeholders,
  subject: string,
): TrustConfiguration => {
  const { partition, accountId } = readRoleLocation(session.roleArn)
  return readTrustConfiguration(
    {
      ...toPolicyOptions(session, placeholders),
      executionRoleArn: `arn:${partition}:iam::${accountId}:role/Example`,
      tables: ['Example'],
      access: 'read',
    },
    subject,
  )
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
  REGION: region === functionRegion ? undefined : region,
})
