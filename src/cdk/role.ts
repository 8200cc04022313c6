/** The construct for the account of the tables. */
import { Annotations, Stack, Token, TokenComparison } from 'aws-cdk-lib'
import type { ITable, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import {
  type IAssumeRolePrincipal,
  PolicyDocument,
  PolicyStatement,
  PrincipalPolicyFragment,
  Role,
} from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import type { Access } from '../iam/actions.ts'
import { parseArn, type TableLocation, toTableArn } from '../iam/arn.ts'
import { createPermissionsPolicy, createTrustPolicy, findWarnings, type Statement } from '../iam/documents.ts'
import { createKmsKeyStatement, findKmsKeyProblem, parseKmsKeyArn } from '../iam/kms-key.ts'
import { POLICIES_AUDIENCE, readTrustConfiguration } from '../iam/trust-configuration.ts'
import { formatIssue, type Problem } from '../options/issue.ts'
import { createPlaceholders, type Placeholders } from './placeholders.ts'
import {
  type CrossAccountSession,
  checkSession,
  readRoleLocation,
  throwProblems,
  toPolicyOptions,
} from './session.ts'

/** A table. With TypeScript's `exactOptionalPropertyTypes`, the classes are not assignable to `ITable`. */
type AnyTable = ITable | Table | TableV2

/** The properties of {@link CrossAccountDynamoRole}: the session, and what it can access. */
export interface CrossAccountDynamoRoleProps extends CrossAccountSession {
  /**
   * The ARN of the function's execution role, or a list of the ARNs of several execution roles. The roles must exist when this stack
   * is deployed.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
   */
  readonly executionRoleArn: string | readonly string[]
  /**
   * The tables that the role can access, in the account of the role and in `region`. If the table object has a customer managed KMS
   * key, the role can use the key through DynamoDB. For an imported table with such a key, use `Table.fromTableAttributes()` with
   * `encryptionKey`. The key must not be an alias.
   */
  readonly tables: readonly AnyTable[]
  /** The allowed actions: `'read'`, `'write'`, `'read-write'`, or a list of actions on items such as `'GetItem'`. */
  readonly access: Access
  /**
   * Whether the role can read the indexes of the tables. With `tenantTag`, IAM compares the value of the tag with the partition key
   * of the index.
   *
   * @default `true`. With `tenantTag`: `false`
   */
  readonly indexes?: boolean | undefined
  /**
   * The ID of the organization that must contain the function's account, such as `o-exampleorgid`.
   *
   * @default the trust policy does not require an organization
   */
  readonly organizationId?: string | undefined
  /**
   * Whether `executionRoleArn` can contain principals that include more than one role. Each of these principals causes a warning.
   *
   * @default false
   */
  readonly trustWholeAccount?: boolean | undefined
}

/**
 * The target role, in the account of the tables. Its trust policy and its permissions policy are the documents of
 * `crossAccountPolicies()`.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if a property is invalid, or if the stack or a table is not in the account of the
 * role or not in `region`. The error lists all invalid properties.
 *
 * @example
 * ```ts
 * import { App, Stack } from 'aws-cdk-lib'
 * import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb'
 * import { CrossAccountDynamoRole } from 'middy-cross-account-dynamo/cdk'
 *
 * const stack = new Stack(new App(), 'Tables', { env: { account: '222222222222', region: 'us-east-1' } })
 * const orders = new Table(stack, 'Orders', { partitionKey: { name: 'tenant', type: AttributeType.STRING } })
 * new CrossAccountDynamoRole(stack, 'OrdersRole', {
 *   roleArn: 'arn:aws:iam::222222222222:role/Orders',
 *   region: 'us-east-1',
 *   externalId: 'example-external-id',
 *   tenantTag: 'TenantId',
 *   executionRoleArn: 'arn:aws:iam::111111111111:role/OrdersFunction',
 *   tables: [orders],
 *   access: 'read-write',
 * })
 * ```
 */
export class CrossAccountDynamoRole extends Construct {
  /** The target role. */
  readonly role: Role

  constructor(scope: Construct, id: string, props: CrossAccountDynamoRoleProps) {
    super(scope, id)
    const subject = `CrossAccountDynamoRole ${this.node.path}`
    checkSession(props, subject)
    const placeholders = createPlaceholders()
    const configuration = readTrustConfiguration(toOptions(props, placeholders), subject)
    const { role, region } = configuration
    const stack = Stack.of(this)
    throwProblems(subject, [
      ...(props.trustWholeAccount === true ? [] : findBroadTokens(props.executionRoleArn, stack)),
      ...findStackProblems(stack, role),
      ...props.tables.flatMap((table) => findTableProblems(table, { ...role, region })),
    ])

    const toStatements = (statements: readonly Statement[]): PolicyStatement[] =>
      placeholders.restore(statements).map((statement) => PolicyStatement.fromJson(statement))
    this.role = new Role(this, 'Role', {
      roleName: role.name,
      path: role.path,
      assumedBy: createTrustPrincipal(toStatements(createTrustPolicy(configuration).Statement)),
      inlinePolicies: {
        Tables: new PolicyDocument({
          statements: toStatements([
            ...createPermissionsPolicy(configuration).Statement,
            ...createKeyStatements(props.tables, region),
          ]),
        }),
      },
    })
    for (const warning of findWarnings(configuration))
      Annotations.of(this).addWarningV2(
        `middy-cross-account-dynamo:${warning.code}`,
        formatIssue(warning, POLICIES_AUDIENCE),
      )
  }
}

const isElsewhere = (actual: string, expected: string): boolean =>
  Token.compareStrings(actual, expected) === TokenComparison.DIFFERENT

/**
 * Returns the problems of execution roles that contain a token and whose literal parts name more than one role, such as the ARN of an
 * `AccountPrincipal`. The value of a parameter is not known, so it cannot be checked.
 */
const findBroadTokens = (
  executionRoleArn: CrossAccountDynamoRoleProps['executionRoleArn'],
  stack: Stack,
): string[] =>
  [executionRoleArn]
    .flat()
    .filter((arn) => Token.isUnresolved(arn))
    .map((arn) => JSON.stringify(stack.resolve(arn)))
    .filter((resolved) => /:root"|[*?]/.test(resolved))
    .map(
      (resolved) =>
        `executionRoleArn: ${resolved} includes more than one role; name the execution role, or set trustWholeAccount`,
    )

const findStackProblems = (stack: Stack, { accountId }: Pick<TableLocation, 'accountId'>): string[] =>
  isElsewhere(stack.account, accountId)
    ? [
        `roleArn: the role is in account ${accountId}, but the stack ${stack.node.path} is in ${stack.account}`,
      ]
    : []

/** Returns the problems of a table that is not in the account of the role or not in the Region, and of a key that is not usable. */
const findTableProblems = (table: AnyTable, { accountId, region, partition }: TableLocation): string[] => {
  const { path } = table.node
  const actual = findTableLocation(table)
  const problems: Problem[] = []
  const keyArn = table.encryptionKey?.keyArn
  // The ARN of a key in this app is a token. The ARN of an alias contains a token only for the partition.
  const isUnknown = keyArn === undefined || (Token.isUnresolved(keyArn) && !keyArn.includes(':alias/'))
  const key = isUnknown ? undefined : parseKmsKeyArn(keyArn, (problem) => problems.push(problem))
  const keyProblem = key === undefined ? undefined : findKmsKeyProblem(key, { region, partition })
  return [
    ...(isElsewhere(actual.account, accountId) || isElsewhere(actual.region, region)
      ? [
          `tables: ${path} is in ${actual.account} and ${actual.region}, but must be in ${accountId} and ${region}`,
        ]
      : []),
    ...[...problems, ...(keyProblem ? [keyProblem] : [])].map(
      (problem) =>
        `tables: ${formatIssue({ option: `the KMS key of ${path}`, ...problem }, POLICIES_AUDIENCE)}`,
    ),
  ]
}

/**
 * Returns the account and the Region of a table, each of which can be a token. For a table that is imported by its ARN, they can differ
 * from the account and the Region of its stack.
 */
const findTableLocation = ({
  tableArn,
  env,
}: AnyTable): { readonly account: string; readonly region: string } => parseArn(tableArn) ?? env

/** Converts the properties to options of the generator, with placeholders for the tables and for all tokens. */
const toOptions = (props: CrossAccountDynamoRoleProps, placeholders: Placeholders): unknown => {
  const { region, tables } = props
  const location = { ...readRoleLocation(props.roleArn), region }
  const { partition, accountId } = location
  const replaceRoleArn = (arn: string): string =>
    placeholders.replaceToken(arn, (name) => `arn:${partition}:iam::${accountId}:role/${name}`)
  /** Returns a literal name, so that the generator checks it, or a placeholder. */
  const toName = ({ tableArn, tableName }: AnyTable): string => {
    const name = placeholders.replaceToken(tableName)
    placeholders.add(toTableArn(name, location), tableArn)
    return name
  }
  return {
    ...toPolicyOptions(props, placeholders),
    executionRoleArn: [props.executionRoleArn].flat().map(replaceRoleArn),
    tables: Array.isArray(tables) ? tables.map(toName) : tables,
  }
}

/**
 * Returns a principal that adds these statements to a trust policy, and no others. The principals of the CDK cannot write them, because
 * each action needs its own conditions.
 */
const createTrustPrincipal = (statements: readonly PolicyStatement[]): IAssumeRolePrincipal => {
  const principal: IAssumeRolePrincipal = {
    get grantPrincipal() {
      return principal
    },
    assumeRoleAction: 'sts:AssumeRole',
    policyFragment: new PrincipalPolicyFragment({}),
    addToPrincipalPolicy: () => ({ statementAdded: false }),
    addToAssumeRolePolicy: (document) => document.addStatements(...statements),
  }
  return principal
}

/** Returns one statement for each customer managed key of the tables. */
const createKeyStatements = (tables: readonly AnyTable[], region: string): Statement[] => {
  const tablesByKey = Map.groupBy(tables, ({ encryptionKey }) => encryptionKey)
  const keys = [...tablesByKey].filter((entry): entry is [IKey, AnyTable[]] => entry[0] !== undefined)
  return keys.map(([{ keyArn }, tablesOfKey], index) => {
    const names = tablesOfKey.map(({ tableName }) => tableName)
    const statement = createKmsKeyStatement(keyArn, names, region)
    return index === 0 ? statement : { ...statement, Sid: `${statement.Sid}${index + 1}` }
  })
}
