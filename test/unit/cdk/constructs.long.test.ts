/** The constructs of both accounts: their documents and variables equal those of the generator and of the middleware. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { App, Aws, CfnParameter, Stack } from 'aws-cdk-lib'
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions'
import { AttributeType, type ITable, Table, TableEncryption, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { AccountPrincipal } from 'aws-cdk-lib/aws-iam'
import { Alias, type IKey, Key } from 'aws-cdk-lib/aws-kms'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import {
  CrossAccountDynamoRole,
  type CrossAccountDynamoRoleProps,
  type CrossAccountSession,
  grantCrossAccountDynamo,
} from 'middy-cross-account-dynamo/cdk'
import { type CrossAccountPoliciesOptions, crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { readTemplate } from '../../infrastructure/cloudformation.ts'
import { ACCOUNT_A, ACCOUNT_B, EXTERNAL_ID } from '../../sandbox/two-accounts.ts'

const REGION = 'us-east-1'
const roleArn = `arn:aws:iam::${ACCOUNT_B}:role/teams/orders/Orders`
/** The properties that each session needs. */
const IDENTITY = { roleArn, region: REGION }
const executionRoleArn = `arn:aws:iam::${ACCOUNT_A}:role/OrdersFunction`
const KEY_ATTRIBUTE = { name: 'id', type: AttributeType.STRING }

/** Without this folder, each app would leave one in the folder for temporary files. */
const outdir = mkdtempSync(join(tmpdir(), 'constructs-'))
afterAll(() => rmSync(outdir, { recursive: true }))

const createStack = (account = ACCOUNT_B, region = REGION): Stack =>
  new Stack(new App({ outdir }), 'Stack', { env: { account, region } })
const createTable = (stack: Stack, tableName: string): Table =>
  new Table(stack, tableName, { tableName, partitionKey: KEY_ATTRIBUTE })

/** Synthesizes the stack, and returns its resources with all references resolved. */
const readResources = (stack: Stack, parameters: Record<string, string> = {}) =>
  readTemplate(Template.fromStack(stack).toJSON() as never, {
    account: stack.account,
    region: stack.region,
    parameters,
  })
/** Imports a table by its ARN. */
const importTable = (stack: Stack, { account = ACCOUNT_B }): ITable =>
  Table.fromTableArn(stack, 'Imported', `arn:aws:dynamodb:${REGION}:${account}:table/Imported`)
const encryptTable = (stack: Stack, encryptionKey: IKey, tableName = 'Encrypted'): Table =>
  new Table(stack, tableName, {
    tableName,
    partitionKey: KEY_ATTRIBUTE,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey,
  })
const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Creates a role in a new stack with a table `Orders`, and returns the resources of the stack. */
const synthesizeRole = (props: Partial<CrossAccountDynamoRoleProps> = {}) => {
  const stack = createStack()
  new CrossAccountDynamoRole(stack, 'Role', {
    ...IDENTITY,
    executionRoleArn,
    tables: [createTable(stack, 'Orders')],
    access: 'read-write',
    ...props,
  })
  return readResources(stack)
}

/** Creates a function with an execution role, grants it the session, and returns the function's stack. */
const synthesizeFunction = (session: CrossAccountSession, envPrefix?: string): Stack => {
  const stack = createStack(ACCOUNT_A)
  const lambdaFunction = new LambdaFunction(stack, 'Function', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = async () => {}'),
  })
  grantCrossAccountDynamo(lambdaFunction, session, envPrefix === undefined ? {} : { envPrefix })
  return stack
}
// biome-ignore lint/suspicious/noExplicitAny: templates contain JSON of any shape
const findProperties = (stack: Stack, type: string): any =>
  Object.values(Template.fromStack(stack).findResources(type))[0]?.Properties
const findVariables = (stack: Stack): Record<string, string> =>
  findProperties(stack, 'AWS::Lambda::Function').Environment.Variables

const SESSIONS: readonly (readonly [
  string,
  Omit<CrossAccountSession, 'roleArn' | 'region'>,
  Partial<CrossAccountPoliciesOptions>,
])[] = [
  ['only a role', {}, {}],
  ['an external ID', { externalId: EXTERNAL_ID }, { externalId: EXTERNAL_ID }],
  ['a tenant', { tenantTag: 'TenantId' }, { tenantTag: 'TenantId' }],
  [
    'tags with and without fixed values',
    { sessionTags: { team: 'orders' }, sessionTagKeys: ['stage'], transitiveTagKeys: ['team'] },
    { sessionTagKeys: { stage: true, team: 'orders' }, transitiveTagKeys: ['team'] },
  ],
  ['a fixed source identity', { sourceIdentity: 'orders' }, { sourceIdentity: 'orders' }],
  ['any source identity', { sourceIdentity: true }, { sourceIdentity: true }],
]

describe('CrossAccountDynamoRole', () => {
  test.each(SESSIONS)('has the documents of crossAccountPolicies(): %s', (_, session, options) => {
    const { roles } = synthesizeRole({ ...session, access: ['GetItem', 'PutItem'] })
    const { trustPolicy, permissionsPolicy } = crossAccountPolicies({
      roleArn,
      executionRoleArn,
      tables: ['Orders'],
      access: ['GetItem', 'PutItem'],
      region: REGION,
      ...options,
    })
    expect(roles).toEqual([
      {
        name: 'Orders',
        trustPolicy: toJson(trustPolicy),
        policies: [toJson(permissionsPolicy)],
        managedPolicies: [],
      },
    ])
  })

  test('has the name and the path of the ARN', () => {
    const stack = createStack()
    const { role } = new CrossAccountDynamoRole(stack, 'Role', {
      ...IDENTITY,
      executionRoleArn,
      tables: [createTable(stack, 'Orders')],
      access: 'read',
    })
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Role', {
      RoleName: 'Orders',
      Path: '/teams/orders/',
    })
    expect(stack.resolve(role.roleArn)).toHaveProperty('Fn::GetAtt')
  })

  test('trusts several execution roles of an organization, and excludes indexes', () => {
    const executionRoleArns = [executionRoleArn, `arn:aws:iam::${ACCOUNT_A}:role/Invoices`]
    const options = { indexes: false, organizationId: 'o-exampleorgid' }
    const { roles } = synthesizeRole({ executionRoleArn: executionRoleArns, ...options })
    const { trustPolicy, permissionsPolicy } = crossAccountPolicies({
      roleArn,
      executionRoleArn: executionRoleArns,
      tables: ['Orders'],
      access: 'read-write',
      region: REGION,
      ...options,
    })
    expect(roles[0]).toMatchObject({
      trustPolicy: toJson(trustPolicy),
      policies: [toJson(permissionsPolicy)],
    })
  })

  test('allows each customer managed key for its own tables only', () => {
    const stack = createStack()
    const key = Key.fromKeyArn(stack, 'Key', `arn:aws:kms:${REGION}:${ACCOUNT_B}:key/1234abcd`)
    const otherKey = Key.fromKeyArn(stack, 'OtherKey', `arn:aws:kms:${REGION}:${ACCOUNT_B}:key/5678abcd`)
    new CrossAccountDynamoRole(stack, 'Role', {
      ...IDENTITY,
      executionRoleArn,
      tables: [
        encryptTable(stack, key, 'Orders'),
        encryptTable(stack, otherKey, 'Customers'),
        encryptTable(stack, key, 'Invoices'),
        createTable(stack, 'Public'),
      ],
      access: 'read',
    })
    const permissionsPolicy = readResources(stack).roles[0]?.policies?.[0]
    const keyStatements = [permissionsPolicy?.Statement].flat().slice(2)
    const generate = (kmsKeyArn: string, tables: string[]) =>
      crossAccountPolicies({ roleArn, executionRoleArn, tables, access: 'read', region: REGION, kmsKeyArn })
        .permissionsPolicy.Statement[2]
    expect(keyStatements).toEqual(
      toJson([
        generate(key.keyArn, ['Orders', 'Invoices']),
        { ...generate(otherKey.keyArn, ['Customers']), Sid: 'KeyThroughDynamoDB2' },
      ]),
    )
  })

  test('accepts values that are known only at deployment', () => {
    const stack = createStack()
    const externalId = new CfnParameter(stack, 'ExternalId').valueAsString
    const executionRole = new CfnParameter(stack, 'ExecutionRole').valueAsString
    new CrossAccountDynamoRole(stack, 'Role', {
      ...IDENTITY,
      externalId,
      sessionTags: { stage: new CfnParameter(stack, 'Stage').valueAsString },
      executionRoleArn: [executionRole, executionRoleArn],
      // Each table has a name that CloudFormation generates. The names of eleven placeholders must not begin with each other.
      tables: Array.from(
        { length: 11 },
        (_, index) => new TableV2(stack, `Table${index}`, { partitionKey: KEY_ATTRIBUTE }),
      ),
      access: 'read',
    })
    const template = Template.fromStack(stack)
    const { AssumeRolePolicyDocument, Policies } = findProperties(stack, 'AWS::IAM::Role')
    expect(AssumeRolePolicyDocument.Statement[0]).toMatchObject({
      Principal: { AWS: [{ Ref: 'ExecutionRole' }, executionRoleArn] },
      Condition: {
        StringEquals: { 'sts:ExternalId': { Ref: 'ExternalId' }, 'aws:RequestTag/stage': { Ref: 'Stage' } },
      },
    })
    const tableIds = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))
    const tableArns = tableIds.map((id) => ({ 'Fn::GetAtt': [id, 'Arn'] }))
    const [tables, indexes] = Policies[0].PolicyDocument.Statement
    expect(tables.Resource).toEqual(tableArns)
    expect(indexes.Resource).toEqual(tableArns.map((arn) => ({ 'Fn::Join': ['', [arn, '/index/*']] })))
    expect(JSON.stringify(template.toJSON())).not.toContain('cdk-token')
  })

  test('keeps values that look like placeholders', () => {
    const stack = createStack()
    new CrossAccountDynamoRole(stack, 'Role', {
      ...IDENTITY,
      externalId: new CfnParameter(stack, 'ExternalId').valueAsString,
      sessionTags: { customer: 'cdk-token-1x' },
      executionRoleArn,
      tables: [new TableV2(stack, 'Table', { partitionKey: KEY_ATTRIBUTE })],
      access: 'read',
    })
    expect(
      findProperties(stack, 'AWS::IAM::Role').AssumeRolePolicyDocument.Statement[0].Condition.StringEquals,
    ).toEqual({
      'sts:ExternalId': { Ref: 'ExternalId' },
      'aws:RequestTag/customer': 'cdk-token-1x',
    })
  })

  test('warns about risky principals', () => {
    const stack = createStack()
    new CrossAccountDynamoRole(stack, 'Role', {
      ...IDENTITY,
      executionRoleArn: '*',
      trustWholeAccount: true,
      tables: [createTable(stack, 'Orders')],
      access: 'read',
    })
    const warnings = Annotations.fromStack(stack).findWarning('*', Match.anyValue())
    expect(warnings.map(({ entry }) => String(entry.data))).toEqual([
      expect.stringContaining('middy-cross-account-dynamo:trusts-many-callers'),
      expect.stringContaining('middy-cross-account-dynamo:public-tables'),
    ])
  })

  test.each<[string, Partial<CrossAccountDynamoRoleProps>, readonly string[]]>([
    [
      'two invalid properties',
      { externalId: 'x', sourceIdentity: 'an identity' },
      ['externalId', 'sourceIdentity'],
    ],
    ['no ARN', { roleArn: 'Orders', externalId: 'x' }, ['roleArn', 'externalId']],
    ['no tables and no access', { tables: [], access: [] }, ['tables', 'access']],
  ])('reports all problems at once: %s', (_, props, options) => {
    expect(() => synthesizeRole(props)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        issues: options.map((option) => expect.objectContaining({ option })),
      }),
    )
  })

  test.each<[string, string, (stack: Stack) => object]>([
    [
      'a stack in another account',
      'roleArn',
      () => ({ roleArn: roleArn.replace(ACCOUNT_B, ACCOUNT_A), tables: [] }),
    ],
    ['a table in another Region', 'tables', () => ({ region: 'eu-west-1' })],
    [
      'an imported table of another account',
      'tables',
      (stack) => ({ tables: [importTable(stack, { account: ACCOUNT_A })] }),
    ],
    [
      'the alias of a key',
      'tables',
      (stack) => ({ tables: [encryptTable(stack, Alias.fromAliasName(stack, 'Alias', 'alias/orders'))] }),
    ],
    [
      'a key in another Region',
      'tables',
      (stack) => ({
        tables: [
          encryptTable(
            stack,
            Key.fromKeyArn(stack, 'Key', `arn:aws:kms:eu-west-1:${ACCOUNT_B}:key/1234abcd`),
          ),
        ],
      }),
    ],
    [
      'a role ARN that is a token',
      'roleArn',
      () => ({ roleArn: `arn:aws:iam::${Aws.ACCOUNT_ID}:role/Orders` }),
    ],
    ['a Region that is a token', 'region', () => ({ region: Aws.REGION })],
    ['a tenant tag that is a token', 'tenantTag', () => ({ tenantTag: Aws.STACK_NAME })],
    ['a session tag with an empty value', 'sessionTags', () => ({ sessionTags: { team: '' } })],
    ['a misspelled property', 'externalID', () => ({ externalID: EXTERNAL_ID })],
    [
      'a property of the generator only',
      'kmsKeyArn',
      () => ({ kmsKeyArn: `arn:aws:kms:${REGION}:${ACCOUNT_B}:key/1234abcd` }),
    ],
    [
      'a table name with a wildcard',
      'tables',
      (stack) => ({ tables: [Table.fromTableName(stack, 'All', '*')] }),
    ],
    [
      'an imported table of another Region in an ARN with a token',
      'tables',
      (stack) => ({
        tables: [
          Table.fromTableArn(
            stack,
            'Other',
            `arn:${Aws.PARTITION}:dynamodb:eu-west-1:${ACCOUNT_B}:table/Orders`,
          ),
        ],
      }),
    ],
    [
      'an account as a token',
      'executionRoleArn',
      () => ({ executionRoleArn: new AccountPrincipal(ACCOUNT_A).arn }),
    ],
    ['no list of tables', 'tables', () => ({ tables: 'Orders' })],
  ])('the role refuses %s, and names the construct and the property', (_, property, createProps) => {
    const stack = createStack()
    const { tables, ...props } = { tables: [createTable(stack, 'Orders')], ...createProps(stack) }
    const isEmpty = Array.isArray(tables) && tables.length === 0
    expect(
      () =>
        new CrossAccountDynamoRole(stack, 'Role', {
          ...IDENTITY,
          executionRoleArn,
          // A stack in another account has its own table, so only the stack is in the wrong account.
          tables: isEmpty ? [importTable(stack, { account: ACCOUNT_A })] : tables,
          access: 'read',
          ...props,
        }),
    ).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`Stack/Role has .*problems?:\\n +- ${property}: `)),
      }),
    )
  })
})

describe('grantCrossAccountDynamo', () => {
  test.each(SESSIONS)('adds the caller policy of crossAccountPolicies(): %s', (_, session, options) => {
    const { callerPolicy } = crossAccountPolicies({
      roleArn,
      executionRoleArn,
      tables: ['Orders'],
      access: 'read',
      region: REGION,
      ...options,
    })
    const [statement] = callerPolicy.Statement
    const stack = synthesizeFunction({ ...IDENTITY, ...session })
    expect(findProperties(stack, 'AWS::IAM::Policy').PolicyDocument).toEqual(
      toJson({ ...callerPolicy, Statement: [{ ...statement, Sid: undefined }] }),
    )
  })

  test.each(SESSIONS)('sets variables from which the middleware reads the same session: %s', (_, session) => {
    const { sessionTags, transitiveTagKeys = [], sourceIdentity, externalId } = session
    const variables = findVariables(synthesizeFunction({ ...IDENTITY, ...session }, 'ORDERS'))
    const { parameters, region } = readConfiguration(
      { envPrefix: 'ORDERS' },
      { ...variables, AWS_REGION: REGION },
    )
    expect(region).toBe(REGION)
    expect(parameters).toMatchObject({ roleArn })
    expect(parameters?.externalId).toBe(externalId)
    expect(parameters?.sourceIdentity).toBe(sourceIdentity === true ? undefined : sourceIdentity)
    expect(parameters?.transitiveTagKeys ?? []).toEqual(transitiveTagKeys)
    expect(
      Object.fromEntries((parameters?.sessionTags ?? []).map(({ Key: key, Value }) => [key, Value])),
    ).toEqual(sessionTags ?? {})
  })

  test('sets the Region only if it differs from that of the function', () => {
    expect(findVariables(synthesizeFunction(IDENTITY))).toEqual({
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: roleArn,
    })
    expect(findVariables(synthesizeFunction({ ...IDENTITY, region: 'eu-west-1' }))).toEqual({
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: roleArn,
      CROSS_ACCOUNT_DYNAMO_REGION: 'eu-west-1',
    })
  })

  test('lets one function assume two target roles', () => {
    const stack = synthesizeFunction(IDENTITY)
    const lambdaFunction = stack.node.findChild('Function') as LambdaFunction
    grantCrossAccountDynamo(lambdaFunction, { ...IDENTITY, roleArn: `${roleArn}2` }, { envPrefix: 'AUDIT' })
    const { Statement } = findProperties(stack, 'AWS::IAM::Policy').PolicyDocument
    expect(Statement).toEqual(
      [roleArn, `${roleArn}2`].map((Resource) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource })),
    )
    expect(findVariables(stack)).toEqual({
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: roleArn,
      AUDIT_ROLE_ARN: `${roleArn}2`,
    })
  })

  test.each(['', 'MY_', 'my pre-fix', '1ST'])('refuses the prefix %j', (envPrefix) => {
    expect(() => synthesizeFunction(IDENTITY, envPrefix)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('envPrefix') }),
    )
  })

  test('refuses a second session with the same prefix, and keeps the variables of the first one', () => {
    const stack = synthesizeFunction(IDENTITY)
    const lambdaFunction = stack.node.findChild('Function') as LambdaFunction
    expect(() => grantCrossAccountDynamo(lambdaFunction, { ...IDENTITY, roleArn: `${roleArn}2` })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('envPrefix') }),
    )
    expect(findVariables(stack)).toEqual({ CROSS_ACCOUNT_DYNAMO_ROLE_ARN: roleArn })
  })

  test('reports all problems of the session at once', () => {
    expect(() => synthesizeFunction({ ...IDENTITY, externalId: 'x', sourceIdentity: 'an identity' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        issues: [
          expect.objectContaining({ option: 'externalId' }),
          expect.objectContaining({ option: 'sourceIdentity' }),
        ],
      }),
    )
  })
})
