/** A CloudFormation template per account. The policies in it are JSON, which is valid YAML. */
import { callerHeading, type PlacedPolicies } from './placed-policies.ts'

export const cloudformation = (policies: PlacedPolicies): string => {
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
${indented(trustPolicy, 8)}
      Policies:
        - PolicyName: Tables
          PolicyDocument:
${indented(permissionsPolicy, 12)}
`,
  ...callers.map(
    (caller) => `# ${callerHeading(caller)}; deploy with --capabilities CAPABILITY_IAM
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  AssumeTargetRole:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: ${JSON.stringify(caller.roles.map(({ name }) => name))}
      PolicyDocument:
${indented(callerPolicy, 8)}
`,
  ),
].join('---\n')}`
}

const indented = (document: object, spaces: number): string =>
  // /^/gm would also match after the line separators that the value of a tag can contain.
  JSON.stringify(document, undefined, 2).replace(/^|(?<=\n)/g, ' '.repeat(spaces))
