/** A CDK stack per account. Its constructs are of level 1, which take policy documents unchanged. */
import { callerHeading, type PlacedPolicies } from './placed-policies.ts'

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
    (caller) => `
// ${callerHeading(caller)}
export class FunctionAccount${caller.accountId ?? ''} extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id${caller.accountId === undefined ? '' : `, { env: { account: '${caller.accountId}', region: '${region}' } }`})
    new CfnManagedPolicy(this, 'AssumeTargetRole', {
      roles: ${JSON.stringify(caller.roles.map(({ name }) => name))},
      policyDocument: ${object(callerPolicy)},
    })
  }
}
`,
  )
  .join('')}`
}

const object = (document: object): string => JSON.stringify(document, undefined, 2).replace(/\n/g, '\n      ')
