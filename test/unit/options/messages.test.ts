/** The format of values in messages. A comparison with docs/messages.md tests the other text of messages. */
import { expect, test } from '@jest/globals'
import { POLICIES_AUDIENCE } from '../../../src/iam/trust-configuration.ts'
import { formatIssue } from '../../../src/options/issue.ts'
import type { Reportable } from '../../../src/options/messages.ts'
import { toReportable } from '../../../src/options/parsers.ts'

test.each<[unknown, Reportable, string]>([
  ['a list', 'a list', '"a list"'],
  ['1h\n', '1h\n', String.raw`"1h\n"`],
  [42, 42, '42'],
  [Number.NaN, Number.NaN, 'NaN'],
  [['secret'], { type: 'a list' }, 'a list'],
  [{ a: 'secret' }, { type: 'an object' }, 'an object'],
  [null, { type: 'null' }, 'null'],
  [undefined, { type: 'undefined' }, 'undefined'],
])(
  'a message shows a string in quotes, a number unchanged, and other values by their type: %p',
  (given, reportable, formatted) => {
    expect(toReportable(given)).toEqual(reportable)
    const message = formatIssue(
      { option: 'region', code: 'invalid-region', value: reportable },
      POLICIES_AUDIENCE,
    )
    expect(message).toContain(` ${formatted}`)
  },
)
