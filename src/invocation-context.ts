/**
 * Puts the client of an invocation on its context.
 *
 * Batch processors, nested handlers and unit tests pass one context object to several invocations. An invocation
 * therefore never replaces another client on the context that it was given: it continues with a copy instead.
 */
import type middy from '@middy/core'
import { CrossAccountDynamoError } from './errors.ts'

type Context = middy.Request['context'] & Record<string, unknown>
/** The part of middy's request that changes. middy passes `context` on to later middlewares and to the handler. */
type RequestWithContext = Pick<middy.Request, 'context'>

/**
 * Sets `request.context[contextKey]` to the client. If the context already holds another value there, or cannot be
 * changed, `request.context` becomes a copy that holds the client.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if the context would have to be copied and cannot be.
 */
export const attachClient = (request: RequestWithContext, contextKey: string, client: object): void => {
  const context = request.context as Context
  const present = valueAt(context, contextKey)
  if (present === client) return
  if (present === undefined && trySet(context, contextKey, client)) return
  const copy = copyWithout(context, contextKey)
  request.context = copy ?? shadowWithout(context, contextKey)
  if (copy === undefined) throw sharedContextError(contextKey)
  copy[contextKey] = client
}

/**
 * Leaves nothing at `request.context[contextKey]` for an invocation that has no session: neither its error handlers
 * nor later middlewares may use a client that another invocation put there.
 */
export const detachClient = (request: RequestWithContext, contextKey: string): void => {
  const context = request.context as Context
  if (valueAt(context, contextKey) === undefined) return
  request.context = copyWithout(context, contextKey) ?? shadowWithout(context, contextKey)
}

const UNREADABLE = Symbol('unreadable')

/** The value at a key. A proxy or an accessor may throw. */
const valueAt = (context: Context, contextKey: string): unknown => {
  try {
    return context[contextKey]
  } catch {
    return UNREADABLE
  }
}

/** Returns `false` if the context is frozen or refuses the property. An assignment is faster than Reflect.set. */
const trySet = (context: Context, contextKey: string, client: object): boolean => {
  try {
    context[contextKey] = client
    return true
  } catch {
    return false
  }
}

/**
 * A copy of a plain object's own properties, accessors and non-enumerable ones included, less one. Lambda's context is a
 * plain object whose functions do not use `this`, and the setter of `callbackWaitsForEmptyEventLoop` on the copy still
 * reaches the runtime. Returns `undefined` for an instance of a class: it may have private fields, which no copy has.
 */
const copyWithout = (context: Context, contextKey: string): Context | undefined => {
  try {
    const prototype = Object.getPrototypeOf(context)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return undefined
    const { [contextKey]: _, ...properties } = Object.getOwnPropertyDescriptors(context)
    return Object.create(prototype, properties)
  } catch {
    return undefined
  }
}

/** For the error handlers of an invocation that fails: the same context, with nothing at the key. */
const shadowWithout = (context: Context, contextKey: string): Context =>
  Object.create(context, { [contextKey]: { value: undefined } })

const sharedContextError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `context.${contextKey} of this invocation is already in use, and this context, an instance of a class, cannot be copied. ` +
      'If several handlers share the context, such as the records of a batch, get each its own client with ' +
      'clientFor({ event, context }) instead; otherwise choose another contextKey.',
  )
