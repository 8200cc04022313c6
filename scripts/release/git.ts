/** Runs git. */
import { execFileSync } from 'node:child_process'

/**
 * Returns what git prints, without white space at the end.
 *
 * @throws Error with the output of git if git fails, for example outside a repository.
 */
export const runGit = (root: string, ...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trimEnd()
