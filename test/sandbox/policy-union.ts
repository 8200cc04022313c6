import type { PolicyDocument } from './account.ts'

/** One policy that allows and denies what all of them do together; undefined for none. */
export function unionOf(policies: PolicyDocument[]): PolicyDocument | undefined {
  const [first, ...others] = policies
  if (!first || others.length === 0) return first
  // A version decides how its own statements are read, so that they could not stand in one policy.
  if (others.some(({ Version }) => Version !== first.Version))
    throw new Error('The sandbox cannot unite session policies of different versions')
  // A statement's id must be unique in its policy, and need not be among several.
  const Statement = policies
    .flatMap(({ Statement }) => Statement as object)
    .map((one) => ({ ...one, Sid: undefined }))
  return { Version: first.Version, Statement: JSON.parse(JSON.stringify(Statement)) }
}
