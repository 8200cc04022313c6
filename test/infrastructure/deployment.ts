/** The resources of both accounts that an example in examples/infrastructure/ deploys, in the same form for each tool. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { PolicyDocument, SandboxAccount, SandboxRole } from '../sandbox/index.ts'
import { ACCOUNT_A, ACCOUNT_B, EXTERNAL_ID } from '../sandbox/two-accounts.ts'

export const EXAMPLES = ['put-and-get', 'pooled-tenants'] as const
export type ExampleName = (typeof EXAMPLES)[number]

/** The accounts, the Region and the external ID that the tests deploy with. */
export const DEPLOYMENT_TARGET = {
  functionAccount: ACCOUNT_A,
  tableAccount: ACCOUNT_B,
  region: 'us-east-1',
  externalId: EXTERNAL_ID,
}

/** The settings of the function. Names that begin with a capital letter are CloudFormation property names. */
export interface FunctionSettings {
  FunctionName: string
  Runtime: string
  Architectures: string[]
  Handler: string
  Timeout: number
  MemorySize: number
  LogFormat: string
  /** The ARN of the execution role. */
  Role: string
  Variables: Record<string, string>
  isInVpc: boolean
}

export interface Endpoint {
  service: string
  type: string
  hasPrivateDns: boolean
  policy: PolicyDocument
}

export interface Deployment {
  accounts: SandboxAccount[]
  function: FunctionSettings
  /** The names of the AWS managed policies that are attached to the execution role. */
  managedPolicies: string[]
  endpoints: Endpoint[]
  /** The names of the tables in account B with point-in-time recovery. */
  recoverableTables: string[]
}

export type DeployExample = (example: ExampleName, options: { hasVpc: boolean }) => Promise<Deployment>

/** The resources of one account, as the files of an example define them. */
export interface AccountResources {
  roles: (SandboxRole & { managedPolicies: string[] })[]
  tables: CreateTableCommandInput[]
  /** The names of the tables with point-in-time recovery. */
  recoverableTables: string[]
  functions: FunctionSettings[]
  endpoints: Endpoint[]
}

const requireOne = <T>(resources: readonly T[], description: string): T => {
  const [first] = resources
  if (first === undefined || resources.length > 1)
    throw new Error(`Expected one of ${description}, but found ${resources.length}.`)
  return first
}

/** @throws if account A does not have exactly one function and one role. */
export function createDeployment(
  functionResources: AccountResources,
  tableResources: AccountResources,
): Deployment {
  const toAccount = (id: string, { roles, tables }: AccountResources): SandboxAccount => ({
    id,
    roles: roles.map(({ managedPolicies: _, ...role }) => role),
    tables,
  })
  return {
    accounts: [
      toAccount(DEPLOYMENT_TARGET.functionAccount, functionResources),
      toAccount(DEPLOYMENT_TARGET.tableAccount, tableResources),
    ],
    function: requireOne(functionResources.functions, 'the functions in account A'),
    managedPolicies: requireOne(functionResources.roles, 'the roles in account A').managedPolicies,
    endpoints: functionResources.endpoints,
    recoverableTables: tableResources.recoverableTables,
  }
}

/** Returns the name in the ARN of an AWS managed policy, such as `AWSLambdaBasicExecutionRole`. */
export const parseManagedPolicyName = (arn: string): string => {
  const name = /^arn:aws:iam::aws:policy\/service-role\/(\w+)$/.exec(arn)?.[1]
  if (name === undefined)
    throw new Error(`${arn} is not the ARN of an AWS managed policy for a service role.`)
  return name
}
