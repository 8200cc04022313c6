// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of IAM
/** `policies`: the documents in every format, what it reads, and what it asks for. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { transformSync } from '@swc/core'
import { crossAccountPolicies, type PolicyDocument } from 'middy-cross-account-dynamo/policies'
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

const machine = async (line: string) => {
  const { code, out, err } = await command(`policies ${line} --json`)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}
const basic = { roleArn: ROLE, executionRoleArn: EXECUTION_ROLE, region: 'us-east-1' } as const

describe('reads', () => {
  test('the variables of the function, and adds nothing to the documents', async () => {
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
    const { accounts, ...documents } = await machine(`--execution-role-arn ${EXECUTION_ROLE}`)
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

  test('flags, which win over variables', async () => {
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
    const { accounts, ...documents } = JSON.parse(out)
    expect(code).toBe(0)
    expect(accounts.functions).toEqual(['111111111111', '333333333333'])
    expect(documents).toEqual(
      crossAccountPolicies({
        ...basic,
        executionRoleArn: [EXECUTION_ROLE, 'arn:aws:iam::333333333333:root'],
        region: 'eu-west-1',
        tables: ['Orders', 'Lines'],
        access: 'write',
        externalId: 'example-external-id',
        // A flag that gives no value, instead of the variable's.
        sessionTagKeys: { stage: true, team: true },
        transitiveTagKeys: ['team', 'stage'],
        sourceIdentity: true,
        tenantTag: 'TenantId',
        indexes: true,
        kmsKeyArn: key,
        organizationId: 'o-exampleorgid',
        trustWholeAccount: true,
      }),
    )
  })

  test('tags of any value beside those of the variable', async () => {
    const { trustPolicy } = await machine(`${REST} --session-tags stage=prod --session-tag-key team`)
    expect(trustPolicy.Statement[0].Condition).toMatchObject({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['stage', 'team'] },
      StringEquals: { 'aws:RequestTag/stage': 'prod' },
      StringLike: { 'aws:RequestTag/team': '?*' },
    })
  })

  test('execution roles whose path holds a comma', async () => {
    const odd = 'arn:aws:iam::333333333333:role/a,b/Odd'
    const { trustPolicy } = await machine(`${REST} --execution-role-arn ${odd}`)
    expect(trustPolicy.Statement[0].Principal).toEqual({ AWS: [EXECUTION_ROLE, odd] })
  })

  test("a tenant's tag with any value, since the variable's is that of one tenant", async () => {
    const line = `${REST.replace('read', 'GetItem')} --session-tags TenantId=acme,team=orders --tenant-tag TenantId`
    const { trustPolicy } = await machine(line)
    expect(trustPolicy.Statement[0].Condition).toMatchObject({
      StringEquals: { 'aws:RequestTag/team': 'orders' },
      StringLike: { 'aws:RequestTag/TenantId': '?*' },
    })
    expect(JSON.stringify(trustPolicy)).not.toContain('acme')
  })

  test('variables of another prefix', async () => {
    setEnvironment({ AWS_REGION: 'us-east-1', ORDERS_DYNAMO_ROLE_ARN: ROLE })
    const { accounts } = await machine(`${REST} --env-prefix ORDERS_DYNAMO`)
    expect(accounts.tables).toBe('222222222222')
  })

  test.each(['--env-file', '--variables'])(
    'a file of variables by %s, of which those that are set already win',
    async (flag) => {
      const file = join(folder, 'variables')
      writeFileSync(
        file,
        `CROSS_ACCOUNT_DYNAMO_ROLE_ARN=${ROLE.replaceAll('2', '9')}\nCROSS_ACCOUNT_DYNAMO_EXTERNAL_ID="example-external-id"\n`,
      )
      const { accounts, trustPolicy } = await machine(`${REST} ${flag} ${file}`)
      expect(accounts.tables).toBe('222222222222')
      expect(JSON.stringify(trustPolicy)).toContain('"sts:ExternalId":"example-external-id"')
    },
  )
})

describe('formats', () => {
  // Everything that a format could spoil: a path, variables of IAM, several accounts.
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
  /** The comments, which say whose each part is. */
  const headings = (text: string) =>
    [...text.matchAll(/^(?:#|\/\/) (Account .*)$/gm)].map(([, title]) => title)
  const whose = (text: string) => headings(text).map((title) => title?.slice(0, 20))

  test('json: each document under its account', async () => {
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

  test('cloudformation: a template for each account', async () => {
    const text = await textOf('cloudformation')
    expect(text).toMatch(/^# 3 templates, each for a stack of its own: .*\n# Account 222222222222/)
    expect(whose(text)).toEqual(['Account 222222222222', 'Account 111111111111', 'Account 333333333333'])
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

  test('terraform: a provider for each account, and the documents to the letter', async () => {
    const text = await textOf('terraform')
    expect(whose(text)).toEqual(['Account 222222222222', 'Account 111111111111', 'Account 333333333333'])
    const documents = [...text.matchAll(/jsonencode\((\{.*?^ {2}\})\)/gms)].map(([, json = '']) =>
      JSON.parse(json.replaceAll('$${', '${')),
    )
    expect(documents).toEqual([trustPolicy, permissionsPolicy, callerPolicy, callerPolicy])
    // Else Terraform would look for something of that name.
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
    'terraform: as terraform fmt has it, %#',
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

  test('cdk: a stack for each account, run with stand-ins for its constructs', async () => {
    const text = await textOf('cdk')
    expect(whose(text)).toEqual(['Account 222222222222', 'Account 111111111111', 'Account 333333333333'])
    const made: unknown[] = []
    class Stack {
      constructor(_scope: unknown, _id: string, props: { env: unknown }) {
        made.push(props.env)
      }
    }
    class Construct {
      constructor(_scope: unknown, _id: string, props: unknown) {
        made.push(props)
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
    for (const Made of stacks) new Made(undefined, 'id')
    expect(made).toEqual([
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

  test('whom nobody names gets a policy that is attached to nothing', async () => {
    const anybody = `policies ${REST.replace(EXECUTION_ROLE, '*')} --trust-whole-account --format`
    const { out: template, err } = await command(`${anybody} cloudformation`)
    expect(err).toMatch(/^Warning: --execution-role-arn \* trusts everybody in AWS/)
    expect(yaml(template)[1]).toMatchObject({
      Resources: { AssumeTargetRole: { Properties: { Roles: [] } } },
    })
    const { out: modules } = await command(`${anybody} terraform`)
    expect(modules).toContain('resource "aws_iam_policy" "function"')
    expect(modules.match(/allowed_account_ids/g)).toHaveLength(1)
    expect((await command(`${anybody} json`)).out).toContain(
      '# Account of the function (function): policy of the execution role',
    )
    expect((await command(`${anybody} cdk`)).out).toContain('super(scope, id)\n')
  })
})

describe('wrong use is exit code 2, and writes nothing to paste', () => {
  const complaint = async (line: string): Promise<string> => {
    const { code, out, err } = await command(line)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    return err
  }

  test('what is missing is asked for in one line, by flag and by variable', async () => {
    setEnvironment({})
    await expect(complaint('policies')).resolves.toBe(
      'policies: please give --role-arn <arn> (or set CROSS_ACCOUNT_DYNAMO_ROLE_ARN), --execution-role-arn <arn>, ' +
        '--table <name> (or set CROSS_ACCOUNT_DYNAMO_TABLES), --access <access> (or set CROSS_ACCOUNT_DYNAMO_ACCESS), ' +
        '--region <region> (or set CROSS_ACCOUNT_DYNAMO_REGION or AWS_REGION)\n',
    )
    await expect(complaint('check --table Orders --env-prefix ORDERS')).resolves.toBe(
      'check: please give --role-arn <arn> (or set ORDERS_ROLE_ARN), --region <region> (or set ORDERS_REGION or AWS_REGION), ' +
        '--access <access> (or set ORDERS_ACCESS)\n',
    )
  })

  test.each([
    [`policies ${REST} --external-id x`, '  - --external-id: must have 2 to 1224 characters, but has 1'],
    [
      'policies --execution-role-arn 111111111111 --table Orders --access read',
      'or say --trust-whole-account',
    ],
    [
      `policies ${REST} --region mars`,
      '  - --region: must be a Region\'s code such as eu-west-1, not "mars"',
    ],
    [`policies ${REST} --table My*`, '  - --table: "My*" is neither'],
    [`policies ${REST} --transitive-tag-keys team`, '  - --transitive-tag-keys: "team" is not a key'],
    [`policies ${REST} --session-tags team`, 'is neither JSON nor key=value pairs'],
    [
      `policies ${REST} --session-tags ["team"]`,
      '--session-tags must be an object of keys and values, but is a list',
    ],
    [`policies ${REST} --session-tags {"team":true}`, 'the values of --session-tags must be strings'],
    [
      `policies ${REST} --external-id=`,
      'policies: --external-id is empty: give it a value, or leave it out\n',
    ],
    [`policies ${REST} --table=`, '--table is empty'],
    ['check --key=', 'check: --key is empty'],
    [
      `policies --execution-role-arn ${EXECUTION_ROLE},${OTHER_EXECUTION_ROLE}`,
      '--execution-role-arn is one role: repeat the flag for more',
    ],
    [
      'check --session-tags TenantId=acme,team=acme --key tenant=acme',
      '--key has the value of each of the session tags TenantId, team: say --tenant-tag <key>',
    ],
    [
      'check --session-tags TenantId=acme --tenant-tag TenantId',
      '--tenant-tag needs a key that the tenant may name',
    ],
    [
      'check --session-tags TenantId=acme --tenant-tag TenantId --key tenant=globex',
      '--key has not the value of the session tag TenantId',
    ],
    ['check --execution-role-arn mine', '  - --execution-role-arn: "mine" is not an ARN'],
    [`policies ${REST} --format yaml`, '--format is json, cloudformation, terraform, cdk, not "yaml"'],
    [`policies ${REST} --format cdk --json`, '--json and --format cdk exclude each other'],
    ['policies --tabel Orders', "Unknown option '--tabel'; did you mean --table?"],
    ['policies --env-file /there/is/none', '--env-file /there/is/none cannot be read: '],
    ['policies --wrong', "Unknown option '--wrong'; see --help"],
    ['policies Orders', "Unexpected argument 'Orders'"],
    ['policies --table', "Option '--table <value>' argument missing; see --help"],
    ['policies --variables /there/is/none', '--variables /there/is/none cannot be read: '],
    [
      'check --role-arn mine',
      'check: the configuration of crossAccountDynamo() for context.dynamo has a problem:\n  - --role-arn: "mine" is not an ARN',
    ],
    ['check --table My* --access read', '  - --table: "My*" is neither'],
    ['check --table Orders --access raed', '  - --access: "raed" is not an action'],
    [
      'check --table arn:aws:dynamodb:us-east-1:999999999999:table/Orders --access read',
      'is not in the account',
    ],
    ['check --table Orders --access read --key acme', '--key is the name and the value of a partition key'],
    ['polices', 'There is no command "polices".\nUsage: '],
    ['', 'Usage: npx middy-cross-account-dynamo <command>'],
  ])('%s', async (line, words) => {
    expect(await complaint(line)).toContain(words)
  })

  test('so is a variable that is misspelled, or wrong, which is named', async () => {
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_EXTERNALID: 'example-external-id' })
    expect(await complaint(`policies ${REST}`)).toContain('did you mean CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID?')
    setEnvironment({ ...VARIABLES, CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'x' })
    expect(await complaint('check')).toContain(
      '--external-id (from CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID): must have',
    )
  })
})

describe('help', () => {
  test.each(['--help', '-h', 'help'])('%s names the commands', async (line) => {
    const { code, out, err } = await command(line)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^ {2}policies {2}.*\n {2}check {5}/m)
  })

  test('-h of a command is its help', async () => {
    expect(await command('check -h')).toEqual(await command('check --help'))
  })

  test('--version says which it is', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(await command('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  test.each(['policies', 'check'])(
    'of %s names each flag that it takes, and has an example',
    async (name) => {
      const { code, out } = await command(`${name} --help`)
      expect(code).toBe(0)
      const flags = [...out.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag = '']) => flag)
      expect(flags).toContain('variables')
      const [, example = ''] = /^Example:\n(.*)$/ms.exec(out) ?? []
      const used = [...example.matchAll(/--([\w-]+)/g)].map(([, flag]) => flag)
      expect(flags).toEqual(expect.arrayContaining(used))
      expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120)
    },
  )

  test('the example of policies is one', async () => {
    const { out } = await command('policies --help')
    const [, example = ''] = /dynamo (policies --env-file .env.*)$/s.exec(out) ?? []
    const { code, out: made } = await command(example.replace('--env-file .env', '').replace(/\\?\s+/g, ' '))
    expect(code).toBe(0)
    expect(made).toContain('resource "aws_iam_role" "target"')
  })
})

describe('colours', () => {
  const colour = '\u001b['
  test('are for comments and warnings, and take nothing away', async () => {
    const plain = await command(`policies ${REST} --tenant-tag TenantId`)
    const coloured = await command(`policies ${REST} --tenant-tag TenantId`, { colours: true })
    expect(coloured.out).toContain(`${colour}36m# Account 222222222222`)
    expect(coloured.err).toContain(`${colour}33mWarning:`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
    const bare = (text: string) => text.replace(/\u001b\[\d+m/g, '')
    expect([bare(coloured.out), bare(coloured.err)]).toEqual([plain.out, plain.err])
    expect(plain.out + plain.err).not.toContain(colour)
  })
})
