/** Reads package-lock.json files and finds the packages that ship. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/**
 * An entry of `packages` in a lock file.
 *
 * @see https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json#packages
 */
export interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The entries of a lock file by path, such as `node_modules/yaml`. The project itself has the path `''`. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>

const INSTALLED_PATH = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/

/**
 * Returns the sorted paths of the lock files, relative to `root`: the files that git tracks or, if `root` is not in a git
 * repository, all files outside node_modules.
 */
export const findLockFiles = (root: string): readonly string[] => {
  const git = spawnSync('git', ['ls-files', '-z', '--', 'package-lock.json', '**/package-lock.json'], {
    cwd: root,
    encoding: 'utf8',
  })
  const paths =
    git.status === 0
      ? git.stdout.split('\0').filter((path) => path !== '')
      : globSync('**/package-lock.json', { cwd: root, exclude: ['**/node_modules', '**/.git'] })
  return paths.map((path) => path.replaceAll('\\', '/')).sort()
}

/** @throws if the file is not a lock file of npm 7 or newer, which lists `packages`. */
export const readLockFile = (path: string): LockedPackages => {
  const { packages } = JSON.parse(readFileSync(path, 'utf8'))
  if (packages?.[''] === undefined)
    throw new Error(`${path} has no packages. Generate it with npm 7 or newer.`)
  return packages
}

/** Returns the name under which a package is installed, or `undefined` for the project and for the targets of links. */
export const toPackageName = (path: string): string | undefined => INSTALLED_PATH.exec(path)?.[1]

/**
 * Returns the paths of the packages that npm installs without checking their content.
 *
 * A link has no content of its own. A bundled package comes in the tarball of the package that bundles it, whose
 * integrity covers both.
 */
export const findUnverifiedPackages = (packages: LockedPackages): readonly string[] =>
  Object.entries(packages)
    .filter(([path, { link, inBundle }]) => toPackageName(path) !== undefined && !link && !inBundle)
    .filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
    .map(([path]) => path)

/**
 * Returns the paths of the packages that do not come from the default registry. `.npmrc` makes npm omit `resolved` for
 * packages of the default registry, so `resolved` names a mirror, a tarball or a repository.
 */
export const findForeignPackages = (packages: LockedPackages): readonly string[] =>
  Object.entries(packages)
    .filter(([, { link, resolved }]) => !link && resolved !== undefined)
    .map(([path]) => path)

/** Returns the path that Node.js resolves `name` to: the package in the nearest node_modules folder at or above `path`. */
const resolvePackage = (packages: LockedPackages, path: string, name: string): string | undefined => {
  for (let folder = path; ; folder = posix.dirname(folder)) {
    const candidate = posix.join(folder, 'node_modules', name)
    if (packages[candidate] !== undefined) return candidate
    if (folder === '' || folder === '.' || folder.endsWith('..')) return undefined
  }
}

const isOptional = (entry: LockedPackage, name: string): boolean =>
  entry.optionalDependencies?.[name] !== undefined || entry.peerDependenciesMeta?.[name]?.optional === true

/**
 * Returns the paths of the packages that users run: the dependencies and peer dependencies of the project, and their
 * dependencies.
 *
 * The `dev` flag of an entry is not sufficient. npm also sets it for a package that is both a peer and a development
 * dependency, so `npm audit --omit=dev` omits every peer dependency of this project.
 *
 * @throws if the lock file lacks a package that a shipped package requires.
 */
export const findShippedPackages = (packages: LockedPackages): ReadonlySet<string> => {
  const shipped = new Set<string>()
  const addDependencies = (path: string): void => {
    const entry = packages[path] ?? {}
    const names = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies }
    for (const name of Object.keys(names)) {
      const found = resolvePackage(packages, path, name)
      if (found === undefined && !isOptional(entry, name)) {
        throw new Error(
          `The lock file lacks ${name}, which ${path || 'the project'} requires. Run npm install.`,
        )
      }
      if (found !== undefined) addPackage(found)
    }
  }
  const addPackage = (path: string): void => {
    if (shipped.has(path)) return
    shipped.add(path)
    const { link, resolved } = packages[path] ?? {}
    if (link && resolved !== undefined) addPackage(resolved)
    // The dependencies of a linked folder outside the project are in that folder's own lock file.
    else if (!path.startsWith('..')) addDependencies(path)
  }
  addDependencies('')
  return shipped
}
