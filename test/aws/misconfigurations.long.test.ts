/** Runs each misconfiguration on the sandbox. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { parseStatements } from '../statements.ts'
import type { AttemptError } from './attempt.ts'
import {
  CORRECT_NAME,
  createCorrectSetup,
  createFaultySetup,
  createSetups,
  MISCONFIGURATIONS,
  type Setup,
  toCallerName,
  toTargetRoleName,
} from './misconfigurations.ts'
import { attemptOnSandbox } from './sandbox-attempts.ts'
import { EXAMPLE_TARGET } from './target.ts'

const target = EXAMPLE_TARGET
const { functionAccount, tableAccount } = target

let errors: ReadonlyMap<string, AttemptError | undefined>
let errorsOfCorrectSetups: ReadonlyMap<string, AttemptError | undefined>
beforeAll(async () => {
  errors = await attemptOnSandbox(target, createSetups(target))
  errorsOfCorrectSetups = await attemptOnSandbox(
    target,
    new Map([
      [CORRECT_NAME, createCorrectSetup(target)],
      ...MISCONFIGURATIONS.map(
        (misconfiguration) => [misconfiguration.name, createCorrectSetup(target, misconfiguration)] as const,
      ),
    ]),
  )
}, 30_000)

test('the list contains at least ten misconfigurations, and their roles have valid and different names', () => {
  expect(MISCONFIGURATIONS.length).toBeGreaterThanOrEqual(10)
  const names = MISCONFIGURATIONS.flatMap(({ name }) => [
    toCallerName(target, name),
    toTargetRoleName(target, name),
  ])
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[\w+=,.@-]{1,64}$/)
})

test('the correct setup succeeds on the sandbox', () => {
  expect(errors.has(CORRECT_NAME)).toBe(true)
  expect(errors.get(CORRECT_NAME)).toBeUndefined()
})

describe.each(
  MISCONFIGURATIONS.map((misconfiguration) => [misconfiguration.name, misconfiguration] as const),
)('%s', (name, misconfiguration) => {
  const { code, action } = misconfiguration.expected

  test(`${name} causes ${code}${action === undefined ? '' : ` for ${action}`}`, () => {
    const error = errors.get(name)
    expect(error?.code).toBe(code)
    expect(error?.action).toBe(action)
  })

  test(`${name} differs from a setup that succeeds in one part only`, () => {
    const correct = createCorrectSetup(target, misconfiguration)
    const faulty = createFaultySetup(target, misconfiguration)
    const parts = (Object.keys(correct) as (keyof Setup)[]).filter(
      (part) => JSON.stringify(correct[part]) !== JSON.stringify(faulty[part]),
    )
    expect(parts).toHaveLength(1)
    expect(errorsOfCorrectSetups.has(name)).toBe(true)
    expect(errorsOfCorrectSetups.get(name)).toBeUndefined()
  })
})

const DENIED_SESSIONS = MISCONFIGURATIONS.filter(({ expected }) => expected.code === 'ASSUME_ROLE_DENIED')
test.each(DENIED_SESSIONS.map((misconfiguration) => [misconfiguration.name, misconfiguration] as const))(
  '%s causes an error with the statements that the correct setup has',
  (name, misconfiguration) => {
    const { request, callerPolicy, trustPolicy } = createCorrectSetup(target, misconfiguration)
    const { roleArn } = createFaultySetup(target, misconfiguration).request
    const statements = parseStatements(errors.get(name)?.advice ?? '')
    const toActions = (list: readonly { Action?: unknown }[] = []) =>
      list.flatMap(({ Action }) => Action).sort()
    expect(toActions(statements[functionAccount])).toEqual(toActions(callerPolicy.Statement))
    expect(toActions(statements[tableAccount])).toEqual(toActions(trustPolicy.Statement))
    expect(statements[functionAccount]?.[0]).toHaveProperty('Resource', roleArn)
    expect(request.roleArn.startsWith('arn:aws:iam::')).toBe(true)
  },
)
