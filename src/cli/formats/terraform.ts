/** Terraform for all accounts, with a provider each, which refuses any other account. */
import type { PlacedPolicies } from '../policies.ts'

export const terraform = (policies: PlacedPolicies): string => {
  const { role, region, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  const provider = (accountId: string): string =>
    block('provider "aws"', {
      alias: JSON.stringify(aliasOf(accountId)),
      region: JSON.stringify(region),
      ...(accountId !== OPEN && { allowed_account_ids: `[${JSON.stringify(accountId)}]` }),
    })
  const accounts = new Set([role.accountId, ...callers.map(({ accountId }) => accountId)])
  return [
    `# Each provider needs credentials of its account, by profile or assume_role.
${[...accounts].map(provider).join('\n')}`,
    `# Account ${role.accountId} (tables)\n${block('resource "aws_iam_role" "target"', {
      provider: `aws.${aliasOf(role.accountId)}`,
      name: JSON.stringify(role.name),
      path: hcl(role.path),
      assume_role_policy: `jsonencode(${hcl(trustPolicy)})`,
    })}`,
    block('resource "aws_iam_role_policy" "tables"', {
      provider: `aws.${aliasOf(role.accountId)}`,
      name: '"Tables"',
      role: 'aws_iam_role.target.id',
      policy: `jsonencode(${hcl(permissionsPolicy)})`,
    }),
    ...callers.map(({ accountId, roles }) => {
      const type = roles.length > 0 ? 'aws_iam_role_policy' : 'aws_iam_policy'
      const names = roles.map(({ name }) => JSON.stringify(name)).join(', ')
      return `# Account ${accountId} (function)\n${block(`resource "${type}" "${aliasOf(accountId)}"`, {
        provider: `aws.${aliasOf(accountId)}`,
        ...(roles.length > 0 && { for_each: `toset([${names}])`, role: 'each.value' }),
        name: '"AssumeTargetRole"',
        policy: `jsonencode(${hcl(callerPolicy)})`,
      })}`
    }),
  ].join('\n')
}

const OPEN = 'of the function'
const aliasOf = (accountId: string): string => (accountId === OPEN ? 'function' : `account_${accountId}`)

/** JSON is HCL, but for the two sequences that begin a template; `terraform fmt` has a space in front of colons. */
const hcl = (value: unknown): string =>
  JSON.stringify(value, undefined, 2)
    .replace(/[$%](?=\{)/g, '$&$&')
    .replace(/^( *"[^"]*"):/gm, '$1 :')
    .replace(/\n/g, '\n  ')

/** As `terraform fmt` has it: signs of equality in a column, and what takes several lines by itself. */
const block = (head: string, attributes: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(attributes)
  const width = Math.max(...entries.map(([name, value]) => (value.includes('\n') ? 0 : name.length)))
  const lines = entries.map(([name, value]) =>
    value.includes('\n') ? `\n  ${name} = ${value}` : `  ${name.padEnd(width)} = ${value}`,
  )
  return `${head} {\n${lines.join('\n')}\n}\n`
}
