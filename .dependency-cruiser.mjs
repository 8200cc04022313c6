// The import rules of src/, which `npm run lint` checks. docs/architecture.md says what each layer contains.
import { LAYERS } from './scripts/layers.mjs'

const toPattern = (paths) => `^(?:${paths.map((path) => path.replaceAll('.', '\\.')).join('|')})`
const pathsOf = (layers) => layers.flatMap(({ paths }) => paths)

/** The command line stands beside the middleware: neither imports the other. */
const layerRules = LAYERS.slice(1).map(({ name, paths, isBeside }, index) => ({
  name: `layer-${name}`,
  comment: `${name} imports only from layers below it.`,
  severity: 'error',
  from: { path: toPattern(paths) },
  to: { path: toPattern(pathsOf(LAYERS.slice(0, index + 1))) },
  ...(isBeside && { comment: `${name} stands beside ${isBeside} and imports only from layers below both.` }),
}))

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layerRules,
    {
      name: 'layer-middleware-beside-cli',
      comment: 'The middleware must not load the command line.',
      severity: 'error',
      from: { path: '^src/(?:index|middleware)\\.ts' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'layer-cdk-alone',
      comment: 'The constructs use only the generator of the policies, and no other code imports them.',
      severity: 'error',
      from: { path: '^src/cdk/' },
      to: { path: '^src/', pathNot: '^src/(?:cdk/|iam/|options/|(?:errors|text)\\.ts)' },
    },
    {
      name: 'no-import-of-cdk',
      comment: 'Functions and commands must not load aws-cdk-lib.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cdk/' },
      to: { path: '^src/cdk/|aws-cdk-lib|^constructs' },
    },
    {
      name: 'no-file-outside-the-layers',
      comment: 'Every file of src/ belongs to a layer.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: toPattern(pathsOf(LAYERS)) },
    },
    {
      name: 'no-cycles',
      comment: 'Imports form no cycle. Those of types count, too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-tests-in-src',
      comment: 'What is published imports nothing from the tests, the examples or the scripts.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(?:test|examples|bench|scripts)/' },
    },
    {
      name: 'no-sdk-in-iam',
      comment: 'The subpaths ./policies and ./cdk work without the AWS SDK and middy.',
      severity: 'error',
      from: { path: '^src/(?:cdk/|iam/|options/|errors|text|thrown)' },
      to: { path: '@aws-sdk/|@smithy/|@middy/' },
    },
  ],
  options: {
    // dependency-cruiser cannot use the API of TypeScript 7, and would then find no modules.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
}
