/** Both set-ups in two accounts: for each a stack in account A and one in account B. */
import { join } from 'node:path'
import type { App } from 'aws-cdk-lib'
import { FunctionStack } from './function-stack.ts'
import { pooledTenants, textbook } from './set-ups.ts'
import { TableStack } from './table-stack.ts'

export const infrastructure = (app: App, bundles = join(import.meta.dirname, '../bundle')): void => {
  const context = (name: string): string => {
    const value: unknown = app.node.tryGetContext(name)
    if (typeof value !== 'string' || value === '') throw new Error(`Say which ${name}: cdk … -c ${name}=…`)
    return value
  }
  const accounts = {
    functionAccount: context('functionAccount'),
    tableAccount: context('tableAccount'),
    region: context('region'),
    externalId: context('externalId'),
  }
  const vpc = app.node.tryGetContext('vpc') === 'true'
  for (const [name, setUp] of Object.entries({
    Textbook: textbook(accounts),
    PooledTenants: pooledTenants(accounts),
  })) {
    new FunctionStack(app, `${name}Function`, setUp, { code: join(bundles, setUp.functionName), vpc })
    new TableStack(app, `${name}Table`, setUp)
  }
}
