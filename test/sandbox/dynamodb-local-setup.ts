import { startDynamodbLocal } from './dynamodb-local.ts'

/** Jest's globalSetup of `npm run test:dynamodb-local`. The process that it starts ends with Jest's. */
export default async function setup(): Promise<void> {
  const { port } = await startDynamodbLocal()
  Object.assign(process.env, { SANDBOX_ENGINE: 'dynamodb-local', SANDBOX_DYNAMODB_LOCAL_PORT: String(port) })
}
