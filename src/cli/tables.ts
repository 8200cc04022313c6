/** What of an access is really there, table by table. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EXPLICIT_DENY, NO_ALLOW } from '../errors.ts'
import { parseRoleArn, tableArn } from '../limits.ts'
import type { Configuration } from '../options.ts'
import { type Access, type Action, actionsOf, namesKeys } from '../policies/actions.ts'
import type { Scope } from '../policies/scope.ts'
import type { SessionIdentity } from '../session-identity.ts'
import { type Key, probe, type Verdict } from './probes.ts'
import type { Step } from './report.ts'

/** What is looked at. */
export interface Examination {
  readonly configuration: Configuration
  readonly identity: SessionIdentity
  /** Tables and actions to try. */
  readonly asked: Scope | undefined
  /** The partition key that the session may name, where it may not name any. */
  readonly key: readonly [name: string, value: string] | undefined
}

export async function* examineTable(
  client: DynamoDBClient,
  table: string,
  access: Access,
  examination: Examination,
): AsyncGenerator<Step> {
  const { configuration, identity, key } = examination
  // An ARN names the same, being in the role's own account; PartiQL takes names.
  const name = table.split('/').at(-1) ?? table
  const partitionKey: Key = key === undefined ? {} : { [key[0]]: { S: key[1] } }
  const actions = (actionsOf(access) as readonly Action[]).filter(
    (action) => key === undefined || namesKeys(action),
  )
  const verdicts = await Promise.all(
    actions.map(async (action) => [action, await probe(client, action, name, partitionKey)] as const),
  )
  const those = <Is extends Verdict['is']>(is: Is) =>
    verdicts.filter((entry): entry is readonly [Action, Extract<Verdict, { is: Is }>] => entry[1].is === is)
  const step = (outcome: Step['outcome'], message: string): Step => ({ subject: table, outcome, message })

  const [silent] = those('no answer')
  if (silent !== undefined) {
    yield step(
      'failed',
      `DynamoDB could not be reached in ${configuration.region}: ${silent[1].message}\n` +
        'A function in a VPC reaches it through a gateway endpoint for dynamodb, or a NAT gateway.',
    )
    return
  }
  if (those('no table').length > 0) {
    const { accountId } = parseRoleArn(identity.roleArn)
    yield step('failed', `there is no such table in account ${accountId} in ${configuration.region}`)
    return
  }
  const named = (entries: readonly (readonly [Action, Verdict])[]) =>
    entries.map(([action]) => action).join(', ')
  const allowed = those('allowed')
  if (allowed.length > 0) yield step('ok', `allowed: ${named(allowed)}`)
  const unclear = those('unclear')
  if (unclear.length > 0) yield step('note', `cannot be told: ${named(unclear)} (${unclear[0]?.[1].message})`)
  // AWS gives one reason an action; those with the same reason belong together.
  const denied = Map.groupBy(those('denied'), ([, { message }]) => reasonOf(message))
  for (const [reason, entries] of denied)
    yield denialOf(
      table,
      reason,
      entries.map(([action]) => action),
      examination,
    )
  if (actions.length < actionsOf(access).length)
    yield step(
      'note',
      'what may name no key was not tried: with a key that is compared, IAM should not allow it',
    )
}

/** The part of a refusal that says whose policy it is. */
const reasonOf = (message: string): string =>
  /\bkms:/.exec(message)?.[0] ?? EXPLICIT_DENY.exec(message)?.[0] ?? NO_ALLOW.exec(message)?.[0] ?? ''

const denialOf = (
  table: string,
  reason: string,
  actions: readonly Action[],
  { configuration, identity, key }: Examination,
): Step => {
  const role = parseRoleArn(identity.roleArn)
  const denied = `denied: ${actions.join(', ')}`
  const step = (message: string): Step => ({
    subject: table,
    outcome: 'failed',
    message: `${denied}\n${message}`,
  })
  if (reason === 'kms:')
    return step(
      `The table's key is refused: give the role its use, as \`policies --kms-key-arn\` writes it, in account ${role.accountId}.`,
    )
  if (reason === 'because no session policy allows')
    return step(
      "It is the session policy that does not allow it: widen the function's scope (the variables that end in _TABLES and _ACCESS).",
    )
  if (reason !== '' && reason !== 'because no identity-based policy allows')
    return step(`AWS says: ${reason}. That policy is in account ${role.accountId} or in its organisation.`)

  const tenantTag = identity.sessionTags.find(({ Value }) => Value === key?.[1])?.Key
  const ownKeys = tenantTag === undefined ? key?.[1] : `\${aws:PrincipalTag/${tenantTag}}`
  const arn = table.startsWith('arn:') ? table : tableArn(table, { ...role, region: configuration.region })
  return {
    subject: table,
    outcome: 'failed',
    message:
      key === undefined && identity.sessionTags.length > 0
        ? `${denied}\nIf the role's policy compares keys with a session tag, add nothing, but name such a key: --key <name>=<value>.`
        : denied,
    add: {
      account: role.accountId,
      to: `the permissions policy of ${role.name}`,
      statement: {
        Effect: 'Allow',
        Action:
          actions.length === 1 ? `dynamodb:${actions[0]}` : actions.map((action) => `dynamodb:${action}`),
        Resource: arn,
        ...(ownKeys !== undefined && {
          Condition: {
            'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ownKeys },
            Null: { 'dynamodb:LeadingKeys': 'false' },
          },
        }),
      },
    },
  }
}
