/** Formats the policies as JSON documents, for the IAM console or the AWS CLI. */
import { type AccountPolicies, formatCallerHeading } from './account-policies.ts'

export const formatJson = (policies: AccountPolicies): string => {
  const { role, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  const formatSection = (title: string, document: object) =>
    `# ${title}\n${JSON.stringify(document, undefined, 2)}\n`
  // The account of the function first, because its execution role must exist before the trust policy is saved.
  return [
    ...callers.map((caller) => {
      const roles = caller.roles.map(({ name }) => name).join(', ') || 'the execution role'
      return formatSection(`${formatCallerHeading(caller)}: policy of ${roles}`, callerPolicy)
    }),
    formatSection(`Account ${role.accountId} (tables): trust policy of ${role.name}`, trustPolicy),
    formatSection(
      `Account ${role.accountId} (tables): permissions policy of ${role.name}`,
      permissionsPolicy,
    ),
  ].join('\n')
}
