/**
 * Parses and formats Amazon Resource Names (ARNs).
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */

/** The parts of a role's ARN. */
export interface RoleArn {
  readonly partition: string
  readonly accountId: string
  /** The path of the role, which begins and ends with `/`. The default path is `/`. */
  readonly path: string
  readonly name: string
}

/** The partition, account and Region that contain the tables. */
export interface TableLocation extends Pick<RoleArn, 'partition' | 'accountId'> {
  readonly region: string
}

const ARN = /^arn:(?<partition>[^:]*):(?<service>[^:]*):(?<region>[^:]*):(?<account>[^:]*):(?<resource>.*)$/su
const SESSION_ARN = /^arn:(?<partition>[^:]+):sts::(?<accountId>\d{12}):assumed-role\/(?<name>[^/]+)\//

type Arn = Readonly<Record<'partition' | 'service' | 'region' | 'account' | 'resource', string>>

/** Returns the parts of an ARN, or `undefined` if the text is not an ARN. */
export const parseArn = (arn: string): Arn | undefined => ARN.exec(arn)?.groups as Arn | undefined

/**
 * Returns the parts of a role's ARN.
 *
 * @throws TypeError if the text is not an ARN. Check it with {@link parseRoleArnOption} first.
 */
export const parseRoleArn = (arn: string): RoleArn => {
  const { partition, account, resource } = parseArn(arn) as Arn
  const slash = resource.lastIndexOf('/')
  return {
    partition,
    accountId: account,
    path: resource.slice('role'.length, slash + 1),
    name: resource.slice(slash + 1),
  }
}

/**
 * Returns the role of an assumed-role session from the ARN of the session, or `undefined` if the text is not the ARN of a session.
 * The ARN of a session does not contain the role's path. Therefore the returned ARN does not contain it either.
 */
export const parseSessionRole = (
  arn: string,
): { readonly accountId: string; readonly name: string; readonly arn: string } | undefined => {
  const role = SESSION_ARN.exec(arn)?.groups as Omit<RoleArn, 'path'> | undefined
  return role && { ...role, arn: `arn:${role.partition}:iam::${role.accountId}:role/${role.name}` }
}

/** Returns the ARN of a table. */
export const toTableArn = (name: string, { partition, region, accountId }: TableLocation): string =>
  `arn:${partition}:dynamodb:${region}:${accountId}:table/${name}`

/** Returns the name of a table that is given by its name or its ARN. */
export const toTableName = (table: string): string => table.slice(table.lastIndexOf('/') + 1)

/** Returns the ARNs of tables, without duplicates. Each table is given by its name or its ARN. */
export const toTableArns = (tables: readonly string[], location: TableLocation): readonly string[] => [
  ...new Set(tables.map((table) => (table.startsWith('arn:') ? table : toTableArn(table, location)))),
]
