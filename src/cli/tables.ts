/** What of an access is really there, table by table. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EXPLICIT_DENY, NO_ALLOW } from '../errors.ts'
import { parseRoleArn, tableArns } from '../limits.ts'
import { type Access, type Action, actionsOf, namesKeys } from '../policies/actions.ts'
import { oneOrMany } from '../policies/documents.ts'
import { onlyLeadingKeys } from '../policies/leading-keys.ts'
import type { Examination } from './examination.ts'
import { type Key, probe, type Verdict } from './probes.ts'
import type { Addition, Step } from './report.ts'

/** What is looked at, by whom. */
export interface Visit extends Examination {
  readonly caller: string | undefined
}

type Found = readonly (readonly [action: Action, verdict: Verdict])[]

const actionsIn = (found: Found): Action[] => found.map(([action]) => action)
const messageOf = (verdict: Verdict): string => ('message' in verdict ? verdict.message : '')
const those = (found: Found, ...are: readonly Verdict['is'][]): Found =>
  found.filter(([, { is }]) => are.includes(is))
/** AWS gives one reason an action; those with the same reason belong together. */
const byReason = (found: Found, reasonOf = (message: string) => message): [string, Action[]][] =>
  [...Map.groupBy(found, ([, verdict]) => reasonOf(messageOf(verdict)))].map(([reason, entries]) => [
    reason,
    actionsIn(entries),
  ])

export async function* examineTable(
  client: DynamoDBClient,
  table: string,
  access: Access,
  visit: Visit,
): AsyncGenerator<Step> {
  const { configuration, identity, key } = visit
  // An ARN names the same, being in the role's own account; PartiQL takes names.
  const name = table.split('/').at(-1) ?? table
  const asked = actionsOf(access) as readonly Action[]
  const actions = asked.filter((action) => key === undefined || namesKeys(action))
  const tried = (these: readonly Action[], value?: string): Promise<Found> => {
    const partitionKey: Key = key === undefined ? {} : { [key[0]]: { S: value ?? key[1] } }
    return Promise.all(
      these.map(async (action) => [action, await probe(client, action, name, partitionKey)] as const),
    )
  }
  const step = (outcome: Step['outcome'], message: string, rest?: Partial<Step>): Step => ({
    subject: table,
    outcome,
    message,
    ...rest,
  })

  const found = await tried(actions)
  const silent = those(found, 'no answer')
  if (silent[0] !== undefined && silent.length === found.length) {
    yield step(
      'failed',
      `DynamoDB could not be reached in ${configuration.region}: ${messageOf(silent[0][1])}\n` +
        'A function in a VPC reaches it through a gateway endpoint for dynamodb, or a NAT gateway.',
      { unclear: actions },
    )
    return
  }
  if (those(found, 'no table').length > 0) {
    const { accountId } = parseRoleArn(identity.roleArn)
    yield step('failed', `there is no such table in account ${accountId} in ${configuration.region}`)
    return
  }
  const allowed = actionsIn(those(found, 'allowed'))
  if (allowed.length > 0) yield step('ok', `allowed: ${allowed.join(', ')}`, { allowed })
  const told = (outcome: Step['outcome'], entries: Found) =>
    byReason(entries).map(([reason, unclear]) =>
      step(outcome, `cannot be told: ${unclear.join(', ')} (${reason})`, { unclear }),
    )
  yield* told('note', those(found, 'untold'))
  yield* told('failed', those(found, 'unclear', 'no answer'))
  for (const [reason, unclear] of byReason(those(found, 'no string')))
    yield step(
      'failed',
      `its partition key ${key?.[0]} is no string, as --key has it: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [reason, denied] of byReason(those(found, 'denied'), reasonOf))
    yield { ...denialOf(table, reason, denied, visit), denied }
  if (key === undefined) return

  if (actions.length < asked.length)
    yield step(
      'note',
      'what may name no key was not tried, but for Scan: with a key that is compared, IAM should not allow it',
    )
  // Whoever is kept to a key reaches no other.
  const others = await tried([...actions, 'Scan'], crypto.randomUUID())
  const reached = actionsIn(those(others, 'allowed'))
  const unclear = actionsIn(those(others, 'unclear', 'no answer'))
  if (reached.length > 0) yield reachOf(table, reached, visit)
  if (unclear.length > 0)
    yield step('failed', `whether other keys are reached cannot be told: ${unclear.join(', ')}`, { unclear })
  if (reached.length + unclear.length === 0 && allowed.length > 0)
    yield step('ok', 'other keys are refused, and so is Scan')
}

/** The part of a refusal that says whose policy it is. */
const reasonOf = (message: string): string => {
  const whose = EXPLICIT_DENY.exec(message)?.[0] ?? NO_ALLOW.exec(message)?.[0] ?? ''
  return /\bkms:/.test(message) ? `kms: ${whose}` : whose
}

const denialOf = (table: string, reason: string, actions: readonly Action[], visit: Visit): Step => {
  const { identity, key, caller } = visit
  const role = parseRoleArn(identity.roleArn)
  const step = (advice: string): Step => ({
    subject: table,
    outcome: 'failed',
    message: `denied: ${actions.join(', ')}\n${advice}`,
  })
  if (reason.startsWith('kms:'))
    return step(
      /resource-based/i.test(reason)
        ? `The table's key is refused by its key policy, in the key's account: it must allow kms:Decrypt to ${identity.roleArn}.`
        : `The table's key is refused: give the role its use, as \`policies --kms-key-arn\` writes it, in account ${role.accountId}.`,
    )
  if (reason === 'because no session policy allows')
    return step(
      "It is the session policy that does not allow it: widen the function's scope (the variables that end in _TABLES and _ACCESS).",
    )
  if (/VPC endpoint/i.test(reason))
    return step(
      `AWS says: ${reason}. That is the policy of the VPC endpoint for dynamodb by which the request left, in the caller's account${accountOf(caller)}: let it allow this to ${identity.roleArn}.`,
    )
  if (reason !== '' && reason !== 'because no identity-based policy allows')
    return step(`AWS says: ${reason}. That policy is in account ${role.accountId} or in its organisation.`)
  // A statement without a condition would open every tenant's items.
  if (key === undefined && identity.sessionTags.length > 0)
    return step(
      "If the role's policy compares keys with a session tag, add nothing, but name such a key: --key <name>=<value>. Else `policies` writes what to add.",
    )
  return {
    subject: table,
    outcome: 'failed',
    message: `denied: ${actions.join(', ')}`,
    add: [additionOf(table, actions, visit)],
  }
}

const accountOf = (caller: string | undefined): string => {
  const account = caller?.split(':')[4]
  return account === undefined ? '' : `, ${account}`
}

/** A session that is not kept to its key. Another statement that allows takes nothing away: this one takes its place. */
const reachOf = (table: string, reached: readonly Action[], visit: Visit): Step => {
  const keyed = reached.filter(namesKeys)
  const addition = additionOf(table, keyed, visit)
  return {
    subject: table,
    outcome: 'failed',
    message: [
      `the session reaches other tenants' keys: ${reached.join(', ')}`,
      ...(reached.includes('Scan')
        ? ['Scan names no key, and no condition confines it: allow it no longer.']
        : []),
    ].join('\n'),
    allowed: reached,
    ...(keyed.length > 0 && {
      add: [{ ...addition, to: `${addition.to}, in the place of what allows it now` }],
    }),
  }
}

const additionOf = (
  table: string,
  actions: readonly Action[],
  { configuration, identity, key, tenantTag }: Visit,
): Addition => {
  const role = parseRoleArn(identity.roleArn)
  const ownKeys = tenantTag === undefined ? key?.[1] : `\${aws:PrincipalTag/${tenantTag}}`
  return {
    account: role.accountId,
    to: `the permissions policy of ${role.name}`,
    statement: {
      Effect: 'Allow',
      Action: oneOrMany(actions.map((action) => `dynamodb:${action}`)),
      Resource: oneOrMany(tableArns([table], { ...role, region: configuration.region })),
      ...(ownKeys !== undefined && {
        Condition: onlyLeadingKeys('StringEquals', ownKeys),
      }),
    },
  }
}
