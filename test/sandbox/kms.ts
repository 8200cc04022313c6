import { runSimulation } from '@cloud-copilot/iam-simulate'
import type { PolicyDocument } from './account.ts'
import { TARGET_ROLE_ARN } from './textbook.ts'

/**
 * Whether the target role may use a key of its account, whose key policy is the default one: it leaves the decision to
 * IAM. The sandbox has no KMS; at AWS, DynamoDB asks it in the name of who uses the table, and `via` is then its name.
 */
export async function mayUseKey(
  policies: PolicyDocument[],
  action: string,
  key: string,
  via?: string,
): Promise<boolean> {
  const [, , , , accountId = ''] = key.split(':')
  const result = await runSimulation(
    {
      request: {
        principal: TARGET_ROLE_ARN,
        action,
        resource: { resource: key, accountId },
        contextVariables: via === undefined ? {} : { 'kms:ViaService': via },
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
    throw new Error(`${action} on ${key}: ${JSON.stringify(result.resultType === 'error' && result.errors)}`)
  const { ignoredContextKeys = [] } = result.result
  if (ignoredContextKeys.length > 0) throw new Error(`${action} has no ${ignoredContextKeys.join(', ')}`)
  return result.overallResult === 'Allowed'
}
