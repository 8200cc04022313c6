/**
 * Imitates the Lambda runtime: loads a function as `aws-lambda-ric` does, which imports CommonJS and ES modules, invokes it once, and
 * sends the outcome to the test.
 */
import { pathToFileURL } from 'node:url'
import { createLambdaContext } from '../../lambda-runtime.ts'

/** What the function returned, or what it threw when it was loaded or invoked. */
export type Outcome =
  | { readonly result: unknown }
  | { readonly phase: 'load' | 'invoke'; readonly code?: string; readonly message: string }

const describeFailure = (phase: 'load' | 'invoke', error: unknown): Outcome => {
  const { code, message } = error as Error & { code?: string }
  return { phase, message, ...(code !== undefined && { code }) }
}

const runFunction = async (file: string, event: unknown): Promise<Outcome> => {
  let handler: (event: unknown, context: unknown) => Promise<unknown>
  try {
    const module = await import(pathToFileURL(file).href)
    handler = module.handler ?? module.default.handler
    // The runtime waits for the next event, so an unhandled rejection ends the process before the invocation.
    await new Promise((resolve) => setTimeout(resolve, 20))
  } catch (error) {
    return describeFailure('load', error)
  }
  try {
    return { result: await handler(event, createLambdaContext()) }
  } catch (error) {
    return describeFailure('invoke', error)
  }
}

const [file = '', event = ''] = process.argv.slice(2)
process.send?.(await runFunction(file, JSON.parse(event)), () => process.exit())
