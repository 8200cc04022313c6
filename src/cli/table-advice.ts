/** Generates the advice if actions on a table are denied, or if a session can use the keys of other tenants. */
import { type Action, canRestrictByKey } from '../iam/actions.ts'
import { type Addition, formatAccount } from '../iam/advice.ts'
import { parseRoleArn, toTableArns } from '../iam/arn.ts'
import { type DenialReason, parseDenialReason } from '../iam/denial-message.ts'
import { unwrapSingle } from '../iam/documents.ts'
import { createKmsKeyStatement, findKmsKeyProblem } from '../iam/kms-key.ts'
import { createLeadingKeysCondition } from '../iam/leading-keys.ts'
import { escapePolicyText } from '../iam/scope.ts'
import type { CheckContext } from './check-context.ts'

/** A table, or an index of it, for which requests were sent. */
export interface Target {
  /** The name or ARN of the table, as the user gave it. */
  readonly table: string
  /** The name of the index, or `*` for all indexes. */
  readonly index?: string | undefined
}

/** The text of a step, and the statements to add. */
interface Advice {
  readonly text: string
  readonly add: readonly Addition[]
}

/** What DynamoDB reports about a denied request. */
interface Denial extends DenialReason {
  /** Whether the use of the table's KMS key is denied. */
  readonly isAboutKey: boolean
  /** The ARN of the KMS key, if AWS reports it. */
  readonly keyArn: string | undefined
}

/**
 * Matches the messages about the KMS key of a table. DynamoDB reports that IAM denies `kms:Decrypt`, or only that the key cannot be
 * accessed.
 *
 * @see https://github.com/aws/aws-cdk/issues/10010
 */
const KMS_DENIAL = /\bkms:|KMS key access denied/
const KEY_ARN = /on resource: (?<keyArn>arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)/

const parseDenial = (message: string): Denial => ({
  ...parseDenialReason(message),
  isAboutKey: KMS_DENIAL.test(message),
  keyArn: KEY_ARN.exec(message)?.groups?.keyArn,
})

/** Returns the same text for the messages of denied actions that have the same reason, and therefore the same advice. */
export const toDenialGroup = (message: string): string => JSON.stringify(parseDenial(message))

/** Actions that are denied for the same reason. */
export interface DeniedActions {
  readonly target: Target
  readonly denied: readonly Action[]
  /** The message of DynamoDB for the first action. */
  readonly message: string
  /** Whether another action on the table is allowed, so that the table exists. */
  readonly canUseTable: boolean
}

/** Returns the advice on actions that are denied for the same reason. */
export const describeDeniedActions = (deniedActions: DeniedActions, context: CheckContext): Advice => {
  const { denied, message } = deniedActions
  const { text, add } = adviseOnDenial(parseDenial(message), deniedActions, context)
  return { text: `denied: ${denied.join(', ')}\nAWS said: ${message}\n${text}`, add }
}

const adviseOnDenial = (denial: Denial, deniedActions: DeniedActions, context: CheckContext): Advice => {
  const { policy, isExplicit, isAboutKey } = denial
  if (isExplicit) return adviseOnExplicitDeny(denial, context)
  if (policy === VPC_ENDPOINT_POLICY) return adviseOnVpcEndpoint(context)
  if (isAboutKey) return adviseOnKey(denial, deniedActions, context)
  if (policy === 'session policy') return adviseOnScope(deniedActions)
  if (policy === undefined || policy === 'identity-based policy')
    return adviseOnPermissions(deniedActions, context)
  return adviseOnOtherPolicy(denial, context)
}

const VPC_ENDPOINT_POLICY = 'VPC endpoint policy'

/** Returns the advice on a policy that does not allow the actions, and that the `policies` command does not write. */
const adviseOnOtherPolicy = (denial: Denial, context: CheckContext): Advice => ({
  text:
    `No ${denial.policy} allows ${denial.isAboutKey ? 'the use of the KMS key' : 'the actions'}. Such policies are in ` +
    `${formatRoleAccount(context)} or its organization. Allow the actions there.`,
  add: [],
})

const formatRoleAccount = ({ parameters }: CheckContext): string =>
  `account ${parseRoleArn(parameters.roleArn).accountId}`

const formatCallerAccount = ({ caller }: CheckContext): string =>
  caller === undefined ? 'the account of the caller' : `account ${formatAccount(caller)} of the caller`

const adviseOnVpcEndpoint = (context: CheckContext): Advice => ({
  text:
    `The request uses a VPC endpoint for DynamoDB in ${formatCallerAccount(context)}. In the policy of this endpoint, allow the actions ` +
    `to ${context.parameters.roleArn}.`,
  add: [],
})

/** Returns a phrase for the policy of a denial. For a KMS key, AWS calls the key policy a resource-based policy. */
const formatPolicy = ({ policy, isAboutKey }: Denial): string => {
  if (policy === undefined) return 'a policy'
  return isAboutKey && policy === 'resource-based policy' ? 'the key policy' : `the ${policy}`
}

/** Returns a phrase for the place of a policy that explicitly denies a request. */
const formatPlace = (policy: string | undefined, context: CheckContext): string => {
  if (policy === VPC_ENDPOINT_POLICY) return `in ${formatCallerAccount(context)}`
  return policy === 'session policy'
    ? 'in the options of the function (scope, policy or policyArns)'
    : `in ${formatRoleAccount(context)} or its organization`
}

const adviseOnExplicitDeny = (denial: Denial, context: CheckContext): Advice => ({
  text:
    `An explicit deny in ${formatPolicy(denial)} denies ${denial.isAboutKey ? 'the use of the KMS key' : 'these actions'}. The policy is ` +
    `${formatPlace(denial.policy, context)}. Find that statement, and add an exception for these requests. A statement that allows them ` +
    'has no effect.',
  add: [],
})

const adviseOnScope = ({ target }: DeniedActions): Advice => ({
  text:
    'The session policy does not allow the actions. ' +
    (target.index === undefined
      ? 'Add the table and the actions to the scope of the function (the variables that end in _TABLES and _ACCESS).'
      : 'In the scope of the function, set indexes to true, or do not restrict partition keys.'),
  add: [],
})

/** Returns the advice if the permissions policy of the role does not allow the actions, or if AWS does not report a reason. */
const adviseOnPermissions = (deniedActions: DeniedActions, context: CheckContext): Advice => {
  const { target, denied, canUseTable } = deniedActions
  const { parameters, key, configuration } = context
  const place = target.index === undefined || !canUseTable ? 'table' : 'index'
  const isExistenceUnknown = !canUseTable || (target.index !== undefined && target.index !== '*')
  const doubt = isExistenceUnknown
    ? `AWS does not reveal whether this ${place} exists in ${configuration.region}. First check the name of the ${place}` +
      `${place === 'table' ? ' and the Region' : ''}.`
    : 'The role lacks these permissions.'
  // A statement without a condition on the partition key would allow access to the items of all tenants.
  const isConditionUnknown = key === undefined && parameters.sessionTags.length > 0
  return isConditionUnknown
    ? { text: `${doubt}\n${KEY_ADVICE}`, add: [] }
    : { text: doubt, add: [createTableAddition(target, denied, context)] }
}

const INDEX_KEY_ADVICE =
  'Remove the statement that allows the index. For an index, IAM compares the partition key of the index. Only if this key identifies the ' +
  'tenant, allow the index with the statement that policies --tenant-tag --indexes writes.'

const KEY_ADVICE =
  'If the permissions policy of the role compares partition keys with a session tag, do not add a statement. Give such a key with ' +
  '--key <name=value> instead. If it does not compare keys, the policies command writes the statement to add.'

/** Returns the advice if no policy allows the use of the table's KMS key, or if AWS does not report a reason. */
const adviseOnKey = (denial: Denial, { target }: DeniedActions, context: CheckContext): Advice => {
  const { parameters, configuration } = context
  const { accountId, name, partition } = parseRoleArn(parameters.roleArn)
  // A message can be forged, so the key may be one that the table cannot have.
  const isPossibleKey =
    denial.keyArn !== undefined &&
    findKmsKeyProblem(denial.keyArn, { region: configuration.region, partition }) === undefined
  const keyArn = isPossibleKey ? denial.keyArn : undefined
  const keyName = keyArn ?? "the table's KMS key"
  const keyAccount = keyArn === undefined ? 'the account of the key' : `account ${formatAccount(keyArn)}`
  const scopeAdvice = `Set scope.kmsKeyArn of the function (the variable that ends in _KMS_KEY_ARN) to ${keyArn ?? 'the ARN of the key'}.`
  const permissionsAdvice = `In account ${accountId}, allow ${name} to use ${keyName}. The command policies --kms-key-arn writes the statement.`
  const keyPolicyAdvice = `In ${keyAccount}, allow kms:Decrypt to ${parameters.roleArn} in the key policy of ${keyName}.`
  switch (denial.policy) {
    case 'session policy':
      return { text: `The session policy does not allow the use of the KMS key. ${scopeAdvice}`, add: [] }
    case 'resource-based policy':
      return { text: keyPolicyAdvice, add: [] }
    case 'identity-based policy': {
      const statement = keyArn && createKmsKeyStatement(keyArn, [target.table], configuration.region)
      const add = statement
        ? [{ account: accountId, to: `the permissions policy of ${name}`, statement }]
        : []
      const mayNeedScope = parameters.policy !== undefined && !parameters.policy.includes('kms:Decrypt')
      return { text: mayNeedScope ? `${scopeAdvice}\n${permissionsAdvice}` : permissionsAdvice, add }
    }
    case undefined:
      break
    default:
      return adviseOnOtherPolicy(denial, context)
  }
  return {
    text: [
      'AWS does not report why the use of the KMS key is denied. Check in this order:',
      `1. The key exists in ${configuration.region} and is enabled.`,
      `2. ${permissionsAdvice}`,
      `3. ${keyPolicyAdvice}`,
      ...(parameters.policy === undefined ? [] : [`4. ${scopeAdvice}`]),
    ].join('\n'),
    add: [],
  }
}

/** Returns the text of the step about a KMS key that is disabled or pending deletion. */
export const describeUnavailableKey = (message: string, actions: readonly Action[]): string =>
  `the KMS key of the table cannot be used: ${actions.join(', ')}\nAWS said: ${message}\n` +
  'Enable the key or cancel its deletion. Do not change policies, because they are not the cause.'

/** Matches the message of a DNS failure. */
const UNKNOWN_HOST = /ENOTFOUND|EAI_AGAIN/
/** Matches the host of an account-based endpoint in the message of a DNS failure. */
const UNKNOWN_ACCOUNT_ENDPOINT = /(?:ENOTFOUND|EAI_AGAIN) \d{12}\.ddb\./

/** Returns the advice if DynamoDB could not be reached. */
export const adviseOnNetwork = (message: string, region: string): string => {
  const advice = UNKNOWN_ACCOUNT_ENDPOINT.test(message)
    ? 'The SDK uses an account-based endpoint, whose name cannot be resolved. If your DNS server or VPC endpoint does not support such ' +
      'endpoints, set AWS_ACCOUNT_ID_ENDPOINT_MODE=disabled.'
    : 'A function in a VPC reaches DynamoDB through a gateway endpoint for dynamodb or a NAT gateway.'
  return UNKNOWN_HOST.test(message) ? `Check the Region ${region}. ${advice}` : advice
}

/**
 * Returns the advice on a session that can use other partition keys than its own. The advice is to replace the statement that allows
 * these actions.
 */
export const describeAllowedOtherKeys = (
  target: Target,
  allowed: readonly Action[],
  context: CheckContext,
): Advice => {
  const restrictable = allowed.filter(canRestrictByKey)
  const addition = createTableAddition(target, restrictable, context)
  const isIndex = target.index !== undefined
  return {
    text: [
      `the session can use the keys of other tenants: ${allowed.join(', ')}`,
      ...(allowed.includes('Scan') ? [SCAN_ADVICE] : []),
      ...(isIndex ? [INDEX_KEY_ADVICE] : []),
    ].join('\n'),
    add:
      restrictable.length > 0 && !isIndex
        ? [{ ...addition, to: `${addition.to}, and remove the statement that allows these actions now` }]
        : [],
  }
}

const SCAN_ADVICE =
  'No condition can restrict Scan to a tenant, because Scan names no partition key. Do not allow Scan.'

/** Returns the statement that allows actions on a table or its indexes, restricted to the partition key if it is known. */
const createTableAddition = (
  { table, index }: Target,
  actions: readonly Action[],
  { configuration, parameters, key, tenantTag }: CheckContext,
): Addition => {
  const role = parseRoleArn(parameters.roleArn)
  const ownKey =
    tenantTag === undefined ? key && escapePolicyText(key[1]) : `\${aws:PrincipalTag/${tenantTag}}`
  const arns = toTableArns([table], { ...role, region: configuration.region })
  return {
    account: role.accountId,
    to: `the permissions policy of ${role.name}`,
    statement: {
      Effect: 'Allow',
      Action: unwrapSingle(actions.map((action) => `dynamodb:${action}`)),
      Resource: unwrapSingle(index === undefined ? arns : arns.map((arn) => `${arn}/index/${index}`)),
      ...(ownKey !== undefined && { Condition: createLeadingKeysCondition('StringEquals', ownKey) }),
    },
  }
}
