import type { AwsError } from './aws-error.ts'
import type { HttpResponse } from './http-server.ts'

/**
 * Runs the statements of a BatchExecuteStatement request that IAM allows. Each statement has its own response or its own
 * error.
 *
 * @param errors the error of each statement that IAM denies, or `undefined`
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementResponse.html
 */
export async function runAllowedStatements(
  input: Record<string, unknown>,
  errors: (AwsError | undefined)[],
  run: (input: Record<string, unknown>) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const Statements = (input.Statements as unknown[]).filter((_, index) => !errors[index])
  const response: HttpResponse =
    Statements.length > 0
      ? await run({ ...input, Statements })
      : { status: 200, contentType: 'application/x-amz-json-1.0', body: '{"Responses":[]}' }
  if (response.status !== 200) return response
  const body = JSON.parse(response.body)
  const Responses = errors.map((error) =>
    error ? { Error: { Code: 'AccessDenied', Message: error.message } } : body.Responses.shift(),
  )
  return { ...response, body: JSON.stringify({ ...body, Responses }) }
}
