/** Formats the policies as one CDK stack per account. The constructs are L1 constructs, which accept policy documents unchanged. */
import { type AccountPolicies, formatCallerHeading } from './account-policies.ts'

export const formatCdk = (policies: AccountPolicies): string => {
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
      assumeRolePolicyDocument: ${formatDocument(trustPolicy)},
      policies: [{ policyName: 'Tables', policyDocument: ${formatDocument(permissionsPolicy)} }],
    })
  }
}
${callers
  .map(
    (caller) => `
// ${formatCallerHeading(caller)}
export class FunctionAccount${caller.accountId ?? ''} extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id${caller.accountId === undefined ? '' : `, { env: { account: '${caller.accountId}', region: '${region}' } }`})
    new CfnManagedPolicy(this, 'AssumeTargetRole', {
      roles: ${JSON.stringify(caller.roles.map(({ name }) => name))},
      policyDocument: ${formatDocument(callerPolicy)},
    })
  }
}
`,
  )
  .join('')}`
}

const formatDocument = (document: object): string =>
  JSON.stringify(document, undefined, 2).replace(/\n/g, '\n      ')
