/** The contexts that the Lambda runtime creates. */

/** Creates the context of Node.js 24. */
export const createContext = (awsRequestId: string): object => ({
  functionName: 'orders',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:111111111111:function:orders',
  memoryLimitInMB: '128',
  awsRequestId,
  logGroupName: '/aws/lambda/orders',
  logStreamName: '2026/01/01/[$LATEST]0',
  identity: undefined,
  clientContext: undefined,
  getRemainingTimeInMillis: () => 3000,
})

/** Creates the context of earlier versions of Node.js. Its accessor makes it slower to copy. */
export const createContextWithAccessor = (awsRequestId: string): object => {
  let isWaiting = true
  const accessor = {
    get callbackWaitsForEmptyEventLoop() {
      return isWaiting
    },
    set callbackWaitsForEmptyEventLoop(value: boolean) {
      isWaiting = value
    },
  }
  return Object.assign(accessor, createContext(awsRequestId))
}
