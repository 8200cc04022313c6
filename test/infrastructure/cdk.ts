/** What examples/infrastructure/cdk synthesises. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { infrastructure } from '../../examples/infrastructure/cdk/infrastructure.ts'
import { readTemplate } from './cloudformation.ts'
import { type Deploy, deployment, TARGET } from './deployment.ts'

const STACKS = { textbook: 'Textbook', 'pooled-tenants': 'PooledTenants' }

/** The folders of the bundled handlers: what is in them is not looked at. */
const bundles = (root: string): string => {
  for (const handler of ['put-and-get', 'pooled-tenants']) {
    mkdirSync(join(root, handler))
    writeFileSync(join(root, handler, 'index.js'), '')
  }
  return root
}

/** The stacks, as `cdk synth` makes them with these words after `-c`. */
export const synthesize = (vpc: boolean) => {
  const root = mkdtempSync(join(tmpdir(), 'cdk-'))
  const app = new App({ outdir: join(root, 'cdk.out'), context: { ...TARGET, vpc: String(vpc) } })
  infrastructure(app, bundles(root))
  return { root, stacks: app.synth().stacks }
}

/** From stacks that were synthesised with a VPC or without one. */
export const cdk =
  (assemblies: (vpc: boolean) => ReturnType<typeof synthesize>): Deploy =>
  async (setUp, { vpc }) => {
    const read = (name: string) => {
      const stack = assemblies(vpc).stacks.find(({ stackName }) => stackName === STACKS[setUp] + name)
      if (stack === undefined) throw new Error(`there is no stack ${STACKS[setUp]}${name}`)
      // A stack's environment says where it is deployed to.
      return readTemplate(stack.template, stack.environment)
    }
    return deployment(read('Function'), read('Table'))
  }
