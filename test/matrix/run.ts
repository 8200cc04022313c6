/**
 * `npm run test:matrix`: runs scenario.mjs with the packed package on each supported Node.js version, with the oldest and the newest
 * versions of middy and of the AWS SDK.
 *
 *   npm run test:matrix              runs the 12 combinations
 *   npm run test:matrix -- corners   runs the two combinations in which everything is the oldest or the newest
 */
import { fork } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFunctionVariables } from '../lambda-runtime.ts'
import {
  check,
  createProject,
  formatPeers,
  NEWEST_PEERS,
  OLDEST_PEERS,
  type PeerVersions,
  type ProcessResult,
  packPackage,
  requireSuccess,
  runProcess,
} from '../package/project.ts'
import { type Sandbox, startSandbox } from '../sandbox/index.ts'
import { createIsolatedTenantAccounts } from '../sandbox/tenant-accounts.ts'

/** The newest version of each supported Node.js release in the npm package `node`. */
const NODE_VERSIONS = ['22.23.3', '24.21.0', '26.10.0'] as const
const MIDDY = '@middy/core'
/** The limit for one combination, in milliseconds. */
const TIMEOUT_MS = 60_000

interface Combination {
  readonly nodeVersion: string
  readonly peers: PeerVersions
}
const selectPeers = (middyPeers: PeerVersions, sdkPeers: PeerVersions): PeerVersions => ({
  ...sdkPeers,
  [MIDDY]: middyPeers[MIDDY] ?? '',
})
const ALL_PEERS: readonly PeerVersions[] = [OLDEST_PEERS, NEWEST_PEERS].flatMap((middyPeers) =>
  [OLDEST_PEERS, NEWEST_PEERS].map((sdkPeers) => selectPeers(middyPeers, sdkPeers)),
)
const ALL_COMBINATIONS: readonly Combination[] = ALL_PEERS.flatMap((peers) =>
  NODE_VERSIONS.map((nodeVersion) => ({ nodeVersion, peers })),
)
const CORNERS: readonly Combination[] = [
  { nodeVersion: NODE_VERSIONS[0], peers: OLDEST_PEERS },
  { nodeVersion: NODE_VERSIONS[2], peers: NEWEST_PEERS },
]

/** Installs each Node.js version. The install scripts of the packages install the binary for this machine. */
const installNode = async (project: string, versions: readonly string[]): Promise<void> => {
  const packages = versions.map((version) => `node-${version}@npm:node@${version}`)
  await createProject(project, packages, { manifest: { allowScripts: { node: true } }, flags: [] })
  for (const version of versions) {
    const { output } = await runProcess(findNode(project, version), ['--version'], project)
    if (output !== `v${version}`) throw new Error(`Node.js ${version} was not installed: ${output}`)
  }
}
const findNode = (project: string, version: string): string =>
  join(project, 'node_modules', `node-${version}`, 'bin/node')

/** The operations of the sandbox that scenario.mjs calls. */
const createOperations = (sandbox: Sandbox): Readonly<Record<string, (argument: never) => unknown>> => ({
  countCalls: (operation: string) => sandbox.calls.filter((call) => call.operation === operation).length,
  advanceClock: (ms: number) => sandbox.clock.advance(ms),
  revokeSessions: () => sandbox.revokeSessions(),
  clear: () => sandbox.clear(),
})

/** Runs scenario.mjs in a project. */
const runScenario = (node: string, project: string, sandbox: Sandbox): Promise<ProcessResult> => {
  sandbox.clock.reset()
  const operations = createOperations(sandbox)
  const child = fork(join(project, 'scenario.mjs'), {
    cwd: project,
    execPath: node,
    execArgv: [],
    env: createFunctionVariables(sandbox),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    timeout: TIMEOUT_MS,
  })
  child.on('message', ({ operation, args }: { operation: string; args: [never] }) => {
    child.send({ result: operations[operation]?.(...args) })
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  return new Promise((resolve) =>
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, output: `${output}${signal === null ? '' : `ended by ${signal}`}` }),
    ),
  )
}

const formatCombination = ({ nodeVersion, peers }: Combination): string => {
  const sdkVersions = new Set(
    Object.keys(peers).flatMap((peer) => (peer === MIDDY ? [] : (peers[peer] ?? []))),
  )
  return `Node.js ${nodeVersion}, ${MIDDY} ${peers[MIDDY]}, AWS SDK ${[...sdkVersions].join(', ')}`
}

const main = async (combinations: readonly Combination[]): Promise<void> => {
  const workFolder = mkdtempSync(join(tmpdir(), 'matrix-'))
  const sandbox = await startSandbox({ accounts: createIsolatedTenantAccounts() })
  try {
    const tarball = await packPackage(workFolder)
    const nodeProject = join(workFolder, 'node')
    const nodeVersions = new Set(combinations.map(({ nodeVersion }) => nodeVersion))
    const nodeInstallation = installNode(nodeProject, [...nodeVersions])
    const installPeers = async (peers: PeerVersions, index: number): Promise<string> => {
      const project = join(workFolder, `peers-${index}`)
      await createProject(project, [tarball, ...formatPeers(peers)])
      cpSync(join(import.meta.dirname, 'scenario.mjs'), join(project, 'scenario.mjs'))
      return project
    }
    const projects = new Map(
      [...new Set(combinations.map(({ peers }) => peers))].map((peers, index) => [
        peers,
        installPeers(peers, index),
      ]),
    )
    // The checks report failed installations.
    await Promise.allSettled([nodeInstallation, ...projects.values()])
    for (const combination of combinations) {
      await check(formatCombination(combination), async () => {
        await nodeInstallation
        const project = (await projects.get(combination.peers)) ?? ''
        const node = findNode(nodeProject, combination.nodeVersion)
        await requireSuccess(runScenario(node, project, sandbox))
        return undefined
      })
    }
  } finally {
    await sandbox.close()
    rmSync(workFolder, { recursive: true, force: true })
  }
}

const argument = process.argv.slice(2).join(' ')
if (argument === '') await main(ALL_COMBINATIONS)
else if (argument === 'corners') await main(CORNERS)
else {
  console.error(`The only argument is corners, not '${argument}'. Usage: npm run test:matrix [-- corners]`)
  process.exitCode = 2
}
