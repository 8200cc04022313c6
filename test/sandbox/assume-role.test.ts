import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clients, clientsOf, withSandbox } from './clients.ts'
import { type PolicyDocument, type Sandbox, startSandbox } from './index.ts'
import { allow, policy, statement } from './policies.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  EXECUTION_ROLE_ARN,
  TABLE,
  TARGET_ROLE_ARN,
  textbook,
  UNTRUSTED_ROLE_ARN,
} from './textbook.ts'

let sandbox: Sandbox
let clients: Clients

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: textbook() })
  clients = clientsOf(sandbox)
})
afterEach(async () => {
  clients.close()
  await sandbox.close()
})

const CALLER = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn'
const not = (action: string, caller = CALLER, role = TARGET_ROLE_ARN) =>
  expect.objectContaining({
    name: 'AccessDenied',
    message: `User: ${caller} is not authorized to perform: ${action} on resource: ${role}`,
  })

const Tags = [{ Key: 'TenantId', Value: 'acme' }]

describe('AssumeRole needs both sides', () => {
  test('and gives dated credentials of a session of the role', async () => {
    const before = Math.floor(sandbox.clock.now() / 1000) * 1000
    const credentials = await clients.assume({ RoleSessionName: 'orders', DurationSeconds: 1200 })
    expect(credentials.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/)
    const me = await clients.sts(credentials).send(new GetCallerIdentityCommand({}))
    expect(me.Arn).toBe(`arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/orders`)
    expect(sandbox.calls[0]).toMatchObject({
      service: 'sts',
      operation: 'AssumeRole',
      principal: CALLER,
      accountId: '111111111111',
      sessionName: 'orders',
      roleArn: TARGET_ROLE_ARN,
      externalIdGiven: true,
      status: 200,
    })
    expect(sandbox.calls[0]?.at).toBeGreaterThanOrEqual(before)
  })

  test('a missing and a wrong external ID', async () => {
    await expect(clients.assume({ ExternalId: undefined })).rejects.toEqual(not('sts:AssumeRole'))
    await expect(clients.assume({ ExternalId: 'wrong' })).rejects.toEqual(not('sts:AssumeRole'))
    expect(sandbox.calls.map(({ externalIdGiven, status }) => [externalIdGiven, status])).toEqual([
      [false, 403],
      [true, 403],
    ])
  })

  test('a principal that the trust policy does not name', async () => {
    const untrusted = sandbox.credentials(UNTRUSTED_ROLE_ARN)
    await expect(clients.assume({}, untrusted)).rejects.toEqual(not('sts:AssumeRole', untrusted.arn))
  })

  test('a caller of another organisation, or of none', async () => {
    const account = sandbox.account(ACCOUNT_A)
    const ofOurs = { StringEquals: { 'aws:PrincipalOrgID': 'o-exampleorgid' } }
    allow(sandbox, [], 'both', ofOurs)
    await expect(clients.assume()).rejects.toEqual(not('sts:AssumeRole'))
    account.organizationId = 'o-anotherorgid'
    await expect(clients.assume()).rejects.toEqual(not('sts:AssumeRole'))
    account.organizationId = 'o-exampleorgid'
    await expect(clients.assume()).resolves.toHaveProperty('sessionToken')
  })

  test('a caller whose own account does not allow it', async () => {
    sandbox.role(EXECUTION_ROLE_ARN).policies = []
    await expect(clients.assume()).rejects.toEqual(not('sts:AssumeRole'))
  })

  test('a role without a trust policy, and a role that does not exist', async () => {
    delete sandbox.role(TARGET_ROLE_ARN).trustPolicy
    await expect(clients.assume()).rejects.toEqual(not('sts:AssumeRole'))
    const RoleArn = `arn:aws:iam::${ACCOUNT_B}:role/Nobody`
    await expect(clients.assume({ RoleArn })).rejects.toEqual(not('sts:AssumeRole', CALLER, RoleArn))
  })

  test('a trust policy that names the session', async () => {
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = policy(
      statement('sts:AssumeRole', { Principal: { AWS: CALLER } }),
    )
    await clients.assume()
    const other = sandbox.credentials(EXECUTION_ROLE_ARN, 'other')
    await expect(clients.assume({}, other)).rejects.toEqual(not('sts:AssumeRole', other.arn))
  })

  test('an explicit deny says in which kind of policy it is', async () => {
    const deny = (rest: object) => policy({ Effect: 'Deny', Action: 'sts:AssumeRole', ...rest })
    const caller = sandbox.role(EXECUTION_ROLE_ARN)
    caller.policies?.push(deny({ Resource: '*' }))
    await expect(clients.assume()).rejects.toThrow(
      /CrossAccountDynamoRole with an explicit deny in an identity-based policy$/,
    )
    caller.policies?.pop()
    sandbox.role(TARGET_ROLE_ARN).trustPolicy = deny({ Principal: { AWS: EXECUTION_ROLE_ARN } })
    await expect(clients.assume()).rejects.toThrow(/ with an explicit deny in a resource-based policy$/)
  })

  test('service control policies of account A', async () => {
    const accounts = textbook()
    const [a] = accounts
    if (a) a.serviceControlPolicies = [policy({ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: '*' })]
    await withSandbox({ accounts }, async (_, theirs) => {
      await expect(theirs.assume()).rejects.toThrow(/ with an explicit deny in a service control policy$/)
    })
  })
})

describe('what a request adds needs its own permission, on both sides', () => {
  test.each([
    ['sts:TagSession', { Tags }],
    ['sts:SetSourceIdentity', { SourceIdentity: 'alice' }],
  ] as const)('%s', async (action, input) => {
    allow(sandbox, [])
    await expect(clients.assume(input as object)).rejects.toEqual(not(action))
    allow(sandbox, [action], 'caller')
    await expect(clients.assume(input as object)).rejects.toEqual(not(action))
    allow(sandbox, [action], 'role')
    await expect(clients.assume(input as object)).rejects.toEqual(not(action))
    allow(sandbox, [action])
    await clients.assume(input as object)
  })

  test('and the external ID is not known to sts:TagSession', async () => {
    allow(sandbox, ['sts:TagSession'], 'both', { StringEquals: { 'sts:ExternalId': 'example-external-id' } })
    await clients.assume()
    await expect(clients.assume({ Tags })).rejects.toEqual(not('sts:TagSession'))
  })
})

describe('the trust policy may ask for', () => {
  const trust = (condition: object, actions: string[] = []) => allow(sandbox, actions, 'both', condition)

  test('a session name', async () => {
    trust({ StringLike: { 'sts:RoleSessionName': 'orders-*' } })
    await clients.assume({ RoleSessionName: 'orders-1' })
    await expect(clients.assume({ RoleSessionName: 'billing' })).rejects.toEqual(not('sts:AssumeRole'))
  })

  test('tag values and tag keys', async () => {
    trust({ StringEquals: { 'aws:RequestTag/TenantId': 'acme' } }, ['sts:TagSession'])
    await clients.assume({ Tags })
    await expect(clients.assume({ Tags: [{ Key: 'TenantId', Value: 'evil' }] })).rejects.toEqual(
      not('sts:AssumeRole'),
    )
    await expect(clients.assume()).rejects.toEqual(not('sts:AssumeRole'))
    trust({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['TenantId'] } }, ['sts:TagSession'])
    await clients.assume({ Tags })
    await expect(clients.assume({ Tags: [...Tags, { Key: 'Stage', Value: 'prod' }] })).rejects.toEqual(
      not('sts:AssumeRole'),
    )
  })

  test('transitive tag keys', async () => {
    trust({ 'ForAnyValue:StringEquals': { 'sts:TransitiveTagKeys': ['TenantId'] } }, ['sts:TagSession'])
    await clients.assume({ Tags, TransitiveTagKeys: ['TenantId'] })
    await expect(clients.assume({ Tags })).rejects.toEqual(not('sts:AssumeRole'))
  })

  test('a source identity', async () => {
    trust({ StringEquals: { 'sts:SourceIdentity': 'alice' } }, ['sts:SetSourceIdentity'])
    await clients.assume({ SourceIdentity: 'alice' })
    await expect(clients.assume({ SourceIdentity: 'mallory' })).rejects.toEqual(not('sts:AssumeRole'))
  })

  test('the tags of the caller, or the caller by its role', async () => {
    trust({
      StringEquals: { 'aws:PrincipalTag/team': 'orders' },
      ArnEquals: { 'aws:PrincipalArn': EXECUTION_ROLE_ARN },
    })
    await expect(clients.assume()).rejects.toEqual(not('sts:AssumeRole'))
    await clients.assume({}, sandbox.credentials(EXECUTION_ROLE_ARN, 'fn', { tags: { team: 'orders' } }))
  })
})

test('transitive tags and the source identity go along a chain, and cannot be changed', async () => {
  allow(sandbox, ['sts:TagSession', 'sts:SetSourceIdentity'])
  const options = {
    tags: { TenantId: 'acme', stage: 'prod' },
    transitiveTagKeys: ['TenantId'],
    sourceIdentity: 'alice',
  }
  const caller = sandbox.credentials(EXECUTION_ROLE_ARN, 'fn', options)
  const credentials = await clients.assume({}, caller)
  await clients.sts(credentials).send(new GetCallerIdentityCommand({}))
  expect(sandbox.calls.at(-1)).toMatchObject({
    tags: { TenantId: 'acme' },
    transitiveTagKeys: ['TenantId'],
    sourceIdentity: 'alice',
  })
  await expect(clients.assume({ Tags: [{ Key: 'tenantid', Value: 'x' }] }, caller)).rejects.toThrow(
    /conflicts with a transitive/,
  )
  await expect(clients.assume({ SourceIdentity: 'bob' }, caller)).rejects.toEqual(
    not('sts:SetSourceIdentity'),
  )
})

test('a role path is part of the role ARN and of who is trusted, not of the session ARN', async () => {
  const accounts = textbook()
  const [a, b] = accounts
  for (const role of [...(a?.roles ?? []), ...(b?.roles ?? [])]) role.path = '/service/orders/'
  const withPath = (arn: string) => arn.replace(':role/', ':role/service/orders/')
  await withSandbox({ accounts }, async (atPath, theirs) => {
    const caller = atPath.credentials(withPath(EXECUTION_ROLE_ARN))
    expect(caller.arn).toBe(CALLER)
    const target = atPath.role(withPath(TARGET_ROLE_ARN))
    atPath.role(withPath(EXECUTION_ROLE_ARN)).policies = [
      policy(statement('sts:AssumeRole', { Resource: '*' })),
    ]
    const RoleArn = withPath(TARGET_ROLE_ARN)
    await expect(theirs.assume({ RoleArn }, caller)).rejects.toEqual(not('sts:AssumeRole', CALLER, RoleArn))
    target.trustPolicy = policy(
      statement('sts:AssumeRole', { Principal: { AWS: withPath(EXECUTION_ROLE_ARN) } }),
    )
    await theirs.assume({ RoleArn }, caller)
  })
})

describe('managed session policies', () => {
  const arnOf = (name: string) => `arn:aws:iam::${ACCOUNT_B}:policy/${name}`
  const Read = arnOf('Read')
  const Write = arnOf('NoDeletes')
  const on = { Resource: '*', Sid: 'Same' }

  async function withPolicies(use: (theirs: Clients, itsSandbox: Sandbox) => Promise<void>) {
    const accounts = textbook()
    const [, b] = accounts
    if (b)
      b.managedPolicies = {
        [Read]: { Version: '2012-10-17', Statement: statement('dynamodb:GetItem', on) },
        [Write]: policy(statement('dynamodb:*Item', on), {
          ...statement('dynamodb:DeleteItem'),
          ...on,
          Sid: 'No',
          Effect: 'Deny',
        }),
        [arnOf('Old')]: { ...policy(statement('dynamodb:*', on)), Version: '2008-10-17' },
      }
    await withSandbox({ accounts }, async (itsSandbox, theirs) => use(theirs, itsSandbox))
  }

  /** Which operations on an item a session with these policies may do. */
  async function allowed(theirs: Clients, arns: string[], Policy?: PolicyDocument) {
    const PolicyArns = arns.map((arn) => ({ arn }))
    const credentials = await theirs.assume({ PolicyArns, ...(Policy && { Policy: JSON.stringify(Policy) }) })
    const client = theirs.documents(credentials)
    const Key = { id: '1' }
    const names: string[] = []
    for (const [name, command] of Object.entries({
      get: new GetCommand({ TableName: TABLE, Key }),
      put: new PutCommand({ TableName: TABLE, Item: Key }),
      delete: new DeleteCommand({ TableName: TABLE, Key }),
    })) {
      const error = await client.send(command as never).then(
        () => undefined,
        (reason: Error) => reason,
      )
      if (error) expect(error).toMatchObject({ name: 'AccessDeniedException' })
      else names.push(name)
    }
    return names
  }

  test('allow what any of them allows and none denies, with the inline one, and no more than the role', async () => {
    await withPolicies(async (theirs, { role }) => {
      const inline = policy(statement('dynamodb:*', { Resource: '*' }))
      expect(await allowed(theirs, [])).toEqual(['get', 'put', 'delete'])
      expect(await allowed(theirs, [Read])).toEqual(['get'])
      expect(await allowed(theirs, [Read], inline)).toEqual(['get', 'put', 'delete'])
      expect(await allowed(theirs, [Read, Write])).toEqual(['get', 'put'])
      expect(await allowed(theirs, [Write], inline)).toEqual(['get', 'put'])
      role(TARGET_ROLE_ARN).policies = [policy(statement('dynamodb:PutItem', { Resource: '*' }))]
      expect(await allowed(theirs, [Read, Write])).toEqual(['put'])
    })
  })

  test('of another account, or of nobody, are none', async () => {
    await withPolicies(async (theirs) => {
      for (const arn of [arnOf('Nobody'), Read.replace(ACCOUNT_B, '111111111111')])
        await expect(theirs.assume({ PolicyArns: [{ arn }] })).rejects.toMatchObject({
          name: 'MalformedPolicyDocumentException',
          message: `Policy ${arn} does not exist or is not attachable.`,
        })
    })
  })

  test('are ten at most, and their ARNs count with the inline one', async () => {
    await withPolicies(async (theirs) => {
      const PolicyArns = Array.from({ length: 11 }, () => ({ arn: Read }))
      await expect(theirs.assume({ PolicyArns })).rejects.toMatchObject({
        name: 'ValidationError',
        message: expect.stringContaining("at 'policyArns' failed"),
      })
      const inline = JSON.stringify(policy(statement('dynamodb:GetItem', { Resource: '*' })))
      const Policy = inline.padEnd(2048 - Read.length)
      await theirs.assume({ Policy, PolicyArns: [{ arn: Read }] })
      await expect(
        theirs.assume({ Policy: `${Policy} `, PolicyArns: [{ arn: Read }] }),
      ).rejects.toMatchObject({
        name: 'ValidationError',
        message: expect.stringContaining("at 'policy and policyArns' failed"),
      })
    })
  })

  test('of different versions are beyond the sandbox, and an invalid one is an error at the start', async () => {
    await withPolicies(async (theirs) => {
      const PolicyArns = [{ arn: Read }, { arn: arnOf('Old') }]
      await expect(theirs.assume({ PolicyArns })).rejects.toMatchObject({
        name: 'SandboxError',
        message: expect.stringContaining('different versions'),
      })
    })
    const managedPolicies = { [Read]: policy({ Effect: 'Allow', Actions: '*' }) }
    await expect(startSandbox({ accounts: [{ id: ACCOUNT_B, managedPolicies }] })).rejects.toThrow(
      `The policy ${Read}: `,
    )
  })
})
