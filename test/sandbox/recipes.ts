import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { PolicyDocument, SandboxAccount } from './account.ts'

/** The content of policies.json in a recipe: the policies of each role, by role ARN. */
type RecipePolicies = Record<string, { trust?: PolicyDocument; permissions: PolicyDocument }>

export const readRecipePolicies = (recipe: string): RecipePolicies =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../examples', recipe, 'policies.json'), 'utf8'))

/**
 * Creates the accounts of a recipe in examples/. Their roles have only the policies in the recipe's policies.json.
 *
 * @param tables the tables of each account, by account ID
 */
export function createRecipeAccounts(
  recipe: string,
  tables: Readonly<Record<string, CreateTableCommandInput[]>>,
): SandboxAccount[] {
  const roles = Object.entries(readRecipePolicies(recipe)).map(([arn, { trust, permissions }]) => {
    const [, account = '', name = ''] = /^arn:aws:iam::(\d{12}):role\/(\w+)$/.exec(arn) ?? []
    return { account, name, policies: [permissions], ...(trust && { trustPolicy: trust }) }
  })
  const ids = new Set([...roles.map(({ account }) => account), ...Object.keys(tables)])
  return [...ids].map((id) => ({
    id,
    roles: roles.filter(({ account }) => account === id).map(({ account: _, ...role }) => role),
    tables: tables[id] ?? [],
  }))
}

/** Defines a table whose keys are strings. */
export const defineTable = (
  TableName: string,
  partitionKey: string,
  sortKey?: string,
): CreateTableCommandInput => {
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
