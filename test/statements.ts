/** The statements that the message of a denied call proposes. */
import type { Statement } from 'middy-cross-account-dynamo/policies'

/**
 * The statements in a message, which users paste into their policies, by the account that each list item names.
 *
 * @throws SyntaxError if they are not JSON.
 */
export const statementsIn = (message: string): Record<string, Statement[]> =>
  Object.fromEntries(
    message
      .split(/^\d+\. Account /m)
      .slice(1)
      .map((item) => {
        const [account = '', ...pasted] = item
          .split('\n')
          .filter((line, at) => at === 0 || line.startsWith('   '))
        return [account.replace(/:.*/, ''), [JSON.parse(pasted.join('\n'))].flat()]
      }),
  )
