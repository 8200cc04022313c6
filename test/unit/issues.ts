/** What checks find wrong, as data. */
import { CrossAccountDynamoError } from '../../src/errors.ts'
import type { Issue, Parser, Problem } from '../../src/options/issue.ts'

/** The issues of the `CONFIG_INVALID` that `work` throws; none if it throws nothing. Other errors pass through. */
export const issuesOf = (work: () => unknown): readonly Issue[] => {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof CrossAccountDynamoError && error.code === 'CONFIG_INVALID') return error.issues
    throw error
  }
}

/** What a parser makes of a value, and what it reports. */
export const parseWith = (
  parser: Parser<unknown>,
  value: unknown,
): { readonly value: unknown; readonly problems: Problem[] } => {
  const problems: Problem[] = []
  return { value: parser(value, (problem) => problems.push(problem)), problems }
}
