/** The accounts that a run deploys to, and the names of what it creates there. */
import {
  createPooledTenantsSettings,
  createPutAndGetSettings,
  type DeploymentTarget,
  type ExampleSettings,
} from '../../examples/infrastructure/cdk/example-settings.ts'
import { ACCOUNT_A, ACCOUNT_B, EXTERNAL_ID } from '../sandbox/two-accounts.ts'

export interface TestTarget extends DeploymentTarget {
  /** Distinguishes the resources of this run from all others in the accounts. */
  readonly runId: string
}

/** The target of the plan and of the example of the report. */
export const EXAMPLE_TARGET: TestTarget = {
  functionAccount: ACCOUNT_A,
  tableAccount: ACCOUNT_B,
  region: 'us-east-1',
  externalId: EXTERNAL_ID,
  runId: 'example',
}

/** Returns the name of a stack, role, function or table of a run. */
export const toResourceName = ({ runId }: Pick<TestTarget, 'runId'>, name: string): string =>
  `CrossAccountDynamoTest-${runId}-${name}`

export const toRoleArn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`

/** A Region in which no stack is deployed. */
export const findOtherRegion = ({ region }: Pick<TestTarget, 'region'>): string =>
  region === 'us-west-2' ? 'us-east-1' : 'us-west-2'

/** Returns the settings of the two examples, with names that belong to this run only. */
export const createExamples = (
  target: TestTarget,
): Record<'PutAndGet' | 'PooledTenants', ExampleSettings> => {
  const rename = (settings: ExampleSettings): ExampleSettings => {
    const targetRoleName = settings.session.roleArn.split('/').at(-1) ?? ''
    return {
      ...settings,
      functionName: toResourceName(target, settings.functionName),
      executionRoleName: toResourceName(target, settings.executionRoleName),
      tableName: toResourceName(target, settings.tableName),
      session: {
        ...settings.session,
        roleArn: toRoleArn(target.tableAccount, toResourceName(target, targetRoleName)),
      },
    }
  }
  return {
    PutAndGet: rename(createPutAndGetSettings(target)),
    PooledTenants: rename(createPooledTenantsSettings(target)),
  }
}

/** Returns the names of the stacks of each account, in the order of their deployment. */
export const listStacks = (target: Pick<TestTarget, 'runId'>) => {
  const toStackName = (name: string): string => toResourceName(target, name)
  return {
    functionAccount: ['PutAndGetFunction', 'PooledTenantsFunction', 'Callers'].map(toStackName),
    tableAccount: ['PutAndGetTable', 'PooledTenantsTable', 'Targets'].map(toStackName),
  }
}

/** Replaces the account IDs by those of the documentation. */
export const maskAccounts = (text: string, { functionAccount, tableAccount }: TestTarget): string =>
  text.replaceAll(functionAccount, ACCOUNT_A).replaceAll(tableAccount, ACCOUNT_B)
