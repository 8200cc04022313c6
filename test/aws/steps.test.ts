import { describe, expect, test } from '@jest/globals'
import { formatPlan, type Plan, runPlan, type Step } from './steps.ts'

/** Runs a plan with two creating steps and three steps that always run, and returns what ran. */
const runTestPlan = async (failing: readonly string[], abortIn?: string) => {
  const controller = new AbortController()
  const ran: string[] = []
  const failures: string[] = []
  const createStep = (title: string, others: Partial<Step> = {}): Step => ({
    title,
    ...others,
    run: async () => {
      ran.push(title)
      if (title === abortIn) controller.abort()
      if (failing.includes(title)) throw new Error('broken')
    },
  })
  const plan: Plan = {
    steps: [
      createStep('prepare'),
      createStep('create A', { isCreating: true }),
      createStep('create B', { isCreating: true }),
      createStep('test'),
    ],
    finalSteps: [
      createStep('delete B', { isDeleting: true }),
      createStep('delete A', { isDeleting: true }),
      createStep('report'),
    ],
  }
  const outcome = await runPlan(plan, {
    signal: controller.signal,
    print: () => {},
    onFailure: (message) => failures.push(message),
  })
  return { ran, failures, ...outcome }
}
const DELETIONS = ['delete B', 'delete A', 'report']

describe('runPlan', () => {
  test('all steps run in order', async () => {
    expect(await runTestPlan([])).toEqual({
      ran: ['prepare', 'create A', 'create B', 'test', ...DELETIONS],
      failures: [],
      hasCreated: true,
      hasDeletedAll: true,
    })
  })

  test('nothing is deleted if the run fails before it creates anything', async () => {
    expect(await runTestPlan(['prepare'])).toMatchObject({ ran: ['prepare'], hasCreated: false })
  })

  test.each(['create A', 'create B', 'test'])(
    'everything is deleted after a failure in "%s"',
    async (title) => {
      const { ran, failures } = await runTestPlan([title])
      expect(ran.slice(ran.indexOf(title))).toEqual([title, ...DELETIONS])
      expect(failures).toEqual([`${title}: broken`])
    },
  )

  test.each(['create A', 'test'])('everything is deleted after an interruption in "%s"', async (title) => {
    const { ran } = await runTestPlan([], title)
    expect(ran.slice(ran.indexOf(title))).toEqual([title, ...DELETIONS])
  })

  test('a failed deletion does not prevent the other ones, and is reported', async () => {
    const { ran, hasDeletedAll, failures } = await runTestPlan(['test', 'delete B'])
    expect(ran.slice(-3)).toEqual(DELETIONS)
    expect(hasDeletedAll).toBe(false)
    expect(failures).toEqual(['test: broken', 'delete B: broken'])
  })

  test('a report that cannot be written is not a failed deletion', async () => {
    expect(await runTestPlan(['report'])).toMatchObject({ hasDeletedAll: true, failures: ['report: broken'] })
  })
})

test('formatPlan numbers the steps, and marks those that always run', () => {
  const run = async () => {}
  const plan = {
    steps: [{ title: 'Create', details: ['cdk deploy'], run }],
    finalSteps: [{ title: 'Delete', run }],
  }
  expect(formatPlan(plan)).toBe(
    '1. Create\n   - cdk deploy\n2. Delete (also after a failure and after Ctrl-C)',
  )
})
