/**
 * Tries the actions on one table and its indexes. If the session is restricted to one partition key, also tries the keys of other
 * tenants.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  type Access,
  type Action,
  canRestrictByKey,
  canUseIndexes,
  isAction,
  listActions,
} from '../iam/actions.ts'
import { parseRoleArn, toTableName } from '../iam/arn.ts'
import type { CheckContext } from './check-context.ts'
import { isTestable, type Key, probe, type Verdict } from './probes.ts'
import type { Step } from './report.ts'
import {
  adviseOnNetwork,
  describeAllowedOtherKeys,
  describeDeniedActions,
  describeUnavailableKey,
  type Target,
  toDenialGroup,
} from './table-advice.ts'

/** The table to check, or one of its indexes, and the client of the session. */
interface TableCheck extends Target {
  readonly client: DynamoDBClient
  readonly context: CheckContext
}

interface Result {
  readonly action: Action
  readonly verdict: Verdict
}

/** Tries the actions on a table and its indexes, and yields the results. */
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
  const canUseTable = listActionsByVerdict(results, 'allowed').length > 0
  yield* describeResults(check, results, canUseTable)
  yield* checkIndexes(check, actions.filter(canUseIndexes), canUseTable)
  if (context.key === undefined) return
  const keylessActions = requested.filter((action) => !canRestrictByKey(action))
  if (keylessActions.length > 0)
    yield createTableStep(
      check,
      'note',
      `not tried: ${keylessActions.join(', ')}. A policy that compares partition keys does not allow these actions.`,
    )
  yield* checkOtherKeys(check, actions, canUseTable)
}

/**
 * Tries the actions on the indexes that the flags name. If the flags name none, yields a note.
 *
 * If the session is restricted to one partition key of the table, only other keys are tried, because IAM compares the partition key of
 * the index, which the flags do not name.
 */
async function* checkIndexes(
  check: TableCheck,
  actions: readonly Action[],
  canUseTable: boolean,
): AsyncGenerator<Step> {
  const { indexes, key } = check.context
  if (actions.some(isTestable) && indexes.length === 0)
    yield createTableStep(
      check,
      'note',
      `indexes were not tried. A policy can allow ${actions.join(', ')} on a table and not on its indexes. Give --index <name> or --indexes.`,
    )
  if (actions.length === 0) return
  for (const { table = toTableName(check.table), index } of indexes) {
    if (table !== toTableName(check.table)) continue
    const indexCheck = { ...check, index }
    if (key === undefined) {
      yield* describeResults(indexCheck, await probeActions(indexCheck, actions, undefined), canUseTable)
      continue
    }
    yield* checkOtherKeys(indexCheck, actions, true)
    yield createTableStep(
      indexCheck,
      'note',
      `it was not tried whether the session can use its own key: ${actions.join(', ')}. The index has its own partition key.`,
    )
  }
}

const createTableStep = (
  { table, index }: Target,
  outcome: Step['outcome'],
  message: string,
  rest: Partial<Step> = {},
): Step => ({
  subject: { kind: 'table', name: table, ...(index !== undefined && { index }) },
  outcome,
  message,
  ...rest,
})

const probeActions = (
  { client, table, index, context }: TableCheck,
  actions: readonly Action[],
  keyValue: string | undefined,
): Promise<readonly Result[]> => {
  const partitionKey: Key =
    context.key === undefined || keyValue === undefined ? {} : { [context.key[0]]: { S: keyValue } }
  // The request then names an index that does not exist. Only a policy for `index/*` allows it.
  const isAnyIndex = index === '*'
  const target = {
    // PartiQL accepts only table names. An ARN must be in the role's account and in `region`, so the name identifies the same table.
    table: toTableName(table),
    index: isAnyIndex ? `any-${crypto.randomUUID()}` : index,
  }
  return Promise.all(
    actions.map(async (action): Promise<Result> => {
      const verdict = await probe(client, action, target, partitionKey)
      return { action, verdict: isAnyIndex && verdict.kind === 'no-index' ? { kind: 'allowed' } : verdict }
    }),
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

/** Groups actions by the messages of their results. Messages with the same group key are in one group. */
const groupByMessage = (
  results: readonly Result[],
  toGroupKey: (message: string) => string = (message) => message,
): readonly (readonly [firstMessage: string, actions: readonly Action[]])[] =>
  [...Map.groupBy(results, (result) => toGroupKey(getMessage(result))).values()].map((group) => [
    group.map(getMessage)[0] ?? '',
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
      `DynamoDB could not be reached in ${configuration.region}: ${getMessage(first)}\n${adviseOnNetwork(getMessage(first), configuration.region)}`,
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
function* describeResults(
  check: TableCheck,
  results: readonly Result[],
  canUseTable: boolean,
): Generator<Step> {
  const allowed = listActionsByVerdict(results, 'allowed')
  if (allowed.length > 0) yield createTableStep(check, 'ok', `allowed: ${allowed.join(', ')}`, { allowed })
  if (filterByVerdict(results, 'no-index', 'no-table').length > 0)
    yield createTableStep(check, 'failed', `the table has no index ${check.index}`)
  for (const [reason, unclear] of groupByMessage(filterByVerdict(results, 'untestable')))
    yield createTableStep(check, 'note', `cannot be tried: ${unclear.join(', ')} (${reason})`, { unclear })
  for (const [reason, unclear] of groupByMessage(filterByVerdict(results, 'unclear', 'no-answer')))
    yield createTableStep(
      check,
      'failed',
      `it is not known whether these actions are allowed: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [reason, unclear] of groupByMessage(filterByVerdict(results, 'key-not-a-string')))
    yield createTableStep(
      check,
      'failed',
      `the partition key ${check.context.key?.[0]} is not a string, so --key cannot be used: ${unclear.join(', ')} (${reason})`,
      { unclear },
    )
  for (const [message, unclear] of groupByMessage(filterByVerdict(results, 'kms-key-unavailable')))
    yield createTableStep(check, 'failed', describeUnavailableKey(message, unclear), { unclear })
  for (const [message, denied] of groupByMessage(filterByVerdict(results, 'denied'), toDenialGroup)) {
    const { text, add } = describeDeniedActions(
      { target: check, message, denied, canUseTable },
      check.context,
    )
    yield createTableStep(check, 'failed', text, { denied, ...(add.length > 0 && { add }) })
  }
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
  if (filterByVerdict(results, 'no-index', 'no-table').length > 0) {
    yield createTableStep(check, 'failed', `the table has no index ${check.index}`)
    return
  }
  const allowed = listActionsByVerdict(results, 'allowed')
  const denied = listActionsByVerdict(results, 'denied')
  const unclear = results
    .map(({ action }) => action)
    .filter((action) => ![...allowed, ...denied].includes(action))
  if (allowed.length > 0) {
    const { text, add } = describeAllowedOtherKeys(check, allowed, check.context)
    yield createTableStep(check, 'failed', text, { allowed, ...(add.length > 0 && { add }) })
  }
  if (unclear.length > 0)
    yield createTableStep(
      check,
      'failed',
      `it is not known whether other keys are denied: ${unclear.join(', ')}`,
      { unclear },
    )
  if (allowed.length + unclear.length === 0 && isOwnKeyAllowed)
    yield createTableStep(check, 'ok', 'other keys and Scan are denied')
}
