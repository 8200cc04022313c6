/** Runs git. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Returns what git prints, without white space at the end.
 *
 * @throws Error with the output of git if git fails, for example outside a repository.
 */
export const runGit = (root: string, ...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trimEnd()

/**
 * Returns the files that a clean clone would have if you committed all changes now, relative to `root`: files that git tracks or does
 * not ignore. A pattern such as `*.md` selects files.
 */
export const listCommittableFiles = (root: string, pattern = '*'): readonly string[] =>
  runGit(root, 'ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', pattern)
    .split('\0')
    // git still lists a tracked file after you delete it.
    .filter((file) => file !== '' && existsSync(join(root, file)))
