import { join } from 'node:path'
import type { App } from 'aws-cdk-lib'
import { createPooledTenantsSettings, createPutAndGetSettings } from './example-settings.ts'
import { FunctionStack } from './function-stack.ts'
import { TableStack } from './table-stack.ts'

/**
 * Adds two stacks for each example: the function in account A, and the table in account B.
 *
 * @param bundles the folder that contains the bundled handlers
 * @throws if a required context value is missing.
 */
export const addStacks = (app: App, bundles = join(import.meta.dirname, '../bundle')): void => {
  const requireContext = (name: string): string => {
    const value: unknown = app.node.tryGetContext(name)
    if (typeof value !== 'string' || value === '')
      throw new Error(`The context value ${name} is missing. Add -c ${name}=… to the cdk command.`)
    return value
  }
  const target = {
    functionAccount: requireContext('functionAccount'),
    tableAccount: requireContext('tableAccount'),
    region: requireContext('region'),
    externalId: requireContext('externalId'),
  }
  const hasVpc = app.node.tryGetContext('vpc') === 'true'
  for (const [name, settings] of Object.entries({
    PutAndGet: createPutAndGetSettings(target),
    PooledTenants: createPooledTenantsSettings(target),
  })) {
    new FunctionStack(app, `${name}Function`, settings, {
      code: join(bundles, settings.functionName),
      hasVpc,
    })
    new TableStack(app, `${name}Table`, settings)
  }
}
