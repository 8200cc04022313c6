import { runSimulation } from '@cloud-copilot/iam-simulate'
import type { Account, PolicyDocument } from './account.ts'
import { authorize, type Denial } from './authorize.ts'
import type { Session } from './sessions.ts'
import { TARGET_ROLE_ARN } from './two-accounts.ts'

/** The default key policy, which lets the IAM policies of the account decide. */
const createDefaultKeyPolicy = (accountId: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' },
  ],
})

const TABLE_NAME_KEY = 'kms:EncryptionContext:aws:dynamodb:tableName'
/** A condition key that takes the place of `TABLE_NAME_KEY`. The simulator does not support condition keys with several colons. */
const SIMULATED_TABLE_NAME_KEY = 'kms:RequestAlias'

/** Returns a copy of a policy in which `SIMULATED_TABLE_NAME_KEY` replaces `TABLE_NAME_KEY`. */
const replaceTableNameKey = <Policy>(policy: Policy): Policy =>
  policy === undefined
    ? policy
    : JSON.parse(JSON.stringify(policy).replaceAll(TABLE_NAME_KEY, SIMULATED_TABLE_NAME_KEY))

/** Returns a copy of a session in whose policies `SIMULATED_TABLE_NAME_KEY` replaces `TABLE_NAME_KEY`. */
const replaceTableNameKeyInSession = (session: Session): Session => {
  const { role, policy } = session
  const { account, definition } = role
  return {
    ...session,
    policy: replaceTableNameKey(policy),
    role: {
      ...role,
      account: { ...account, serviceControlPolicies: replaceTableNameKey(account.serviceControlPolicies) },
      definition: { ...definition, policies: replaceTableNameKey(definition.policies ?? []) },
    },
  }
}

/** A request of DynamoDB to decrypt the key of a table, on behalf of the session that uses the table. */
export interface DecryptRequest {
  session: Session
  keyArn: string
  table: string
  tableAccount: Account
  nowMs: number
  region: string
}

/**
 * Decides whether DynamoDB can decrypt the key of a table on behalf of a session. Returns undefined if it can.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
export async function findDecryptFailure(
  request: DecryptRequest,
): Promise<Denial | 'disabled' | 'missing' | undefined> {
  const { session, keyArn, table, tableAccount, nowMs, region } = request
  const key = tableAccount.kmsKeys[keyArn]
  if (key === undefined) return 'missing'
  if (key.isDisabled) return 'disabled'
  return authorize({
    session: replaceTableNameKeyInSession(session),
    action: 'kms:Decrypt',
    resource: { arn: keyArn, accountId: tableAccount.id },
    resourcePolicy: replaceTableNameKey(key.policy ?? createDefaultKeyPolicy(tableAccount.id)),
    context: {
      'kms:CallerAccount': session.role.account.id,
      'kms:ViaService': `dynamodb.${region}.amazonaws.com`,
      [SIMULATED_TABLE_NAME_KEY]: table,
    },
    nowMs,
    region,
  })
}

/** A request to KMS that DynamoDB does not send, which the policies must deny. */
export interface KeyRequest {
  action: string
  keyArn: string
  /** The service that calls KMS on behalf of the role, such as `s3.us-east-1.amazonaws.com`. */
  viaService?: string | undefined
  /** The table in the encryption context. */
  table?: string | undefined
}

/** Returns whether the target role can use a KMS key of its account that has the default key policy. */
export async function canUseKey(
  policies: PolicyDocument[],
  { action, keyArn, viaService, table }: KeyRequest,
): Promise<boolean> {
  const [, , , , accountId = ''] = keyArn.split(':')
  const result = await runSimulation(
    {
      request: {
        principal: TARGET_ROLE_ARN,
        action,
        resource: { resource: keyArn, accountId },
        contextVariables: {
          ...(viaService !== undefined && { 'kms:ViaService': viaService }),
          ...(table !== undefined && { [SIMULATED_TABLE_NAME_KEY]: table }),
        },
      },
      identityPolicies: policies.map((policy, index) => ({
        name: `policy ${index}`,
        policy: replaceTableNameKey(policy),
      })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: createDefaultKeyPolicy(accountId),
    },
    {},
  )
  if (result.resultType !== 'single')
    throw new Error(
      `The simulator cannot evaluate ${action} on ${keyArn}: ${JSON.stringify(result.resultType === 'error' && result.errors)}`,
    )
  const { ignoredContextKeys = [] } = result.result
  if (ignoredContextKeys.length > 0)
    throw new Error(`${action} does not support the condition key ${ignoredContextKeys.join(', ')}.`)
  return result.overallResult === 'Allowed'
}
