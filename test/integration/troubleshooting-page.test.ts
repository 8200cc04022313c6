/**
 * Compares docs/troubleshooting.md with the classification of errors: each heading is a message, and the table below it names the error
 * code of the message. Also runs the misconfigurations of test/aws on the sandbox, and looks up their messages in the page.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { assumeRoleError } from '../../src/credentials/sts-error.ts'
import { parseAssumeRoleDenial, parseDenialReason } from '../../src/iam/denial-message.ts'
import type { AttemptError } from '../aws/attempt.ts'
import { createSetups, MISCONFIGURATIONS } from '../aws/misconfigurations.ts'
import { attemptOnSandbox } from '../aws/sandbox-attempts.ts'
import { EXAMPLE_TARGET } from '../aws/target.ts'
import { restrictToEngine } from '../sandbox/restrict-to-engine.ts'
import { createMinimalParameters } from '../unit/minimal-session-parameters.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8')

const ROLE = 'arn:aws:iam::222222222222:role/CrossAccountDynamoRole'
const CALLER = 'arn:aws:sts::111111111111:assumed-role/LambdaExecutionRole/orders'

interface Section {
  /** The heading, in which `…` stands for any text. */
  readonly heading: string
  /** The error code, or `undefined` if the message does not come with a CrossAccountDynamoError. */
  readonly code: string | undefined
  readonly reporter: string
  /** The name of the error, or its code for an error of Node.js. */
  readonly name: string
  readonly correctIn: string
}

const SECTION =
  /^### (?<heading>.+)\n\n\| error code \| (?:none|`(?<code>\w+)`) \|\n\| --- \| --- \|\n\| reported by \| (?<reporter>.+), as `(?<name>\w+)` \|\n\| correct it in \| (?<correctIn>.+) \|$/gm
const sections = [...page.matchAll(SECTION)].map(({ groups }) => groups as unknown as Section)
const ofReporter = (reporter: string) => sections.filter((section) => section.reporter === reporter)

/** Returns an example of the message of a heading. */
const createMessage = ({ heading }: Section): string =>
  heading
    .replace('User: …', `User: ${CALLER}`)
    .replace('on resource: …', `on resource: ${ROLE}`)
    .replace(/^… is not/, `User: ${CALLER} is not`)
    .replace(
      /^… because/,
      `User: ${CALLER} is not authorized to perform: sts:AssumeRole on resource: ${ROLE} because`,
    )
    .replaceAll('…', '12')

const classify = (thrown: Error): string => assumeRoleError(thrown, createMinimalParameters(ROLE)).code
const createStsError = (name: string, message: string): Error =>
  Object.assign(new Error(message), {
    name,
    $fault: 'client',
    $metadata: { httpStatusCode: name === 'AccessDenied' ? 403 : 400, requestId: 'request-1' },
  })

test('each section about a message has a table with the error code, and no code is unknown', () => {
  const [, ...parts] = page.split(/^## /m)
  const withMessages = parts.filter((part) => part.startsWith('Messages'))
  expect(withMessages.join('').match(/^### /gm)).toHaveLength(sections.length)
  const listed = [...page.matchAll(/^\| \[`(\w+)`\]\(messages\.md#/gm)].map(([, code]) => code)
  for (const { code } of sections) expect([undefined, ...listed]).toContain(code)
})

describe('messages of STS', () => {
  test.each(ofReporter('STS'))('"$heading" is $code', (section) => {
    expect(classify(createStsError(section.name, createMessage(section)))).toBe(section.code)
  })

  test.each(ofReporter('STS').filter(({ name }) => name === 'AccessDenied'))(
    '"$heading" is denied by a policy in $correctIn',
    (section) => {
      const { caller, policy } = parseAssumeRoleDenial(createMessage(section))
      expect(caller).toBe(CALLER)
      if (policy === undefined) expect(section.correctIn).toBe('account A or account B')
      else expect(section.correctIn).toContain(/trust/.test(policy) ? 'account B' : 'account A')
    },
  )
})

describe('messages of the SDK and of Node.js', () => {
  test.each(ofReporter('the SDK'))('"$heading" is $code', (section) => {
    const error = Object.assign(new Error(createMessage(section)), { name: section.name })
    expect(classify(error)).toBe(section.code)
  })

  test.each(ofReporter('Node.js'))('"$heading" is $code', (section) => {
    const error = Object.assign(new Error(createMessage(section)), { code: section.name })
    expect(classify(error)).toBe(section.code)
  })
})

describe('messages of DynamoDB', () => {
  test.each(ofReporter('DynamoDB').filter(({ heading }) => heading.includes('dynamodb:GetItem')))(
    '"$heading" names the policy',
    (section) => {
      const { policy, isExplicit } = parseDenialReason(createMessage(section))
      expect(section.heading).toContain(policy)
      expect(isExplicit).toBe(section.heading.includes('explicit deny'))
    },
  )
})

const withMessagesOfAws = restrictToEngine(
  'dynalite',
  'DynamoDB Local reports a missing table in other words than DynamoDB',
)

withMessagesOfAws.describe('the misconfigurations on the sandbox', () => {
  let errors: ReadonlyMap<string, AttemptError | undefined>
  beforeAll(async () => {
    errors = await attemptOnSandbox(EXAMPLE_TARGET, createSetups(EXAMPLE_TARGET))
  }, 30_000)

  const matches = ({ heading }: Section, message: string): boolean =>
    heading
      .split('…')
      .filter((part) => part.trim() !== '')
      .every((part) => message.includes(part.trim()))

  test.each(MISCONFIGURATIONS)('the page contains the message of: $title', ({ name }) => {
    const error = errors.get(name)
    const found = sections.filter((section) => matches(section, error?.message ?? ''))
    expect(found).not.toEqual([])
    for (const section of found) {
      expect(section.name).toBe(error?.name)
      expect(section.code ?? section.name).toBe(error?.code)
    }
  })
})
