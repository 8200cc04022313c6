/**
 * Tests the packed package: packs it from a clean clone, installs it into empty projects, uses it from ESM, CommonJS and TypeScript,
 * and runs its command with npx.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { packPackage } from '../../scripts/release/pack.ts'
import {
  check,
  createProject,
  formatPeers,
  NEWEST_CDK_PEERS,
  NEWEST_PEERS,
  OLDEST_CDK_PEERS,
  OLDEST_PEERS,
  type ProcessResult,
  ROOT,
  readInstalledVersion,
  readManifest,
  requireSuccess,
  runProcess,
} from './project.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const workFolder = mkdtempSync(join(tmpdir(), 'packed-package-'))
const { name } = readManifest(ROOT)

/** Runs the command of a development dependency with the Node.js that runs this script. */
const runDependency = (dependency: string, args: readonly string[], cwd: string): Promise<ProcessResult> => {
  const folder = join(ROOT, 'node_modules', dependency)
  const { bin = '' } = readManifest(folder)
  const file = typeof bin === 'string' ? bin : (Object.values(bin)[0] ?? '')
  return runProcess(process.execPath, [join(folder, file), ...args], cwd)
}

const listFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    )
    .sort()

/** The files that npm adds, or that package.json lists by name. */
const TEXTS = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']
/** The files that the build writes for each source file. */
const BUILT_ENDINGS = ['.js', '.js.map', '.d.ts', '.d.ts.map']

/** The files that the package must contain: what users import, and the sources to which the source maps refer. */
const listExpectedFiles = (): string[] => {
  const sources = listFiles(join(ROOT, 'src'))
  const built = sources.flatMap((source) =>
    BUILT_ENDINGS.map((ending) => `dist/${source.replace(/\.ts$/, ending)}`),
  )
  return [...TEXTS, ...built, ...sources.map((source) => `src/${source}`)].sort()
}

/** Compares two lists of files, so that an error names only the differences. */
const requireSameFiles = (actual: readonly string[], expected: readonly string[]): void => {
  const missing = expected.filter((file) => !actual.includes(file))
  const unexpected = actual.filter((file) => !expected.includes(file))
  if (missing.length + unexpected.length > 0)
    throw new Error(
      `missing: ${missing.join(', ') || 'none'}\nunexpected: ${unexpected.join(', ') || 'none'}`,
    )
}

/** Checks that the source maps refer to all files in `src` of the package, and to no other file. */
const checkSourceMaps = async (installed: string): Promise<string> => {
  const packed = listFiles(installed)
  const maps = packed.filter((file) => file.endsWith('.map'))
  const sources = maps.flatMap((map) => {
    const content = JSON.parse(readFileSync(join(installed, map), 'utf8')) as { sources: string[] }
    return content.sources.map((source) => join(dirname(map), source).replaceAll(sep, '/'))
  })
  requireSameFiles(
    packed.filter((file) => file.startsWith('src/')),
    [...new Set(sources)],
  )
  return `${maps.length} source maps`
}

/** The place of a call in the package, as Node.js writes it in a stack trace. */
interface Frame {
  readonly file: string
  readonly line: number
}
const parseFrames = (stack: string, installed: string): Frame[] =>
  [...stack.matchAll(/^ {4}at .*?\(?(?:file:\/\/)?([^\s()]+):(\d+):\d+\)?$/gm)]
    .map(([, file = '', line]) => ({ file, line: Number(line) }))
    .filter(({ file }) => file.startsWith(`${installed}${sep}`))

/** Checks that a stack trace names source files and lines in the package, and first the line that throws. */
const checkStackTrace = async (project: string, installed: string): Promise<string> => {
  const { output } = await runProcess(process.execPath, ['--enable-source-maps', 'stack-trace.mjs'], project)
  const frames = parseFrames(output, realpathSync(installed))
  const lines = frames.map(({ file, line }) => readFileSync(file, 'utf8').split('\n')[line - 1])
  const places = frames.map(({ file, line }, index) => `${file}:${line}: ${lines[index]?.trim()}`).join('\n')
  const isInSource = frames.every(({ file }) => file.startsWith(join(realpathSync(installed), 'src')))
  if (frames.length < 2 || !isInSource || lines.includes(undefined)) throw new Error(`${output}\n${places}`)
  if (!lines[0]?.includes('throw new CrossAccountDynamoError(')) throw new Error(places)
  return `${frames.length} lines`
}

/**
 * Checks that the fixture and the declarations of this package compile. Errors in the declarations of other packages are only
 * counted, because this project cannot fix them.
 */
const checkTypes = async (project: string, moduleResolution: string): Promise<string | undefined> => {
  const args = ['--pretty', 'false', '-p', `tsconfig.${moduleResolution}.json`]
  const { code, output } = await runDependency('typescript', args, project)
  if (code === 0) return undefined
  const errors = output.split('\n').filter((line) => /\berror TS\d+:/.test(line))
  const foreignErrors = errors.filter(
    (line) => line.startsWith('node_modules/') && !line.startsWith(`node_modules/${name}/`),
  )
  if (foreignErrors.length < errors.length || errors.length === 0) throw new Error(output)
  const packages = new Set(foreignErrors.map((line) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line)?.[1]))
  return `ignored ${foreignErrors.length} errors in the declarations of ${[...packages].join(', ')}`
}

/** Creates a project with the packed package, its peers, and the type declarations that middy and the SDK import. */
const installProject = async (
  project: string,
  tarball: string,
  versions: readonly string[],
): Promise<void> => {
  const types = ['@types/node', '@types/aws-lambda'].map(
    (dependency) => `${dependency}@${readInstalledVersion(dependency)}`,
  )
  await createProject(project, [tarball, ...versions, ...types])
  cpSync(FIXTURES, project, { recursive: true })
}

/** Checks the command line of the package with npx, in an empty folder and with an empty npm cache. */
const checkCommand = async (tarball: string): Promise<undefined> => {
  const folder = join(workFolder, 'empty')
  mkdirSync(folder)
  const flags = [
    '--yes',
    '--loglevel=error',
    '--cache',
    join(workFolder, 'npx-cache'),
    '--package',
    tarball,
    '--',
    name,
  ]
  const createRoleArn = (account: string) => `arn:aws:iam::${account.repeat(12)}:role/Example`
  const policies = `policies --json --role-arn ${createRoleArn('2')} --execution-role-arn ${createRoleArn('1')} --table Orders --access read --region us-east-1`
  writeFileSync(join(folder, 'required.cjs'), "console.log('required')")
  writeFileSync(join(folder, 'variables'), `NODE_OPTIONS="--require ${join(folder, 'required.cjs')}"\n`)
  const commandLines: readonly (readonly [code: number, output: RegExp, args: string])[] = [
    [0, /^Usage: npx /, '--help'],
    [0, /"accounts": \{\s+"tables": "222222222222"/, policies],
    // The command does not apply the NODE_OPTIONS of the file, so Node.js does not load required.cjs.
    [0, /^\{\s+"accounts"/, `${policies} --dotenv variables`],
    [2, /^policies: .*--dotenv missing/, `${policies} --dotenv missing`],
    // The Region is invalid, so no request is sent, but the SDK is loaded.
    [2, /^check: .*\n.*--region: .*nowhere/, `check --role-arn ${createRoleArn('2')} --region nowhere`],
  ]
  for (const [code, output, args] of commandLines) {
    const result = await runProcess('npx', [...flags, ...args.split(' ')], folder)
    if (result.code !== code || !output.test(result.output))
      throw new Error(
        `${args}\nexpected exit code ${code} and ${output}, but got exit code ${result.code}:\n${result.output}`,
      )
  }
}

/** Whether Jest can require ES modules, which needs functions of Node.js 24.9. */
const canJestRequireModules = process.versions.node.localeCompare('24.9.0', 'en', { numeric: true }) >= 0

/** The version of tsx in the template of the CDK. */
const TSX = 'tsx@4.23.0'

/**
 * Checks `./cdk` in an app as `cdk init` creates it: a CommonJS project that TypeScript checks and tsx runs. The project contains
 * neither middy nor the AWS SDK, so `./cdk` cannot load them.
 */
const checkCdkApp = async (title: string, tarball: string, peers: readonly string[]): Promise<void> => {
  const project = join(workFolder, `cdk-app-${title}`)
  const types = `@types/node@${readInstalledVersion('@types/node')}`
  const isInstalled = await check(
    `CDK app, ${title} peers: npm install without middy and the AWS SDK`,
    async () => {
      await createProject(project, [tarball, ...peers, types, TSX], {
        manifest: { type: undefined },
        flags: ['--ignore-scripts', '--legacy-peer-deps'],
      })
      cpSync(join(import.meta.dirname, 'cdk-app'), project, { recursive: true })
      for (const unwanted of ['@middy', '@aws-sdk'])
        if (existsSync(join(project, 'node_modules', unwanted))) throw new Error(`${unwanted} is installed`)
      return peers.join(', ')
    },
  )
  if (!isInstalled) return
  const runNode =
    (...args: string[]) =>
    async () => {
      await requireSuccess(runProcess(process.execPath, args, project))
      return undefined
    }
  await check(
    `CDK app, ${title} peers: require`,
    runNode('-e', `require('${name}/cdk').CrossAccountDynamoRole.name`),
  )
  await check(`CDK app, ${title} peers: TypeScript`, async () => {
    await requireSuccess(runDependency('typescript', ['-p', '.'], project))
    return undefined
  })
  await check(
    `CDK app, ${title} peers: synthesizes both stacks`,
    runNode('node_modules/tsx/dist/cli.mjs', 'bin/app.ts'),
  )
  if (!canJestRequireModules) return
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js')
  await check(
    `CDK app, ${title} peers: require in Jest`,
    runNode('--experimental-vm-modules', jest, '--rootDir', project, '--testMatch', '**/test/*.test.cjs'),
  )
}

/** The peers to install, by the title of the project. */
const projects: Readonly<Record<string, readonly string[]>> = {
  'newest peers': formatPeers(NEWEST_PEERS),
  'oldest peers': formatPeers(OLDEST_PEERS),
}

try {
  const { tarball, files } = packPackage(ROOT, workFolder)
  const checkWith = (dependency: string, args: readonly string[]) => async () => {
    await requireSuccess(runDependency(dependency, args, ROOT))
    return undefined
  }
  await check('the package contains the expected files', async () => {
    requireSameFiles(files, listExpectedFiles())
    return `${files.length} files`
  })
  await check('publint --strict', checkWith('publint', ['run', tarball, '--strict']))
  await check(
    'attw --profile esm-only',
    checkWith('@arethetypeswrong/cli', [tarball, '--profile', 'esm-only']),
  )

  await check('npx runs the command in an empty folder', () => checkCommand(tarball))

  for (const [title, versions] of Object.entries(projects)) {
    const project = join(workFolder, title.replace(' ', '-'))
    const installed = join(project, 'node_modules', name)
    const isInstalled = await check(`${title}: npm install`, async () => {
      await installProject(project, tarball, versions)
      return versions.join(', ')
    })
    if (!isInstalled) continue
    const checkScript = (file: string) => async () => {
      await requireSuccess(runProcess(process.execPath, [file], project))
      return undefined
    }
    if (title === 'newest peers') {
      await check('the source maps refer to the files in src', () => checkSourceMaps(installed))
      await check('a stack trace names the line in src that throws', () =>
        checkStackTrace(project, installed),
      )
    }
    await check(`${title}: import and invocations`, checkScript('consumer.mjs'))
    await check(`${title}: require`, checkScript('consumer.cjs'))
    await check(`${title}: TypeScript, nodenext`, () => checkTypes(project, 'nodenext'))
    await check(`${title}: TypeScript, bundler`, () => checkTypes(project, 'bundler'))
  }

  for (const [title, peers] of Object.entries({ newest: NEWEST_CDK_PEERS, oldest: OLDEST_CDK_PEERS }))
    await checkCdkApp(title, tarball, formatPeers(peers))
} finally {
  rmSync(workFolder, { recursive: true, force: true })
}
