import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { PolicyDocument, SandboxAccount } from './account.ts'

/** A recipe's policies.json: roles by their ARNs. */
type Roles = Record<string, { trust?: PolicyDocument; permissions: PolicyDocument }>

/** The accounts that a recipe in examples/ needs, with the policies that it shows and no others, and these tables. */
export function recipeAccounts(
  recipe: string,
  tables: Readonly<Record<string, CreateTableCommandInput[]>>,
): SandboxAccount[] {
  const file = join(import.meta.dirname, '../../examples', recipe, 'policies.json')
  const roles = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Roles).map(([arn, role]) => {
    const [, account = '', name = ''] = /^arn:aws:iam::(\d{12}):role\/(\w+)$/.exec(arn) ?? []
    const { trust, permissions } = role
    return { account, name, policies: [permissions], ...(trust && { trustPolicy: trust }) }
  })
  const ids = new Set([...roles.map(({ account }) => account), ...Object.keys(tables)])
  return [...ids].map((id) => ({
    id,
    roles: roles.filter(({ account }) => account === id).map(({ account: _, ...role }) => role),
    tables: tables[id] ?? [],
  }))
}

/** A table whose keys are strings. */
export const table = (TableName: string, partitionKey: string, sortKey?: string): CreateTableCommandInput => {
  const keys = sortKey === undefined ? [partitionKey] : [partitionKey, sortKey]
  return {
    TableName,
    AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keys.map((AttributeName, index) => ({
      AttributeName,
      KeyType: index === 0 ? 'HASH' : 'RANGE',
    })),
  }
}
