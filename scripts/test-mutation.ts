/**
 * Runs mutation tests with Stryker, in parts. Without an argument, runs all parts.
 * Fails if less than 90% of a part's mutants are killed. Mutants of code that runs only when a module is loaded are ignored,
 * because each of them needs all tests, and together they take most of the time.
 *
 * `docs/mutation.md` explains the mutants that survive.
 */
import { spawnSync } from 'node:child_process'

interface Part {
  readonly mutate: readonly string[]
  /** The tests that check these files, as paths below `test/`. */
  readonly tests: readonly string[]
}

const CREDENTIALS = 'src/credentials'
const PARTS: Readonly<Record<string, Part>> = {
  identity: {
    mutate: ['src/identity/*.ts'],
    tests: ['unit/identity', 'unit/configuration/configuration', 'unit/configuration/direct-mode'],
  },
  scope: {
    mutate: ['src/iam/scope.ts', 'src/iam/leading-keys.ts', 'src/iam/actions.ts'],
    tests: [
      'unit/iam/scope',
      'unit/iam/constraints',
      'unit/identity',
      'unit/configuration/configuration',
      'unit/configuration/direct-mode',
    ],
  },
  store: { mutate: ['src/session-store.ts'], tests: ['unit/session-store', 'integration/tenants'] },
  middleware: {
    mutate: ['src/middleware.ts', 'src/invocation-context.ts'],
    tests: [
      'unit/middleware',
      'unit/invocation-context',
      'integration/middleware',
      'integration/shared-context',
      'integration/tenants',
      'integration/direct-mode',
    ],
  },
  dynamodb: {
    mutate: ['src/dynamodb/*.ts', 'src/request-handler.ts'],
    tests: [
      'unit/dynamodb',
      'unit/request-handler',
      'integration/middleware',
      'integration/tenants',
      'integration/revocation',
      'integration/direct-mode',
    ],
  },
  session: {
    mutate: ['session', 'refresh', 'issued-credentials', 'time-window'].map(
      (name) => `${CREDENTIALS}/${name}.ts`,
    ),
    tests: ['unit/credentials', 'unit/session-store'],
  },
  'assume-role': {
    mutate: ['assume-role', 'sts-client'].map((name) => `${CREDENTIALS}/${name}.ts`),
    tests: ['unit/credentials'],
  },
  'sts-errors': {
    mutate: ['sts-error', 'sts-failure'].map((name) => `${CREDENTIALS}/${name}.ts`),
    tests: ['unit/credentials', 'unit/redact', 'unit/messages'],
  },
}

/** Returns whether enough mutants were killed. */
const runPart = (name: string, { mutate, tests }: Part): boolean => {
  console.log(`Mutation tests of ${name}: ${mutate.join(', ')}`)
  const { status } = spawnSync('stryker', ['run', '--mutate', mutate.join(',')], {
    stdio: 'inherit',
    env: { ...process.env, MUTATION_TESTS: tests.join(',') },
  })
  return status === 0
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. The parts are ${Object.keys(PARTS).join(', ')}.`)
  process.exitCode = 2
} else {
  const parts = Object.entries(PARTS).filter(([name]) => names.length === 0 || names.includes(name))
  const failed = parts.filter(([name, part]) => !runPart(name, part))
  if (failed.length > 0) process.exitCode = 1
}
