import type { CheckPlan } from './check-plan.ts'

/** The plan of `check`, and the caller whose credentials it uses. */
export interface CheckContext extends CheckPlan {
  /** The ARN of the caller. `undefined` if STS does not report it. */
  readonly caller: string | undefined
}
