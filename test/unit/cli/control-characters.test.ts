/** Nothing that a command prints can move the cursor, change colors, or start a line of its own. Shows NET-1 of SECURITY.md. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { beforeEach, expect, test } from '@jest/globals'
import { setEnvironment } from '../../integration/lambda.ts'
import { command } from './command-line.ts'

const EVIL = '\u001b[31m\u0007\r\u0008\u009b2J\u202e\u2066\u061c'
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not be printed
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

const POLICIES =
  'policies --role-arn arn:aws:iam::222222222222:role/R --execution-role-arn arn:aws:iam::111111111111:role/F --table Orders --access read --region eu-west-1'

beforeEach(() => setEnvironment({}))

test.each([false, true])('escapes arguments in usage errors (colors: %p)', async (colors) => {
  const flags = POLICIES.split(' ').filter((word) => word.startsWith('--'))
  const lines = [
    EVIL,
    `policies --${EVIL}`,
    `policies ${EVIL}`,
    `policies -${EVIL}`,
    `policies --help=${EVIL}`,
    `policies --dotenv ${EVIL}`,
    `policies --env-prefix ${EVIL}`,
    `${POLICIES} --format ${EVIL}`,
    `${POLICIES} --external-id ${EVIL}`,
    `${POLICIES} --session-tags ${EVIL}=${EVIL}`,
    `${POLICIES} --session-tag-key ${EVIL}`,
    `${POLICIES} --tenant-tag ${EVIL}`,
    `${POLICIES} --kms-key-arn ${EVIL}`,
    `${POLICIES} --organization-id ${EVIL}`,
    ...flags.map((flag) => POLICIES.replace(new RegExp(`(?<=${flag} )\\S+`), EVIL)),
    `check --role-arn ${EVIL} --region eu-west-1`,
    `check --role-arn arn:aws:iam::222222222222:role/R --region ${EVIL}`,
    `check --role-arn arn:aws:iam::222222222222:role/R --region eu-west-1 --table ${EVIL} --access read`,
  ]
  for (const line of lines) {
    const { code, out, err } = await command(line, { colors })
    expect({ line, code }).toEqual({ line, code: 2 })
    // Usage errors have no styles, so the output must not contain any escape sequence.
    expect(RAW.exec(out + err)).toBe(null)
  }
})

test.each(['json', 'cloudformation', 'terraform', 'cdk'])(
  'escapes values in the policies, in the format %s',
  async (format) => {
    const { code, out, err } = await command(
      `${POLICIES} --session-tags team=a\u2028b,sta\u2029ge=c --format ${format}`,
      { colors: true },
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('a\\u2028b')
    expect(out).toContain('\u001b[36m')
    expect(RAW.exec(stripVTControlCharacters(out))).toBe(null)
  },
)

test('does not let the name of a file start a line', async () => {
  const { err } = await command('policies --dotenv a\npolicies:\u00a0done')
  expect(err.trimEnd().split('\n')).toHaveLength(1)
})

test('escapes values from a dotenv file', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'variables-')), '.env')
  writeFileSync(file, `CROSS_ACCOUNT_DYNAMO_ROLE_ARN=${EVIL}\nCROSS_ACCOUNT_DYNAMO_ROLEARN=${EVIL}\n`)
  const { code, err } = await command(`policies --dotenv ${file}`)
  expect(code).toBe(2)
  expect(err).not.toBe('')
  expect(RAW.exec(err)).toBe(null)
})
