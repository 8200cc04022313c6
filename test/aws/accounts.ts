/** Requests to the two AWS accounts. */
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { SignatureV4 } from '@smithy/signature-v4'
import { Sha256 } from '../sandbox/signature.ts'
import { type CallerCredentials, SESSION_NAME } from './attempt.ts'

/** A profile in the maintainer's AWS configuration, and the Region of the requests. */
export interface Profile {
  readonly profile: string
  readonly region: string
}

const withStsClient = async <T>(
  { profile, region }: Profile,
  use: (client: STSClient) => Promise<T>,
): Promise<T> => {
  const client = new STSClient({ profile, region })
  try {
    return await use(client)
  } finally {
    client.destroy()
  }
}

/** Returns the ID of the account of a profile. @throws if STS does not accept its credentials. */
export const readAccountId = async (profile: Profile): Promise<string> => {
  const { Account = '' } = await withStsClient(profile, (client) =>
    client.send(new GetCallerIdentityCommand()),
  )
  if (!/^\d{12}$/.test(Account))
    throw new Error(
      `STS returned no account ID for the profile ${profile.profile}. Check its endpoint and proxy.`,
    )
  return Account
}

/** @throws if both profiles have the same account. */
export const readAccountIds = async (functionProfile: Profile, tableProfile: Profile) => {
  const [functionAccount, tableAccount] = await Promise.all([
    readAccountId(functionProfile),
    readAccountId(tableProfile),
  ])
  if (functionAccount === tableAccount)
    throw new Error(
      `the profiles ${functionProfile.profile} and ${tableProfile.profile} both belong to account ${functionAccount}. ` +
        'Give the profiles of two different accounts.',
    )
  return { functionAccount, tableAccount }
}

/** Returns credentials of a role in the account of the profile. */
export const assumeCaller = async (profile: Profile, roleArn: string): Promise<CallerCredentials> => {
  const { Credentials } = await withStsClient(profile, (client) =>
    client.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: SESSION_NAME })),
  )
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {}
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
}

/** Writes an item whose attributes are strings. */
export const putItem = async (
  { profile, region }: Profile,
  tableName: string,
  item: Readonly<Record<string, string>>,
): Promise<void> => {
  const client = new DynamoDBClient({ profile, region })
  const Item = Object.fromEntries(Object.entries(item).map(([name, text]) => [name, { S: text }]))
  try {
    await client.send(new PutItemCommand({ TableName: tableName, Item }))
  } finally {
    client.destroy()
  }
}

export interface InvocationResult {
  /** Whether the function threw an error. */
  readonly isError: boolean
  /** What the function returned, or its error. */
  readonly payload: unknown
}

/**
 * Invokes a function. The repository does not depend on the Lambda client of the SDK.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export const invokeFunction = async (
  profile: Profile,
  functionName: string,
  event: unknown,
): Promise<InvocationResult> => {
  const { region } = profile
  const hostname = `lambda.${region}.amazonaws.com`
  const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`
  const body = JSON.stringify(event)
  const signed = await withStsClient(profile, async ({ config }) =>
    new SignatureV4({
      service: 'lambda',
      region,
      credentials: await config.credentials(),
      sha256: Sha256,
    }).sign({
      method: 'POST',
      protocol: 'https:',
      hostname,
      path,
      query: {},
      headers: { host: hostname, 'content-type': 'application/json' },
      body,
    }),
  )
  const response = await fetch(`https://${hostname}${path}`, {
    method: 'POST',
    headers: signed.headers,
    body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`Lambda answered ${response.status} for ${functionName}: ${text}`)
  return { isError: response.headers.has('x-amz-function-error'), payload: JSON.parse(text) }
}
