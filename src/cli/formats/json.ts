/** The documents as they are, for the console or `aws iam`. */
import type { PlacedPolicies } from '../policies.ts'

export const json = (policies: PlacedPolicies): string => {
  const { role, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  const section = (title: string, document: object) =>
    `# ${title}\n${JSON.stringify(document, undefined, 2)}\n`
  return [
    section(`Account ${role.accountId} (tables): trust policy of ${role.name}`, trustPolicy),
    section(`Account ${role.accountId} (tables): permissions policy of ${role.name}`, permissionsPolicy),
    ...callers.map(({ accountId, roles }) =>
      section(
        `Account ${accountId} (function): policy of ${roles.map(({ name }) => name).join(', ') || 'the execution role'}`,
        callerPolicy,
      ),
    ),
  ].join('\n')
}
