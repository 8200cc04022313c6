/** Formats the policies as one CloudFormation template per account. The policies are JSON, which is valid YAML. */
import { type AccountPolicies, formatCallerHeading } from './account-policies.ts'

export const formatCloudFormation = (policies: AccountPolicies): string => {
  const { role, callers, trustPolicy, permissionsPolicy, callerPolicy } = policies
  return `# ${1 + callers.length} templates, separated by ---. Save each in a file and deploy it as a stack in its account.
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
${indent(trustPolicy, 8)}
      Policies:
        - PolicyName: Tables
          PolicyDocument:
${indent(permissionsPolicy, 12)}
`,
  ...callers.map(
    (caller) => `# ${formatCallerHeading(caller)}; deploy with --capabilities CAPABILITY_IAM
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  AssumeTargetRole:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: ${JSON.stringify(caller.roles.map(({ name }) => name))}
      PolicyDocument:
${indent(callerPolicy, 8)}
`,
  ),
].join('---\n')}`
}

const indent = (document: object, spaces: number): string =>
  // /^/gm would also match after the line separators (U+2028) that the value of a tag can contain.
  JSON.stringify(document, undefined, 2).replace(/^|(?<=\n)/g, ' '.repeat(spaces))
