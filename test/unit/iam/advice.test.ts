/** The advice on a denied call: the statements for each account, and which policy AWS says denied it. */
import { describe, expect, test } from '@jest/globals'
import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import {
  additionsFor,
  adviseOnDenial,
  EXTERNAL_ID_PLACEHOLDER,
  explainDenial,
  type SessionNeeds,
  UNKNOWN_CALLER,
} from '../../../src/iam/advice.ts'
import { statementsIn } from '../../statements.ts'

const A = '111111111111'
const B = '222222222222'
const ROLE = `arn:aws:iam::${B}:role/teams/CrossAccountDynamoRole`
const CALLER_ROLE = `arn:aws:iam::${A}:role/LambdaExecutionRole`
const CALLER = `arn:aws:sts::${A}:assumed-role/LambdaExecutionRole/orders-function`

const PLAIN: SessionNeeds = {
  roleArn: ROLE,
  hasExternalId: false,
  tags: new Map(),
  transitiveTagKeys: [],
  sourceIdentity: false,
}
const FULL: SessionNeeds = {
  roleArn: ROLE,
  hasExternalId: true,
  tags: new Map([
    ['team', 'orders'],
    ['TenantId', undefined],
  ]),
  transitiveTagKeys: ['team'],
  sourceIdentity: 'orders-function',
}

const generated = (executionRoleArn: string | string[]) =>
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

const denied = (more = '', caller = CALLER, action = 'sts:AssumeRole') =>
  `User: ${caller} is not authorized to perform: ${action} on resource: ${ROLE}${more}`

describe('additions for a session', () => {
  const withExternalId = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replaceAll(EXTERNAL_ID_PLACEHOLDER, 'example-external-id'))

  test('are the statements of crossAccountPolicies(), with fixed values', () => {
    const { callerPolicy, trustPolicy } = generated(CALLER_ROLE)
    expect(withExternalId(additionsFor(FULL, [CALLER_ROLE]))).toEqual([
      { account: A, to: expect.stringContaining(CALLER_ROLE), statement: callerPolicy.Statement[0] },
      {
        account: B,
        to: expect.stringContaining('CrossAccountDynamoRole'),
        statement: trustPolicy.Statement,
      },
    ])
  })

  test('are one statement for each account of the callers, and one trust policy for all callers', () => {
    const others = ['arn:aws:iam::333333333333:role/One', `arn:aws:iam::${A}:role/Two`]
    const callers = [CALLER_ROLE, ...others]
    const { callerPolicy, trustPolicy } = generated(callers)
    const additions = withExternalId(additionsFor(FULL, callers))
    expect(additions).toMatchObject([
      { account: A, statement: callerPolicy.Statement[0] },
      { account: '333333333333', statement: callerPolicy.Statement[0] },
      { account: B, statement: trustPolicy.Statement },
    ])
    expect(additions[0].to).toContain(`${CALLER_ROLE}, ${others[1]}`)
    expect(additions[1].to).not.toContain(CALLER_ROLE)
  })

  test('are a single statement, and not a list, if a session needs only AssumeRole', () => {
    for (const { statement } of additionsFor(PLAIN, [CALLER_ROLE]))
      expect(statement).toMatchObject({ Action: 'sts:AssumeRole' })
  })

  test.each(['sts:TagSession', 'sts:SetSourceIdentity'])(
    'include %s, if it was denied and the session does not need it: the calling session passes it on',
    (action) => {
      const [caller, trust] = additionsFor(PLAIN, [CALLER_ROLE], action)
      const extra = { Sid: action.replace('sts:', ''), Effect: 'Allow', Action: action }
      expect(caller?.statement).toEqual([
        expect.objectContaining({ Action: 'sts:AssumeRole' }),
        { ...extra, Resource: ROLE },
      ])
      expect(trust?.statement).toEqual([
        expect.objectContaining({ Action: 'sts:AssumeRole' }),
        { ...extra, Principal: { AWS: CALLER_ROLE } },
      ])
      expect(additionsFor(FULL, [CALLER_ROLE], action)).toEqual(additionsFor(FULL, [CALLER_ROLE]))
    },
  )
})

describe('advice on a denied call', () => {
  const principalsIn = (advice: string) => statementsIn(advice)[B]?.map(({ Principal }) => Principal)

  test('contains the additions as JSON', () => {
    const statements = Object.values(statementsIn(adviseOnDenial(denied(), FULL)))
    expect(statements).toEqual(additionsFor(FULL, [CALLER_ROLE]).map(({ statement }) => [statement].flat()))
  })

  test('has the partition of the caller in the principal', () => {
    const caller = `arn:aws-cn:sts::${A}:assumed-role/LambdaExecutionRole/fn`
    const advice = adviseOnDenial(denied('', caller), PLAIN)
    expect(principalsIn(advice)).toEqual([{ AWS: `arn:aws-cn:iam::${A}:role/LambdaExecutionRole` }])
  })

  test('mentions the path of a role, which STS does not report for sessions', () => {
    expect(adviseOnDenial(denied(), PLAIN)).toMatch(/LambdaExecutionRole has a path/)
  })

  test('has a caller that is not a session as the principal itself', () => {
    const caller = `arn:aws:iam::${A}:user/teams/dev`
    const advice = adviseOnDenial(denied('', caller), PLAIN)
    expect(principalsIn(advice)).toEqual([{ AWS: caller }])
    expect(advice).not.toMatch(/has a path/)
  })

  test.each(['', 'Access denied'])('has a placeholder if STS does not name the caller: %p', (message) => {
    const advice = adviseOnDenial(message, PLAIN)
    expect(principalsIn(advice)).toEqual([{ AWS: UNKNOWN_CALLER }])
    expect(Object.keys(statementsIn(advice))).toHaveLength(2)
  })
})

// The reasons of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
describe('the explanation of a denied call', () => {
  const explain = (reason: string) => explainDenial(denied(reason), 'sts:AssumeRole', A, B)
  /** The accounts that the explanation sends the reader to. */
  const accountsIn = (text: string) => [A, B].filter((account) => text.includes(account))

  test('names neither account if AWS gives no reason', () => {
    expect(accountsIn(explain(''))).toEqual([])
  })

  test.each([
    ['an identity-based policy', A],
    ['a resource-based policy', B],
    ['a service control policy', A],
    ['a resource control policy', B],
    ['a VPC endpoint policy', A],
    ['a session policy', A],
    ['a permissions boundary', A],
    ['the role trust policy', B],
  ])('names %s that denies the call explicitly, and account %s', (policy, account) => {
    for (const end of ['', `: arn:aws:iam::333333333333:policy/Guard`]) {
      const text = explain(` with an explicit deny in ${policy}${end}`)
      expect(text).toContain(policy)
      expect(text).toContain('explicit deny')
      expect(accountsIn(text)).toEqual([account])
    }
  })

  test.each([
    ['identity-based policy', A],
    ['permissions boundary', A],
    ['service control policy', A],
    ['VPC endpoint policy', A],
    ['role trust policy', B],
    ['resource-based policy', B],
  ])('names the %s that does not allow the call, and account %s', (policy, account) => {
    const text = explain(` because no ${policy} allows the sts:AssumeRole action`)
    expect(text).toContain(policy)
    expect(text).not.toContain('explicit deny')
    expect(accountsIn(text)).toEqual([account])
  })
})
