/**
 * The package as its users get it: packed, installed into empty projects, used from ESM, CommonJS and TypeScript, and
 * run by npx.
 * `npm run test:package` builds it first.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'

const root = join(import.meta.dirname, '../..')
const fixtures = join(import.meta.dirname, 'fixtures')
const work = mkdtempSync(join(tmpdir(), 'packed-package-'))

interface Manifest {
  readonly name: string
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly bin?: string | Readonly<Record<string, string>>
}
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
const installedVersion = (name: string): string => manifestOf(join(root, 'node_modules', name)).version
const { name, peerDependencies } = manifestOf(root)
const peers = Object.entries(peerDependencies)

interface Outcome {
  readonly code: number
  readonly output: string
}
const run = (command: string, args: readonly string[], cwd: string): Promise<Outcome> =>
  new Promise((done) => {
    execFile(
      command,
      args,
      { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        done({ code, output: `${stdout}${stderr}`.trim() || (error?.message ?? '') })
      },
    )
  })
const must = async (outcome: Promise<Outcome>): Promise<void> => {
  const { code, output } = await outcome
  if (code !== 0) throw new Error(output)
}
/** The command of a development dependency, on the Node.js that runs this. */
const tool = (dependency: string, args: readonly string[], cwd: string): Promise<Outcome> => {
  const folder = join(root, 'node_modules', dependency)
  const { bin = '' } = manifestOf(folder)
  const file = typeof bin === 'string' ? bin : (Object.values(bin)[0] ?? '')
  return run(process.execPath, [join(folder, file), ...args], cwd)
}

/** One line a check; what it returns is a remark. */
const check = async (title: string, body: () => Promise<string | undefined>): Promise<boolean> => {
  try {
    const remark = await body()
    console.log(`ok      ${title}${remark === undefined ? '' : ` (${remark})`}`)
    return true
  } catch (error) {
    process.exitCode = 1
    const details = error instanceof Error ? error.message : String(error)
    console.log(`FAILED  ${title}\n${details.replace(/^/gm, '        ')}`)
    return false
  }
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    )
    .sort()

/** Exactly what users need, worked out from the source files. */
const checkFiles = async (installed: string): Promise<string> => {
  const sources = filesIn(join(root, 'src'))
  const built = sources.flatMap((source) =>
    ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((ending) => `dist/${source.replace(/\.ts$/, ending)}`),
  )
  const texts = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']
  const expected = [...texts, ...built, ...sources.map((source) => `src/${source}`)]
  const packed = filesIn(installed)
  const missing = expected.filter((file) => !packed.includes(file))
  const unexpected = packed.filter((file) => !expected.includes(file))
  if (missing.length + unexpected.length > 0) {
    throw new Error(
      `missing: ${missing.join(', ') || 'none'}\nunexpected: ${unexpected.join(', ') || 'none'}`,
    )
  }
  return `${packed.length} files`
}

const checkSourceMaps = async (installed: string): Promise<string> => {
  const packed = new Set(filesIn(installed).map((file) => resolve(installed, file)))
  const maps = [...packed].filter((file) => file.endsWith('.map'))
  for (const map of maps) {
    const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] }
    for (const source of sources) {
      if (!packed.has(resolve(dirname(map), source)))
        throw new Error(`${map} names ${source}, which is not packed`)
    }
  }
  if (maps.length === 0) throw new Error('there are no maps')
  return `${maps.length} maps`
}

/** Other packages' declarations may be wrong, since nobody can fix them here: only ours and the fixture must be clean. */
const checkTypes = async (project: string, moduleResolution: string): Promise<string | undefined> => {
  const args = ['--pretty', 'false', '-p', `tsconfig.${moduleResolution}.json`]
  const { code, output } = await tool('typescript', args, project)
  if (code === 0) return undefined
  const errors = output.split('\n').filter((line) => /\berror TS\d+:/.test(line))
  const others = errors.filter(
    (line) => line.startsWith('node_modules/') && !line.startsWith(`node_modules/${name}/`),
  )
  if (others.length < errors.length || errors.length === 0) throw new Error(output)
  const packages = new Set(others.map((line) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line)?.[1]))
  return `not counted: ${others.length} in the declarations of ${[...packages].join(', ')}`
}

/** An empty project with the packed package, its peers, and the types that middy and the SDK refer to. */
const install = async (project: string, tarball: string, versions: readonly string[]): Promise<void> => {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')
  cpSync(fixtures, project, { recursive: true })
  const types = ['@types/node', '@types/aws-lambda'].map((each) => `${each}@${installedVersion(each)}`)
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error']
  await must(run('npm', ['install', ...flags, tarball, ...versions, ...types], project))
}

/** Runs the command with npx in an empty folder, with an empty cache. */
const checkCommand = async (tarball: string): Promise<undefined> => {
  const folder = join(work, 'empty')
  mkdirSync(folder)
  const flags = [
    '--yes',
    '--loglevel=error',
    '--cache',
    join(work, 'npx-cache'),
    '--package',
    tarball,
    '--',
    name,
  ]
  const role = (account: string) => `arn:aws:iam::${account.repeat(12)}:role/Example`
  const policies = `policies --json --role-arn ${role('2')} --execution-role-arn ${role('1')} --table Orders --access read --region us-east-1`
  writeFileSync(join(folder, 'required.cjs'), "console.log('required')")
  writeFileSync(join(folder, 'variables'), `NODE_OPTIONS="--require ${join(folder, 'required.cjs')}"\n`)
  const expected: readonly (readonly [code: number, output: RegExp, args: string])[] = [
    [0, /^Usage: npx /, '--help'],
    [0, /"accounts": \{\s+"tables": "222222222222"/, policies],
    // Neither npx nor Node.js applies the NODE_OPTIONS of the file.
    [0, /^\{\s+"accounts"/, `${policies} --dotenv variables`],
    [2, /^policies: .*--dotenv missing/, `${policies} --dotenv missing`],
    // The Region is invalid, so no request is sent, but the SDK is loaded.
    [2, /^check: .*\n.*--region: .*nowhere/, `check --role-arn ${role('2')} --region nowhere`],
  ]
  for (const [code, output, args] of expected) {
    const outcome = await run('npx', [...flags, ...args.split(' ')], folder)
    if (outcome.code !== code || !output.test(outcome.output))
      throw new Error(`${args}\nended with ${outcome.code}, not ${code}:\n${outcome.output}`)
  }
}

const projects: Readonly<Record<string, readonly string[]>> = {
  'newest peers': peers.map(([peer]) => `${peer}@${installedVersion(peer)}`),
  'oldest peers': peers.map(([peer, range]) => `${peer}@${/\d+\.\d+\.\d+/.exec(range)?.[0]}`),
}

try {
  await must(run('npm', ['pack', '--ignore-scripts', '--pack-destination', work], root))
  const tarball = join(work, readdirSync(work).find((file) => file.endsWith('.tgz')) ?? '')
  const clean = (dependency: string, args: readonly string[]) => async () => {
    await must(tool(dependency, args, root))
    return undefined
  }
  await check('publint --strict', clean('publint', ['run', tarball, '--strict']))
  await check('attw --profile esm-only', clean('@arethetypeswrong/cli', [tarball, '--profile', 'esm-only']))

  await check('npx in an empty folder', () => checkCommand(tarball))

  for (const [title, versions] of Object.entries(projects)) {
    const project = join(work, title.replace(' ', '-'))
    const installed = join(project, 'node_modules', name)
    const isInstalled = await check(`${title}: npm install`, async () => {
      await install(project, tarball, versions)
      return versions.join(', ')
    })
    if (!isInstalled) continue
    const runs = (file: string) => async () => {
      await must(run(process.execPath, [file], project))
      return undefined
    }
    if (title === 'newest peers') {
      await check('the files in the package', () => checkFiles(installed))
      await check('source maps lead to packed sources', () => checkSourceMaps(installed))
    }
    await check(`${title}: import, and an invocation`, runs('consumer.mjs'))
    await check(`${title}: require`, runs('consumer.cjs'))
    await check(`${title}: TypeScript, nodenext`, () => checkTypes(project, 'nodenext'))
    await check(`${title}: TypeScript, bundler`, () => checkTypes(project, 'bundler'))
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
