import { runSimulation } from '@cloud-copilot/iam-simulate'
import type { PolicyDocument } from './account.ts'
import { TARGET_ROLE_ARN } from './two-accounts.ts'

/**
 * Returns whether the target role can use a KMS key of its account. The key has the default key policy, which lets IAM
 * policies decide.
 *
 * The sandbox has no KMS. In AWS, DynamoDB calls KMS on behalf of the caller of the table.
 *
 * @param viaService the service that calls KMS on behalf of the role, such as `dynamodb.us-east-1.amazonaws.com`
 */
export async function canUseKey(
  policies: PolicyDocument[],
  action: string,
  keyArn: string,
  viaService?: string,
): Promise<boolean> {
  const [, , , , accountId = ''] = keyArn.split(':')
  const result = await runSimulation(
    {
      request: {
        principal: TARGET_ROLE_ARN,
        action,
        resource: { resource: keyArn, accountId },
        contextVariables: viaService === undefined ? {} : { 'kms:ViaService': viaService },
      },
      identityPolicies: policies.map((policy, index) => ({ name: `policy ${index}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${accountId}:root` },
            Action: 'kms:*',
            Resource: '*',
          },
        ],
      },
    },
    {},
  )
  if (result.resultType !== 'single')
    throw new Error(
      `The simulator cannot evaluate ${action} on ${keyArn}: ${JSON.stringify(result.resultType === 'error' && result.errors)}`,
    )
  const { ignoredContextKeys = [] } = result.result
  if (ignoredContextKeys.length > 0)
    throw new Error(`${action} does not support the condition key ${ignoredContextKeys.join(', ')}.`)
  return result.overallResult === 'Allowed'
}
