// cspell:ignore externalid raed tabel
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: IAM policy variables
/** The `policies` command: its inputs and output formats. Also the usage errors and the help of both commands. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { transformSync } from '@swc/core'
import { crossAccountPolicies, type PolicyDocument } from 'middy-cross-account-dynamo/policies'
import { readConfiguration } from '../../../src/configuration/configuration.ts'
import { ROWS } from '../../../src/configuration/rows.ts'
import { setEnvironment } from '../../integration/lambda.ts'
import { runCommandLine } from './command-line.ts'
import { parseYamlDocuments } from './parse-yaml.ts'

const ROLE = 'arn:aws:iam::222222222222:role/orders/CrossAccountDynamoRole'
const EXECUTION_ROLE = 'arn:aws:iam::111111111111:role/LambdaExecutionRole'
const OTHER_EXECUTION_ROLE = 'arn:aws:iam::333333333333:role/OtherExecutionRole'
const VARIABLES = { AWS_REGION: 'us-east-1', CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE }
const REQUIRED_FLAGS = `--execution-role-arn ${EXECUTION_ROLE} --table Orders --access read`

const folder = mkdtempSync(join(tmpdir(), 'policies-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => setEnvironment(VARIABLES))

/** Runs `policies` with `--json`, which must succeed, and returns the parsed output. */
const readPoliciesJson = async (line: string) => {
  const { code, out, err } = await runCommandLine(`policies ${line} --json`)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}
const ROLE_OPTIONS = { roleArn: ROLE, executionRoleArn: EXECUTION_ROLE, region: 'us-east-1' } as const

describe('inputs of policies', () => {
  test('policies reads the variables of the function and writes what crossAccountPolicies() returns', async () => {
    setEnvironment({
      ...VARIABLES,
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id',
      CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'team=orders,stage=prod',
      CROSS_ACCOUNT_DYNAMO_TRANSITIVE_TAG_KEYS: 'team',
      CROSS_ACCOUNT_DYNAMO_SOURCE_IDENTITY: 'orders',
      CROSS_ACCOUNT_DYNAMO_TABLES: 'Orders, Customers',
      CROSS_ACCOUNT_DYNAMO_ACCESS: 'GetItem,Query',
      CROSS_ACCOUNT_DYNAMO_REGION: 'eu-west-1',
    })
    const { accounts, ...documents } = await readPoliciesJson(`--execution-role-arn ${EXECUTION_ROLE}`)
    expect(accounts).toEqual({ tables: '222222222222', functions: ['111111111111'] })
    expect(documents).toEqual(
      crossAccountPolicies({
        ...ROLE_OPTIONS,
        region: 'eu-west-1',
        tables: ['Orders', 'Customers'],
        access: ['GetItem', 'Query'],
        externalId: 'example-external-id',
        sessionTagKeys: { team: 'orders', stage: 'prod' },
        transitiveTagKeys: ['team'],
        sourceIdentity: 'orders',
      }),
    )
  })

  test('policies uses flags instead of the variables of the same options', async () => {
    setEnvironment({
      ...VARIABLES,
      CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::999999999999:role/Other',
      CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'another-id',
      CROSS_ACCOUNT_DYNAMO_SESSION_TAGS: 'stage=prod',
      CROSS_ACCOUNT_DYNAMO_SOURCE_IDENTITY: 'orders',
      CROSS_ACCOUNT_DYNAMO_TABLES: 'Customers',
      CROSS_ACCOUNT_DYNAMO_ACCESS: 'read',
    })
    const key = 'arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    const { code, out } = await runCommandLine(
      `policies --role-arn ${ROLE} --execution-role-arn ${EXECUTION_ROLE} --execution-role-arn arn:aws:iam::333333333333:root ` +
        '--table Orders --table Lines --access write --region eu-west-1 --external-id example-external-id ' +
        '--session-tag-key team --session-tag-key stage --transitive-tag-keys team,stage --any-source-identity ' +
        `--tenant-tag TenantId --indexes --kms-key-arn ${key} --organization-id o-exampleorgid --trust-whole-account --json`,
    )
    const { accounts, warnings, ...documents } = JSON.parse(out)
    expect(code).toBe(0)
    expect(accounts.functions).toEqual(['111111111111', '333333333333'])
    expect(warnings.map((warning: string) => warning.split(':')[0])).toEqual([
      '--execution-role-arn',
      '--tenant-tag',
      '--tenant-tag',
      '--kms-key-arn',
    ])
    const { warnings: _, ...expected } = crossAccountPolicies({
      ...ROLE_OPTIONS,
      executionRoleArn: [EXECUTION_ROLE, 'arn:aws:iam::333333333333:root'],
      region: 'eu-west-1',
      tables: ['Orders', 'Lines'],
      access: 'write',
      externalId: 'example-external-id',
      // --session-tag-key sets only keys, so the value prod in the variable is not used.
      sessionTagKeys: { stage: true, team: true },
      transitiveTagKeys: ['team', 'stage'],
      sourceIdentity: true,
      tenantTag: 'TenantId',
      indexes: true,
      kmsKeyArn: key,
      organizationId: 'o-exampleorgid',
      trustWholeAccount: true,
    })
    expect(documents).toEqual(expected)
  })

  test('policies combines --session-tag-key with tags that have fixed values', async () => {
    const { trustPolicy } = await readPoliciesJson(
      `${REQUIRED_FLAGS} --session-tags stage=prod --session-tag-key team`,
    )
    expect(trustPolicy.Statement[0].Condition).toMatchObject({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['stage', 'team'] },
      StringEquals: { 'aws:RequestTag/stage': 'prod' },
      StringLike: { 'aws:RequestTag/team': '?*' },
    })
  })

  test('policies accepts an execution role whose path contains a comma', async () => {
    const roleWithComma = 'arn:aws:iam::333333333333:role/a,b/Odd'
    const { trustPolicy } = await readPoliciesJson(`${REQUIRED_FLAGS} --execution-role-arn ${roleWithComma}`)
    expect(trustPolicy.Statement[0].Principal).toEqual({ AWS: [EXECUTION_ROLE, roleWithComma] })
  })

  test('policies allows any value of the tenant tag, because the variable contains the value of one tenant', async () => {
    const line = `${REQUIRED_FLAGS.replace('read', 'GetItem')} --session-tags TenantId=acme,team=orders --tenant-tag TenantId`
    const { trustPolicy } = await readPoliciesJson(line)
    expect(trustPolicy.Statement[0].Condition).toMatchObject({
      StringEquals: { 'aws:RequestTag/team': 'orders' },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
    })
    expect(JSON.stringify(trustPolicy)).not.toContain('acme')
  })

  test('policies reads variables with the prefix from --env-prefix', async () => {
    setEnvironment({ AWS_REGION: 'us-east-1', ORDERS_DYNAMO_ROLE_ARN: ROLE })
    const { accounts } = await readPoliciesJson(`${REQUIRED_FLAGS} --env-prefix ORDERS_DYNAMO`)
    expect(accounts.tables).toBe('222222222222')
  })

  test('policies reads a dotenv file, which does not replace variables of the environment', async () => {
    const file = join(folder, 'variables')
    writeFileSync(
      file,
      `CROSS_ACCOUNT_DYNAMO_ROLE_ARN=${ROLE.replaceAll('2', '9')}\nCROSS_ACCOUNT_DYNAMO_EXTERNAL_ID="example-external-id"\n`,
    )
    const { accounts, trustPolicy } = await readPoliciesJson(`${REQUIRED_FLAGS} --dotenv ${file}`)
    expect(accounts.tables).toBe('222222222222')
    expect(JSON.stringify(trustPolicy)).toContain('"sts:ExternalId":"example-external-id"')
  })
})

describe('indexes and the KMS key', () => {
  const KEY_ARN = 'arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const readSids = async (line: string): Promise<string[]> =>
    (await readPoliciesJson(`${REQUIRED_FLAGS} ${line}`)).permissionsPolicy.Statement.map(
      ({ Sid }: { Sid: string }) => Sid,
    )

  test('policies includes indexes, unless a flag or the tenant tag excludes them', async () => {
    expect(await readSids('')).toEqual(['Tables', 'Indexes'])
    expect(await readSids('--indexes')).toEqual(['Tables', 'Indexes'])
    expect(await readSids('--no-indexes')).toEqual(['Tables'])
  })

  test('policies refuses --indexes together with --no-indexes', async () => {
    const { code, out, err } = await runCommandLine(`policies ${REQUIRED_FLAGS} --indexes --no-indexes`)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/--indexes.*--no-indexes/)
  })

  test('policies reads the KMS key from the variable of the function, and the flag replaces it', async () => {
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_KMS_KEY_ARN: KEY_ARN })
    const readKey = async (line: string) =>
      (
        await runCommandLine(`policies ${REQUIRED_FLAGS} --json ${line}`).then(({ out }) => JSON.parse(out))
      ).permissionsPolicy.Statement.at(-1).Resource
    expect(await readKey('')).toBe(KEY_ARN)
    expect(await readKey(`--kms-key-arn ${KEY_ARN.replace('1234abcd', '5678abcd')}`)).toContain('5678abcd')
  })

  test('policies and the middleware refuse a session tag with an empty value', async () => {
    const { code, err } = await runCommandLine(`policies ${REQUIRED_FLAGS} --session-tags {"team":""}`)
    expect(code).toBe(2)
    expect(err).toMatch(/--session-tags: .*team.*1 to 256/)
    expect(() =>
      readConfiguration({ roleArn: ROLE, region: 'us-east-1', sessionTags: { team: '' } }, {}),
    ).toThrow(/sessionTags: .*team.*1 to 256/)
  })
})

describe('formats of policies', () => {
  // The command line contains a path, policy variables and several accounts, which each format represents differently.
  const COMMAND_LINE =
    `policies ${REQUIRED_FLAGS.replace('read', 'GetItem,Query')} --execution-role-arn ${OTHER_EXECUTION_ROLE} ` +
    '--tenant-tag TenantId --external-id example-external-id'
  const { trustPolicy, permissionsPolicy, callerPolicy } = crossAccountPolicies({
    ...ROLE_OPTIONS,
    executionRoleArn: [EXECUTION_ROLE, OTHER_EXECUTION_ROLE],
    tables: ['Orders'],
    access: ['GetItem', 'Query'],
    tenantTag: 'TenantId',
    externalId: 'example-external-id',
  })
  const formatPolicies = async (format: string, line = COMMAND_LINE): Promise<string> => {
    const { code, out, err } = await runCommandLine(`${line} --format ${format}`)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return out
  }
  /** Returns the comments that name the account of each part. */
  const findHeadings = (text: string) =>
    [...text.matchAll(/^(?:#|\/\/) (Account .*)$/gm)].map(([, title]) => title)
  const findAccounts = (text: string) => findHeadings(text).map((title) => title?.slice(0, 20))

  test('the format json contains each document under its account', async () => {
    const text = await formatPolicies('json')
    expect(findHeadings(text)).toEqual([
      'Account 111111111111 (function): policy of LambdaExecutionRole',
      'Account 333333333333 (function): policy of OtherExecutionRole',
      'Account 222222222222 (tables): trust policy of CrossAccountDynamoRole',
      'Account 222222222222 (tables): permissions policy of CrossAccountDynamoRole',
    ])
    const documents = text
      .split(/^#.*$/m)
      .filter((each) => each.trim() !== '')
      .map((each): PolicyDocument => JSON.parse(each))
    expect(documents).toEqual([callerPolicy, callerPolicy, trustPolicy, permissionsPolicy])
  })

  test.each([
    ['json', '#'],
    ['cloudformation', '#'],
    ['terraform', '#'],
    ['cdk', '//'],
  ])(
    'the format %s ends with a comment that names the roles to create before the trust policy',
    async (format, prefix) => {
      const [first, second] = (await formatPolicies(format)).trimEnd().split('\n').slice(-2)
      expect(first).toMatch(new RegExp(`^${prefix} .*LambdaExecutionRole, OtherExecutionRole`))
      expect(second).toMatch(new RegExp(`^${prefix} "Invalid principal in policy"`))
    },
  )

  test('there is no comment on the order if the trust policy names no role', async () => {
    const flags = REQUIRED_FLAGS.replace(EXECUTION_ROLE, '111111111111')
    const { code, out } = await runCommandLine(`policies ${flags} --trust-whole-account --format json`)
    expect(code).toBe(0)
    expect(findHeadings(out)).toHaveLength(3)
    expect(out.trimEnd().at(-1)).toBe('}')
  })

  test('the format cloudformation contains a template for each account', async () => {
    const text = await formatPolicies('cloudformation')
    expect(text).toMatch(/^# 3 templates.*\n# Account 222222222222/)
    expect(findAccounts(text)).toEqual([
      'Account 222222222222',
      'Account 111111111111',
      'Account 333333333333',
    ])
    const [tables, ...functions] = parseYamlDocuments(text)
    expect(tables).toEqual({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: {
        TargetRole: {
          Type: 'AWS::IAM::Role',
          Properties: {
            RoleName: 'CrossAccountDynamoRole',
            Path: '/orders/',
            AssumeRolePolicyDocument: trustPolicy,
            Policies: [{ PolicyName: 'Tables', PolicyDocument: permissionsPolicy }],
          },
        },
      },
    })
    const createCallerTemplate = (role: string) => ({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: {
        AssumeTargetRole: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { Roles: [role], PolicyDocument: callerPolicy },
        },
      },
    })
    expect(functions).toEqual([
      createCallerTemplate('LambdaExecutionRole'),
      createCallerTemplate('OtherExecutionRole'),
    ])
  })

  test('the format terraform contains a provider for each account and the unchanged documents', async () => {
    const text = await formatPolicies('terraform')
    expect(findAccounts(text)).toEqual([
      'Account 222222222222',
      'Account 111111111111',
      'Account 333333333333',
    ])
    const documents = [...text.matchAll(/jsonencode\((\{.*?^ {2}\})\)/gms)].map(([, json = '']) =>
      JSON.parse(json.replaceAll('$${', '${')),
    )
    expect(documents).toEqual([trustPolicy, permissionsPolicy, callerPolicy, callerPolicy])
    // Terraform would evaluate an unescaped ${…} as a template.
    expect(text).not.toMatch(/(?<!\$)\$\{/)
    const declaredProviders = [...text.matchAll(/^ {2}alias +=\s"(\w+)"$/gm)].map(
      ([, alias]) => `aws.${alias}`,
    )
    const usedProviders = [...text.matchAll(/^ {2}provider = (.+)$/gm)].map(([, alias]) => alias)
    expect(declaredProviders).toEqual([
      'aws.account_222222222222',
      'aws.account_111111111111',
      'aws.account_333333333333',
    ])
    expect([...new Set(usedProviders)]).toEqual(declaredProviders)
  })

  const hasTerraform = spawnSync('terraform', ['version']).status === 0
  const testWithTerraform = hasTerraform ? test : test.skip
  testWithTerraform.each([
    COMMAND_LINE,
    `policies ${REQUIRED_FLAGS} --trust-whole-account --execution-role-arn *`,
  ])('the format terraform needs no change by terraform fmt: case %#', async (line) => {
    const { out } = await runCommandLine(`${line} --format terraform`)
    const file = join(folder, 'main.tf')
    writeFileSync(file, out)
    expect(
      execFileSync('terraform', ['fmt', '-write=false', '-diff', file], {
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    ).toBe('')
  })

  test('the format cdk contains a stack for each account', async () => {
    const text = await formatPolicies('cdk')
    expect(findAccounts(text)).toEqual([
      'Account 222222222222',
      'Account 111111111111',
      'Account 333333333333',
    ])
    const createdProps: unknown[] = []
    class Stack {
      constructor(_scope: unknown, _id: string, props: { env: unknown }) {
        createdProps.push(props.env)
      }
    }
    class Construct {
      constructor(_scope: unknown, _id: string, props: unknown) {
        createdProps.push(props)
      }
    }
    const expectedImports =
      /^import \{ Stack \} from 'aws-cdk-lib'\nimport \{ CfnManagedPolicy, CfnRole \} from 'aws-cdk-lib\/aws-iam'\n/
    expect(text).toMatch(expectedImports)
    const { code } = transformSync(text.replace(expectedImports, ''), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    })
    const classNames = [...code.matchAll(/^export class (\w+)/gm)].map(([, name]) => name)
    expect(classNames).toEqual([
      'TablesAccount',
      'FunctionAccount111111111111',
      'FunctionAccount333333333333',
    ])
    const functionBody = `${code
      .replace(/^import.*$/gm, '')
      .replace(/^export (?=class)/gm, '')
      .replace(/^export \{.*$/gm, '')}\nreturn [${classNames}]`
    const stacks = new Function('Stack', 'CfnRole', 'CfnManagedPolicy', functionBody)(
      Stack,
      Construct,
      Construct,
    )
    for (const CreatedStack of stacks) new CreatedStack(undefined, 'id')
    expect(createdProps).toEqual([
      { account: '222222222222', region: 'us-east-1' },
      {
        roleName: 'CrossAccountDynamoRole',
        path: '/orders/',
        assumeRolePolicyDocument: trustPolicy,
        policies: [{ policyName: 'Tables', policyDocument: permissionsPolicy }],
      },
      { account: '111111111111', region: 'us-east-1' },
      { roles: ['LambdaExecutionRole'], policyDocument: callerPolicy },
      { account: '333333333333', region: 'us-east-1' },
      { roles: ['OtherExecutionRole'], policyDocument: callerPolicy },
    ])
  })

  test('no format attaches the caller policy to a role if the trust policy trusts all callers', async () => {
    const line = `policies ${REQUIRED_FLAGS.replace(EXECUTION_ROLE, '*')} --trust-whole-account`
    const { out: template, err } = await runCommandLine(`${line} --format cloudformation`)
    expect(err.match(/^Warning: --execution-role-arn: /gm)).toHaveLength(2)
    expect(parseYamlDocuments(template)[1]).toMatchObject({
      Resources: { AssumeTargetRole: { Properties: { Roles: [] } } },
    })
    const { out: terraform } = await runCommandLine(`${line} --format terraform`)
    expect(terraform).toContain('resource "aws_iam_policy" "function"')
    expect(terraform.match(/allowed_account_ids/g)).toHaveLength(1)
    expect(findHeadings((await runCommandLine(`${line} --format json`)).out)).toContain(
      'Account of the function (function): policy of the execution role',
    )
    expect((await runCommandLine(`${line} --format cdk`)).out).toContain('super(scope, id)\n')
    expect(JSON.parse((await runCommandLine(`${line} --json`)).out).accounts.functions).toEqual([])
  })
})

/** Returns the flags that a text contains, without duplicates. */
const findFlags = (text: string): string[] => [
  ...new Set([...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, flag = '']) => flag)),
]
/** Matches the names of options that are not English words. */
const OPTION_NAME = new RegExp(
  `\\b(?:${[
    ...Object.keys(ROWS),
    'executionRoleArn',
    'sessionTagKeys',
    'tenantTag',
    'kmsKeyArn',
    'organizationId',
    'trustWholeAccount',
  ]
    .filter((name) => /[A-Z]/.test(name))
    .join('|')})\\b`,
)

describe('usage errors', () => {
  /** Runs a command that must end with a usage error and write no policies, and returns its stderr. */
  const runWithUsageError = async (line: string): Promise<string> => {
    const { code, out, err } = await runCommandLine(line)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).not.toMatch(OPTION_NAME)
    return err
  }

  test.each([
    [
      'policies',
      'CROSS_ACCOUNT_DYNAMO',
      ['role-arn', 'execution-role-arn', 'table', 'access', 'region'],
      ['ROLE_ARN', 'TABLES', 'ACCESS', 'REGION'],
    ],
    [
      'check --table Orders --env-prefix ORDERS',
      'ORDERS',
      ['role-arn', 'access', 'region'],
      ['ROLE_ARN', 'ACCESS', 'REGION'],
    ],
  ])(
    'the usage error of %s names all missing flags and their variables in one line',
    async (line, prefix, flags, suffixes) => {
      setEnvironment({})
      const err = await runWithUsageError(line)
      expect(err.trimEnd().split('\n')).toHaveLength(1)
      expect(findFlags(err).toSorted()).toEqual(flags.toSorted())
      const variables = [...err.matchAll(/\b[A-Z][A-Z_]+\b/g)].map(([name]) => name)
      expect(variables.toSorted()).toEqual(
        ['AWS_REGION', ...suffixes.map((suffix) => `${prefix}_${suffix}`)].toSorted(),
      )
    },
  )

  test.each<[line: string, flags: readonly string[]]>([
    [`policies ${REQUIRED_FLAGS} --external-id x`, ['external-id']],
    [
      'policies --execution-role-arn 111111111111 --table Orders --access read',
      ['execution-role-arn', 'trust-whole-account'],
    ],
    [`policies ${REQUIRED_FLAGS} --region mars`, ['region']],
    [`policies ${REQUIRED_FLAGS} --table My*`, ['table']],
    [`policies ${REQUIRED_FLAGS} --transitive-tag-keys team`, ['transitive-tag-keys', 'session-tags']],
    [`policies ${REQUIRED_FLAGS} --session-tags team`, ['session-tags']],
    [`policies ${REQUIRED_FLAGS} --session-tags ["team"]`, ['session-tags']],
    [`policies ${REQUIRED_FLAGS} --session-tags {"team":true}`, ['session-tags']],
    [`policies ${REQUIRED_FLAGS} --external-id=`, ['external-id']],
    [`policies ${REQUIRED_FLAGS} --table=`, ['table']],
    ['check --key=', ['key']],
    [`policies --execution-role-arn ${EXECUTION_ROLE},${OTHER_EXECUTION_ROLE}`, ['execution-role-arn']],
    ['check --session-tags TenantId=acme,team=acme --key tenant=acme', ['key', 'tenant-tag']],
    ['check --session-tags TenantId=acme --tenant-tag TenantId', ['tenant-tag', 'key']],
    ['check --session-tags TenantId=acme --tenant-tag TenantId --key tenant=globex', ['key', 'tenant-tag']],
    ['check --execution-role-arn mine', ['execution-role-arn']],
    [`policies ${REQUIRED_FLAGS} --format yaml`, ['format']],
    [`policies ${REQUIRED_FLAGS} --format cdk --json`, ['json', 'format']],
    ['policies --tabel Orders', ['tabel', 'table']],
    ['policies --env-file .env', ['env-file', 'help']],
    ['policies --wrong', ['wrong', 'help']],
    ['policies Orders', ['help']],
    ['policies --table', ['table', 'help']],
    ['policies --dotenv /there/is/none', ['dotenv']],
    ['check --role-arn mine', ['role-arn']],
    ['check --role-arn none', ['role-arn']],
    [`policies ${REQUIRED_FLAGS} --role-arn none`, ['role-arn']],
    ['check --table My* --access read', ['table']],
    ['check --table Orders --access raed', ['access']],
    ['check --table arn:aws:dynamodb:us-east-1:999999999999:table/Orders --access read', ['table']],
    ['check --table Orders --access read --key acme', ['key']],
    ['check --env-prefix _', ['env-prefix']],
  ])('the usage error of %s names the flags %j and no option', async (line, flags) => {
    const err = await runWithUsageError(line)
    expect(err).toMatch(new RegExp(`^${line.split(' ')[0]}: `))
    expect(findFlags(err)).toEqual(flags)
  })

  test.each(['polices', ''])('the usage error of the command "%s" lists the commands', async (line) => {
    const err = await runWithUsageError(line)
    expect(err).toMatch(/^ {2}policies {2}.*\n {2}check {5}/m)
    expect(err).toContain(line)
  })

  test('a usage error names a misspelled variable and the correct variable', async () => {
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_EXTERNALID: 'example-external-id' })
    for (const line of [`policies ${REQUIRED_FLAGS}`, 'check']) {
      const err = await runWithUsageError(line)
      expect(err).toMatch(/CROSS_ACCOUNT_DYNAMO_EXTERNALID\b.*CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID\b/)
    }
  })

  test('a usage error names the variable that contains an invalid value, unless a flag replaces it', async () => {
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'x' })
    const fromVariable = await runWithUsageError('check')
    expect(findFlags(fromVariable)).toEqual(['external-id'])
    expect(fromVariable).toContain('CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID')
    const fromFlag = await runWithUsageError('check --external-id y')
    expect(findFlags(fromFlag)).toEqual(['external-id'])
    expect(fromFlag).not.toContain('CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID')
  })

  test('a usage error names the variable of an option that has no flag', async () => {
    setEnvironment({
      ...VARIABLES,
      CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: '7200',
      CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS: '1',
    })
    const err = await runWithUsageError('check')
    expect(findFlags(err)).toEqual([])
    expect(err.match(/CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: /g)).toHaveLength(1)
    expect(err).toContain('CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS: ')
  })

  test.each([
    'policies --role-arn arn:aws:iam::222222222222:role/sessionTags-* --execution-role-arn X --table Orders --access read',
    `policies ${REQUIRED_FLAGS} --execution-role-arn arn:aws:iam::222222222222:role/sessionTags-*`,
    'check --role-arn arn:aws:iam::222222222222:role/sessionTags-*',
    'check --execution-role-arn arn:aws:iam::222222222222:role/sessionTags-*',
  ])('a usage error quotes a role ARN unchanged if it contains the name of an option: %s', async (line) => {
    const { code, err } = await runCommandLine(line)
    expect(code).toBe(2)
    expect(err).toContain('"arn:aws:iam::222222222222:role/sessionTags-*"')
    expect(findFlags(err)).not.toContain('session-tags')
  })
})

test('a warning quotes a role ARN unchanged if it contains the name of an option', async () => {
  const rolePattern = 'arn:aws:iam::111111111111:role/sessionTags-*'
  const line = `policies --execution-role-arn ${rolePattern} --trust-whole-account --table Orders --access read`
  const { code, err } = await runCommandLine(line)
  expect(code).toBe(0)
  expect(err).toContain(rolePattern)
  expect(findFlags(err)).toEqual(['execution-role-arn'])
  const { warnings } = JSON.parse((await runCommandLine(`${line} --json`)).out)
  expect(err).toBe(warnings.map((warning: string) => `Warning: ${warning}\n`).join(''))
})

describe('help', () => {
  test.each(['--help', '-h', 'help'])('%s lists the commands', async (line) => {
    const { code, out, err } = await runCommandLine(line)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^ {2}policies {2}.*\n {2}check {5}/m)
  })

  test('check -h prints the same as check --help', async () => {
    expect(await runCommandLine('check -h')).toEqual(await runCommandLine('check --help'))
  })

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(await runCommandLine('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  test.each(['policies', 'check'])('%s --help lists all flags of its example', async (name) => {
    const { code, out } = await runCommandLine(`${name} --help`)
    expect(code).toBe(0)
    const flags = [...out.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag = '']) => flag)
    expect(flags).toContain('dotenv')
    expect(flags).not.toContain('env-file')
    const [, example = ''] = /^Example:\n(.*)$/ms.exec(out) ?? []
    expect(flags).toEqual(expect.arrayContaining(findFlags(example)))
    expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120)
  })

  test('the example of policies --help runs successfully', async () => {
    const { out } = await runCommandLine('policies --help')
    const [, example = ''] = /dynamo (policies --dotenv .env.*)$/s.exec(out) ?? []
    const { code, out: policies } = await runCommandLine(
      example.replace('--dotenv .env', '').replace(/\\?\s+/g, ' '),
    )
    expect(code).toBe(0)
    expect(policies).toContain('resource "aws_iam_role" "target"')
  })
})

test('colors highlight comments and warnings and do not change the text', async () => {
  const plain = await runCommandLine(`policies ${REQUIRED_FLAGS} --tenant-tag TenantId`)
  const colored = await runCommandLine(`policies ${REQUIRED_FLAGS} --tenant-tag TenantId`, { colors: true })
  expect(colored.out).toContain('\u001b[36m# Account 222222222222')
  expect(colored.err).toContain('\u001b[33mWarning:')
  expect(stripVTControlCharacters(colored.out)).toBe(plain.out)
  expect(stripVTControlCharacters(colored.err)).toBe(plain.err)
  expect(plain.out + plain.err).not.toContain('\u001b')
})
