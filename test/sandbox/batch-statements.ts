import type { Answer } from './front.ts'
import type { Refusal } from './refusal.ts'

/**
 * Runs the statements of a batch that IAM allows. Each statement has its own response or its own error.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementResponse.html
 */
export async function runAllowed(
  input: Record<string, unknown>,
  refusals: (Refusal | undefined)[],
  run: (input: Record<string, unknown>) => Promise<Answer>,
): Promise<Answer> {
  const Statements = (input.Statements as unknown[]).filter((_, index) => !refusals[index])
  const answer: Answer =
    Statements.length > 0
      ? await run({ ...input, Statements })
      : { status: 200, contentType: 'application/x-amz-json-1.0', body: '{"Responses":[]}' }
  if (answer.status !== 200) return answer
  const body = JSON.parse(answer.body)
  const Responses = refusals.map((refusal) =>
    refusal ? { Error: { Code: 'AccessDenied', Message: refusal.message } } : body.Responses.shift(),
  )
  return { ...answer, body: JSON.stringify({ ...body, Responses }) }
}
