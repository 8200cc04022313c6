/** Tests the plan, which is all of `npm run test:aws` that CI runs. */
import { Socket } from 'node:net'
import { afterEach, expect, jest, test } from '@jest/globals'
import { describeCheck } from './examples.ts'
import { type Options, readFlags } from './flags.ts'
import { MISCONFIGURATIONS } from './misconfigurations.ts'
import { createPlan, createRunContext } from './plan.ts'
import { formatPlan } from './steps.ts'
import { EXAMPLE_TARGET, listStacks } from './target.ts'

afterEach(() => {
  jest.restoreAllMocks()
})

const readOptions = (...args: string[]): Options => {
  const flags = readFlags(args)
  if ('problems' in flags) throw new Error(flags.problems.join('\n'))
  return flags.options
}

/** Creates a plan without the possibility to confirm it. */
const createTestPlan = (
  options = readOptions('--plan', '--function-profile', 'one', '--table-profile', 'two'),
) =>
  createPlan(
    createRunContext(options, {
      target: EXAMPLE_TARGET,
      folder: '/tmp/folder',
      signal: new AbortController().signal,
      print: () => {},
      confirm: async () => {
        throw new Error('not confirmed')
      },
    }),
  )

test('the plan sends no request and reads no profile', () => {
  const connect = jest.spyOn(Socket.prototype, 'connect')
  expect(formatPlan(createTestPlan())).toContain('GetCallerIdentity')
  expect(connect).not.toHaveBeenCalled()
})

test('the plan compares the accounts and asks before it creates anything', () => {
  const { steps } = createTestPlan()
  const titles = steps.map(({ title }) => title)
  const indexes = ['account IDs', 'ask for'].map((text) => titles.findIndex((title) => title.includes(text)))
  const firstCreation = steps.findIndex(({ isCreating }) => isCreating)
  expect(indexes).toEqual([0, 1])
  expect(firstCreation).toBeGreaterThan(1)
  expect(steps.filter(({ isCreating }) => isCreating)).toHaveLength(2)
})

test('the plan deletes exactly the stacks that it deploys, with the profile of their account', () => {
  const { steps, finalSteps } = createTestPlan()
  const toCommands = (list: typeof steps) =>
    list.flatMap(({ details = [] }) => details).filter((detail) => detail.startsWith('npx cdk'))
  const parseCommand = (command: string) => ({
    stacks: command.match(/CrossAccountDynamoTest-\S+/g),
    profile: /--profile (\S+)/.exec(command)?.[1],
  })
  const { functionAccount, tableAccount } = listStacks(EXAMPLE_TARGET)
  const expected = [
    { stacks: functionAccount, profile: 'one' },
    { stacks: tableAccount, profile: 'two' },
  ]
  expect(toCommands(steps).map(parseCommand)).toEqual(expected)
  expect(toCommands(finalSteps).map(parseCommand)).toEqual(expected.toReversed())
  expect(finalSteps.map(({ isDeleting = false }) => isDeleting)).toEqual([true, true, false])
})

test('the plan lists each misconfiguration', () => {
  const text = formatPlan(createTestPlan())
  for (const { title } of MISCONFIGURATIONS) expect(text).toContain(`   - ${title}\n`)
})

test('the plan contains no external ID', () => {
  expect(formatPlan(createTestPlan())).not.toContain(EXAMPLE_TARGET.externalId)
})

test('the result of check names the steps that failed', () => {
  const ok = { outcome: 'ok', message: 'fine' }
  expect(describeCheck(JSON.stringify({ steps: [ok, ok] }))).toBe('2 steps, none failed')
  expect(describeCheck(JSON.stringify({ steps: [ok, { outcome: 'failed', message: 'denied' }] }))).toBe(
    'denied',
  )
  expect(describeCheck('')).toBe('check wrote no result.')
})
