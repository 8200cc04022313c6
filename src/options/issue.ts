/** Issues, which describe problems of options as data, and the functions that convert an issue to a sentence. */
import { formatBullets, isRecord, quote, truncate } from '../text.ts'
import type { Audience, MESSAGES } from './messages.ts'
import type { POLICY_MESSAGES } from './policy-messages.ts'

type Messages = typeof MESSAGES & typeof POLICY_MESSAGES
export type IssueCode = keyof Messages

type Values<Code extends IssueCode> = Messages[Code] extends (values: infer Named, ...rest: never) => string
  ? Readonly<unknown extends Named ? object : Named>
  : never

/** A problem of a value: a code, and the values that its message contains. */
export type Problem = {
  [Code in IssueCode]: {
    readonly code: Code
    /** The property of the option that has the problem, such as `tables`. */
    readonly path?: string
    /** The session tag whose key or value is invalid. An issue never contains the value. */
    readonly tag?: { readonly part: 'key' | 'value'; readonly key: string }
  } & Values<Code>
}[IssueCode]

/** A problem, and the option that has it. */
export type Issue = Problem & {
  readonly option: string
  /** The environment variables that the value came from, separated by commas. */
  readonly variable?: string
}

/** A function that records a problem. */
export type Report = (problem: Problem) => void

/** A function that returns the parsed value if it is valid. Otherwise it reports each problem and returns `undefined`. */
export type Parser<Value> = (value: unknown, report: Report) => Value | undefined

const formatTag = ({ tag }: Problem): string => {
  if (tag === undefined) return ''
  return tag.part === 'key' ? `the key ${quote(tag.key)} ` : `the value of ${quote(tag.key)} `
}

/** Matches a name that needs no quotes. An unknown option can be any text, and without quotes it could change the layout of the message. */
const PLAIN_NAME = /^[\w$]{1,64}$/

const formatName = ({ option, path }: Issue, audience: Audience): string => {
  if (!PLAIN_NAME.test(option)) return quote(option)
  return audience.nameOf(path === undefined ? option : `${option}.${path}`)
}

/** Returns the sentence of an issue for an audience. The sentence starts with the name of the option. */
export const formatIssue = (issue: Issue, audience: Audience): string => {
  const { option, variable } = issue
  const source = variable === undefined ? '' : ` (from ${variable})`
  const format: unknown = audience.messages[issue.code]
  const sentence = typeof format === 'function' ? format(issue, option, audience) : issue.code
  return `${formatName(issue, audience)}${source}: ${formatTag(issue)}${sentence}`
}

const truncateTexts = (value: unknown): unknown => {
  if (typeof value === 'string') return truncate(value)
  if (Array.isArray(value)) return value.map(truncateTexts)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, truncateTexts(item)]))
}

/** Returns the issue with long texts truncated. Use it for issues that contain values from a request. */
export const truncateIssue = (issue: Issue): Issue => Object.assign({ ...issue }, truncateTexts(issue))

/** Returns the sentences of the issues, each on its own line. */
export const formatIssues = (issues: readonly Issue[], audience: Audience): string =>
  formatBullets(issues.map((issue) => formatIssue(issue, audience)))
