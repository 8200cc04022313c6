import { startDynamodbLocal } from './dynamodb-local.ts'

/** Jest's `globalSetup` for `npm run test:dynamodb-local`. DynamoDB Local ends when Jest ends. */
export default async function setup(): Promise<void> {
  const { port } = await startDynamodbLocal()
  Object.assign(process.env, { SANDBOX_ENGINE: 'dynamodb-local', SANDBOX_DYNAMODB_LOCAL_PORT: String(port) })
}
