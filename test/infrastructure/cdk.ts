/** Reads the resources that examples/infrastructure/cdk synthesizes. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
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

/** A rule of cdk-nag that a construct does not follow. */
export interface NagViolation {
  readonly rule: string
  readonly construct: string
}

/** Synthesizes the stacks with a VPC, and checks them with the rules `AwsSolutions` of cdk-nag. */
export const findNagViolations = (): { root: string; violations: NagViolation[] } => {
  const { root, app, outdir } = createApp(true)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  try {
    app.synth()
  } catch {
    // The report contains the violations.
  }
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'))
  const violations = pluginReports.flatMap((report: { violations: NagReportViolation[] }) =>
    report.violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => ({ rule: ruleName, construct: constructPath })),
    ),
  )
  return { root, violations }
}
interface NagReportViolation {
  readonly ruleName: string
  readonly violatingConstructs: readonly { readonly constructPath: string }[]
}

/** Creates the app in a new folder, `root`, as `cdk synth` does with `-c vpc=true` or `-c vpc=false`. */
const createApp = (hasVpc: boolean) => {
  const root = mkdtempSync(join(tmpdir(), 'cdk-'))
  const outdir = join(root, 'cdk.out')
  const app = new App({ outdir, context: { ...DEPLOYMENT_TARGET, vpc: String(hasVpc) } })
  addStacks(app, createBundles(root))
  return { root, app, outdir }
}

/** Synthesizes the stacks in a new folder, `root`. */
export const synthesizeStacks = (hasVpc: boolean) => {
  const { root, app } = createApp(hasVpc)
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
