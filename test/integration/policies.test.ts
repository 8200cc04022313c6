/** What the documents of crossAccountPolicies() allow and deny, in a sandbox that has exactly these documents. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type CrossAccountPolicies,
  crossAccountPolicies,
  type PolicyDocument,
  type Statement,
} from 'middy-cross-account-dynamo/policies'
import { type Clients, createClients } from '../sandbox/clients.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { allowStatement, createPolicy } from '../sandbox/policies.ts'
import {
  ALLOW_ALL_POLICY,
  ARCHIVE_TABLE,
  createPolicyTestAccounts,
  ORGANIZATION_ID,
} from '../sandbox/policy-test-accounts.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  EXTERNAL_ID,
  TARGET_ROLE_ARN,
} from '../sandbox/two-accounts.ts'
import { family } from './set-up-family.ts'
import { KEY_ARN } from './set-up-requests.ts'
import type { SetUp } from './set-up-sent.ts'
import { type Attempt, askedFor, tryAll } from './set-up-trial.ts'

let sandbox: Sandbox
let clients: Clients
beforeAll(async () => {
  sandbox = await startSandbox({ accounts: createPolicyTestAccounts() })
  clients = createClients(sandbox)
  for (const table of ['Orders', 'Invoices', ARCHIVE_TABLE])
    await sandbox.getAccount(ACCOUNT_B).seed(
      table,
      ['acme', 'globex'].map((tenant) => ({ tenant: { S: tenant }, order: { S: '1' } })),
    )
})
afterAll(async () => {
  clients.close()
  await sandbox.close()
})

test.each(
  family().map(
    ({ roleArn, region, ...rest }) => [JSON.stringify(rest), { roleArn, region, ...rest }] as const,
  ),
)(
  'the documents allow what the options ask for, and deny every variation of it: %s',
  async (_title, setUp) => {
    const all = await tryAll(setUp, crossAccountPolicies(setUp), sandbox, clients)
    expect(all.filter(({ expected, outcome }) => outcome !== expected)).toEqual([])
  },
)

const PLAIN = {
  roleArn: TARGET_ROLE_ARN,
  region: 'us-east-1',
  executionRoleArn: EXECUTION_ROLE_ARN,
  tables: ['Orders'],
  access: 'read-write',
  indexes: true,
} satisfies SetUp

/** Every option, as narrow as possible. */
const FULL: SetUp = {
  ...PLAIN,
  externalId: EXTERNAL_ID,
  sessionTagKeys: { team: 'orders' },
  tenantTag: 'TenantId',
  transitiveTagKeys: ['team'],
  sourceIdentity: 'orders-function',
  kmsKeyArn: KEY_ARN,
  organizationId: ORGANIZATION_ID,
}

/** The other choice of each option that has two and makes conditions. */
const OPEN: SetUp = {
  ...PLAIN,
  executionRoleArn: [EXECUTION_ROLE_ARN, `arn:aws:iam::${ACCOUNT_A}:role/lambda/*`],
  trustWholeAccount: true,
  sessionTagKeys: ['team'],
  sourceIdentity: true,
}

const SET_UPS = { FULL, OPEN }
const NAMES = ['FULL', 'OPEN'] as const

test.each(NAMES)(
  'policies that allow everything allow every attempt of %s, so that only the documents deny any',
  async (name) => {
    const anybody = { Principal: { AWS: '*' } }
    const open = {
      trustPolicy: createPolicy(
        allowStatement(['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'], anybody),
      ),
      permissionsPolicy: ALLOW_ALL_POLICY,
      callerPolicy: ALLOW_ALL_POLICY,
      warnings: [],
    } as CrossAccountPolicies
    const all = await tryAll(SET_UPS[name], open, sandbox, clients)
    // DynamoDB itself rejects some, and the other account denies access because its tables have no policies.
    const refused = all.filter(({ outcome }) => !/^done$|^ValidationException|resource-based$/.test(outcome))
    expect(refused).toEqual([])
  },
)

type Name = 'trustPolicy' | 'permissionsPolicy' | 'callerPolicy'

/** The documents with another statement in place of each; `undefined` for none. */
const changed = (
  documents: CrossAccountPolicies,
  name: Name,
  change: (statement: Statement) => Statement | undefined,
): CrossAccountPolicies => {
  const Statement = documents[name].Statement.map(change).filter((one) => one !== undefined)
  return { ...documents, [name]: { ...documents[name], Statement } }
}

describe.each(NAMES)('of %s', (name) => {
  const documents = crossAccountPolicies(SET_UPS[name])
  const statements = (['trustPolicy', 'permissionsPolicy', 'callerPolicy'] as const).flatMap((document) =>
    documents[document].Statement.map(({ Sid }) => [document, Sid] as const),
  )

  test.each(statements)('%s needs its statement %s', async (document, sid) => {
    const without = changed(documents, document, (one) => (one.Sid === sid ? undefined : one))
    const all = await tryAll(SET_UPS[name], without, sandbox, clients, askedFor)
    expect(all.filter(({ outcome }) => outcome.includes('refused'))).not.toEqual([])
  })
})

type Conditions = NonNullable<Statement['Condition']>

/** The attempts that a document allows when its statements have other conditions. */
const letIn = async (
  setUp: SetUp,
  document: Name,
  change: (conditions: Conditions, sid: string) => Conditions,
): Promise<string[]> => {
  const weaker = changed(crossAccountPolicies(setUp), document, ({ Condition = {}, ...rest }) => ({
    ...rest,
    Condition: change(Condition, rest.Sid),
  }))
  const isDecided = ({ expected }: Attempt) => expected.startsWith('sts:') === (document === 'trustPolicy')
  const which = (attempt: Attempt) => !askedFor(attempt) && isDecided(attempt)
  const all = await tryAll(setUp, weaker, sandbox, clients, which)
  return all.filter(({ outcome }) => !outcome.includes('refused')).map(({ what }) => what)
}

const without = (operator: string, key: string) => (conditions: Conditions) => {
  const { [operator]: { [key]: _gone, ...keys } = {}, ...others } = conditions
  return { ...others, ...(Object.keys(keys).length > 0 && { [operator]: keys }) }
}

const conditionsOf = ({ Statement }: PolicyDocument) =>
  Statement.flatMap(({ Condition = {} }) =>
    Object.entries(Condition).flatMap(([operator, keys]) =>
      Object.keys(keys).map((key) => ({ operator, key })),
    ),
  )

const foreign = (...actions: string[]) => actions.map((action) => `${action} of another tenant's`)

test.each([
  [
    'FULL',
    'trustPolicy',
    {
      'StringEquals sts:ExternalId': ['no external ID', 'another external ID'],
      'StringEquals aws:RequestTag/team': [
        'no tag team',
        'an empty tag team',
        'another value of the tag team',
      ],
      'StringLike aws:RequestTag/TenantId': ['no tag TenantId', 'an empty tag TenantId'],
      'ForAllValues:StringEquals aws:TagKeys': [
        'an extra tag',
        'the tag team in capitals',
        'the tag TenantId in capitals',
      ],
      'ForAllValues:StringEquals sts:TransitiveTagKeys': ['an ordinary tag made transitive'],
      'StringEquals sts:SourceIdentity': ['no source identity', 'another source identity'],
      'StringEquals aws:PrincipalOrgID': ['an account of no organization', 'an account of o-anotherorgid'],
    },
  ],
  [
    'FULL',
    'permissionsPolicy',
    {
      'ForAllValues:StringEquals dynamodb:LeadingKeys': [
        ...foreign('GetItem', 'BatchGetItem', 'ConditionCheckItem', 'Query'),
        ...foreign('PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'),
        "Query of another tenant's in an index",
        'BatchGetItem of an own and a foreign key',
        'BatchWriteItem of an own and a foreign key',
      ],
      'Null dynamodb:LeadingKeys': [
        'BatchGetItem of no key',
        'Query of no key',
        'Query of no key in an index',
      ],
      'StringEquals kms:ViaService': [
        'kms:Decrypt without DynamoDB',
        'kms:Decrypt through S3',
        'kms:Decrypt in another Region',
      ],
    },
  ],
  [
    'OPEN',
    'trustPolicy',
    {
      'ForAllValues:StringEquals aws:TagKeys': ['an extra tag', 'the tag team in capitals'],
      'StringLike aws:RequestTag/team': ['no tags', 'no tag team', 'an empty tag team'],
      'Null sts:TransitiveTagKeys': ['an ordinary tag made transitive'],
      'StringLike sts:SourceIdentity': ['no source identity'],
      'ArnLike aws:PrincipalArn': ['the caller arn:aws:iam::111111111111:role/UnrelatedRole'],
    },
  ],
] as const)(
  'of %s: each condition of %s denies something that no other condition denies',
  async (name, document, expected) => {
    const found: Record<string, string[]> = {}
    for (const { operator, key } of conditionsOf(crossAccountPolicies(SET_UPS[name])[document]))
      found[`${operator} ${key}`] ??= await letIn(SET_UPS[name], document, without(operator, key))
    expect(found).toEqual(expected)
  },
)

test.each(NAMES)('of %s: the conditions of AssumeRole are enough to deny sessions', async (name) => {
  const elsewhere = (conditions: Conditions, sid: string) => (sid === 'AssumeRole' ? conditions : {})
  await expect(letIn(SET_UPS[name], 'trustPolicy', elsewhere)).resolves.toEqual([])
})

test.each([
  ['FULL', ['no external ID', 'another external ID', 'no tags', 'no source identity']],
  ['OPEN', ['no tags', 'no tag team', 'no source identity']],
] as const)(
  'of %s: without the conditions of AssumeRole, what is not sent is not required',
  async (name, expected) => {
    const there = (conditions: Conditions, sid: string) => (sid === 'AssumeRole' ? {} : conditions)
    await expect(letIn(SET_UPS[name], 'trustPolicy', there)).resolves.toEqual(expected)
  },
)

test('the caller policy allows one role only', async () => {
  const wider = changed(crossAccountPolicies(PLAIN), 'callerPolicy', (one) => ({ ...one, Resource: '*' }))
  const all = await tryAll(PLAIN, wider, sandbox, clients)
  expect(all.filter(({ expected, outcome }) => outcome !== expected).map(({ what }) => what)).toEqual([
    'AssumeRole of another role, which trusts the whole account',
  ])
})
