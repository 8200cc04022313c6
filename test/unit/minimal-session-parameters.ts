/** Session parameters that contain only required values. Tests add the values that they need. */
import type { SessionParameters } from '../../src/identity/session-parameters.ts'

export const createMinimalParameters = (roleArn: string): SessionParameters => ({
  roleArn,
  sessionTags: [],
  transitiveTagKeys: [],
  policyArns: [],
  sessionName: 'orders-function',
  durationSeconds: 3600,
})
