/** Tries the actions on one table, and the keys of other tenants if the session is confined to one key. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Access, type Action, canRestrictByKey, isAction, listActions } from '../iam/actions.ts'
import { parseRoleArn } from '../iam/arn.ts'
import type { CheckContext } from './check-context.ts'
import { type Key, probe, type Verdict } from './probes.ts'
import type { Step } from './report.ts'
import { describeDenial, describeDeniedActions, describeReachedKeys } from './table-advice.ts'

/** A table that is checked. */
interface TableCheck {
  readonly client: DynamoDBClient
  /** The name or ARN of the table, as the user gave it. */
  readonly table: string
  readonly context: CheckContext
}

interface Result {
  readonly action: Action
  readonly verdict: Verdict
}

/** Yields what is found about a table. */
export async function* checkTable(check: TableCheck, access: Access): AsyncGenerator<Step> {
  const { context } = check
  const requested = listActions(access).filter(isAction)
  const actions = context.key === undefined ? requested : requested.filter(canRestrictByKey)
  const results = await probeActions(check, actions, context.key?.[1])
  const obstacle = findObstacle(check, results)
  if (obstacle !== undefined) {
    yield obstacle
    return
  }
  yield* describeResults(check, results)
  if (context.key === undefined) return
  const untried = requested.filter((action) => !canRestrictByKey(action))
  if (untried.length > 0)
    yield stepOf(
      check,
      'note',
      `not tried with this key: ${untried.join(', ')}. These actions can run without naming a partition key, so a policy that compares keys does not allow them.`,
    )
  yield* checkOtherKeys(check, actions, actionsWith(results, 'allowed').length > 0)
}

const stepOf = (
  { table }: TableCheck,
  outcome: Step['outcome'],
  message: string,
  rest: Partial<Step> = {},
): Step => ({ subject: { kind: 'table', name: table }, outcome, message, ...rest })

const probeActions = (
  { client, table, context }: TableCheck,
  actions: readonly Action[],
  keyValue: string | undefined,
): Promise<readonly Result[]> => {
  // PartiQL takes names of tables only. An ARN names a table in the role's own account, so its name selects the same one.
  const name = table.split('/').at(-1) ?? table
  const partitionKey: Key =
    context.key === undefined || keyValue === undefined ? {} : { [context.key[0]]: { S: keyValue } }
  return Promise.all(
    actions.map(async (action) => ({ action, verdict: await probe(client, action, name, partitionKey) })),
  )
}

const withVerdict = (results: readonly Result[], ...kinds: readonly Verdict['kind'][]): readonly Result[] =>
  results.filter(({ verdict }) => kinds.includes(verdict.kind))

const actionsWith = (results: readonly Result[], ...kinds: readonly Verdict['kind'][]): readonly Action[] =>
  withVerdict(results, ...kinds).map(({ action }) => action)

const messageOf = ({ verdict }: Result): string => ('message' in verdict ? verdict.message : '')

/** The actions by what was said about them. */
const groupByMessage = (
  results: readonly Result[],
  toGroup: (message: string) => string = (message) => message,
): readonly (readonly [message: string, actions: readonly Action[]])[] =>
  [...Map.groupBy(results, (result) => toGroup(messageOf(result)))].map(([message, group]) => [
    message,
    group.map(({ action }) => action),
  ])

/** What makes every request fail for a reason that is not IAM's. */
const findObstacle = (check: TableCheck, results: readonly Result[]): Step | undefined => {
  const { configuration, parameters } = check.context
  const [first, ...others] = withVerdict(results, 'no-answer')
  if (first !== undefined && others.length + 1 === results.length)
    return stepOf(
      check,
      'failed',
      `DynamoDB could not be reached in ${configuration.region}: ${messageOf(first)}\n` +
        'A function in a VPC reaches DynamoDB through a gateway endpoint for dynamodb or a NAT gateway.',
      { unclear: results.map(({ action }) => action) },
    )
  if (withVerdict(results, 'no-table').length === 0) return undefined
  const { accountId } = parseRoleArn(parameters.roleArn)
  return stepOf(check, 'failed', `there is no such table in account ${accountId} in ${configuration.region}`)
}

/** AWS gives a reason for each action. Actions with the same reason are reported together. */
function* describeResults(check: TableCheck, results: readonly Result[]): Generator<Step> {
  const allowed = actionsWith(results, 'allowed')
  if (allowed.length > 0) yield stepOf(check, 'ok', `allowed: ${allowed.join(', ')}`, { allowed })
  for (const [reason, unclear] of groupByMessage(withVerdict(results, 'untestable')))
    yield stepOf(
      check,
      'note',
      `only a write could show whether these are allowed: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [reason, unclear] of groupByMessage(withVerdict(results, 'unclear', 'no-answer')))
    yield stepOf(check, 'failed', `not clear whether allowed: ${unclear.join(', ')} (${reason})`, { unclear })
  for (const [reason, unclear] of groupByMessage(withVerdict(results, 'key-not-a-string')))
    yield stepOf(
      check,
      'failed',
      `the partition key ${check.context.key?.[0]} is not a string, so --key cannot name one: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [denial, denied] of groupByMessage(withVerdict(results, 'denied'), describeDenial))
    yield describeDeniedActions(check.table, denial, denied, check.context)
}

/** A session that is confined to a key must be denied all others, and `Scan`, which reads all keys. */
async function* checkOtherKeys(
  check: TableCheck,
  actions: readonly Action[],
  isOwnKeyAllowed: boolean,
): AsyncGenerator<Step> {
  const results = await probeActions(check, [...actions, 'Scan'], crypto.randomUUID())
  const reached = actionsWith(results, 'allowed')
  const unclear = actionsWith(results, 'unclear', 'no-answer')
  if (reached.length > 0) yield describeReachedKeys(check.table, reached, check.context)
  if (unclear.length > 0)
    yield stepOf(check, 'failed', `not clear whether other keys are denied: ${unclear.join(', ')}`, {
      unclear,
    })
  if (reached.length + unclear.length === 0 && isOwnKeyAllowed)
    yield stepOf(check, 'ok', 'other keys are denied, and so is Scan')
}
