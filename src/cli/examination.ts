/** What `check` is asked to look at: flags and variables -> an examination, or wrong use. */
import { checkRoleArn, parseRoleArn } from '../limits.ts'
import { createOptionReader } from '../option-reader.ts'
import { type Configuration, readConfiguration } from '../options.ts'
import { checkScope, checkScopeTarget, type Scope } from '../policies/scope.ts'
import type { SessionIdentity } from '../session-identity.ts'
import { bulleted } from '../values.ts'
import { demand, environmentOf, executionRolesOf, type Flags, WrongUse } from './flags.ts'

export interface Examination {
  readonly configuration: Configuration
  readonly identity: SessionIdentity
  /** Tables and actions to try. */
  readonly asked: Scope | undefined
  /** The partition key that the session may name, where it may not name any. */
  readonly key: readonly [name: string, value: string] | undefined
  /** The session tag that IAM compares that key with. */
  readonly tenantTag: string | undefined
  /** The function's, as far as they are named: whoever checks may be somebody else. */
  readonly executionRoles: readonly string[]
}

export const readExamination = (flags: Flags): Examination => {
  const envPrefix = flags['env-prefix']
  const { table, access, ...others } = flags
  const environment = environmentOf(others)
  const options = createOptionReader({ envPrefix }, environment, [])
  const isScoped = options.isSet('scope')
  demand(
    {
      'role-arn': options.isSet('roleArn'),
      region: options.isSet('region') || Boolean(environment.AWS_REGION),
      table: access === undefined || table !== undefined || isScoped,
      access: table === undefined || access !== undefined || isScoped,
    },
    flags,
  )
  const configuration = readConfiguration({ envPrefix }, environment)
  // Variables hold no resolvers.
  const identity = configuration.identity as SessionIdentity

  // What is asked may be more than the session is narrowed to: finding that is what this is for.
  const asked = createOptionReader({ envPrefix }, environmentOf(flags), []).readOption('scope') as
    | Scope
    | undefined
  const target = { ...parseRoleArn(identity.roleArn), region: configuration.region }
  const executionRoles = executionRolesOf(flags) ?? []
  const problems = executionRoles.flatMap((arn) => {
    const complaint = checkRoleArn(arn)
    return complaint === undefined ? [] : [`executionRoleArn: ${complaint}`]
  })
  const badScope = asked === undefined ? [] : checkScope(asked)
  problems.push(...badScope)
  if (asked !== undefined && badScope.length === 0) problems.push(...checkScopeTarget(asked, target))
  if (problems.length > 0) throw new WrongUse(`nothing was tried:\n${bulleted(problems)}`)
  const key = keyOf(flags)
  const tenantTag = tenantTagOf(flags, identity, key)
  return { configuration, identity, asked, key, tenantTag, executionRoles }
}

const keyOf = ({ key }: Flags): Examination['key'] => {
  if (key === undefined) return undefined
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(key) ?? []
  if (name === undefined || value === undefined)
    throw new WrongUse('--key is the name and the value of a partition key, such as tenant=acme')
  return [name, value]
}

/** Two tags may have one value: then only their owner knows which one is the tenant's. */
const tenantTagOf = (
  flags: Flags,
  { sessionTags }: SessionIdentity,
  key: Examination['key'],
): string | undefined => {
  const named = flags['tenant-tag']
  const alike = sessionTags.filter(({ Value }) => Value === key?.[1]).map(({ Key }) => Key)
  if (named === undefined) {
    if (alike.length > 1)
      throw new WrongUse(
        `--key has the value of each of the session tags ${alike.join(', ')}: say --tenant-tag <key>`,
      )
    return alike[0]
  }
  if (key === undefined)
    throw new WrongUse('--tenant-tag needs a key that the tenant may name: --key <name>=<value>')
  if (!alike.includes(named))
    throw new WrongUse(`--key has not the value of the session tag ${named}, which is what --tenant-tag says`)
  return named
}
