// cspell:ignore assumerole
/** The advice on a denied AssumeRole call: the statements for each account, and the policy that denied the call. */
import { describe, expect, test } from '@jest/globals'
import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import {
  type AdviceParameters,
  adviseOnDenial,
  createAdditions,
  EXTERNAL_ID_PLACEHOLDER,
  explainDenial,
  UNKNOWN_CALLER,
} from '../../../src/iam/advice.ts'
import { parseAssumeRoleDenial } from '../../../src/iam/denial-message.ts'
import { parseStatements } from '../../statements.ts'

const CALLER_ACCOUNT = '111111111111'
const TARGET_ACCOUNT = '222222222222'
const ROLE = `arn:aws:iam::${TARGET_ACCOUNT}:role/teams/CrossAccountDynamoRole`
const CALLER_ROLE = `arn:aws:iam::${CALLER_ACCOUNT}:role/LambdaExecutionRole`
const CALLER = `arn:aws:sts::${CALLER_ACCOUNT}:assumed-role/LambdaExecutionRole/orders-function`

const MINIMAL_NEEDS: AdviceParameters = {
  roleArn: ROLE,
  hasExternalId: false,
  tags: new Map(),
  transitiveTagKeys: [],
  sourceIdentity: false,
}
const ALL_NEEDS: AdviceParameters = {
  roleArn: ROLE,
  hasExternalId: true,
  tags: new Map([
    ['team', 'orders'],
    ['TenantId', undefined],
  ]),
  transitiveTagKeys: ['team'],
  sourceIdentity: 'orders-function',
}

const generatePolicies = (executionRoleArn: string | string[]) =>
  crossAccountPolicies({
    roleArn: ROLE,
    executionRoleArn,
    tables: ['MyTable'],
    access: 'read',
    region: 'us-east-1',
    externalId: 'example-external-id',
    sessionTagKeys: { team: 'orders', TenantId: true },
    transitiveTagKeys: ['team'],
    sourceIdentity: 'orders-function',
  })

/** Returns the message of a denied call as STS writes it. */
const createDenialMessage = (reason = '', caller = CALLER, action = 'sts:AssumeRole') =>
  `User: ${caller} is not authorized to perform: ${action} on resource: ${ROLE}${reason}`

describe('additions for a session', () => {
  const replacePlaceholder = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replaceAll(EXTERNAL_ID_PLACEHOLDER, 'example-external-id'))

  test('the additions are the statements of crossAccountPolicies() with fixed values', () => {
    const { callerPolicy, trustPolicy } = generatePolicies(CALLER_ROLE)
    expect(replacePlaceholder(createAdditions(ALL_NEEDS, [CALLER_ROLE]))).toEqual([
      {
        account: CALLER_ACCOUNT,
        to: expect.stringContaining(CALLER_ROLE),
        statement: callerPolicy.Statement[0],
      },
      {
        account: TARGET_ACCOUNT,
        to: expect.stringContaining('CrossAccountDynamoRole'),
        statement: trustPolicy.Statement,
      },
    ])
  })

  test('the additions are one statement for each account of the callers and one trust policy for all callers', () => {
    const otherCallers = ['arn:aws:iam::333333333333:role/One', `arn:aws:iam::${CALLER_ACCOUNT}:role/Two`]
    const callers = [CALLER_ROLE, ...otherCallers]
    const { callerPolicy, trustPolicy } = generatePolicies(callers)
    const additions = replacePlaceholder(createAdditions(ALL_NEEDS, callers))
    expect(additions).toMatchObject([
      { account: CALLER_ACCOUNT, statement: callerPolicy.Statement[0] },
      { account: '333333333333', statement: callerPolicy.Statement[0] },
      { account: TARGET_ACCOUNT, statement: trustPolicy.Statement },
    ])
    expect(additions[0].to).toContain(`${CALLER_ROLE}, ${otherCallers[1]}`)
    expect(additions[1].to).not.toContain(CALLER_ROLE)
  })

  test('an addition is one statement and not a list if a session needs only AssumeRole', () => {
    for (const { statement } of createAdditions(MINIMAL_NEEDS, [CALLER_ROLE]))
      expect(statement).toMatchObject({ Action: 'sts:AssumeRole' })
  })

  test.each(['sts:TagSession', 'sts:SetSourceIdentity'])(
    'the additions include %s if it was denied, even if the session does not need it',
    (action) => {
      const [caller, trust] = createAdditions(MINIMAL_NEEDS, [CALLER_ROLE], action)
      const deniedActionStatement = { Sid: action.replace('sts:', ''), Effect: 'Allow', Action: action }
      expect(caller?.statement).toEqual([
        expect.objectContaining({ Action: 'sts:AssumeRole' }),
        { ...deniedActionStatement, Resource: ROLE },
      ])
      expect(trust?.statement).toEqual([
        expect.objectContaining({ Action: 'sts:AssumeRole' }),
        { ...deniedActionStatement, Principal: { AWS: CALLER_ROLE } },
      ])
      expect(createAdditions(ALL_NEEDS, [CALLER_ROLE], action)).toEqual(
        createAdditions(ALL_NEEDS, [CALLER_ROLE]),
      )
    },
  )
})

describe('advice on a denied call', () => {
  const findPrincipals = (advice: string) =>
    parseStatements(advice)[TARGET_ACCOUNT]?.map(({ Principal }) => Principal)

  test('the advice contains the additions as JSON', () => {
    const statements = Object.values(parseStatements(adviseOnDenial(createDenialMessage(), ALL_NEEDS)))
    expect(statements).toEqual(
      createAdditions(ALL_NEEDS, [CALLER_ROLE]).map(({ statement }) => [statement].flat()),
    )
  })

  test('the principal in the advice is in the partition of the caller', () => {
    const caller = `arn:aws-cn:sts::${CALLER_ACCOUNT}:assumed-role/LambdaExecutionRole/fn`
    const roleArn = ROLE.replace('arn:aws:', 'arn:aws-cn:')
    const advice = adviseOnDenial(createDenialMessage('', caller), { ...MINIMAL_NEEDS, roleArn })
    expect(findPrincipals(advice)).toEqual([
      { AWS: `arn:aws-cn:iam::${CALLER_ACCOUNT}:role/LambdaExecutionRole` },
    ])
  })

  test('the advice mentions the path of a role, which STS does not report for sessions', () => {
    expect(adviseOnDenial(createDenialMessage(), MINIMAL_NEEDS)).toMatch(/LambdaExecutionRole has a path/)
  })

  test('the principal in the advice is the caller itself if it is not a session', () => {
    const caller = `arn:aws:iam::${CALLER_ACCOUNT}:user/teams/dev`
    const advice = adviseOnDenial(createDenialMessage('', caller), MINIMAL_NEEDS)
    expect(findPrincipals(advice)).toEqual([{ AWS: caller }])
    expect(advice).not.toMatch(/has a path/)
  })

  test.each([
    `arn:aws:iam::${CALLER_ACCOUNT}:root`,
    `arn:aws:iam::${CALLER_ACCOUNT}:role/*`,
    `arn:aws:sts::${CALLER_ACCOUNT}:assumed-role/*/x`,
    `arn:aws:sts::${CALLER_ACCOUNT}:assumed-role/\${aws:x}/x`,
    `arn:aws-cn:sts::${CALLER_ACCOUNT}:assumed-role/LambdaExecutionRole/x`,
    'arn:*',
  ])('the advice contains a placeholder if a message names the caller %s', (caller) => {
    const advice = adviseOnDenial(createDenialMessage('', caller), MINIMAL_NEEDS)
    expect(findPrincipals(advice)).toEqual([{ AWS: UNKNOWN_CALLER }])
  })

  test.each(['sts:assumerole', 'sts:*', 'sts:AssumeRoleX', 'sts:GetFederationToken'])(
    'the advice contains no statement for the action %s, which a message can forge',
    (action) => {
      expect(adviseOnDenial(createDenialMessage('', CALLER, action), ALL_NEEDS)).toBe(
        adviseOnDenial(createDenialMessage(), ALL_NEEDS),
      )
    },
  )

  test.each(['', 'Access denied'])(
    'the advice contains a placeholder if STS does not name the caller: %p',
    (message) => {
      const advice = adviseOnDenial(message, MINIMAL_NEEDS)
      expect(findPrincipals(advice)).toEqual([{ AWS: UNKNOWN_CALLER }])
      expect(Object.keys(parseStatements(advice))).toHaveLength(2)
    },
  )
})

test.each(['a service control policy', 'a resource control policy', 'a permissions boundary'])(
  'the advice contains no statement to add if %s explicitly denies the call',
  (policy) => {
    const denied = createDenialMessage(
      ` with an explicit deny in ${policy}: arn:aws:iam::333333333333:policy/Guard`,
    )
    const advice = adviseOnDenial(denied, ALL_NEEDS)
    expect(parseStatements(advice)).toEqual({})
    expect(advice).toContain(policy.replace(/^an? /, ''))
  },
)

test('the advice contains no statement to add if AWS reports an explicit deny without its policy', () => {
  const advice = adviseOnDenial(createDenialMessage(' with an explicit deny'), ALL_NEEDS)
  expect(parseStatements(advice)).toEqual({})
  expect(advice).toMatch(/explicit deny in a policy denies/)
})

test('the advice mentions a role that was deleted and created again, and a role that does not exist', () => {
  const advice = adviseOnDenial(createDenialMessage(), MINIMAL_NEEDS)
  expect(advice).toMatch(/LambdaExecutionRole was deleted and created again/)
  expect(advice).toMatch(/no role CrossAccountDynamoRole/)
})

// AWS documents the reasons at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
describe('the explanation of a denied call', () => {
  const explainReason = (reason: string) =>
    explainDenial(parseAssumeRoleDenial(createDenialMessage(reason)), CALLER_ACCOUNT, TARGET_ACCOUNT)
  /** Returns the accounts that the explanation names. */
  const findAccounts = (text: string) =>
    [CALLER_ACCOUNT, TARGET_ACCOUNT].filter((account) => text.includes(account))

  test('the explanation names neither account if AWS gives no reason', () => {
    expect(findAccounts(explainReason(''))).toEqual([])
  })

  test.each([
    ['an identity-based policy', CALLER_ACCOUNT],
    ['a resource-based policy', TARGET_ACCOUNT],
    ['a service control policy', CALLER_ACCOUNT],
    ['a resource control policy', TARGET_ACCOUNT],
    ['a VPC endpoint policy', CALLER_ACCOUNT],
    ['a session policy', CALLER_ACCOUNT],
    ['a permissions boundary', CALLER_ACCOUNT],
    ['the role trust policy', TARGET_ACCOUNT],
  ])('the explanation names %s that explicitly denies the call, and account %s', (policy, account) => {
    for (const policySuffix of ['', `: arn:aws:iam::333333333333:policy/Guard`]) {
      const text = explainReason(` with an explicit deny in ${policy}${policySuffix}`)
      expect(text).toContain(policy.replace(/^(?:an?|the) /, ''))
      expect(text).toContain('explicit deny')
      expect(findAccounts(text)).toEqual([account])
    }
  })

  test.each([
    ['identity-based policy', CALLER_ACCOUNT],
    ['permissions boundary', CALLER_ACCOUNT],
    ['service control policy', CALLER_ACCOUNT],
    ['VPC endpoint policy', CALLER_ACCOUNT],
    ['role trust policy', TARGET_ACCOUNT],
    ['resource-based policy', TARGET_ACCOUNT],
  ])('the explanation names the %s that does not allow the call, and account %s', (policy, account) => {
    const text = explainReason(` because no ${policy} allows the sts:AssumeRole action`)
    expect(text).toContain(policy)
    expect(text).not.toContain('explicit deny')
    expect(findAccounts(text)).toEqual([account])
  })
})
