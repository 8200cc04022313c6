/**
 * A small set of configurations that contains each choice of each option. In the long run, it contains each pair of
 * choices of two options.
 */
import fc from 'fast-check'
import { inLongRun } from '../run-length.ts'
import { ORGANIZATION_ID, SECOND_EXECUTION_ROLE_ARN } from '../sandbox/policy-test-accounts.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { KEY_ARN } from './set-up-requests.ts'
import type { SetUp } from './set-up-sent.ts'

const ORDERS_ARN = `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/Orders`

/** Principals that are broader than roles. */
const broad = (...executionRoleArn: string[]) => ({ executionRoleArn, trustWholeAccount: true })

/** The options that a choice stands for. A configuration has one choice from each row. */
const CHOICES: Readonly<Record<string, readonly Partial<SetUp>[]>> = {
  callers: [
    { executionRoleArn: EXECUTION_ROLE_ARN },
    { executionRoleArn: [SECOND_EXECUTION_ROLE_ARN, EXECUTION_ROLE_ARN] },
    broad(EXECUTION_ROLE_ARN, `arn:aws:iam::${ACCOUNT_A}:role/lambda/*`),
    broad(`arn:aws:iam::${ACCOUNT_A}:role/lambda/*`, ACCOUNT_A),
    broad('*'),
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
  indexes: [{}, { indexes: true }],
  kms: [{}, { kmsKeyArn: KEY_ARN }],
  organization: [{}, { organizationId: ORGANIZATION_ID }],
}

const anySetUp = fc
  .record(Object.fromEntries(Object.entries(CHOICES).map(([row, all]) => [row, fc.constantFrom(...all)])))
  .filter(
    ({ tags, transitive }) =>
      transitive?.transitiveTagKeys === undefined || tags?.sessionTagKeys !== undefined,
  )

type Chosen = Record<string, Partial<SetUp>>

/** How many choices must occur together. */
const COMBINED = inLongRun(1, 2)

const combinationsOf = (chosen: Chosen): string[] => {
  const names = Object.entries(chosen).map(([row, choice]) => `${row} ${JSON.stringify(choice)}`)
  if (COMBINED === 1) return names
  return names.flatMap((one, index) => names.slice(index + 1).map((other) => `${one} with ${other}`))
}

const setUpOf = (chosen: Chosen): SetUp =>
  Object.assign({ roleArn: TARGET_ROLE_ARN, region: 'us-east-1' }, ...Object.values(chosen))

/** As many as needed, or `SET_UPS=500 npm run test:long` of them. `SEED=7` chooses others. */
export const family = (): SetUp[] => {
  const size = Number(process.env.SET_UPS ?? 0)
  const pool = fc.sample(anySetUp, { seed: Number(process.env.SEED ?? 1), numRuns: Math.max(size, 500) })
  if (size > 0) return pool.slice(0, size).map(setUpOf)
  const missing = new Set(pool.flatMap(combinationsOf))
  const news = (chosen: Chosen) => combinationsOf(chosen).filter((combination) => missing.has(combination))
  const chosen: Chosen[] = []
  while (missing.size > 0) {
    const best = pool.reduce((one, other) => (news(other).length > news(one).length ? other : one))
    for (const combination of news(best)) missing.delete(combination)
    chosen.push(best)
  }
  return chosen.map(setUpOf)
}
