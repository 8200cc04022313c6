/** The plain policy documents, for the console or `aws iam`. */
import { callerHeading, type PlacedPolicies } from './placed-policies.ts'

export const json = (policies: PlacedPolicies): string => {
  const { role, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  const section = (title: string, document: object) =>
    `# ${title}\n${JSON.stringify(document, undefined, 2)}\n`
  return [
    section(`Account ${role.accountId} (tables): trust policy of ${role.name}`, trustPolicy),
    section(`Account ${role.accountId} (tables): permissions policy of ${role.name}`, permissionsPolicy),
    ...callers.map((caller) => {
      const roles = caller.roles.map(({ name }) => name).join(', ') || 'the execution role'
      return section(`${callerHeading(caller)}: policy of ${roles}`, callerPolicy)
    }),
  ].join('\n')
}
