/** Deploys the documents of crossAccountPolicies() to a sandbox, and checks which requests they allow and deny. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type CrossAccountPolicies,
  type CrossAccountPoliciesOptions,
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
import { type Attempt, isDenied, runAttempts, shouldBeAllowed } from './policies-attempts.ts'
import { samplePoliciesOptions } from './policies-options.ts'
import { KEY_ARN } from './policies-request-attempts.ts'

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
  samplePoliciesOptions().map(
    ({ roleArn, region, ...rest }) => [JSON.stringify(rest), { roleArn, region, ...rest }] as const,
  ),
)(
  'the documents allow what the options specify, and deny every variation: %s',
  async (_optionsText, options) => {
    const results = await runAttempts(options, crossAccountPolicies(options), sandbox, clients)
    expect(results.filter(({ expected, outcome }) => outcome !== expected)).toEqual([])
  },
)

test.each([
  ['aws-cn', 'cn-north-1'],
  ['aws-us-gov', 'us-gov-west-1'],
  ['aws-eusc', 'eusc-de-east-1'],
  ['aws-iso', 'us-iso-east-1'],
  ['aws-iso-b', 'us-isob-east-1'],
  ['aws-iso-e', 'eu-isoe-west-1'],
  ['aws-iso-f', 'us-isof-south-1'],
])(
  'in the partition %s, the documents differ from those of aws only in partition and Region',
  (partition, region) => {
    /** Moves ARNs, Regions and service names to the partition. */
    const move = <Value>(value: Value): Value =>
      JSON.parse(
        JSON.stringify(value).replaceAll('arn:aws:', `arn:${partition}:`).replaceAll('us-east-1', region),
      )
    for (const options of samplePoliciesOptions())
      expect(crossAccountPolicies(move(options))).toEqual(move(crossAccountPolicies(options)))
  },
)

/** The required options. */
const MINIMAL_OPTIONS = {
  roleArn: TARGET_ROLE_ARN,
  region: 'us-east-1',
  executionRoleArn: EXECUTION_ROLE_ARN,
  tables: ['Orders'],
  access: 'read-write',
  indexes: true,
} satisfies CrossAccountPoliciesOptions

/** Every option, with the narrowest value. */
const RESTRICTIVE_OPTIONS: CrossAccountPoliciesOptions = {
  ...MINIMAL_OPTIONS,
  externalId: EXTERNAL_ID,
  sessionTagKeys: { team: 'orders' },
  tenantTag: 'TenantId',
  transitiveTagKeys: ['team'],
  sourceIdentity: 'orders-function',
  kmsKeyArn: KEY_ARN,
  organizationId: ORGANIZATION_ID,
}

/** The broader value of each option that has two values and adds conditions. */
const BROAD_OPTIONS: CrossAccountPoliciesOptions = {
  ...MINIMAL_OPTIONS,
  executionRoleArn: [EXECUTION_ROLE_ARN, `arn:aws:iam::${ACCOUNT_A}:role/lambda/*`],
  trustWholeAccount: true,
  sessionTagKeys: ['team'],
  sourceIdentity: true,
}

const OPTIONS_BY_NAME = { restrictive: RESTRICTIVE_OPTIONS, broad: BROAD_OPTIONS }
const OPTIONS_NAMES = ['restrictive', 'broad'] as const

test.each(OPTIONS_NAMES)(
  'policies that allow everything allow every attempt for the %s options',
  async (optionsName) => {
    const allowAllDocuments = {
      trustPolicy: createPolicy(
        allowStatement(['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'], {
          Principal: { AWS: '*' },
        }),
      ),
      permissionsPolicy: ALLOW_ALL_POLICY,
      callerPolicy: ALLOW_ALL_POLICY,
      warnings: [],
    } as CrossAccountPolicies
    const results = await runAttempts(OPTIONS_BY_NAME[optionsName], allowAllDocuments, sandbox, clients)
    // DynamoDB rejects requests without a partition key, and the tables of another account have no resource-based policies.
    const denied = results.filter(
      ({ outcome }) => !/^allowed$|^ValidationException|resource-based$/.test(outcome),
    )
    expect(denied).toEqual([])
  },
)

type DocumentName = 'trustPolicy' | 'permissionsPolicy' | 'callerPolicy'

/** Replaces each statement of a document by the result of `change`, or removes it if the result is undefined. */
const changeStatements = (
  documents: CrossAccountPolicies,
  documentName: DocumentName,
  change: (statement: Statement) => Statement | undefined,
): CrossAccountPolicies => {
  const document = documents[documentName]
  const Statement = document.Statement.map(change).filter((statement) => statement !== undefined)
  return { ...documents, [documentName]: { ...document, Statement } }
}

describe.each(OPTIONS_NAMES)('with the %s options', (optionsName) => {
  const documents = crossAccountPolicies(OPTIONS_BY_NAME[optionsName])
  const statements = (['trustPolicy', 'permissionsPolicy', 'callerPolicy'] as const).flatMap((documentName) =>
    documents[documentName].Statement.map(({ Sid }) => [documentName, Sid] as const),
  )

  test.each(statements)(
    `the %s without its statement %s denies a request that the ${optionsName} options require`,
    async (documentName, sid) => {
      const changedDocuments = changeStatements(documents, documentName, (statement) =>
        statement.Sid === sid ? undefined : statement,
      )
      const results = await runAttempts(
        OPTIONS_BY_NAME[optionsName],
        changedDocuments,
        sandbox,
        clients,
        shouldBeAllowed,
      )
      expect(results.filter(isDenied)).not.toEqual([])
    },
  )
})

type Conditions = NonNullable<Statement['Condition']>

/**
 * Changes the conditions of a document's statements, and returns the descriptions of the attempts that the document then
 * allows and that it should deny.
 */
const findWronglyAllowed = async (
  options: CrossAccountPoliciesOptions,
  documentName: DocumentName,
  changeConditions: (conditions: Conditions, sid: string) => Conditions,
): Promise<string[]> => {
  const changedDocuments = changeStatements(
    crossAccountPolicies(options),
    documentName,
    ({ Condition = {}, ...rest }) => ({ ...rest, Condition: changeConditions(Condition, rest.Sid) }),
  )
  const isDecidedByDocument = ({ expected }: Attempt) =>
    expected.startsWith('sts:') === (documentName === 'trustPolicy')
  const filter = (attempt: Attempt) => !shouldBeAllowed(attempt) && isDecidedByDocument(attempt)
  const results = await runAttempts(options, changedDocuments, sandbox, clients, filter)
  return results.filter((result) => !isDenied(result)).map(({ description }) => description)
}

const createConditionRemover = (operator: string, key: string) => (conditions: Conditions) => {
  const { [operator]: { [key]: _removed, ...keys } = {}, ...others } = conditions
  return { ...others, ...(Object.keys(keys).length > 0 && { [operator]: keys }) }
}

const listConditions = ({ Statement }: PolicyDocument) =>
  Statement.flatMap(({ Condition = {} }) =>
    Object.entries(Condition).flatMap(([operator, keys]) =>
      Object.keys(keys).map((key) => ({ operator, key })),
    ),
  )

const describeForOtherTenant = (...actions: string[]) =>
  actions.map((action) => `${action} for another tenant`)

test.each([
  [
    'restrictive',
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
        'the tag team in uppercase',
        'the tag TenantId in uppercase',
      ],
      'ForAllValues:StringEquals sts:TransitiveTagKeys': ['a non-transitive tag made transitive'],
      'StringEquals sts:SourceIdentity': ['no source identity', 'another source identity'],
      'StringEquals aws:PrincipalOrgID': ['an account of no organization', 'an account of o-anotherorgid'],
    },
  ],
  [
    'restrictive',
    'permissionsPolicy',
    {
      'ForAllValues:StringEquals dynamodb:LeadingKeys': [
        ...describeForOtherTenant('GetItem', 'BatchGetItem', 'ConditionCheckItem', 'Query'),
        ...describeForOtherTenant('PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'),
        'Query for another tenant in an index',
        'BatchGetItem for the tenant and another tenant',
        'BatchWriteItem for the tenant and another tenant',
      ],
      'Null dynamodb:LeadingKeys': [
        'BatchGetItem without a partition key',
        'Query without a partition key',
        'Query without a partition key in an index',
      ],
      'StringEquals kms:ViaService': [
        'kms:Decrypt without DynamoDB',
        'kms:Decrypt through S3',
        'kms:Decrypt in another Region',
      ],
      'StringEquals kms:EncryptionContext:aws:dynamodb:tableName': [
        'kms:Decrypt for another table',
        'kms:Decrypt without an encryption context',
      ],
    },
  ],
  [
    'broad',
    'trustPolicy',
    {
      'ForAllValues:StringEquals aws:TagKeys': ['an extra tag', 'the tag team in uppercase'],
      'StringLike aws:RequestTag/team': ['no tags', 'no tag team', 'an empty tag team'],
      'Null sts:TransitiveTagKeys': ['a non-transitive tag made transitive'],
      'StringLike sts:SourceIdentity': ['no source identity'],
      'ArnLike aws:PrincipalArn': ['the caller arn:aws:iam::111111111111:role/UnrelatedRole'],
    },
  ],
] as const)(
  'with the %s options, each condition of the %s denies a request that no other condition denies',
  async (optionsName, documentName, expected) => {
    const options = OPTIONS_BY_NAME[optionsName]
    const wronglyAllowed: Record<string, string[]> = {}
    for (const { operator, key } of listConditions(crossAccountPolicies(options)[documentName]))
      wronglyAllowed[`${operator} ${key}`] ??= await findWronglyAllowed(
        options,
        documentName,
        createConditionRemover(operator, key),
      )
    expect(wronglyAllowed).toEqual(expected)
  },
)

test.each(OPTIONS_NAMES)(
  'with the %s options, the conditions of the statement AssumeRole deny every request that the trust policy must deny',
  async (optionsName) => {
    const keepInAssumeRole = (conditions: Conditions, sid: string) => (sid === 'AssumeRole' ? conditions : {})
    await expect(
      findWronglyAllowed(OPTIONS_BY_NAME[optionsName], 'trustPolicy', keepInAssumeRole),
    ).resolves.toEqual([])
  },
)

test.each([
  ['restrictive', ['no external ID', 'another external ID', 'no tags', 'no source identity']],
  ['broad', ['no tags', 'no tag team', 'no source identity']],
] as const)(
  'with the %s options, the trust policy requires parameters only by the conditions of the statement AssumeRole',
  async (optionsName, expected) => {
    const removeFromAssumeRole = (conditions: Conditions, sid: string) =>
      sid === 'AssumeRole' ? {} : conditions
    await expect(
      findWronglyAllowed(OPTIONS_BY_NAME[optionsName], 'trustPolicy', removeFromAssumeRole),
    ).resolves.toEqual(expected)
  },
)

test('the caller policy allows one role only', async () => {
  const changedDocuments = changeStatements(
    crossAccountPolicies(MINIMAL_OPTIONS),
    'callerPolicy',
    (statement) => ({ ...statement, Resource: '*' }),
  )
  const results = await runAttempts(MINIMAL_OPTIONS, changedDocuments, sandbox, clients)
  expect(
    results.filter(({ expected, outcome }) => outcome !== expected).map(({ description }) => description),
  ).toEqual(['AssumeRole of another role, which trusts the whole account'])
})
