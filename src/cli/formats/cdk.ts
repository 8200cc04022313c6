/** A CDK stack for each account. Constructs of the lowest level take policies as they are. */
import type { PlacedPolicies } from '../policies.ts'

export const cdk = (policies: PlacedPolicies): string => {
  const { role, region, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  return `import { Stack } from 'aws-cdk-lib'
import { CfnManagedPolicy, CfnRole } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'

// Account ${role.accountId} (tables)
export class TablesAccount extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id, { env: { account: '${role.accountId}', region: '${region}' } })
    new CfnRole(this, 'TargetRole', {
      roleName: ${JSON.stringify(role.name)},
      path: ${JSON.stringify(role.path)},
      assumeRolePolicyDocument: ${object(trustPolicy)},
      policies: [{ policyName: 'Tables', policyDocument: ${object(permissionsPolicy)} }],
    })
  }
}
${callers
  .map(
    ({ accountId, roles }) => `
// Account ${accountId} (function)
export class FunctionAccount${/^\d+$/.test(accountId) ? accountId : ''} extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id${/^\d+$/.test(accountId) ? `, { env: { account: '${accountId}', region: '${region}' } }` : ''})
    new CfnManagedPolicy(this, 'AssumeTargetRole', {
      roles: ${JSON.stringify(roles.map(({ name }) => name))},
      policyDocument: ${object(callerPolicy)},
    })
  }
}
`,
  )
  .join('')}`
}

const object = (document: object): string => JSON.stringify(document, undefined, 2).replace(/\n/g, '\n      ')
