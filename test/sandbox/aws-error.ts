/** An error that AWS returns for a request. Each service formats it in its own way. */
export class AwsError extends Error {
  override name = 'AwsError'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}
