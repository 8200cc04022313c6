/** Tries the actions on one table. If the session is restricted to one partition key, also tries the keys of other tenants. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Access, type Action, canRestrictByKey, isAction, listActions } from '../iam/actions.ts'
import { parseRoleArn } from '../iam/arn.ts'
import type { CheckContext } from './check-context.ts'
import { type Key, probe, type Verdict } from './probes.ts'
import type { Step } from './report.ts'
import { describeAllowedOtherKeys, describeDenial, describeDeniedActions } from './table-advice.ts'

/** The table to check, and the client of the session. */
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

/** Tries the actions on a table, and yields the results. */
export async function* checkTable(check: TableCheck, access: Access): AsyncGenerator<Step> {
  const { context } = check
  const requested = listActions(access).filter(isAction)
  const actions = context.key === undefined ? requested : requested.filter(canRestrictByKey)
  const results = await probeActions(check, actions, context.key?.[1])
  const commonFailure = findCommonFailure(check, results)
  if (commonFailure !== undefined) {
    yield commonFailure
    return
  }
  yield* describeResults(check, results)
  if (context.key === undefined) return
  const keylessActions = requested.filter((action) => !canRestrictByKey(action))
  if (keylessActions.length > 0)
    yield createTableStep(
      check,
      'note',
      `not tried: ${keylessActions.join(', ')}. These actions can run without a partition key. A policy that compares keys does not allow them.`,
    )
  yield* checkOtherKeys(check, actions, listActionsByVerdict(results, 'allowed').length > 0)
}

const createTableStep = (
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
  // PartiQL accepts only table names. An ARN must be in the account and Region of the session, so the name is enough.
  const name = table.split('/').at(-1) ?? table
  const partitionKey: Key =
    context.key === undefined || keyValue === undefined ? {} : { [context.key[0]]: { S: keyValue } }
  return Promise.all(
    actions.map(async (action) => ({ action, verdict: await probe(client, action, name, partitionKey) })),
  )
}

const filterByVerdict = (
  results: readonly Result[],
  ...kinds: readonly Verdict['kind'][]
): readonly Result[] => results.filter(({ verdict }) => kinds.includes(verdict.kind))

const listActionsByVerdict = (
  results: readonly Result[],
  ...kinds: readonly Verdict['kind'][]
): readonly Action[] => filterByVerdict(results, ...kinds).map(({ action }) => action)

const getMessage = ({ verdict }: Result): string => ('message' in verdict ? verdict.message : '')

/** Groups actions by the message of their results. */
const groupByMessage = (
  results: readonly Result[],
  toGroupKey: (message: string) => string = (message) => message,
): readonly (readonly [message: string, actions: readonly Action[]])[] =>
  [...Map.groupBy(results, (result) => toGroupKey(getMessage(result)))].map(([message, group]) => [
    message,
    group.map(({ action }) => action),
  ])

/** Returns the step about a failure of all requests that does not depend on permissions, or `undefined` if there is none. */
const findCommonFailure = (check: TableCheck, results: readonly Result[]): Step | undefined => {
  const { configuration, parameters } = check.context
  const [first, ...others] = filterByVerdict(results, 'no-answer')
  if (first !== undefined && others.length + 1 === results.length)
    return createTableStep(
      check,
      'failed',
      `DynamoDB could not be reached in ${configuration.region}: ${getMessage(first)}\n` +
        'A function in a VPC reaches DynamoDB through a gateway endpoint for dynamodb or a NAT gateway.',
      { unclear: results.map(({ action }) => action) },
    )
  if (filterByVerdict(results, 'no-table').length === 0) return undefined
  const { accountId } = parseRoleArn(parameters.roleArn)
  return createTableStep(
    check,
    'failed',
    `the table does not exist in account ${accountId} in ${configuration.region}`,
  )
}

/** Yields the steps about the actions. Actions with the same result and reason are in one step. */
function* describeResults(check: TableCheck, results: readonly Result[]): Generator<Step> {
  const allowed = listActionsByVerdict(results, 'allowed')
  if (allowed.length > 0) yield createTableStep(check, 'ok', `allowed: ${allowed.join(', ')}`, { allowed })
  for (const [reason, unclear] of groupByMessage(filterByVerdict(results, 'untestable')))
    yield createTableStep(
      check,
      'note',
      `cannot be tried without changing an item: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [reason, unclear] of groupByMessage(filterByVerdict(results, 'unclear', 'no-answer')))
    yield createTableStep(
      check,
      'failed',
      `it is not known whether these actions are allowed: ${unclear.join(', ')} (${reason})`,
      {
        unclear,
      },
    )
  for (const [reason, unclear] of groupByMessage(filterByVerdict(results, 'key-not-a-string')))
    yield createTableStep(
      check,
      'failed',
      `the partition key ${check.context.key?.[0]} is not a string, so --key cannot be used: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [denial, denied] of groupByMessage(filterByVerdict(results, 'denied'), describeDenial))
    yield describeDeniedActions(check.table, denial, denied, check.context)
}

/**
 * Tries a partition key that no tenant has, and `Scan`, which reads all keys. If a session is restricted to one key, both must be
 * denied.
 */
async function* checkOtherKeys(
  check: TableCheck,
  actions: readonly Action[],
  isOwnKeyAllowed: boolean,
): AsyncGenerator<Step> {
  const results = await probeActions(check, [...actions, 'Scan'], crypto.randomUUID())
  const allowed = listActionsByVerdict(results, 'allowed')
  const unclear = listActionsByVerdict(results, 'unclear', 'no-answer')
  if (allowed.length > 0) yield describeAllowedOtherKeys(check.table, allowed, check.context)
  if (unclear.length > 0)
    yield createTableStep(
      check,
      'failed',
      `it is not known whether other keys are denied: ${unclear.join(', ')}`,
      {
        unclear,
      },
    )
  if (allowed.length + unclear.length === 0 && isOwnKeyAllowed)
    yield createTableStep(check, 'ok', 'other keys and Scan are denied')
}
