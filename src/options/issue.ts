/** What is wrong with an option, as data. The sentence is made where it is shown. */
import { bulleted, isRecord, quoted, truncate } from '../text.ts'
import type { Audience, MESSAGES } from './messages.ts'
import type { POLICY_MESSAGES } from './policy-messages.ts'

type Messages = typeof MESSAGES & typeof POLICY_MESSAGES
export type IssueCode = keyof Messages

type Values<Code extends IssueCode> = Messages[Code] extends (values: infer Named, ...rest: never) => string
  ? Readonly<unknown extends Named ? object : Named>
  : never

/** What a check finds wrong with a value: a code, and the values that its message names. */
export type Problem = {
  [Code in IssueCode]: {
    readonly code: Code
    /** The part of the option, such as `tables`. */
    readonly path?: string
    /** The session tag whose key or value is wrong. The value itself is never part of an issue. */
    readonly tag?: { readonly part: 'key' | 'value'; readonly key: string }
  } & Values<Code>
}[IssueCode]

/** A problem of an option. */
export type Issue = Problem & {
  readonly option: string
  /** The environment variable that the value came from. */
  readonly variable?: string
}

/** Notes a problem. */
export type Report = (problem: Problem) => void

/** Returns the value if there is nothing wrong with it. Otherwise reports what is, and returns `undefined`. */
export type Parser<Value> = (value: unknown, report: Report) => Value | undefined

const formatTag = ({ tag }: Problem): string => {
  if (tag === undefined) return ''
  return tag.part === 'key' ? `the key ${quoted(tag.key)} ` : `the value of ${quoted(tag.key)} `
}

/** The name of an unknown option can be any text, which must not change the layout of the message. */
const PLAIN_NAME = /^[\w$]{1,64}$/

const formatName = ({ option, path }: Issue, audience: Audience): string => {
  if (!PLAIN_NAME.test(option)) return quoted(option)
  return audience.nameOf(path === undefined ? option : `${option}.${path}`)
}

/** The sentence of an issue for an audience, which starts with the name of the option. */
export const formatIssue = (issue: Issue, audience: Audience): string => {
  const { option, variable } = issue
  const origin = variable === undefined ? '' : ` (from ${variable})`
  const format: unknown = audience.messages[issue.code]
  const sentence = typeof format === 'function' ? format(issue, option, audience) : issue.code
  return `${formatName(issue, audience)}${origin}: ${formatTag(issue)}${sentence}`
}

const truncateTexts = (value: unknown): unknown => {
  if (typeof value === 'string') return truncate(value)
  if (Array.isArray(value)) return value.map(truncateTexts)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, truncateTexts(item)]))
}

/** The issue with long texts truncated, for values that come from a request. */
export const truncateIssue = (issue: Issue): Issue => Object.assign({ ...issue }, truncateTexts(issue))

/** All issues, each on a line of its own. */
export const formatIssues = (issues: readonly Issue[], audience: Audience): string =>
  bulleted(issues.map((issue) => formatIssue(issue, audience)))
