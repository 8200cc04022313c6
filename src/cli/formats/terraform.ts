/** Formats the policies as one Terraform configuration. Each account has a provider, which rejects credentials of other accounts. */
import { type AccountPolicies, type CallerAccount, formatCallerHeading } from './account-policies.ts'

export const formatTerraform = (policies: AccountPolicies): string => {
  const { role, region, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  const formatProvider = (accountId: string | undefined): string =>
    formatBlock('provider "aws"', {
      alias: JSON.stringify(toProviderAlias(accountId)),
      region: JSON.stringify(region),
      ...(accountId !== undefined && { allowed_account_ids: `[${JSON.stringify(accountId)}]` }),
    })
  const accounts = new Set([role.accountId, ...callers.map(({ accountId }) => accountId)])
  return [
    `# Each provider needs credentials of its account, for example a profile or assume_role.
${[...accounts].map(formatProvider).join('\n')}`,
    `# Account ${role.accountId} (tables)\n${formatBlock('resource "aws_iam_role" "target"', {
      provider: `aws.${toProviderAlias(role.accountId)}`,
      name: JSON.stringify(role.name),
      path: toHcl(role.path),
      assume_role_policy: `jsonencode(${toHcl(trustPolicy)})`,
    })}`,
    formatBlock('resource "aws_iam_role_policy" "tables"', {
      provider: `aws.${toProviderAlias(role.accountId)}`,
      name: '"Tables"',
      role: 'aws_iam_role.target.id',
      policy: `jsonencode(${toHcl(permissionsPolicy)})`,
    }),
    ...callers.map((caller) => formatCallerAccount(caller, callerPolicy)),
  ].join('\n')
}

const formatCallerAccount = (caller: CallerAccount, callerPolicy: object): string => {
  const { accountId, roles } = caller
  const type = roles.length > 0 ? 'aws_iam_role_policy' : 'aws_iam_policy'
  const names = roles.map(({ name }) => JSON.stringify(name)).join(', ')
  return `# ${formatCallerHeading(caller)}\n${formatBlock(
    `resource "${type}" "${toProviderAlias(accountId)}"`,
    {
      provider: `aws.${toProviderAlias(accountId)}`,
      ...(roles.length > 0 && { for_each: `toset([${names}])`, role: 'each.value' }),
      name: '"AssumeTargetRole"',
      policy: `jsonencode(${toHcl(callerPolicy)})`,
    },
  )}`
}

/** Returns the alias of an account's provider. */
const toProviderAlias = (accountId: string | undefined): string =>
  accountId === undefined ? 'function' : `account_${accountId}`

/**
 * Converts a value to HCL. JSON is valid HCL, except that `${` and `%{` start a template and must be escaped. `terraform fmt` writes a
 * space before colons.
 */
const toHcl = (value: unknown): string =>
  JSON.stringify(value, undefined, 2)
    .replace(/[$%](?=\{)/g, '$&$&')
    .replace(/^( *"[^"]*"):/gm, '$1 :')
    .replace(/\n/g, '\n  ')

/** Formats a block as `terraform fmt` does: equals signs are aligned, and an attribute with several lines follows an empty line. */
const formatBlock = (head: string, attributes: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(attributes)
  const width = Math.max(...entries.map(([name, value]) => (value.includes('\n') ? 0 : name.length)))
  const lines = entries.map(([name, value]) =>
    value.includes('\n') ? `\n  ${name} = ${value}` : `  ${name.padEnd(width)} = ${value}`,
  )
  return `${head} {\n${lines.join('\n')}\n}\n`
}
