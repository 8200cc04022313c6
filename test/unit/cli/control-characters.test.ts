// cspell:ignore rolearn
/**
 * Values that commands print cannot move the cursor, change colors or add lines, because control characters are escaped.
 * Shows NET-1 of SECURITY.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { beforeEach, expect, test } from '@jest/globals'
import { setEnvironment } from '../../integration/lambda.ts'
import { runCommandLine } from './command-line.ts'

const CONTROL_CHARACTERS = '\u001b[31m\u0007\r\u0008\u009b2J\u202e\u2066\u061c'
const CONTROL_CHARACTER_PATTERN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: commands must not print these characters
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

const POLICIES_COMMAND =
  'policies --role-arn arn:aws:iam::222222222222:role/R --execution-role-arn arn:aws:iam::111111111111:role/F --table Orders --access read --region eu-west-1'

beforeEach(() => setEnvironment({}))

test.each([false, true])(
  'usage errors escape control characters of arguments (colors: %p)',
  async (colors) => {
    const flags = POLICIES_COMMAND.split(' ').filter((argument) => argument.startsWith('--'))
    const lines = [
      CONTROL_CHARACTERS,
      `policies --${CONTROL_CHARACTERS}`,
      `policies ${CONTROL_CHARACTERS}`,
      `policies -${CONTROL_CHARACTERS}`,
      `policies --help=${CONTROL_CHARACTERS}`,
      `policies --dotenv ${CONTROL_CHARACTERS}`,
      `policies --env-prefix ${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --format ${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --external-id ${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --session-tags ${CONTROL_CHARACTERS}=${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --session-tag-key ${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --tenant-tag ${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --kms-key-arn ${CONTROL_CHARACTERS}`,
      `${POLICIES_COMMAND} --organization-id ${CONTROL_CHARACTERS}`,
      ...flags.map((flag) => POLICIES_COMMAND.replace(new RegExp(`(?<=${flag} )\\S+`), CONTROL_CHARACTERS)),
      `check --role-arn ${CONTROL_CHARACTERS} --region eu-west-1`,
      `check --role-arn arn:aws:iam::222222222222:role/R --region ${CONTROL_CHARACTERS}`,
      `check --role-arn arn:aws:iam::222222222222:role/R --region eu-west-1 --table ${CONTROL_CHARACTERS} --access read`,
    ]
    for (const line of lines) {
      const { code, out, err } = await runCommandLine(line, { colors })
      expect({ line, code }).toEqual({ line, code: 2 })
      // Usage errors have no styles, so the output must not contain any escape sequence.
      expect(CONTROL_CHARACTER_PATTERN.exec(out + err)).toBe(null)
    }
  },
)

test.each(['json', 'cloudformation', 'terraform', 'cdk'])(
  'policies in the format %s escape control characters of values',
  async (format) => {
    const { code, out, err } = await runCommandLine(
      `${POLICIES_COMMAND} --session-tags team=a\u2028b,sta\u2029ge=c --format ${format}`,
      { colors: true },
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('a\\u2028b')
    expect(out).toContain('\u001b[36m')
    expect(CONTROL_CHARACTER_PATTERN.exec(stripVTControlCharacters(out))).toBe(null)
  },
)

test('a usage error escapes line breaks in a file name', async () => {
  const { err } = await runCommandLine('policies --dotenv a\npolicies:\u00a0done')
  expect(err.trimEnd().split('\n')).toHaveLength(1)
})

test('usage errors escape control characters from a dotenv file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'variables-'))
  const file = join(folder, '.env')
  writeFileSync(
    file,
    `CROSS_ACCOUNT_DYNAMO_ROLE_ARN=${CONTROL_CHARACTERS}\nCROSS_ACCOUNT_DYNAMO_ROLEARN=${CONTROL_CHARACTERS}\n`,
  )
  const { code, err } = await runCommandLine(`policies --dotenv ${file}`)
  rmSync(folder, { recursive: true })
  expect(code).toBe(2)
  expect(err).not.toBe('')
  expect(CONTROL_CHARACTER_PATTERN.exec(err)).toBe(null)
})
