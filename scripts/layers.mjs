/** The layers of src/, from top to bottom. A layer imports only from layers below it. */
export const LAYERS = [
  { name: 'index', paths: ['src/index.ts'] },
  { name: 'middleware', paths: ['src/middleware.ts'] },
  { name: 'cli', paths: ['src/cli/'], isBeside: 'middleware' },
  { name: 'cdk', paths: ['src/cdk/'], isBeside: 'cli' },
  { name: 'session-store', paths: ['src/session-store.ts'] },
  { name: 'dynamodb', paths: ['src/dynamodb/'] },
  { name: 'credentials', paths: ['src/credentials/'] },
  { name: 'configuration', paths: ['src/configuration/'] },
  { name: 'identity', paths: ['src/identity/'] },
  { name: 'iam', paths: ['src/iam/'] },
  { name: 'errors', paths: ['src/errors.ts', 'src/invocation-context.ts'] },
  { name: 'options', paths: ['src/options/'] },
  {
    name: 'base',
    paths: [
      'src/deadline.ts',
      'src/logger.ts',
      'src/redact.ts',
      'src/request-handler.ts',
      'src/thrown.ts',
      'src/text.ts',
    ],
  },
]
