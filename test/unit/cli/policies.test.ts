// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of IAM
/** `policies`: what it reads, the documents in every format, and usage errors of both commands. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { transformSync } from '@swc/core'
import { crossAccountPolicies, type PolicyDocument } from 'middy-cross-account-dynamo/policies'
import { ROWS } from '../../../src/configuration/rows.ts'
import { setEnvironment } from '../../integration/lambda.ts'
import { command } from './command-line.ts'
import { yaml } from './yaml.ts'

const ROLE = 'arn:aws:iam::222222222222:role/orders/CrossAccountDynamoRole'
const EXECUTION_ROLE = 'arn:aws:iam::111111111111:role/LambdaExecutionRole'
const OTHER_EXECUTION_ROLE = 'arn:aws:iam::333333333333:role/OtherExecutionRole'
const VARIABLES = { AWS_REGION: 'us-east-1', CROSS_ACCOUNT_DYNAMO_ROLE_ARN: ROLE }
const REST = `--execution-role-arn ${EXECUTION_ROLE} --table Orders --access read`

const folder = mkdtempSync(join(tmpdir(), 'policies-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => setEnvironment(VARIABLES))

const policiesJson = async (line: string) => {
  const { code, out, err } = await command(`policies ${line} --json`)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}
const basic = { roleArn: ROLE, executionRoleArn: EXECUTION_ROLE, region: 'us-east-1' } as const

describe('policies reads', () => {
  test('the variables of the function, and writes what crossAccountPolicies() returns', async () => {
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
    const { accounts, ...documents } = await policiesJson(`--execution-role-arn ${EXECUTION_ROLE}`)
    expect(accounts).toEqual({ tables: '222222222222', functions: ['111111111111'] })
    expect(documents).toEqual(
      crossAccountPolicies({
        ...basic,
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

  test('flags, which replace variables', async () => {
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
    const { code, out } = await command(
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
      ...basic,
      executionRoleArn: [EXECUTION_ROLE, 'arn:aws:iam::333333333333:root'],
      region: 'eu-west-1',
      tables: ['Orders', 'Lines'],
      access: 'write',
      externalId: 'example-external-id',
      // --session-tag-key gives no value and replaces the value of the variable.
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

  test('tag keys of --session-tag-key beside tags with fixed values', async () => {
    const { trustPolicy } = await policiesJson(`${REST} --session-tags stage=prod --session-tag-key team`)
    expect(trustPolicy.Statement[0].Condition).toMatchObject({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['stage', 'team'] },
      StringEquals: { 'aws:RequestTag/stage': 'prod' },
      StringLike: { 'aws:RequestTag/team': '?*' },
    })
  })

  test('execution roles whose path contains a comma', async () => {
    const odd = 'arn:aws:iam::333333333333:role/a,b/Odd'
    const { trustPolicy } = await policiesJson(`${REST} --execution-role-arn ${odd}`)
    expect(trustPolicy.Statement[0].Principal).toEqual({ AWS: [EXECUTION_ROLE, odd] })
  })

  test('the tenant tag with any value, because the variable has the value of one tenant', async () => {
    const line = `${REST.replace('read', 'GetItem')} --session-tags TenantId=acme,team=orders --tenant-tag TenantId`
    const { trustPolicy } = await policiesJson(line)
    expect(trustPolicy.Statement[0].Condition).toMatchObject({
      StringEquals: { 'aws:RequestTag/team': 'orders' },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
    })
    expect(JSON.stringify(trustPolicy)).not.toContain('acme')
  })

  test('variables with another prefix', async () => {
    setEnvironment({ AWS_REGION: 'us-east-1', ORDERS_DYNAMO_ROLE_ARN: ROLE })
    const { accounts } = await policiesJson(`${REST} --env-prefix ORDERS_DYNAMO`)
    expect(accounts.tables).toBe('222222222222')
  })

  test('a dotenv file, which does not replace variables that are set', async () => {
    const file = join(folder, 'variables')
    writeFileSync(
      file,
      `CROSS_ACCOUNT_DYNAMO_ROLE_ARN=${ROLE.replaceAll('2', '9')}\nCROSS_ACCOUNT_DYNAMO_EXTERNAL_ID="example-external-id"\n`,
    )
    const { accounts, trustPolicy } = await policiesJson(`${REST} --dotenv ${file}`)
    expect(accounts.tables).toBe('222222222222')
    expect(JSON.stringify(trustPolicy)).toContain('"sts:ExternalId":"example-external-id"')
  })
})

describe('formats', () => {
  // What a format could get wrong: a path, policy variables, several accounts.
  const LINE =
    `policies ${REST.replace('read', 'GetItem,Query')} --execution-role-arn ${OTHER_EXECUTION_ROLE} ` +
    '--tenant-tag TenantId --external-id example-external-id'
  const { trustPolicy, permissionsPolicy, callerPolicy } = crossAccountPolicies({
    ...basic,
    executionRoleArn: [EXECUTION_ROLE, OTHER_EXECUTION_ROLE],
    tables: ['Orders'],
    access: ['GetItem', 'Query'],
    tenantTag: 'TenantId',
    externalId: 'example-external-id',
  })
  const textOf = async (format: string, line = LINE): Promise<string> => {
    const { code, out, err } = await command(`${line} --format ${format}`)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return out
  }
  /** The comments, which name the account of each part. */
  const headings = (text: string) =>
    [...text.matchAll(/^(?:#|\/\/) (Account .*)$/gm)].map(([, title]) => title)
  const accountsOf = (text: string) => headings(text).map((title) => title?.slice(0, 20))

  test('json: writes each document under its account', async () => {
    const text = await textOf('json')
    expect(headings(text)).toEqual([
      'Account 222222222222 (tables): trust policy of CrossAccountDynamoRole',
      'Account 222222222222 (tables): permissions policy of CrossAccountDynamoRole',
      'Account 111111111111 (function): policy of LambdaExecutionRole',
      'Account 333333333333 (function): policy of OtherExecutionRole',
    ])
    const documents = text
      .split(/^#.*$/m)
      .slice(1)
      .map((each): PolicyDocument => JSON.parse(each))
    expect(documents).toEqual([trustPolicy, permissionsPolicy, callerPolicy, callerPolicy])
  })

  test('cloudformation: writes a template for each account', async () => {
    const text = await textOf('cloudformation')
    expect(text).toMatch(/^# 3 templates.*\n# Account 222222222222/)
    expect(accountsOf(text)).toEqual(['Account 222222222222', 'Account 111111111111', 'Account 333333333333'])
    const [tables, ...functions] = yaml(text)
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
    const caller = (role: string) => ({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: {
        AssumeTargetRole: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { Roles: [role], PolicyDocument: callerPolicy },
        },
      },
    })
    expect(functions).toEqual([caller('LambdaExecutionRole'), caller('OtherExecutionRole')])
  })

  test('terraform: writes a provider for each account, and the documents unchanged', async () => {
    const text = await textOf('terraform')
    expect(accountsOf(text)).toEqual(['Account 222222222222', 'Account 111111111111', 'Account 333333333333'])
    const documents = [...text.matchAll(/jsonencode\((\{.*?^ {2}\})\)/gms)].map(([, json = '']) =>
      JSON.parse(json.replaceAll('$${', '${')),
    )
    expect(documents).toEqual([trustPolicy, permissionsPolicy, callerPolicy, callerPolicy])
    // Terraform would evaluate an unescaped ${…} as a template.
    expect(text).not.toMatch(/(?<!\$)\$\{/)
    const known = [...text.matchAll(/^ {2}alias +=\s"(\w+)"$/gm)].map(([, alias]) => `aws.${alias}`)
    const used = [...text.matchAll(/^ {2}provider = (.+)$/gm)].map(([, alias]) => alias)
    expect(known).toEqual([
      'aws.account_222222222222',
      'aws.account_111111111111',
      'aws.account_333333333333',
    ])
    expect([...new Set(used)]).toEqual(known)
  })

  const hasTerraform = spawnSync('terraform', ['version']).status === 0
  const onTerraform = hasTerraform ? test : test.skip
  onTerraform.each([LINE, `policies ${REST} --trust-whole-account --execution-role-arn *`])(
    'terraform: writes what terraform fmt would write, %#',
    async (line) => {
      const { out } = await command(`${line} --format terraform`)
      const file = join(folder, 'main.tf')
      writeFileSync(file, out)
      expect(
        execFileSync('terraform', ['fmt', '-write=false', '-diff', file], {
          encoding: 'utf8',
          stdio: 'pipe',
        }),
      ).toBe('')
    },
  )

  test('cdk: writes a stack for each account', async () => {
    const text = await textOf('cdk')
    expect(accountsOf(text)).toEqual(['Account 222222222222', 'Account 111111111111', 'Account 333333333333'])
    const created: unknown[] = []
    class Stack {
      constructor(_scope: unknown, _id: string, props: { env: unknown }) {
        created.push(props.env)
      }
    }
    class Construct {
      constructor(_scope: unknown, _id: string, props: unknown) {
        created.push(props)
      }
    }
    const imported =
      /^import \{ Stack \} from 'aws-cdk-lib'\nimport \{ CfnManagedPolicy, CfnRole \} from 'aws-cdk-lib\/aws-iam'\n/
    expect(text).toMatch(imported)
    const { code } = transformSync(text.replace(imported, ''), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    })
    const names = [...code.matchAll(/^export class (\w+)/gm)].map(([, name]) => name)
    expect(names).toEqual(['TablesAccount', 'FunctionAccount111111111111', 'FunctionAccount333333333333'])
    const body = `${code
      .replace(/^import.*$/gm, '')
      .replace(/^export (?=class)/gm, '')
      .replace(/^export \{.*$/gm, '')}\nreturn [${names}]`
    const stacks = new Function('Stack', 'CfnRole', 'CfnManagedPolicy', body)(Stack, Construct, Construct)
    for (const CreatedStack of stacks) new CreatedStack(undefined, 'id')
    expect(created).toEqual([
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

  test('attach the caller policy to no role if any caller is trusted', async () => {
    const line = `policies ${REST.replace(EXECUTION_ROLE, '*')} --trust-whole-account`
    const { out: template, err } = await command(`${line} --format cloudformation`)
    expect(err.match(/^Warning: --execution-role-arn: /gm)).toHaveLength(2)
    expect(yaml(template)[1]).toMatchObject({
      Resources: { AssumeTargetRole: { Properties: { Roles: [] } } },
    })
    const { out: terraform } = await command(`${line} --format terraform`)
    expect(terraform).toContain('resource "aws_iam_policy" "function"')
    expect(terraform.match(/allowed_account_ids/g)).toHaveLength(1)
    expect(headings((await command(`${line} --format json`)).out)).toContain(
      'Account of the function (function): policy of the execution role',
    )
    expect((await command(`${line} --format cdk`)).out).toContain('super(scope, id)\n')
    expect(JSON.parse((await command(`${line} --json`)).out).accounts.functions).toEqual([])
  })
})

/** The flags that a text names, each once. */
const flagsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, flag = '']) => flag)),
]
/** Names of options that are no English words. */
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

describe('a usage error', () => {
  /** Runs a command that must end with a usage error and write no policies. Returns stderr. */
  const usageError = async (line: string): Promise<string> => {
    const { code, out, err } = await command(line)
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
    'of %s names all missing flags and their variables in one line',
    async (line, prefix, flags, suffixes) => {
      setEnvironment({})
      const err = await usageError(line)
      expect(err.trimEnd().split('\n')).toHaveLength(1)
      expect(flagsIn(err).toSorted()).toEqual(flags.toSorted())
      const variables = [...err.matchAll(/\b[A-Z][A-Z_]+\b/g)].map(([name]) => name)
      expect(variables.toSorted()).toEqual(
        ['AWS_REGION', ...suffixes.map((suffix) => `${prefix}_${suffix}`)].toSorted(),
      )
    },
  )

  test.each<[line: string, flags: readonly string[]]>([
    [`policies ${REST} --external-id x`, ['external-id']],
    [
      'policies --execution-role-arn 111111111111 --table Orders --access read',
      ['execution-role-arn', 'trust-whole-account'],
    ],
    [`policies ${REST} --region mars`, ['region']],
    [`policies ${REST} --table My*`, ['table']],
    [`policies ${REST} --transitive-tag-keys team`, ['transitive-tag-keys', 'session-tags']],
    [`policies ${REST} --session-tags team`, ['session-tags']],
    [`policies ${REST} --session-tags ["team"]`, ['session-tags']],
    [`policies ${REST} --session-tags {"team":true}`, ['session-tags']],
    [`policies ${REST} --external-id=`, ['external-id']],
    [`policies ${REST} --table=`, ['table']],
    ['check --key=', ['key']],
    [`policies --execution-role-arn ${EXECUTION_ROLE},${OTHER_EXECUTION_ROLE}`, ['execution-role-arn']],
    ['check --session-tags TenantId=acme,team=acme --key tenant=acme', ['key', 'tenant-tag']],
    ['check --session-tags TenantId=acme --tenant-tag TenantId', ['tenant-tag', 'key']],
    ['check --session-tags TenantId=acme --tenant-tag TenantId --key tenant=globex', ['key', 'tenant-tag']],
    ['check --execution-role-arn mine', ['execution-role-arn']],
    [`policies ${REST} --format yaml`, ['format']],
    [`policies ${REST} --format cdk --json`, ['json', 'format']],
    ['policies --tabel Orders', ['tabel', 'table']],
    ['policies --env-file .env', ['env-file', 'help']],
    ['policies --wrong', ['wrong', 'help']],
    ['policies Orders', ['help']],
    ['policies --table', ['table', 'help']],
    ['policies --dotenv /there/is/none', ['dotenv']],
    ['check --role-arn mine', ['role-arn']],
    ['check --role-arn none', ['role-arn']],
    [`policies ${REST} --role-arn none`, ['role-arn']],
    ['check --table My* --access read', ['table']],
    ['check --table Orders --access raed', ['access']],
    ['check --table arn:aws:dynamodb:us-east-1:999999999999:table/Orders --access read', ['table']],
    ['check --table Orders --access read --key acme', ['key']],
    ['check --env-prefix _', ['env-prefix']],
  ])('of %s names the flags %j and no option', async (line, flags) => {
    const err = await usageError(line)
    expect(err).toMatch(new RegExp(`^${line.split(' ')[0]}: `))
    expect(flagsIn(err)).toEqual(flags)
  })

  test.each(['polices', ''])('of the command "%s" lists the commands', async (line) => {
    const err = await usageError(line)
    expect(err).toMatch(/^ {2}policies {2}.*\n {2}check {5}/m)
    expect(err).toContain(line)
  })

  test('names a variable that is misspelled, and the correct one', async () => {
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_EXTERNALID: 'example-external-id' })
    for (const line of [`policies ${REST}`, 'check']) {
      const err = await usageError(line)
      expect(err).toMatch(/CROSS_ACCOUNT_DYNAMO_EXTERNALID\b.*CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID\b/)
    }
  })

  test('names the variable that an invalid value comes from, unless a flag replaces it', async () => {
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'x' })
    const fromVariable = await usageError('check')
    expect(flagsIn(fromVariable)).toEqual(['external-id'])
    expect(fromVariable).toContain('CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID')
    const fromFlag = await usageError('check --external-id y')
    expect(flagsIn(fromFlag)).toEqual(['external-id'])
    expect(fromFlag).not.toContain('CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID')
  })

  test('names a setting that has no flag by its variable', async () => {
    setEnvironment({
      ...VARIABLES,
      CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: '7200',
      CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS: '1',
    })
    const err = await usageError('check')
    expect(flagsIn(err)).toEqual([])
    expect(err.match(/CROSS_ACCOUNT_DYNAMO_DURATION_SECONDS: /g)).toHaveLength(1)
    expect(err).toContain('CROSS_ACCOUNT_DYNAMO_REFRESH_BEFORE_SECONDS: ')
  })

  test.each([
    'policies --role-arn arn:aws:iam::222222222222:role/sessionTags-* --execution-role-arn X --table Orders --access read',
    `policies ${REST} --execution-role-arn arn:aws:iam::222222222222:role/sessionTags-*`,
    'check --role-arn arn:aws:iam::222222222222:role/sessionTags-*',
    'check --execution-role-arn arn:aws:iam::222222222222:role/sessionTags-*',
  ])('quotes a role whose name contains the name of an option unchanged: %s', async (line) => {
    const { code, err } = await command(line)
    expect(code).toBe(2)
    expect(err).toContain('"arn:aws:iam::222222222222:role/sessionTags-*"')
    expect(flagsIn(err)).not.toContain('session-tags')
  })
})

test('warnings quote a role whose name contains the name of an option unchanged', async () => {
  const pattern = 'arn:aws:iam::111111111111:role/sessionTags-*'
  const line = `policies --execution-role-arn ${pattern} --trust-whole-account --table Orders --access read`
  const { code, err } = await command(line)
  expect(code).toBe(0)
  expect(err).toContain(pattern)
  expect(flagsIn(err)).toEqual(['execution-role-arn'])
  const { warnings } = JSON.parse((await command(`${line} --json`)).out)
  expect(err).toBe(warnings.map((warning: string) => `Warning: ${warning}\n`).join(''))
})

describe('help', () => {
  test.each(['--help', '-h', 'help'])('%s lists the commands', async (line) => {
    const { code, out, err } = await command(line)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^ {2}policies {2}.*\n {2}check {5}/m)
  })

  test('-h of a command prints the same as --help', async () => {
    expect(await command('check -h')).toEqual(await command('check --help'))
  })

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(await command('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  test.each(['policies', 'check'])('of %s lists its flags, with an example that uses them', async (name) => {
    const { code, out } = await command(`${name} --help`)
    expect(code).toBe(0)
    const flags = [...out.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag = '']) => flag)
    expect(flags).toContain('dotenv')
    expect(flags).not.toContain('env-file')
    const [, example = ''] = /^Example:\n(.*)$/ms.exec(out) ?? []
    expect(flags).toEqual(expect.arrayContaining(flagsIn(example)))
    expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120)
  })

  test('of policies has an example that runs', async () => {
    const { out } = await command('policies --help')
    const [, example = ''] = /dynamo (policies --dotenv .env.*)$/s.exec(out) ?? []
    const { code, out: policies } = await command(
      example.replace('--dotenv .env', '').replace(/\\?\s+/g, ' '),
    )
    expect(code).toBe(0)
    expect(policies).toContain('resource "aws_iam_role" "target"')
  })
})

test('colors highlight comments and warnings, and change no text', async () => {
  const plain = await command(`policies ${REST} --tenant-tag TenantId`)
  const colored = await command(`policies ${REST} --tenant-tag TenantId`, { colors: true })
  expect(colored.out).toContain('\u001b[36m# Account 222222222222')
  expect(colored.err).toContain('\u001b[33mWarning:')
  expect(stripVTControlCharacters(colored.out)).toBe(plain.out)
  expect(stripVTControlCharacters(colored.err)).toBe(plain.err)
  expect(plain.out + plain.err).not.toContain('\u001b')
})
