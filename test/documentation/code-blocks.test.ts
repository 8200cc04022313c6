/** Checks each code block of the documentation: TypeScript compiles, data can be parsed, and commands are valid. */
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseHcl } from '@cdktf/hcl2json'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { run } from '../../src/cli/run.ts'
import { setEnvironment } from '../integration/lambda.ts'
import { type CodeBlock, findCodeBlocks, ROOT, readCodeBlocks, readDocComments, readPage } from './pages.ts'
import { readShellCommands, type ShellCommand } from './shell.ts'

/** The languages of code blocks. `npm run docs` draws Mermaid diagrams. Text, or no language, is output, which other tests compare. */
const LANGUAGES = ['', 'env', 'hcl', 'html', 'js', 'json', 'mermaid', 'sh', 'text', 'ts', 'yaml']
/** The variables of the function, which the commands read. Not each page repeats them. */
const FUNCTION_VARIABLES = {
  CROSS_ACCOUNT_DYNAMO_ROLE_ARN: 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole',
  CROSS_ACCOUNT_DYNAMO_EXTERNAL_ID: 'example-external-id',
}
/** Programs that the pages use, other than those that the tests below check, and the words of loops. */
const PROGRAMS = [
  'aws',
  'cd',
  'docker',
  'java',
  'done',
  'echo',
  'for',
  'git',
  'mkdir',
  'moto_server',
  'node',
  'npm',
  'npx',
  'pip',
  'sam',
  'terraform',
  'zip',
]

const blocks = readCodeBlocks()
const selectBlocks = (language: string) => blocks.filter((block) => block.language === language)
const findReason = ({ comment }: CodeBlock) =>
  /^code: not (?:compiled|checked): (.+)$/.exec(comment ?? '')?.[1]
const continuesPrevious = ({ comment }: CodeBlock) => comment === 'code: continues the previous block'

/** The comment above a block that shows a file, or a part of one: its path, or its name in the folder of a test of test/ecosystem. */
const SHOWN_FILE = /^(?:file: |part of: )?((?:[\w.-]+\/)*[\w-]*(?:\.[\w-]+)+)$/
const trimLines = (text: string) => text.replace(/^ +| +$/gm, '')
/** Other tests compile and run these files, some with packages that are only installed in test/ecosystem. */
const isShownFile = ({ comment = '', code }: CodeBlock): boolean => {
  const [, path] = SHOWN_FILE.exec(comment) ?? []
  if (path === undefined) return false
  const candidates = globSync([path, `test/ecosystem/**/${path}`], {
    cwd: ROOT,
    exclude: ['**/node_modules'],
  }).map(readPage)
  return comment.startsWith('part of: ')
    ? candidates.some((text) => trimLines(text).includes(trimLines(code)))
    : candidates.includes(code)
}

/** The changelog shows parts of files, also of earlier versions. */
const isPart = ({ place, comment }: CodeBlock) =>
  place.startsWith('CHANGELOG.md') && comment !== 'code: complete'
const isChecked = (block: CodeBlock) =>
  findReason(block) === undefined && !isShownFile(block) && !isPart(block)

test('each code block has a language that these tests know', () => {
  expect(blocks.length).toBeGreaterThan(100)
  expect(blocks.filter(({ language }) => !LANGUAGES.includes(language)).map(({ place }) => place)).toEqual([])
})

test('only these code blocks are not checked, each for the reason above it', () => {
  const skipped = blocks.flatMap((block) => {
    const reason = findReason(block)
    return reason === undefined ? [] : [`${block.place.split(':')[0]}: ${reason}`]
  })
  expect(skipped).toEqual([])
})

test('each comment above a code block that names a file names one that contains the block', () => {
  const wrong = blocks.filter((block) => SHOWN_FILE.test(block.comment ?? '') && !isShownFile(block))
  expect(wrong.map(({ place, comment }) => `${place}: ${comment}`)).toEqual([])
})

describe('TypeScript and JavaScript', () => {
  // The folder is inside the repository, so that imports of packages resolve.
  const folder = join(ROOT, 'test/types/extracted')
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('all blocks of the pages and of the doc comments compile', () => {
    const files: { place: string; name: string; code: string }[] = []
    for (const block of [...blocks, ...readDocComments()]) {
      const { place, language, code } = block
      const previous = files.at(-1)
      if (!['ts', 'js'].includes(language) || !isChecked(block)) continue
      if (continuesPrevious(block) && previous !== undefined) previous.code += code
      else files.push({ place, name: `${place.replace(/\W+/g, '-')}.${language}`, code })
    }
    expect(files.length).toBeGreaterThan(20)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const { name, code } of files) writeFileSync(join(folder, name), code)
    const compilerOptions = { allowJs: true, moduleDetection: 'force' }
    const config = { extends: '../../../tsconfig.json', compilerOptions, include: ['*'], exclude: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { stdout } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder],
      { encoding: 'utf8' },
    )
    expect(stdout).toBe('')
  }, 60_000)
})

describe('data', () => {
  const findErrors = (language: string, findError: (code: string) => unknown) =>
    selectBlocks(language)
      .filter(isChecked)
      .flatMap(({ code, place }) => {
        const error = findError(code)
        return error === undefined ? [] : [`${place}: ${error}`]
      })

  test('the JSON of all blocks is valid', () => {
    const findError = (code: string) => {
      try {
        JSON.parse(code)
        return undefined
      } catch (error) {
        return error
      }
    }
    expect(findErrors('json', findError)).toEqual([])
  })

  test('the YAML of all blocks is valid', () => {
    expect(findErrors('yaml', (code) => parseAllDocuments(code).flatMap(({ errors }) => errors)[0])).toEqual(
      [],
    )
  })

  test('the HCL of all blocks is valid', async () => {
    for (const { code, place } of selectBlocks('hcl').filter(isChecked))
      await expect(parseHcl(place, code)).resolves.toBeInstanceOf(Object)
  })
})

describe('commands', () => {
  const shellBlocks = selectBlocks('sh').filter((block) => findReason(block) === undefined)
  /** The commands of all pages, with the variables that earlier blocks of the same page set. */
  const pages = Map.groupBy(shellBlocks, ({ place }) => place.split(':')[0] ?? '')
  const commands = [...pages].flatMap(([page, pageBlocks]) =>
    readShellCommands(pageBlocks.map(({ code }) => code).join('\n')).map((command) => ({
      page,
      line: command.words.join(' '),
      ...command,
    })),
  )
  const { scripts } = JSON.parse(readPage('package.json'))
  const select = (...start: readonly string[]) =>
    commands.filter(({ words }) => start.every((word, index) => words[index] === word))
  const runCommand = async ({ words, variables }: ShellCommand, ...flags: readonly string[]) => {
    let output = ''
    const write = (text: string) => {
      output += text
    }
    setEnvironment({ ...FUNCTION_VARIABLES, ...variables })
    const terminal = { out: write, err: write, colors: { out: false, err: false } }
    return { status: await run([...words.slice(2), ...flags], terminal), output }
  }
  beforeEach(() => setEnvironment({}))

  test('bash can parse all blocks', () => {
    for (const { code } of shellBlocks) execFileSync('bash', ['-n'], { input: code })
  })

  test('only programs in the list are used', () => {
    const unknown = commands.filter(
      ({ words: [program = ''] }) => !PROGRAMS.includes(program) && program !== '.ci/run',
    )
    expect(unknown.map(({ page, line }) => `${page}: ${line}`)).toEqual([])
  })

  const commandLines = select('npx', 'middy-cross-account-dynamo')
  test.each(commandLines)('$page: the flags of $line exist', async (command) => {
    expect(commandLines.length).toBeGreaterThan(1)
    expect(await runCommand(command, '--help')).toMatchObject({ status: 0 })
  })

  const policyCommands = commandLines.filter(
    ({ words }) => words[2] === 'policies' && !words.includes('--dotenv') && !words.includes('--help'),
  )
  test.each(policyCommands)('$page: $line writes policies', async (command) => {
    expect(await runCommand(command)).toEqual({ status: 0, output: expect.stringMatching(/sts:AssumeRole/) })
  })

  test('each npm script exists', () => {
    const lines = select('npm').filter(({ words }) => words[1] === 'run')
    expect(lines.filter(({ words }) => scripts[words[2] ?? ''] === undefined)).toEqual([])
  })

  test('each part of .ci/run exists', () => {
    const parts = /^parts=\((.+)\)$/m.exec(readPage('.ci/run'))?.[1]?.split(' ')
    expect(
      select('.ci/run').filter(({ words: [, part] }) => part !== undefined && !parts?.includes(part)),
    ).toEqual([])
  })
})

describe('findCodeBlocks', () => {
  test('returns the comment, the line and the code of a block in a list', () => {
    const text = 'Text\n\n- Item\n  <!-- file: a.ts -->\n  ```ts\n  const a = 1\n    .b\n  ```\n'
    expect(findCodeBlocks(text, 'page.md')).toEqual([
      { place: 'page.md:5', language: 'ts', code: 'const a = 1\n  .b\n', comment: 'file: a.ts' },
    ])
  })

  test('returns a block that contains a shorter fence', () => {
    expect(findCodeBlocks('````md\n```sh\nls\n```\n````\n', 'page.md')).toEqual([
      { place: 'page.md:1', language: 'md', code: '```sh\nls\n```\n', comment: undefined },
    ])
  })
})

describe('readShellCommands', () => {
  test('splits commands, and removes quotes and comments', () => {
    expect(readShellCommands("A=1\nexport B='x y'\nnpx x \\\n  --key 'a=#1' && ls # comment\n")).toEqual([
      { words: ['npx', 'x', '--key', 'a=#1'], variables: { A: '1', B: 'x y' } },
      { words: ['ls'], variables: { A: '1', B: 'x y' } },
    ])
  })
})
