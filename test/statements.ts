/** Reads the IAM statements that an error message proposes. */
import type { Statement } from 'middy-cross-account-dynamo/policies'

/**
 * Returns the statements that users paste from an error message into their policies, by account ID. Each numbered list
 * item of the message names an account.
 *
 * @throws SyntaxError if the text of a statement is not JSON.
 */
export const parseStatements = (message: string): Record<string, Statement[]> =>
  Object.fromEntries(
    message
      .split(/^\d+\. Account /m)
      .slice(1)
      .map((item) => {
        const [heading = '', ...lines] = item.split('\n')
        const json = lines.filter((line) => line.startsWith('   ')).join('\n')
        return [heading.replace(/:.*/, ''), [JSON.parse(json)].flat()]
      }),
  )
