/** Collects the issues that the code under test reports. */
import { CrossAccountDynamoError } from '../../src/errors.ts'
import type { Issue, Parser, Problem } from '../../src/options/issue.ts'

/**
 * Calls the function and returns the issues of the `CONFIG_INVALID` error that it throws, or an empty list if it does not
 * throw. Throws every other error again.
 */
export const catchIssues = (work: () => unknown): readonly Issue[] => {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof CrossAccountDynamoError && error.code === 'CONFIG_INVALID') return error.issues
    throw error
  }
}

/** Returns the value that the parser returns and the problems that it reports. */
export const parseWith = (
  parser: Parser<unknown>,
  value: unknown,
): { readonly value: unknown; readonly problems: Problem[] } => {
  const problems: Problem[] = []
  return { value: parser(value, (problem) => problems.push(problem)), problems }
}
