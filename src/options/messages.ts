/**
 * The sentence of each issue code, generated from the values of the issue. `docs/messages.md` lists all sentences. Tests
 * assert codes and values, so that you can reword a sentence without changing a test.
 */
import { formatList, quote } from '../text.ts'

/** The messages and option names for one kind of reader: developers who set options and variables, or users of the commands, who set flags. */
export interface Audience {
  /** The name of an option, such as `roleArn` or `--role-arn`. */
  readonly nameOf: (option: string) => string
  /** The instruction to set an option, such as `set the option roleArn, or the variable X`. */
  readonly howToSet: (option: string) => string
  /**
   * The functions that create sentences, by issue code. The bundle of a Lambda function contains the messages of the middleware and not
   * the messages of the commands.
   */
  readonly messages: Readonly<Record<string, unknown>>
}

/** A value in an issue: a string or a number, or the type of any other value. */
export type Reportable = string | number | { readonly type: string }

export const formatReportable = (value: Reportable): string =>
  typeof value === 'object' ? value.type : typeof value === 'string' ? quote(value) : String(value)

const formatSuggestion = (suggestion: string | undefined, what: string, known: readonly string[]): string =>
  suggestion === undefined ? `${what} are ${known.join(', ')}` : `did you mean ${suggestion}?`

/** The reasons why a text is not the ARN of a role. */
const ROLE_ARN_REASONS = {
  'not-an-arn': 'is not an ARN',
  'no-partition': 'has no AWS partition such as aws or aws-cn',
  'session-arn': 'is the ARN of a session, not of the role',
  'not-a-role': 'is not the ARN of an IAM role',
  'no-account-id': 'has no account ID of 12 digits',
  'invalid-name': 'has an invalid role name (1 to 64 letters, digits and _+=,.@-, without spaces)',
  'invalid-path': 'has an invalid path (at most 512 printable ASCII characters)',
} as const
export type RoleArnReason = keyof typeof ROLE_ARN_REASONS

export const MESSAGES = {
  // The options as a whole
  'unknown-option': ({ suggestion, known }: { suggestion: string | undefined; known: readonly string[] }) =>
    `is not an option; ${formatSuggestion(suggestion, 'the options', known)}`,
  'misspelled-variable': ({ misspelled, correct }: { misspelled: string; correct: string }) =>
    `the variable ${misspelled} is not read; did you mean ${correct}?`,
  'no-such-variable': ({ unread, instead }: { unread: string; instead: readonly string[] }, option: string) =>
    `the variable ${unread} is not read; set ${instead.length === 0 ? `the option ${option}` : formatList(instead)}`,
  required: (_: object, option: string, { howToSet }: Audience) => `is required; ${howToSet(option)}`,
  'required-without-aws-region': (_: object, option: string, { howToSet }: Audience) =>
    `is required because AWS_REGION is not set; ${howToSet(option)}`,
  'required-with-role': () =>
    'is required together with roleArn: return the external ID of the same customer, or false if all roles are your own. Otherwise a ' +
    "customer who enters the ARN of another customer's role gains access to it (the confused deputy problem, " +
    'https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html)',
  'not-in-direct-mode': (_: object, __: string, { nameOf }: Audience) =>
    `has no effect in direct mode, in which no role is assumed (${nameOf('roleArn')} is false, or its variable is none); remove it, or set the ARN of a role`,
  excluded: ({ by }: { by: readonly string[] }, _: string, { nameOf }: Audience) =>
    `cannot be combined with ${formatList(by.map(nameOf))}; set only one of them`,
  'no-effect': ({ because }: { because: string }) =>
    `has no effect because ${because}; remove one of the two`,

  // Any value
  'invalid-type': ({ expected, actual }: { expected: string; actual: string }) =>
    `must be ${expected}, but is ${actual}`,
  'invalid-value': ({ expected, value }: { expected: string; value: Reportable }) =>
    `must be ${expected}, but is ${formatReportable(value)}`,
  empty: () => 'must not be empty',
  'invalid-length': ({ min, max, length }: { min: number; max: number; length: number }) =>
    `must have ${min} to ${max} characters, but has ${length}`,
  'invalid-character': ({ allowed, character }: { allowed: string; character: string }) =>
    `may contain only ${allowed}, but contains ${quote(character)}`,
  'too-many': ({ max, count }: { max: number; count: number }) =>
    `may contain at most ${max} entries, but contains ${count}`,
  'unknown-property': ({ property, known }: { property: string; known: readonly string[] }) =>
    `has no property ${quote(property)}; the properties are ${known.join(', ')}`,
  'invalid-property': ({ property, actual }: { property: string; actual: string }) =>
    `must not contain ${quote(property)}, which is ${actual}`,
  'invalid-json': () => 'looks like JSON, but is not valid JSON',
  'missing-equals-sign': ({ pair }: { pair: number }) =>
    `is neither JSON nor key=value pairs: pair ${pair} has no "="; if a value contains a comma, use JSON`,
  'not-an-integer': ({ min, value }: { min: number; value: Reportable }) =>
    `must be an integer of at least ${min}, but is ${formatReportable(value)}`,

  // Session parameters
  'invalid-role-arn': ({ value, reason }: { value: string; reason: RoleArnReason }) =>
    `${quote(value)} ${ROLE_ARN_REASONS[reason]}; the ARN of a role looks like arn:aws:iam::222222222222:role/CrossAccountDynamoRole`,
  'role-pattern': ({ value }: { value: string }) =>
    `${quote(value)} contains *, ? or $, which could match other roles in a policy; name one role`,
  'reserved-prefix': () => 'must not start with aws:, which AWS reserves',
  'duplicate-tag-key': ({ keys }: { keys: readonly [string, string] }) =>
    `contains the keys ${formatList(keys.map(quote))}, which AWS treats as the same key`,
  'unknown-tag-key': (
    { key, known }: { key: string; known: readonly string[] },
    _: string,
    { nameOf }: Audience,
  ) =>
    `${quote(key)} is not a key of ${nameOf('sessionTags')}, which contains ${known.map(quote).join(', ') || 'no keys'}`,
  'invalid-duration': ({ min, max, value }: { min: number; max: number; value: Reportable }) =>
    `must be an integer from ${min} to ${max} (seconds), but is ${formatReportable(value)}; the function assumes the role with the ` +
    'credentials of its execution role (role chaining), and AWS limits such sessions to one hour',
  'invalid-refresh-window': (
    { min, durationSeconds, value }: { min: number; durationSeconds: number; value: Reportable },
    _: string,
    { nameOf }: Audience,
  ) =>
    `must be an integer of at least ${min} and less than ${nameOf('durationSeconds')} (${durationSeconds} seconds), but is ${formatReportable(value)}`,

  // Regions, partitions, tables
  'invalid-region': ({ value }: { value: Reportable }) =>
    `must be the code of a Region such as eu-west-1, but is ${formatReportable(value)}`,
  'other-partition': (
    { value, partition }: { value: string; partition: string },
    _: string,
    { nameOf }: Audience,
  ) => `${quote(value)} is not in the partition ${partition} of ${nameOf('roleArn')}`,
  'invalid-table': ({ value }: { value: string }) =>
    `${quote(value)} is neither a table name (3 to 255 letters, digits and _.-) nor a table ARN`,
  'invalid-table-name': ({ value }: { value: string }) =>
    `${quote(value)} is not a table name (3 to 255 letters, digits and _.-)`,
  'returned-table-arn': ({ value }: { value: string }) =>
    `${quote(value)} is an ARN; a table that varies per invocation must be a name`,
  'invalid-key-arn': ({ value }: { value: Reportable }) =>
    `must be the ARN of one KMS key and not of an alias, such as arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab, but is ${formatReportable(value)}`,
  'key-elsewhere': ({ region, expected }: { region: string; expected: string }) =>
    `is in ${region}, but the tables are in ${expected}`,
  'table-elsewhere': ({ value, prefix }: { value: string; prefix: string }) =>
    `${quote(value)} is not in the session's account, Region and partition, where ARNs start with ${prefix}`,

  // Actions, keys, session policies
  'unknown-action': ({
    action,
    suggestion,
    known,
  }: {
    action: string
    suggestion: string | undefined
    known: readonly string[]
  }) =>
    `${quote(action)} is not an action; ${formatSuggestion(suggestion, 'the known values', known)}${known.includes('read') ? '' : '; instead of a list, you can also set read, write or read-write'}`,
  'operation-not-action': ({ operation, actions }: { operation: string; actions: readonly string[] }) =>
    `${quote(operation)} is an operation and not an IAM action; replace it with the actions that its requests need, of: ${actions.join(', ')}`,
  'preset-in-list': ({ preset }: { preset: string }) =>
    `${quote(preset)} cannot be in a list of actions; set only ${quote(preset)}, or list actions such as "GetItem"`,
  'action-without-keys': ({ action }: { action: string }) =>
    `${quote(action)} is not allowed together with partition keys; remove the action, or leadingKeys and leadingKeyPrefixes`,
  'key-too-long': ({ maxBytes }: { maxBytes: number }) =>
    `must contain partition keys of at most ${maxBytes} bytes`,
  'not-unicode': () => 'must be valid Unicode, but contains a lone surrogate',
  'not-json-value': ({ at, actual }: { at: string; actual: string }) =>
    `${quote(at)} must be a JSON value, but is ${actual}`,
  'invalid-policy-arn': ({ value }: { value: string }) =>
    `${quote(value)} is not the ARN of a managed policy such as arn:aws:iam::aws:policy/ReadOnlyAccess`,
  'session-policies-too-large': ({ length, max }: { length: number; max: number }) =>
    `results in session policies of ${length} characters, but STS accepts at most ${max}`,

  // The middleware and its clients
  'reserved-context-key': ({ value }: { value: string }) =>
    `${quote(value)} is a property of Lambda's context or of every object; choose another name`,
  'invalid-env-prefix': () =>
    'must contain only letters, digits and _, and must not start with a digit or end with _; an example is ORDERS_DYNAMO',
  'missing-methods': ({ required, missing }: { required: readonly string[]; missing: readonly string[] }) =>
    `must have the methods ${required.join(', ')}, but lacks ${missing.join(', ')}`,
  'client-credentials': () =>
    'must not contain credentials; the client uses the credentials of the assumed role',
  'client-region': ({ instead }: { instead: string }, _: string, { howToSet }: Audience) =>
    `must not contain region; ${howToSet(instead)}`,
  'invalid-endpoint': ({ value }: { value: string }) =>
    `must contain a complete URL as endpoint, such as https://vpce-1.example.com, but contains ${quote(value)}`,
  'client-logger': () => 'must not contain logger, because the SDK would log session tokens',

  // Values that a session function returned
  'returned-other-partition': ({ partition, region }: { partition: string; region: string }) =>
    `is in the partition ${partition}, but the Region ${region} is not; create one middleware for each partition`,
  'returned-no-parameters': ({ returned }: { returned: string }) =>
    `returned ${returned}; return a plain object of session parameters, or reject the request before this middleware`,
  'returned-unknown': ({
    property,
    suggestion,
    known,
  }: {
    property: string
    suggestion: string | undefined
    known: readonly string[]
  }) => `returned ${quote(property)}; ${formatSuggestion(suggestion, 'the parameters that can vary', known)}`,
  'returned-option': () => 'cannot vary per invocation; set it in the options instead of returning it',
  'returned-no-role': () => 'must be the ARN of a role; a session function cannot select direct mode',
  'returned-empty-field': ({ field }: { field: string }) =>
    `${quote(field)} is missing or empty; check where the session function reads it`,
  'returned-empty': ({ returned }: { returned: string }) =>
    `is ${returned}; check where the session function reads it`,
  'function-threw': ({ thrown }: { thrown: string }) => `threw ${thrown}; see the cause of the error`,
} as const
