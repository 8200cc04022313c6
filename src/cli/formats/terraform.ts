/** Terraform for all accounts. Each account has a provider, which rejects credentials of other accounts. */
import { type Caller, callerHeading, type PlacedPolicies } from './placed-policies.ts'

export const terraform = (policies: PlacedPolicies): string => {
  const { role, region, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  const provider = (accountId: string | undefined): string =>
    block('provider "aws"', {
      alias: JSON.stringify(aliasOf(accountId)),
      region: JSON.stringify(region),
      ...(accountId !== undefined && { allowed_account_ids: `[${JSON.stringify(accountId)}]` }),
    })
  const accounts = new Set([role.accountId, ...callers.map(({ accountId }) => accountId)])
  return [
    `# Each provider needs credentials of its account, for example a profile or assume_role.
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
    ...callers.map((caller) => formatCaller(caller, callerPolicy)),
  ].join('\n')
}

const formatCaller = (caller: Caller, callerPolicy: object): string => {
  const { accountId, roles } = caller
  const type = roles.length > 0 ? 'aws_iam_role_policy' : 'aws_iam_policy'
  const names = roles.map(({ name }) => JSON.stringify(name)).join(', ')
  return `# ${callerHeading(caller)}\n${block(`resource "${type}" "${aliasOf(accountId)}"`, {
    provider: `aws.${aliasOf(accountId)}`,
    ...(roles.length > 0 && { for_each: `toset([${names}])`, role: 'each.value' }),
    name: '"AssumeTargetRole"',
    policy: `jsonencode(${hcl(callerPolicy)})`,
  })}`
}

const aliasOf = (accountId: string | undefined): string =>
  accountId === undefined ? 'function' : `account_${accountId}`

/** JSON is valid HCL except for the two sequences that start a template. `terraform fmt` writes a space before colons. */
const hcl = (value: unknown): string =>
  JSON.stringify(value, undefined, 2)
    .replace(/[$%](?=\{)/g, '$&$&')
    .replace(/^( *"[^"]*"):/gm, '$1 :')
    .replace(/\n/g, '\n  ')

/** Formatted as by `terraform fmt`: equals signs are aligned, and attributes of several lines follow an empty line. */
const block = (head: string, attributes: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(attributes)
  const width = Math.max(...entries.map(([name, value]) => (value.includes('\n') ? 0 : name.length)))
  const lines = entries.map(([name, value]) =>
    value.includes('\n') ? `\n  ${name} = ${value}` : `  ${name.padEnd(width)} = ${value}`,
  )
  return `${head} {\n${lines.join('\n')}\n}\n`
}
