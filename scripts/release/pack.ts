/** Packs the package as the release workflow does: from a clean clone, with `npm pack`, which builds it. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listCommittableFiles } from '../git.ts'

export interface PackedPackage {
  /** The path of the tarball. */
  readonly tarball: string
  /** The files in the tarball, relative to the folder of the package, in alphabetical order. */
  readonly files: readonly string[]
}

/**
 * Copies the committable files as they are in the working tree. So a contributor packs uncommitted changes, but no file that git
 * ignores, such as an old `dist/`. If the working tree is clean, the copy is equal to a clean clone.
 */
const copyCommittableFiles = (root: string, copy: string): void => {
  for (const file of listCommittableFiles(root)) cpSync(join(root, file), join(copy, file))
}

/** Gives the copy the dependencies of `root`, so that `prepack` does not install them. */
const linkDependencies = (root: string, copy: string): void => {
  const dependencies = join(root, 'node_modules')
  if (!existsSync(dependencies)) return
  symlinkSync(dependencies, join(copy, 'node_modules'), 'junction')
  // scripts/install-if-needed.cjs installs if the lock file is newer than the dependencies. Here, that would replace those of `root`.
  const lockFile = join(copy, 'package-lock.json')
  if (existsSync(lockFile)) utimesSync(lockFile, 0, 0)
}

/**
 * Packs the package in `root` into the folder `destination`. Changes no file in `root`.
 *
 * @throws Error if `npm pack` fails, which includes the build in `prepack`.
 */
export const packPackage = (root: string, destination: string): PackedPackage => {
  const copy = mkdtempSync(join(tmpdir(), 'clean-clone-'))
  try {
    copyCommittableFiles(root, copy)
    linkDependencies(root, copy)
    // The output of `prepack` would precede the JSON. `npm run release --dry-run` sets npm's own `dry-run` for all child processes.
    const flags = [
      '--json',
      '--foreground-scripts=false',
      '--dry-run=false',
      '--pack-destination',
      destination,
    ]
    const json = execFileSync('npm', ['pack', ...flags], { cwd: copy, encoding: 'utf8', stdio: 'pipe' })
    const [packed] = JSON.parse(json) as [{ filename: string; files: { path: string }[] }]
    return {
      tarball: join(destination, packed.filename),
      files: packed.files.map(({ path }) => path).sort(),
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
