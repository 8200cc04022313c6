/** Reads the resources that examples/infrastructure/cdk synthesizes. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { addStacks } from '../../examples/infrastructure/cdk/add-stacks.ts'
import { readTemplate } from './cloudformation.ts'
import { createDeployment, DEPLOYMENT_TARGET, type DeployExample } from './deployment.ts'

const STACK_PREFIXES = { 'put-and-get': 'PutAndGet', 'pooled-tenants': 'PooledTenants' }

/** Creates the folders of the bundled handlers, with empty files. CDK needs them but does not read their content. */
const createBundles = (root: string): string => {
  for (const handler of ['put-and-get', 'pooled-tenants']) {
    mkdirSync(join(root, handler))
    writeFileSync(join(root, handler, 'index.js'), '')
  }
  return root
}

/** Synthesizes the stacks in a new folder, `root`, as `cdk synth` does with `-c vpc=true` or `-c vpc=false`. */
export const synthesizeStacks = (hasVpc: boolean) => {
  const root = mkdtempSync(join(tmpdir(), 'cdk-'))
  const app = new App({
    outdir: join(root, 'cdk.out'),
    context: { ...DEPLOYMENT_TARGET, vpc: String(hasVpc) },
  })
  addStacks(app, createBundles(root))
  return { root, stacks: app.synth().stacks }
}

/** @param getAssembly returns the stacks that were synthesized with or without a VPC */
export const createCdkDeploy =
  (getAssembly: (hasVpc: boolean) => ReturnType<typeof synthesizeStacks>): DeployExample =>
  async (example, { hasVpc }) => {
    const readStack = (suffix: string) => {
      const name = STACK_PREFIXES[example] + suffix
      const stack = getAssembly(hasVpc).stacks.find(({ stackName }) => stackName === name)
      if (stack === undefined) throw new Error(`The CDK app has no stack ${name}.`)
      return readTemplate(stack.template, stack.environment)
    }
    return createDeployment(readStack('Function'), readStack('Table'))
  }
