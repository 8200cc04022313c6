/** Session parameters with no optional part, to which tests add what they need. */
import type { SessionParameters } from '../../src/identity/session-parameters.ts'

export const minimalParameters = (roleArn: string): SessionParameters => ({
  roleArn,
  sessionTags: [],
  transitiveTagKeys: [],
  policyArns: [],
  sessionName: 'orders-function',
  durationSeconds: 3600,
})
