/** Tests the types of the packed package with one version of TypeScript and with each way to resolve modules. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { testCombination } from '../support/combination.ts'

const FOLDER = join(import.meta.dirname, '..')

/** One error of the TypeScript compiler. The file is relative to `test/ecosystem`, and absent for an error in the options. */
interface TypeError {
  readonly file?: string
  readonly code: string
  readonly line: string
}

/** Parses the lines `<file>(<line>,<column>): error <code>: <message>` and `error <code>: <message>`. */
const parseErrors = (output: string): TypeError[] =>
  output.split('\n').flatMap((line) => {
    const [, file, code] = /^(?:(.+?)\(\d+,\d+\): )?error (TS\d+):/.exec(line) ?? []
    return code === undefined ? [] : [{ code, line, ...(file !== undefined && { file }) }]
  })

/** Returns whether the error is in the declarations of another package. This project cannot fix these. */
const isForeign = ({ file }: TypeError): boolean =>
  file?.startsWith('node_modules/') === true && !file.startsWith('node_modules/middy-cross-account-dynamo/')

const compile = (typescript: string, project: string, flags: readonly string[]): Promise<TypeError[]> => {
  const args = [
    join(FOLDER, 'node_modules', typescript, 'bin/tsc'),
    '-p',
    join(FOLDER, 'types/fixtures', project),
  ]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...args, ...flags], { cwd: FOLDER }, (error, stdout, stderr) => {
      const errors = parseErrors(stdout)
      if (error !== null && errors.length === 0) reject(new Error(`${stdout}${stderr}`, { cause: error }))
      else resolve(errors)
    })
  })
}

/** `node` is also named `node10`. TypeScript 7 has neither. */
export type Resolution = 'nodenext' | 'bundler' | 'node'

const MODULES: Readonly<Record<Resolution, string>> = {
  nodenext: 'nodenext',
  bundler: 'esnext',
  node: 'commonjs',
}

const createFlags = (resolution: Resolution, module = MODULES[resolution]): string[] => [
  '--pretty',
  'false',
  '--module',
  module,
  '--moduleResolution',
  resolution,
]

/** @param resolutions the last one is also tested without `skipLibCheck` */
export const testTypes = (typescript: string, resolutions: readonly [Resolution, ...Resolution[]]): void => {
  const packages = [typescript, '@middy/core'] as const
  for (const resolution of resolutions) {
    testCombination(
      packages,
      `types the context, the \`session\` function and the policies with \`moduleResolution\` \`${resolution}\``,
      async () => {
        const errors = await compile(typescript, '.', [...createFlags(resolution), '--skipLibCheck'])
        assert.deepEqual(errors, [])
      },
    )
  }

  testCombination(
    packages,
    'accepts the declarations of this package without `skipLibCheck`, apart from errors in the declarations of other packages',
    async () => {
      const resolution = resolutions.at(-1) ?? resolutions[0]
      const errors = await compile(typescript, '.', createFlags(resolution))
      const ownErrors = errors.filter((error) => !isForeign(error))
      assert.deepEqual(ownErrors, [])
    },
  )
}

/** Tests a handler in a folder whose `package.json` has no `"type": "module"`. */
export const testTypesInCommonJs = (typescript: string): void => {
  testCombination(
    [typescript, '@middy/core'],
    'types a handler in a package without `"type": "module"` with `preserve` and `bundler`, and not with `commonjs` or `nodenext`',
    async () => {
      const compileFolder = (resolution: Resolution, module?: string) =>
        compile(typescript, 'commonjs', [...createFlags(resolution, module), '--skipLibCheck'])
      assert.deepEqual(await compileFolder('bundler', 'preserve'), [])
      // TypeScript cannot find @middy/core, because its package.json exports only ES modules.
      for (const [firstError] of [
        await compileFolder('bundler', 'commonjs'),
        await compileFolder('nodenext'),
      ])
        assert.deepEqual([firstError?.code, firstError?.line.includes("'@middy/core'")], ['TS2307', true])
      // With nodenext, the dynamic import and the file that ends in .mts have no errors.
      const files = (await compileFolder('nodenext')).map(({ file }) => file)
      assert.deepEqual([...new Set(files)], ['types/fixtures/commonjs/handler.ts'])
    },
  )
}
