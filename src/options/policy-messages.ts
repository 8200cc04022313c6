/** The sentences of the issue codes that only `crossAccountPolicies()` and the commands report. */
import { quote } from '../text.ts'
import type { Audience } from './messages.ts'

export const POLICY_MESSAGES = {
  // Options
  'broad-principal': ({ value }: { value: string }, _: string, { nameOf }: Audience) =>
    `${quote(value)} includes more than one role; name the execution role of the function, or set ${nameOf('trustWholeAccount')}`,
  'invalid-tag-keys': () =>
    'must be a list of tag keys, or an object whose values are nonempty strings or true',
  'no-restrictable-action': (_: object, __: string, { nameOf }: Audience) =>
    `contains only actions that are excluded with ${nameOf('tenantTag')}; add an action such as GetItem, or remove ${nameOf('tenantTag')}`,

  // Warnings
  'trusts-many-callers': ({ principal }: { principal: string }) =>
    `${principal} includes ${principal === '*' ? 'all AWS accounts' : 'more than one role'}. Any included principal that is allowed to call sts:AssumeRole can use the tables. Name the execution role instead.`,
  'public-tables': (_: object, __: string, { nameOf }: Audience) =>
    `without ${nameOf('externalId')} or ${nameOf('organizationId')}, * makes the tables public.`,
  'actions-left-out': ({ actions }: { actions: readonly string[] }) =>
    `the policy does not allow ${actions.join(', ')}. Policies with a condition on partition keys exclude PartiQL, and actions whose requests can omit the partition key.`,
  'index-keys': () =>
    'a query on an index names the partition key of the index. If this key does not identify the tenant, a tenant whose ID equals a value of the key can read items of other tenants. Use the tenant ID as the partition key of each index.',
  'key-policy': ({ kmsKeyArn }: { kmsKeyArn: string; roleArn: string }) =>
    `the key policy of ${kmsKeyArn} must allow the account to use IAM policies, as the default key policy does.`,
  'key-policy-elsewhere': ({ kmsKeyArn, roleArn }: { kmsKeyArn: string; roleArn: string }) =>
    `${kmsKeyArn} and the role are in different accounts. The key policy must also allow ${roleArn} to call kms:Decrypt.`,
  'trust-policy-too-large': ({ length, max }: { length: number; max: number }) =>
    `has ${length} characters, which is ${length - max} more than the default quota of ${max}. Request a quota increase, or shorten the policy.`,
  'permissions-policy-too-large': ({ length, max }: { length: number; max: number }) =>
    `has ${length} characters, but the inline policies of a role are limited to ${max} in total. Split it into several managed policies, or name fewer tables.`,
} as const
