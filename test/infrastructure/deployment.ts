/** What the infrastructure in examples/ makes of the two accounts, whichever tool it is written for. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { PolicyDocument, SandboxAccount, SandboxRole } from '../sandbox/index.ts'
import { ACCOUNT_A, ACCOUNT_B, EXTERNAL_ID } from '../sandbox/textbook.ts'

export const SET_UPS = ['textbook', 'pooled-tenants'] as const
export type SetUpName = (typeof SET_UPS)[number]

/** Where it is deployed to. */
export const TARGET = {
  functionAccount: ACCOUNT_A,
  tableAccount: ACCOUNT_B,
  region: 'us-east-1',
  externalId: EXTERNAL_ID,
}

/** The function, in CloudFormation's words. */
export interface FunctionSettings {
  FunctionName: string
  Runtime: string
  Architectures: string[]
  Handler: string
  Timeout: number
  MemorySize: number
  LogFormat: string
  /** The role's ARN. */
  Role: string
  Variables: Record<string, string>
  inVpc: boolean
}

export interface Endpoint {
  service: string
  type: string
  privateDns: boolean
  policy: PolicyDocument
}

export interface Deployment {
  accounts: SandboxAccount[]
  function: FunctionSettings
  /** Names of AWS managed policies that the execution role has besides its own. */
  managedPolicies: string[]
  endpoints: Endpoint[]
}

export type Deploy = (setUp: SetUpName, options: { vpc: boolean }) => Promise<Deployment>

/** What each tool's reader finds in one account. */
export interface Found {
  roles: (SandboxRole & { managedPolicies: string[] })[]
  tables: CreateTableCommandInput[]
  functions: FunctionSettings[]
  endpoints: Endpoint[]
}

const only = <T>(things: readonly T[], what: string): T => {
  const [first] = things
  if (first === undefined || things.length > 1) throw new Error(`found ${things.length} ${what}, not one`)
  return first
}

/** The function's account and the table's, as far as the sandbox and the tests look at them. */
export function deployment(a: Found, b: Found): Deployment {
  const account = (id: string, { roles, tables }: Found): SandboxAccount => ({
    id,
    roles: roles.map(({ managedPolicies: _, ...role }) => role),
    tables,
  })
  return {
    accounts: [account(TARGET.functionAccount, a), account(TARGET.tableAccount, b)],
    function: only(a.functions, 'functions in account A'),
    managedPolicies: only(a.roles, 'roles in account A').managedPolicies,
    endpoints: a.endpoints,
  }
}

/** `AWSLambdaBasicExecutionRole` of the ARN of that managed policy. */
export const managedPolicyName = (arn: string): string => {
  const name = /^arn:aws:iam::aws:policy\/service-role\/(\w+)$/.exec(arn)?.[1]
  if (name === undefined) throw new Error(`${arn} is no managed policy of AWS for services`)
  return name
}
