/** Starts moto, which imitates AWS, and deploys CloudFormation templates to accounts of it. */
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { PolicyDocument } from '../sandbox/index.ts'
import type { Template } from './cloudformation.ts'
import { DEPLOYMENT_TARGET } from './deployment.ts'

const { region } = DEPLOYMENT_TARGET

/** Whether `moto_server` can run here. It cannot if Python, moto or the packages of `moto[server]` are missing. */
export const isMotoInstalled = (): boolean => spawnSync('moto_server', ['--help']).status === 0

/** Credentials in the shape of the SDK. */
export interface MotoCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface Moto {
  readonly url: string
  /** Assumes a role without checking any policy. moto creates an account as soon as a request names it. */
  assumeRole(roleArn: string, sessionName: string): Promise<MotoCredentials>
  /** Calls an operation of a service with the query protocol, and returns the XML of the response. */
  query(
    service: MotoService,
    credentials: MotoCredentials,
    parameters: Readonly<Record<string, string>>,
  ): Promise<string>
  /** Turns on or off that moto checks signatures, session tokens and a part of the policies. At the start, it does not. */
  setAuthorization(isEnabled: boolean): Promise<void>
  stop(): Promise<void>
}

type MotoService = 'sts' | 'cloudformation' | 'iam'
const API_VERSIONS: Record<MotoService, string> = {
  sts: '2011-06-15',
  cloudformation: '2010-05-15',
  iam: '2010-05-08',
}

const ANONYMOUS: MotoCredentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: '',
  sessionToken: '',
}

/**
 * Starts a server on a free port.
 *
 * @throws if the server ends before it listens.
 */
export const startMoto = async (): Promise<Moto> => {
  const server = spawn('moto_server', ['--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // The variable would put all requests into one account.
    env: { ...process.env, MOTO_ACCOUNT_ID: undefined },
  })
  const exited = new Promise<void>((resolve) => {
    server.once('exit', () => resolve())
  })
  const url = await new Promise<string>((resolve, reject) => {
    const lines = createInterface(server.stderr)
    lines.on('line', (line) => {
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
      if (found !== undefined) resolve(found)
    })
    lines.once('close', () => reject(new Error('moto_server ended before it listened.')))
    server.once('error', reject)
  })

  const query: Moto['query'] = async (service, { accessKeyId }, parameters) => {
    const response = await fetch(url, {
      method: 'POST',
      // moto finds the service, the Region and the account in this header. While authorization is off, it ignores the signature.
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20250101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: new URLSearchParams({ Version: API_VERSIONS[service], ...parameters }),
    })
    const xml = await response.text()
    if (!response.ok) throw new Error(`${parameters.Action} failed in moto: ${xml}`)
    return xml
  }
  return {
    url,
    query,
    async assumeRole(RoleArn, RoleSessionName) {
      const xml = await query('sts', ANONYMOUS, { Action: 'AssumeRole', RoleArn, RoleSessionName })
      return {
        accessKeyId: readElement(xml, 'AccessKeyId'),
        secretAccessKey: readElement(xml, 'SecretAccessKey'),
        sessionToken: readElement(xml, 'SessionToken'),
      }
    },
    async setAuthorization(isEnabled) {
      // The body is the number of requests that moto does not check.
      await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: isEnabled ? '0' : 'inf' })
    },
    async stop() {
      server.kill()
      await exited
    },
  }
}

const readElement = (xml: string, name: string): string => {
  const [, text] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? []
  if (text === undefined) throw new Error(`The response of moto has no element ${name}: ${xml}`)
  return text
}

/**
 * The resources that are deployed. moto runs functions only in Docker and creates the other resources without using them, so a
 * template is reduced to these.
 */
const DEPLOYED_TYPES = ['AWS::DynamoDB::Table', 'AWS::IAM::Role', 'AWS::IAM::Policy']

/** Removes all resources that moto does not deploy, and the check that the account is bootstrapped, which CDK adds. */
const reduceTemplate = ({ Resources, Parameters = {}, Conditions }: Template): Template => {
  const { BootstrapVersion: _, ...parameters } = Parameters
  return {
    Parameters: parameters,
    ...(Conditions !== undefined && { Conditions }),
    Resources: Object.fromEntries(
      Object.entries(Resources).filter(([, { Type }]) => DEPLOYED_TYPES.includes(Type)),
    ),
  }
}

/** A stack to deploy: the account is that of the credentials. */
export interface MotoStack {
  readonly name: string
  readonly template: Template
  readonly parameters?: Readonly<Record<string, string>>
}

/**
 * Deploys the tables and the roles of a template with CloudFormation, and returns the types of the resources that it created.
 *
 * @throws if the stack is not complete after ten seconds.
 */
export const deployStack = async (
  { query }: Moto,
  credentials: MotoCredentials,
  { name, template, parameters = {} }: MotoStack,
): Promise<string[]> => {
  const listedParameters = Object.entries(parameters).flatMap(([key, value], index) => [
    [`Parameters.member.${index + 1}.ParameterKey`, key],
    [`Parameters.member.${index + 1}.ParameterValue`, value],
  ])
  await query('cloudformation', credentials, {
    Action: 'CreateStack',
    StackName: name,
    TemplateBody: JSON.stringify(reduceTemplate(template)),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    ...Object.fromEntries(listedParameters),
  })
  const describeStack = async () =>
    readElement(
      await query('cloudformation', credentials, { Action: 'DescribeStacks', StackName: name }),
      'StackStatus',
    )
  const endMs = performance.now() + 10_000
  for (let status = ''; status !== 'CREATE_COMPLETE'; status = await describeStack()) {
    if (performance.now() > endMs) throw new Error(`The stack ${name} has the status ${status}.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const resources = await query('cloudformation', credentials, {
    Action: 'DescribeStackResources',
    StackName: name,
  })
  return [...resources.matchAll(/<ResourceType>([^<]+)</g)].map(([, type = '']) => type).sort()
}

/** Returns the inline policies of a role by name. */
const readPolicies = async ({ query }: Moto, credentials: MotoCredentials, RoleName: string) => {
  const list = await query('iam', credentials, { Action: 'ListRolePolicies', RoleName })
  const names = [...list.matchAll(/<member>([^<]+)</g)].map(([, name = '']) => name)
  const policies = await Promise.all(
    names.map(async (PolicyName): Promise<[string, PolicyDocument]> => {
      const xml = await query('iam', credentials, { Action: 'GetRolePolicy', RoleName, PolicyName })
      return [PolicyName, parseDocument(readElement(xml, 'PolicyDocument'))]
    }),
  )
  return Object.fromEntries(policies)
}

/** moto 5.2.1 returns the inline policies of a role in a template as the text of a Python dictionary. */
const parseDocument = (text: string): PolicyDocument =>
  JSON.parse(decodeURIComponent(text).replaceAll("'", '"'))

/** Returns the documents of a role as IAM holds them. */
export const readRole = async (moto: Moto, credentials: MotoCredentials, RoleName: string) => {
  const xml = await moto.query('iam', credentials, { Action: 'GetRole', RoleName })
  return {
    arn: readElement(xml, 'Arn'),
    trustPolicy: parseDocument(readElement(xml, 'AssumeRolePolicyDocument')),
    policies: Object.values(await readPolicies(moto, credentials, RoleName)),
  }
}

/** Stores the inline policies of a role again as JSON. Without it, moto 5.2.1 fails to evaluate those of a role in a template. */
export const storePoliciesAsJson = async (moto: Moto, credentials: MotoCredentials, RoleName: string) => {
  const policies = Object.entries(await readPolicies(moto, credentials, RoleName))
  for (const [PolicyName, document] of policies) {
    const PolicyDocument = JSON.stringify(document)
    await moto.query('iam', credentials, { Action: 'PutRolePolicy', RoleName, PolicyName, PolicyDocument })
  }
}
