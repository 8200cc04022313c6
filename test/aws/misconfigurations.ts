/** Mistakes that users make in one of the two accounts, as data. The tests run them on the sandbox, and `npm run test:aws` on AWS. */
import { crossAccountPolicies } from 'middy-cross-account-dynamo/policies'
import type { ExpectedResult } from './attempt.ts'
import { findOtherRegion, type TestTarget, toResourceName, toRoleArn } from './target.ts'

/** An IAM document. The generator's type has only statements that allow something. */
export interface PolicyDocument {
  readonly Version: string
  readonly Statement: readonly Statement[]
}
type Statement = Readonly<Record<string, unknown>>

/** The request of a function: the session, and the table that it reads. */
export interface FunctionRequest {
  readonly roleArn: string
  readonly externalId?: string
  readonly sessionTags?: Readonly<Record<string, string>>
  readonly sourceIdentity?: string
  /** The Region to which the function sends the request. */
  readonly region: string
  readonly tableName: string
}

/** Both roles and the request. Each misconfiguration has its own two roles, so that no policy has to change during a run. */
export interface Setup {
  readonly callerPolicy: PolicyDocument
  readonly trustPolicy: PolicyDocument
  readonly permissionsPolicy: PolicyDocument
  readonly request: FunctionRequest
}

export interface Misconfiguration {
  /** Part of the names of the roles. */
  readonly name: string
  /** What is wrong, as a sentence without a period. */
  readonly title: string
  /** What the function sends besides the external ID. */
  readonly session?: Pick<FunctionRequest, 'sessionTags' | 'sourceIdentity'>
  /** Replaces the faulty part of a correct setup. */
  readonly misconfigure: (correct: Setup, target: TestTarget) => Partial<Setup>
  readonly expected: ExpectedResult
}

/** The setup in which nothing is wrong. A run waits until it works, because IAM distributes new roles with a delay. */
export const CORRECT_NAME = 'correct'

const EMPTY_POLICY: PolicyDocument = { Version: '2012-10-17', Statement: [] }
const TAGS = { sessionTags: { team: 'orders' } }
const createAssumeRoleDenied = (action: string): ExpectedResult => ({ code: 'ASSUME_ROLE_DENIED', action })
const GET_ITEM_DENIED: ExpectedResult = { code: 'AccessDeniedException', action: 'dynamodb:GetItem' }

export const MISCONFIGURATIONS: readonly Misconfiguration[] = [
  {
    name: 'no-caller-policy',
    title: 'The execution role has no policy that allows sts:AssumeRole',
    misconfigure: () => ({ callerPolicy: EMPTY_POLICY }),
    expected: createAssumeRoleDenied('sts:AssumeRole'),
  },
  {
    name: 'other-principal',
    title: 'The trust policy names another role of account A',
    misconfigure: ({ trustPolicy }, target) => ({
      trustPolicy: mapStatements(trustPolicy, (statement) => ({
        ...statement,
        Principal: { AWS: toCallerArn(target, CORRECT_NAME) },
      })),
    }),
    expected: createAssumeRoleDenied('sts:AssumeRole'),
  },
  {
    name: 'wrong-external-id',
    title: 'The function sends another external ID than the trust policy requires',
    misconfigure: ({ request }) => ({ request: { ...request, externalId: 'another-external-id' } }),
    expected: createAssumeRoleDenied('sts:AssumeRole'),
  },
  {
    name: 'no-external-id',
    title: 'The function sends no external ID, but the trust policy requires one',
    misconfigure: ({ request: { externalId: _, ...request } }) => ({ request }),
    expected: createAssumeRoleDenied('sts:AssumeRole'),
  },
  {
    name: 'tags-not-trusted',
    title: 'The function sends a session tag, but the trust policy does not allow sts:TagSession',
    session: TAGS,
    misconfigure: ({ trustPolicy }) => ({ trustPolicy: removeStatement(trustPolicy, 'TagSession') }),
    expected: createAssumeRoleDenied('sts:TagSession'),
  },
  {
    name: 'caller-without-tags',
    title:
      'The function sends a session tag, but the policy of the execution role does not allow sts:TagSession',
    session: TAGS,
    misconfigure: ({ callerPolicy }) => ({ callerPolicy: setActions(callerPolicy, ['sts:AssumeRole']) }),
    expected: createAssumeRoleDenied('sts:TagSession'),
  },
  {
    name: 'no-source-identity',
    title: 'The function sends a source identity, but the trust policy does not allow sts:SetSourceIdentity',
    session: { sourceIdentity: 'maya' },
    misconfigure: ({ trustPolicy }) => ({ trustPolicy: removeStatement(trustPolicy, 'SetSourceIdentity') }),
    expected: createAssumeRoleDenied('sts:SetSourceIdentity'),
  },
  {
    name: 'no-such-role',
    title: 'The target role does not exist',
    misconfigure: ({ request }) => ({ request: { ...request, roleArn: `${request.roleArn}-missing` } }),
    expected: createAssumeRoleDenied('sts:AssumeRole'),
  },
  {
    name: 'action-not-allowed',
    title: 'The permissions policy of the target role does not allow the action',
    misconfigure: ({ permissionsPolicy }) => ({
      permissionsPolicy: setActions(permissionsPolicy, ['dynamodb:PutItem']),
    }),
    expected: GET_ITEM_DENIED,
  },
  {
    name: 'explicit-deny',
    title: 'A statement of the target role explicitly denies the action',
    misconfigure: ({ permissionsPolicy }) => ({
      permissionsPolicy: {
        ...permissionsPolicy,
        Statement: [
          ...permissionsPolicy.Statement,
          { Sid: 'Deny', Effect: 'Deny', Action: 'dynamodb:GetItem', Resource: '*' },
        ],
      },
    }),
    expected: GET_ITEM_DENIED,
  },
  {
    name: 'other-region',
    title: 'The function sends the request to another Region than that of the table',
    misconfigure: ({ request }, target) => ({ request: { ...request, region: findOtherRegion(target) } }),
    expected: GET_ITEM_DENIED,
  },
  {
    name: 'no-such-table',
    title: 'The table does not exist, but the permissions policy allows the request',
    misconfigure: ({ request }) => ({ request: { ...request, tableName: `${request.tableName}-missing` } }),
    expected: { code: 'ResourceNotFoundException' },
  },
]

/** Returns the name of the table that all setups read. */
export const toTableName = (target: TestTarget): string => toResourceName(target, 'Misconfigured')
export const toCallerName = (target: TestTarget, name: string): string =>
  toResourceName(target, `${name}-caller`)
export const toTargetRoleName = (target: TestTarget, name: string): string => toResourceName(target, name)
export const toCallerArn = (target: TestTarget, name: string): string =>
  toRoleArn(target.functionAccount, toCallerName(target, name))

/** Returns a setup with which the request succeeds. */
export const createCorrectSetup = (
  target: TestTarget,
  { name, session = {} }: Pick<Misconfiguration, 'name' | 'session'> = { name: CORRECT_NAME },
): Setup => {
  const roleArn = toRoleArn(target.tableAccount, toTargetRoleName(target, name))
  const tableName = toTableName(target)
  const { region, externalId } = target
  const { callerPolicy, trustPolicy, permissionsPolicy } = crossAccountPolicies({
    roleArn,
    executionRoleArn: toCallerArn(target, name),
    // The role also allows a table that no stack creates.
    tables: [tableName, `${tableName}-missing`],
    access: ['GetItem'],
    region,
    externalId,
    sessionTagKeys: session.sessionTags,
    sourceIdentity: session.sourceIdentity,
  })
  return {
    callerPolicy: toDocument(callerPolicy),
    trustPolicy: toDocument(trustPolicy),
    permissionsPolicy: toDocument(permissionsPolicy),
    request: { roleArn, externalId, ...session, region, tableName },
  }
}

export const createFaultySetup = (target: TestTarget, misconfiguration: Misconfiguration): Setup => {
  const correct = createCorrectSetup(target, misconfiguration)
  return { ...correct, ...misconfiguration.misconfigure(correct, target) }
}

/** Returns the correct setup and the setups of all misconfigurations, by name. */
export const createSetups = (target: TestTarget): ReadonlyMap<string, Setup> =>
  new Map([
    [CORRECT_NAME, createCorrectSetup(target)],
    ...MISCONFIGURATIONS.map(
      (misconfiguration) => [misconfiguration.name, createFaultySetup(target, misconfiguration)] as const,
    ),
  ])

const toDocument = ({
  Version,
  Statement,
}: {
  Version: string
  Statement: readonly object[]
}): PolicyDocument => ({
  Version,
  Statement: Statement.map((statement) => ({ ...statement })),
})
const mapStatements = (
  document: PolicyDocument,
  map: (statement: Statement) => Statement,
): PolicyDocument => ({
  ...document,
  Statement: document.Statement.map(map),
})
const setActions = (document: PolicyDocument, Action: readonly string[]): PolicyDocument =>
  mapStatements(document, (statement) => ({ ...statement, Action }))
const removeStatement = (document: PolicyDocument, sid: string): PolicyDocument => ({
  ...document,
  Statement: document.Statement.filter(({ Sid }) => Sid !== sid),
})
