/** Packs this package, installs it into empty projects, and reports checks. For test/package/, test/matrix/, test/ecosystem/ and bench/. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packPackage as packCleanClone } from '../../scripts/release/pack.ts'

export const ROOT = join(import.meta.dirname, '../..')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly bin?: string | Readonly<Record<string, string>>
}
export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
/** Returns the version of a development dependency of this package. */
export const readInstalledVersion = (name: string): string =>
  readManifest(join(ROOT, 'node_modules', name)).version

/** The versions of the peers, by package name. */
export type PeerVersions = Readonly<Record<string, string>>
const { peerDependencies, peerDependenciesMeta = {} } = readManifest(ROOT)
const selectRanges = (isOptional: boolean): [string, string][] =>
  Object.entries(peerDependencies).filter(
    ([peer]) => (peerDependenciesMeta[peer]?.optional ?? false) === isOptional,
  )
const toOldest = (ranges: readonly [string, string][]): PeerVersions =>
  Object.fromEntries(ranges.map(([peer, range]) => [peer, /\d+\.\d+\.\d+/.exec(range)?.[0] ?? range]))
const toNewest = (ranges: readonly [string, string][]): PeerVersions =>
  Object.fromEntries(ranges.map(([peer]) => [peer, readInstalledVersion(peer)]))

/** The peers of a function, in the lowest versions that package.json allows. */
export const OLDEST_PEERS: PeerVersions = toOldest(selectRanges(false))
/** The peers of a function, in the versions in the root's node_modules. */
export const NEWEST_PEERS: PeerVersions = toNewest(selectRanges(false))
/** The peers of a CDK app, in the lowest versions. They are optional, because a function does not need them. */
export const OLDEST_CDK_PEERS: PeerVersions = toOldest(selectRanges(true))
/** The peers of a CDK app, in the versions in the root's node_modules. */
export const NEWEST_CDK_PEERS: PeerVersions = toNewest(selectRanges(true))
/** Returns the peers as arguments of `npm install`. */
export const formatPeers = (versions: PeerVersions): string[] =>
  Object.entries(versions).map(([peer, version]) => `${peer}@${version}`)

export interface ProcessResult {
  /** The exit code. */
  readonly code: number
  /** The text on stdout and stderr. */
  readonly output: string
}
export const runProcess = (command: string, args: readonly string[], cwd: string): Promise<ProcessResult> =>
  new Promise((resolveResult) => {
    execFile(
      command,
      args,
      { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolveResult({ code, output: `${stdout}${stderr}`.trim() || (error?.message ?? '') })
      },
    )
  })
/** Throws an error with the output of the process if its exit code is not 0. */
export const requireSuccess = async (result: Promise<ProcessResult>): Promise<void> => {
  const { code, output } = await result
  if (code !== 0) throw new Error(output)
}

/** Runs a check and prints one line. `runCheck` throws if the check fails, and can return a detail to print. */
export const check = async (title: string, runCheck: () => Promise<string | undefined>): Promise<boolean> => {
  try {
    const detail = await runCheck()
    console.log(`ok      ${title}${detail === undefined ? '' : ` (${detail})`}`)
    return true
  } catch (error) {
    process.exitCode = 1
    const message = error instanceof Error ? error.message : String(error)
    console.log(`FAILED  ${title}\n${message.replace(/^/gm, '        ')}`)
    return false
  }
}

const INSTALL_FLAGS = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

/** Packs this package into a folder, from a clean clone with the uncommitted changes, which builds it. Returns the path of the tarball. */
export const packPackage = async (folder: string): Promise<string> => packCleanClone(ROOT, folder).tarball

/**
 * Packs this package and installs it into a folder with its own package.json, beside the packages that are already there, as npm
 * installs it for a user. A link would resolve a second AWS SDK. Does not change the lock file.
 */
export const installPackedPackage = async (folder: string): Promise<void> => {
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'packed-package-'))
  try {
    const tarball = await packPackage(temporaryFolder)
    await requireSuccess(
      runProcess('npm', ['install', '--no-save', ...INSTALL_FLAGS, '--ignore-scripts', tarball], folder),
    )
  } finally {
    rmSync(temporaryFolder, { recursive: true, force: true })
  }
}

/** Creates a project and installs packages into it. `manifest` adds to its package.json. */
export const createProject = async (
  project: string,
  packages: readonly string[],
  { manifest = {}, flags = ['--ignore-scripts'] }: { manifest?: object; flags?: readonly string[] } = {},
): Promise<void> => {
  mkdirSync(project)
  const content = { private: true, type: 'module', ...manifest }
  writeFileSync(join(project, 'package.json'), JSON.stringify(content))
  await requireSuccess(runProcess('npm', ['install', ...INSTALL_FLAGS, ...flags, ...packages], project))
}
