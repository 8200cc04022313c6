import type { CheckPlan } from './check-plan.ts'

/** The plan, and the caller that carries it out. */
export interface CheckContext extends CheckPlan {
  /** The ARN of the caller; `undefined` if STS does not report it. */
  readonly caller: string | undefined
}
