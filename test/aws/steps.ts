/** Runs the steps of a plan in order, and the deletions in any case. */

/** One step of the plan. The plan prints it, and a run runs it, so that they cannot differ. */
export interface Step {
  /** In the imperative, without a period. */
  readonly title: string
  readonly details?: readonly string[]
  /** Whether the step creates resources in an account. From the first such step on, `finalSteps` run in any case. */
  readonly isCreating?: boolean
  readonly isDeleting?: boolean
  readonly run: () => Promise<void>
}

export interface Plan {
  readonly steps: readonly Step[]
  /** Run after the other steps, also if one of them failed or the run was interrupted. */
  readonly finalSteps: readonly Step[]
}

/** Returns the numbered steps, with their details. */
export const formatPlan = ({ steps, finalSteps }: Plan): string =>
  [...steps, ...finalSteps]
    .map(({ title, details = [] }, index) => {
      const note = index >= steps.length ? ' (also after a failure and after Ctrl-C)' : ''
      return [`${index + 1}. ${title}${note}`, ...details.map((detail) => `   - ${detail}`)].join('\n')
    })
    .join('\n')

export interface RunOptions {
  readonly signal: AbortSignal
  readonly print: (text: string) => void
  /** Called with the message of each failure. */
  readonly onFailure: (message: string) => void
}

export interface RunOutcome {
  /** Whether a step began that creates resources. */
  readonly hasCreated: boolean
  /** Whether each step that deletes resources succeeded. */
  readonly hasDeletedAll: boolean
}

/** Runs the plan. A failure ends `steps`, but each step of `finalSteps` runs. Does not throw. */
export const runPlan = async (
  { steps, finalSteps }: Plan,
  { signal, print, onFailure }: RunOptions,
): Promise<RunOutcome> => {
  let hasCreated = false
  const runStep = async (step: Step, number: number): Promise<boolean> => {
    print(`${number}. ${step.title}`)
    try {
      await step.run()
      return true
    } catch (error) {
      const message = `${step.title}: ${error instanceof Error ? error.message : error}`
      print(`   failed: ${message}`)
      onFailure(message)
      return false
    }
  }
  for (const [index, step] of steps.entries()) {
    if (signal.aborted) break
    hasCreated ||= step.isCreating === true
    if (!(await runStep(step, index + 1))) break
  }
  let hasDeletedAll = true
  if (hasCreated) {
    for (const [index, step] of finalSteps.entries()) {
      const isOk = await runStep(step, steps.length + index + 1)
      if (!isOk && step.isDeleting) hasDeletedAll = false
    }
  }
  return { hasCreated, hasDeletedAll }
}
