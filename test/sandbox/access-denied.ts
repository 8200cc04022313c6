/** Errors of DynamoDB for a session that is not authorized. */
import { expect } from '@jest/globals'
import { ACCOUNT_B } from './two-accounts.ts'

export const SESSION_ARN = `arn:aws:sts::${ACCOUNT_B}:assumed-role/CrossAccountDynamoRole/orders`

export const toTableArn = (name: string): string => `arn:aws:dynamodb:us-east-1:${ACCOUNT_B}:table/${name}`

/** Matches the error of DynamoDB if the session `orders` is not authorized to perform an action on a resource. */
export const matchAccessDenied = (
  action: string,
  resource: string,
  reason = `because no identity-based policy allows the ${action} action`,
): object =>
  expect.objectContaining({
    name: 'AccessDeniedException',
    message: `User: ${SESSION_ARN} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
  })
