import type { PolicyDocument } from './account.ts'

/**
 * Merges policies into one that allows and denies the same actions. Returns undefined if there are no policies.
 *
 * @throws if the policies have different versions.
 */
export function mergePolicies(policies: PolicyDocument[]): PolicyDocument | undefined {
  const [first, ...others] = policies
  if (!first || others.length === 0) return first
  // IAM evaluates the statements of each version by different rules, so one document cannot contain both.
  if (others.some(({ Version }) => Version !== first.Version))
    throw new Error(
      'The sandbox cannot merge session policies with different versions. Use the same Version in all of them.',
    )
  // Remove the Sids, because they must be unique within a document.
  const Statement = policies
    .flatMap(({ Statement }) => Statement as object)
    .map((statement) => ({ ...statement, Sid: undefined }))
  return { Version: first.Version, Statement: JSON.parse(JSON.stringify(Statement)) }
}
