import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Clients, createClients, withSandbox } from './clients.ts'
import { type PolicyDocument, type Sandbox, startSandbox } from './index.ts'
import { allowStatement, allowStsActions, createPolicy } from './policies.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  createTwoAccounts,
  EXECUTION_ROLE_ARN,
  TABLE,
  TARGET_ROLE_ARN,
  UNTRUSTED_ROLE_ARN,
} from './two-accounts.ts'

let sandbox: Sandbox
let clients: Clients

beforeEach(async () => {
  sandbox = await startSandbox({ accounts: createTwoAccounts() })
  clients = createClients(sandbox)
})
afterEach(async () => {
  clients.close()
  await sandbox.close()
})

const CALLER_ARN = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/fn'
const matchAccessDenied = (action: string, caller = CALLER_ARN, role = TARGET_ROLE_ARN) =>
  expect.objectContaining({
    name: 'AccessDenied',
    message: `User: ${caller} is not authorized to perform: ${action} on resource: ${role}`,
  })

const Tags = [{ Key: 'TenantId', Value: 'acme' }]

describe('AssumeRole', () => {
  test('returns the credentials of a session of the role if both accounts allow it', async () => {
    const startMs = Math.floor(sandbox.clock.now() / 1000) * 1000
    const credentials = await clients.assumeRole({ RoleSessionName: 'orders', DurationSeconds: 1200 })
    expect(credentials.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/)
    const identity = await clients.createStsClient(credentials).send(new GetCallerIdentityCommand({}))
    expect(identity.Arn).toBe(`arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/orders`)
    expect(sandbox.calls[0]).toMatchObject({
      service: 'sts',
      operation: 'AssumeRole',
      principal: CALLER_ARN,
      accountId: '111111111111',
      sessionName: 'orders',
      roleArn: TARGET_ROLE_ARN,
      hasExternalId: true,
      status: 200,
    })
    expect(sandbox.calls[0]?.receivedAtMs).toBeGreaterThanOrEqual(startMs)
  })

  test('denies a missing or wrong external ID', async () => {
    await expect(clients.assumeRole({ ExternalId: undefined })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole'),
    )
    await expect(clients.assumeRole({ ExternalId: 'wrong' })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole'),
    )
    expect(sandbox.calls.map(({ hasExternalId, status }) => [hasExternalId, status])).toEqual([
      [false, 403],
      [true, 403],
    ])
  })

  test('denies a principal that the trust policy does not name', async () => {
    const untrusted = sandbox.issueCredentials(UNTRUSTED_ROLE_ARN)
    await expect(clients.assumeRole({}, untrusted)).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole', untrusted.arn),
    )
  })

  test('denies a caller from another organization or from no organization', async () => {
    const account = sandbox.getAccount(ACCOUNT_A)
    const organizationCondition = { StringEquals: { 'aws:PrincipalOrgID': 'o-exampleorgid' } }
    allowStsActions(sandbox, [], 'both', organizationCondition)
    await expect(clients.assumeRole()).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
    account.organizationId = 'o-anotherorgid'
    await expect(clients.assumeRole()).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
    account.organizationId = 'o-exampleorgid'
    await expect(clients.assumeRole()).resolves.toHaveProperty('sessionToken')
  })

  test('denies a caller whose own account does not allow AssumeRole', async () => {
    sandbox.getRole(EXECUTION_ROLE_ARN).policies = []
    await expect(clients.assumeRole()).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
  })

  test('denies a role without a trust policy and a role that does not exist', async () => {
    delete sandbox.getRole(TARGET_ROLE_ARN).trustPolicy
    await expect(clients.assumeRole()).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
    const RoleArn = `arn:aws:iam::${ACCOUNT_B}:role/MissingRole`
    await expect(clients.assumeRole({ RoleArn })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole', CALLER_ARN, RoleArn),
    )
  })

  test('allows only the session that the trust policy names', async () => {
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createPolicy(
      allowStatement('sts:AssumeRole', { Principal: { AWS: CALLER_ARN } }),
    )
    await clients.assumeRole()
    const other = sandbox.issueCredentials(EXECUTION_ROLE_ARN, 'other')
    await expect(clients.assumeRole({}, other)).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole', other.arn),
    )
  })

  test('names the type of the policy that contains an explicit deny', async () => {
    const createDenyPolicy = (rest: object) =>
      createPolicy({ Effect: 'Deny', Action: 'sts:AssumeRole', ...rest })
    const caller = sandbox.getRole(EXECUTION_ROLE_ARN)
    caller.policies?.push(createDenyPolicy({ Resource: '*' }))
    await expect(clients.assumeRole()).rejects.toThrow(
      /CrossAccountDynamoRole with an explicit deny in an identity-based policy$/,
    )
    caller.policies?.pop()
    sandbox.getRole(TARGET_ROLE_ARN).trustPolicy = createDenyPolicy({
      Principal: { AWS: EXECUTION_ROLE_ARN },
    })
    await expect(clients.assumeRole()).rejects.toThrow(/ with an explicit deny in a resource-based policy$/)
  })

  test('denies AssumeRole if a service control policy of account A denies it', async () => {
    const accounts = createTwoAccounts()
    const [accountA] = accounts
    if (accountA)
      accountA.serviceControlPolicies = [
        createPolicy({ Effect: 'Deny', Action: 'sts:AssumeRole', Resource: '*' }),
      ]
    await withSandbox({ accounts }, async (_, clients) => {
      await expect(clients.assumeRole()).rejects.toThrow(
        / with an explicit deny in a service control policy$/,
      )
    })
  })
})

describe('AssumeRole with tags or a source identity', () => {
  test.each([
    ['sts:TagSession', { Tags }],
    ['sts:SetSourceIdentity', { SourceIdentity: 'alice' }],
  ] as const)('requires %s in the policies of both accounts', async (action, input) => {
    allowStsActions(sandbox, [])
    await expect(clients.assumeRole(input as object)).rejects.toEqual(matchAccessDenied(action))
    allowStsActions(sandbox, [action], 'caller-policy')
    await expect(clients.assumeRole(input as object)).rejects.toEqual(matchAccessDenied(action))
    allowStsActions(sandbox, [action], 'trust-policy')
    await expect(clients.assumeRole(input as object)).rejects.toEqual(matchAccessDenied(action))
    allowStsActions(sandbox, [action])
    await clients.assumeRole(input as object)
  })

  test('does not include the external ID in the request context of sts:TagSession', async () => {
    allowStsActions(sandbox, ['sts:TagSession'], 'both', {
      StringEquals: { 'sts:ExternalId': 'example-external-id' },
    })
    await clients.assumeRole()
    await expect(clients.assumeRole({ Tags })).rejects.toEqual(matchAccessDenied('sts:TagSession'))
  })
})

describe('trust policy conditions', () => {
  const setCondition = (condition: object, actions: string[] = []) =>
    allowStsActions(sandbox, actions, 'both', condition)

  test('the trust policy can require a session name', async () => {
    setCondition({ StringLike: { 'sts:RoleSessionName': 'orders-*' } })
    await clients.assumeRole({ RoleSessionName: 'orders-1' })
    await expect(clients.assumeRole({ RoleSessionName: 'billing' })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole'),
    )
  })

  test('the trust policy can require tag values and restrict tag keys', async () => {
    setCondition({ StringEquals: { 'aws:RequestTag/TenantId': 'acme' } }, ['sts:TagSession'])
    await clients.assumeRole({ Tags })
    await expect(clients.assumeRole({ Tags: [{ Key: 'TenantId', Value: 'evil' }] })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole'),
    )
    await expect(clients.assumeRole()).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
    setCondition({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['TenantId'] } }, ['sts:TagSession'])
    await clients.assumeRole({ Tags })
    await expect(clients.assumeRole({ Tags: [...Tags, { Key: 'Stage', Value: 'prod' }] })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole'),
    )
  })

  test('the trust policy can require transitive tag keys', async () => {
    setCondition({ 'ForAnyValue:StringEquals': { 'sts:TransitiveTagKeys': ['TenantId'] } }, [
      'sts:TagSession',
    ])
    await clients.assumeRole({ Tags, TransitiveTagKeys: ['TenantId'] })
    await expect(clients.assumeRole({ Tags })).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
  })

  test('the trust policy can require a source identity', async () => {
    setCondition({ StringEquals: { 'sts:SourceIdentity': 'alice' } }, ['sts:SetSourceIdentity'])
    await clients.assumeRole({ SourceIdentity: 'alice' })
    await expect(clients.assumeRole({ SourceIdentity: 'mallory' })).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole'),
    )
  })

  test('the trust policy can require tags and the role of the caller', async () => {
    setCondition({
      StringEquals: { 'aws:PrincipalTag/team': 'orders' },
      ArnEquals: { 'aws:PrincipalArn': EXECUTION_ROLE_ARN },
    })
    await expect(clients.assumeRole()).rejects.toEqual(matchAccessDenied('sts:AssumeRole'))
    await clients.assumeRole(
      {},
      sandbox.issueCredentials(EXECUTION_ROLE_ARN, 'fn', { tags: { team: 'orders' } }),
    )
  })
})

test('a chained session inherits transitive tags and the source identity and cannot change them', async () => {
  allowStsActions(sandbox, ['sts:TagSession', 'sts:SetSourceIdentity'])
  const options = {
    tags: { TenantId: 'acme', stage: 'prod' },
    transitiveTagKeys: ['TenantId'],
    sourceIdentity: 'alice',
  }
  const caller = sandbox.issueCredentials(EXECUTION_ROLE_ARN, 'fn', options)
  const credentials = await clients.assumeRole({}, caller)
  await clients.createStsClient(credentials).send(new GetCallerIdentityCommand({}))
  expect(sandbox.calls.at(-1)).toMatchObject({
    tags: { TenantId: 'acme' },
    transitiveTagKeys: ['TenantId'],
    sourceIdentity: 'alice',
  })
  await expect(clients.assumeRole({ Tags: [{ Key: 'tenantid', Value: 'x' }] }, caller)).rejects.toThrow(
    /conflicts with a transitive/,
  )
  await expect(clients.assumeRole({ SourceIdentity: 'bob' }, caller)).rejects.toEqual(
    matchAccessDenied('sts:SetSourceIdentity'),
  )
})

test('a role path is part of the role ARN and of the trusted principal, but not of the session ARN', async () => {
  const accounts = createTwoAccounts()
  const [accountA, accountB] = accounts
  for (const role of [...(accountA?.roles ?? []), ...(accountB?.roles ?? [])]) role.path = '/service/orders/'
  const addPath = (arn: string) => arn.replace(':role/', ':role/service/orders/')
  await withSandbox({ accounts }, async (sandbox, clients) => {
    const caller = sandbox.issueCredentials(addPath(EXECUTION_ROLE_ARN))
    expect(caller.arn).toBe(CALLER_ARN)
    const target = sandbox.getRole(addPath(TARGET_ROLE_ARN))
    sandbox.getRole(addPath(EXECUTION_ROLE_ARN)).policies = [
      createPolicy(allowStatement('sts:AssumeRole', { Resource: '*' })),
    ]
    const RoleArn = addPath(TARGET_ROLE_ARN)
    await expect(clients.assumeRole({ RoleArn }, caller)).rejects.toEqual(
      matchAccessDenied('sts:AssumeRole', CALLER_ARN, RoleArn),
    )
    target.trustPolicy = createPolicy(
      allowStatement('sts:AssumeRole', { Principal: { AWS: addPath(EXECUTION_ROLE_ARN) } }),
    )
    await clients.assumeRole({ RoleArn }, caller)
  })
})

describe('managed session policies', () => {
  const toPolicyArn = (name: string) => `arn:aws:iam::${ACCOUNT_B}:policy/${name}`
  const READ_ARN = toPolicyArn('Read')
  const NO_DELETES_ARN = toPolicyArn('NoDeletes')
  const sharedElements = { Resource: '*', Sid: 'Same' }

  async function withManagedPolicies(body: (clients: Clients, sandbox: Sandbox) => Promise<void>) {
    const accounts = createTwoAccounts()
    const [, accountB] = accounts
    if (accountB)
      accountB.managedPolicies = {
        [READ_ARN]: { Version: '2012-10-17', Statement: allowStatement('dynamodb:GetItem', sharedElements) },
        [NO_DELETES_ARN]: createPolicy(allowStatement('dynamodb:*Item', sharedElements), {
          ...allowStatement('dynamodb:DeleteItem'),
          ...sharedElements,
          Sid: 'No',
          Effect: 'Deny',
        }),
        [toPolicyArn('Old')]: {
          ...createPolicy(allowStatement('dynamodb:*', sharedElements)),
          Version: '2008-10-17',
        },
      }
    await withSandbox({ accounts }, async (sandbox, clients) => body(clients, sandbox))
  }

  /** Returns the item operations that a session with these policies can run. */
  async function listAllowedOperations(clients: Clients, arns: string[], Policy?: PolicyDocument) {
    const PolicyArns = arns.map((arn) => ({ arn }))
    const credentials = await clients.assumeRole({
      PolicyArns,
      ...(Policy && { Policy: JSON.stringify(Policy) }),
    })
    const client = clients.createDocumentClient(credentials)
    const Key = { id: '1' }
    const allowedOperations: string[] = []
    for (const [name, command] of Object.entries({
      get: new GetCommand({ TableName: TABLE, Key }),
      put: new PutCommand({ TableName: TABLE, Item: Key }),
      delete: new DeleteCommand({ TableName: TABLE, Key }),
    })) {
      const error = await client.send(command as never).then(
        () => undefined,
        (denial: Error) => denial,
      )
      if (error) expect(error).toMatchObject({ name: 'AccessDeniedException' })
      else allowedOperations.push(name)
    }
    return allowedOperations
  }

  test('allows what the role and one of the session policies allow, unless a session policy denies it', async () => {
    await withManagedPolicies(async (clients, sandbox) => {
      const inline = createPolicy(allowStatement('dynamodb:*', { Resource: '*' }))
      expect(await listAllowedOperations(clients, [])).toEqual(['get', 'put', 'delete'])
      expect(await listAllowedOperations(clients, [READ_ARN])).toEqual(['get'])
      expect(await listAllowedOperations(clients, [READ_ARN], inline)).toEqual(['get', 'put', 'delete'])
      expect(await listAllowedOperations(clients, [READ_ARN, NO_DELETES_ARN])).toEqual(['get', 'put'])
      expect(await listAllowedOperations(clients, [NO_DELETES_ARN], inline)).toEqual(['get', 'put'])
      sandbox.getRole(TARGET_ROLE_ARN).policies = [
        createPolicy(allowStatement('dynamodb:PutItem', { Resource: '*' })),
      ]
      expect(await listAllowedOperations(clients, [READ_ARN, NO_DELETES_ARN])).toEqual(['put'])
    })
  })

  test('refuses a managed session policy that does not exist in the account of the role', async () => {
    await withManagedPolicies(async (clients) => {
      for (const arn of [toPolicyArn('MissingPolicy'), READ_ARN.replace(ACCOUNT_B, '111111111111')])
        await expect(clients.assumeRole({ PolicyArns: [{ arn }] })).rejects.toMatchObject({
          name: 'MalformedPolicyDocumentException',
          message: `Policy ${arn} does not exist or is not attachable.`,
        })
    })
  })

  test('accepts ten managed session policies and counts their ARNs toward the length of the inline policy', async () => {
    await withManagedPolicies(async (clients) => {
      const PolicyArns = Array.from({ length: 11 }, () => ({ arn: READ_ARN }))
      await expect(clients.assumeRole({ PolicyArns })).rejects.toMatchObject({
        name: 'ValidationError',
        message: expect.stringContaining("at 'policyArns' failed"),
      })
      const inline = JSON.stringify(createPolicy(allowStatement('dynamodb:GetItem', { Resource: '*' })))
      const Policy = inline.padEnd(2048 - READ_ARN.length)
      await clients.assumeRole({ Policy, PolicyArns: [{ arn: READ_ARN }] })
      await expect(
        clients.assumeRole({ Policy: `${Policy} `, PolicyArns: [{ arn: READ_ARN }] }),
      ).rejects.toMatchObject({
        name: 'ValidationError',
        message: expect.stringContaining("at 'policy and policyArns' failed"),
      })
    })
  })

  test('refuses session policies with different versions, and an invalid managed policy when the sandbox starts', async () => {
    await withManagedPolicies(async (clients) => {
      const PolicyArns = [{ arn: READ_ARN }, { arn: toPolicyArn('Old') }]
      await expect(clients.assumeRole({ PolicyArns })).rejects.toMatchObject({
        name: 'SandboxError',
        message: expect.stringContaining('different versions'),
      })
    })
    const managedPolicies = { [READ_ARN]: createPolicy({ Effect: 'Allow', Actions: '*' }) }
    await expect(startSandbox({ accounts: [{ id: ACCOUNT_B, managedPolicies }] })).rejects.toThrow(
      `The managed policy ${READ_ARN} is invalid: `,
    )
  })
})
