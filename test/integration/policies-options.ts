/**
 * Options of crossAccountPolicies() that together contain each choice of each option. In `npm run test:long`, they contain
 * each pair of choices.
 */
import fc from 'fast-check'
import type { CrossAccountPoliciesOptions } from 'middy-cross-account-dynamo/policies'
import { selectByRunLength } from '../run-length.ts'
import { ORGANIZATION_ID, SECOND_EXECUTION_ROLE_ARN } from '../sandbox/policy-test-accounts.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { KEY_ARN } from './policies-request-attempts.ts'

const ORDERS_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/Orders`

/** Returns options that trust principals broader than single roles. */
const createBroadTrust = (...executionRoleArn: string[]) => ({ executionRoleArn, trustWholeAccount: true })

/** The choices of each option. */
const CHOICES: Readonly<Record<string, readonly Partial<CrossAccountPoliciesOptions>[]>> = {
  callers: [
    { executionRoleArn: EXECUTION_ROLE_ARN },
    { executionRoleArn: [SECOND_EXECUTION_ROLE_ARN, EXECUTION_ROLE_ARN] },
    createBroadTrust(EXECUTION_ROLE_ARN, `arn:aws:iam::${ACCOUNT_A}:role/lambda/*`),
    createBroadTrust(`arn:aws:iam::${ACCOUNT_A}:role/lambda/*`, ACCOUNT_A),
    createBroadTrust('*'),
  ],
  tables: [{ tables: ['Orders'] }, { tables: [ORDERS_ARN] }, { tables: ['Invoices', ORDERS_ARN] }],
  access: [
    { access: 'read' },
    { access: 'write' },
    { access: 'read-write' },
    { access: ['GetItem', 'dynamodb:Query'] },
    { access: ['PutItem'] },
  ],
  externalId: [{}, { externalId: EXTERNAL_ID }],
  tags: [{}, { sessionTagKeys: ['team', 'stage'] }, { sessionTagKeys: { team: 'orders', stage: 'test' } }],
  tenantTag: [{}, { tenantTag: 'TenantId' }],
  transitive: [{}, { transitiveTagKeys: ['team'] }],
  sourceIdentity: [{}, { sourceIdentity: true }, { sourceIdentity: 'orders-function' }],
  indexes: [{}, { indexes: true }, { indexes: false }],
  kms: [{}, { kmsKeyArn: KEY_ARN }],
  organization: [{}, { organizationId: ORGANIZATION_ID }],
}

const selection = fc
  .record(
    Object.fromEntries(Object.entries(CHOICES).map(([name, choices]) => [name, fc.constantFrom(...choices)])),
  )
  // Only keys of session tags can be transitive.
  .filter(
    ({ tags, transitive }) =>
      transitive?.transitiveTagKeys === undefined || tags?.sessionTagKeys !== undefined,
  )

/** One choice for each key of `CHOICES`. */
type Selection = Record<string, Partial<CrossAccountPoliciesOptions>>

/** The number of choices in a combination. */
const COMBINATION_SIZE = selectByRunLength(1, 2)

const listCombinations = (selected: Selection): string[] => {
  const choices = Object.entries(selected).map(([name, choice]) => `${name} ${JSON.stringify(choice)}`)
  if (COMBINATION_SIZE === 1) return choices
  return choices.flatMap((one, index) => choices.slice(index + 1).map((other) => `${one} with ${other}`))
}

const toOptions = (selected: Selection): CrossAccountPoliciesOptions =>
  Object.assign({ roleArn: TARGET_ROLE_ARN, region: 'us-east-1' }, ...Object.values(selected))

/**
 * Returns a short list of options that contains each combination of choices. `OPTION_SETS=500 npm run test:long` returns
 * 500 random options instead. `SEED=7` selects other options.
 */
export const samplePoliciesOptions = (): CrossAccountPoliciesOptions[] => {
  const size = Number(process.env.OPTION_SETS ?? 0)
  const pool = fc.sample(selection, { seed: Number(process.env.SEED ?? 1), numRuns: Math.max(size, 500) })
  if (size > 0) return pool.slice(0, size).map(toOptions)
  const missing = new Set(pool.flatMap(listCombinations))
  const listMissing = (selected: Selection) =>
    listCombinations(selected).filter((combination) => missing.has(combination))
  const result: Selection[] = []
  while (missing.size > 0) {
    const best = pool.reduce((one, other) =>
      listMissing(other).length > listMissing(one).length ? other : one,
    )
    for (const combination of listMissing(best)) missing.delete(combination)
    result.push(best)
  }
  return result.map(toOptions)
}
