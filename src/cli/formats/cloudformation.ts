/** A CloudFormation template for each account. Policies stand in them as JSON, which is YAML. */
import type { PlacedPolicies } from '../policies.ts'

export const cloudformation = (policies: PlacedPolicies): string => {
  const { role, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  return `# ${1 + callers.length} templates, each for a stack of its own: save what is between two lines of --- in its own file.
${[
  `# Account ${role.accountId} (tables); deploy with --capabilities CAPABILITY_NAMED_IAM
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  TargetRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: ${JSON.stringify(role.name)}
      Path: ${JSON.stringify(role.path)}
      AssumeRolePolicyDocument:
${indented(trustPolicy, 8)}
      Policies:
        - PolicyName: Tables
          PolicyDocument:
${indented(permissionsPolicy, 12)}
`,
  ...callers.map(
    ({ accountId, roles }) => `# Account ${accountId} (function); deploy with --capabilities CAPABILITY_IAM
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  AssumeTargetRole:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: ${JSON.stringify(roles.map(({ name }) => name))}
      PolicyDocument:
${indented(callerPolicy, 8)}
`,
  ),
].join('---\n')}`
}

const indented = (document: object, spaces: number): string =>
  // Not by /^/gm, which also matches after the line separators that a tag's value may hold.
  JSON.stringify(document, undefined, 2).replace(/^|(?<=\n)/g, ' '.repeat(spaces))
