/** Runs the setups of `misconfigurations.ts` on AWS. */
import { setTimeout as sleep } from 'node:timers/promises'
import { assumeCaller, type Profile } from './accounts.ts'
import { type AttemptError, attemptRequest } from './attempt.ts'
import { CORRECT_NAME, createSetups, MISCONFIGURATIONS, toCallerArn } from './misconfigurations.ts'
import { isExpectedError } from './report.ts'
import type { TestTarget } from './target.ts'

/** IAM distributes new roles with a delay. Until then, AWS reports other errors than the expected ones. */
const RETRY_DELAY_MS = 5000
const MAX_ATTEMPTS = 24

const attempt = async (
  target: TestTarget,
  name: string,
  functionProfile: Profile,
): Promise<AttemptError | undefined> => {
  const setup = createSetups(target).get(name)
  if (setup === undefined) throw new Error(`There is no setup ${name}.`)
  const credentials = await assumeCaller(functionProfile, toCallerArn(target, name))
  return attemptRequest(setup.request, { credentials })
}

const retry = async (
  run: () => Promise<AttemptError | undefined>,
  isFinal: (error: AttemptError | undefined) => boolean,
  signal: AbortSignal,
): Promise<AttemptError | undefined> => {
  for (let count = 1; ; count += 1) {
    signal.throwIfAborted()
    const result = await run()
    if (isFinal(result) || count === MAX_ATTEMPTS) return result
    await sleep(RETRY_DELAY_MS, undefined, { signal })
  }
}

/** Waits until the correct setup succeeds. @throws if it does not within two minutes. */
export const waitForCorrectSetup = async (
  target: TestTarget,
  functionProfile: Profile,
  signal: AbortSignal,
): Promise<void> => {
  const error = await retry(
    () => attempt(target, CORRECT_NAME, functionProfile),
    (result) => result === undefined,
    signal,
  )
  if (error !== undefined) throw new Error(`the correct setup failed with ${error.code}: ${error.message}`)
}

/** Yields the last result of each misconfiguration, in the order of the list. */
export async function* attemptOnAws(
  target: TestTarget,
  functionProfile: Profile,
  signal: AbortSignal,
): AsyncGenerator<readonly [name: string, result: AttemptError | undefined]> {
  for (const { name, expected } of MISCONFIGURATIONS)
    yield [
      name,
      await retry(
        () => attempt(target, name, functionProfile),
        (aws) => isExpectedError({ aws, expected }),
        signal,
      ),
    ]
}
