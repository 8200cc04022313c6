/**
 * Puts the client of an invocation on its context.
 *
 * Batch processors, nested handlers and unit tests pass one context object to several invocations. An invocation therefore never
 * replaces a client that another invocation put on the same context object.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
import type middy from '@middy/core'
import { CrossAccountDynamoError } from './errors.ts'
import { isPlainPrototype } from './text.ts'

type Context = middy.Request['context'] & Record<string, unknown>
/** The part of middy's request that this module changes. middy passes `request.context` to later middlewares and to the handler. */
type RequestWithContext = Pick<middy.Request, 'context'>

/**
 * Sets `request.context[contextKey]` to the client that all invocations share. If the property already has another value, or if
 * the context cannot be changed, replaces `request.context` with a copy that contains the client.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if a copy is necessary and the context cannot be copied.
 */
export const attachClient = (request: RequestWithContext, contextKey: string, client: object): void => {
  const context = request.context as Context
  const currentValue = readProperty(context, contextKey)
  if (currentValue === client) return
  if (currentValue === undefined && trySetClient(context, contextKey, client)) return
  attachToCopy(request, contextKey, client, copyContextWithout(context, contextKey))
}

/**
 * Replaces `request.context` with a copy that contains the client of this invocation's own session. The original context object
 * stays unchanged, because other handlers can share it and must never find this client on it. If the context cannot be copied, sets
 * the client on the original context object, unless that object already contains another client.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if the context cannot be copied, and the property is in use or cannot be set.
 */
export const attachSessionClient = (
  request: RequestWithContext,
  contextKey: string,
  client: object,
): void => {
  const context = request.context as Context
  const copy = copyContextWithout(context, contextKey)
  if (copy === undefined) attachClient(request, contextKey, client)
  else attachToCopy(request, contextKey, client, copy)
}

const attachToCopy = (
  request: RequestWithContext,
  contextKey: string,
  client: object,
  copy: Context | undefined,
): void => {
  if (copy === undefined) {
    request.context = createViewWithoutClient(request.context as Context, contextKey)
    throw contextNotWritableError(contextKey)
  }
  copy[contextKey] = client
  request.context = copy
}

/**
 * Removes the client from `request.context` for an invocation that has no session. Its error handlers and later middlewares must
 * not use the client of another invocation. The original context object stays unchanged.
 */
export const detachClient = (request: RequestWithContext, contextKey: string): void => {
  const context = request.context as Context
  if (readProperty(context, contextKey) === undefined) return
  request.context = copyContextWithout(context, contextKey) ?? createViewWithoutClient(context, contextKey)
}

const UNREADABLE = Symbol('unreadable')

/** Returns the value at a key, or `UNREADABLE` if a proxy or an accessor throws. */
const readProperty = (context: Context, contextKey: string): unknown => {
  try {
    return context[contextKey]
  } catch {
    return UNREADABLE
  }
}

/**
 * Sets the client. Returns `false` if the context is frozen or ignores the assignment. Uses an assignment, because it is faster
 * than `Reflect.set`.
 */
const trySetClient = (context: Context, contextKey: string, client: object): boolean => {
  try {
    context[contextKey] = client
    return context[contextKey] === client
  } catch {
    return false
  }
}

/**
 * Returns a copy of a plain object without the property `contextKey`. Lambda's context is a plain object whose functions do
 * not use `this`. Returns `undefined` for an instance of a class, which may have private fields that cannot be copied.
 */
const copyContextWithout = (context: Context, contextKey: string): Context | undefined => {
  try {
    const prototype: object | null = Object.getPrototypeOf(context)
    if (!isPlainPrototype(prototype)) return undefined
    const spread = hasRuntimeAccessor(context) || contextKey in context ? undefined : trySpread(context)
    if (spread !== undefined) return spread
    const copy = Object.create(prototype)
    for (const key of Reflect.ownKeys(context)) {
      if (key !== contextKey) copyProperty(context, copy, key)
    }
    return copy
  } catch {
    return undefined
  }
}

/**
 * Copies the enumerable properties, with the current values of accessors. This is much faster than copying each property (see
 * `npm run bench`). Returns `undefined` if an accessor throws.
 */
const trySpread = (context: Context): Context | undefined => {
  try {
    return { ...context }
  } catch {
    return undefined
  }
}

/**
 * Returns whether the context has an accessor that Lambda's runtimes before Node.js 24 define. The accessor must be copied, so
 * that an assignment to the copy still reaches the runtime.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
const hasRuntimeAccessor = (context: Context): boolean =>
  Object.getOwnPropertyDescriptor(context, 'callbackWaitsForEmptyEventLoop')?.set !== undefined

/** Copies a property. Assigns plain properties, because that is faster than `Object.defineProperty`. */
const copyProperty = (from: Context, to: Record<PropertyKey, unknown>, key: PropertyKey): void => {
  const property = Object.getOwnPropertyDescriptor(from, key)
  if (property === undefined) return
  if (property.enumerable === true && 'value' in property && key !== '__proto__') to[key] = property.value
  else Object.defineProperty(to, key, property)
}

/**
 * Creates a view of the context without the client, for the error handlers of a failed invocation. The target of the proxy is an
 * empty object, because a proxy with a frozen target must return the values of the target, including the client.
 */
const createViewWithoutClient = (context: Context, contextKey: string): Context =>
  new Proxy(Object.create(null), {
    get: (_target, key) => {
      if (key === contextKey) return undefined
      const value: unknown = Reflect.get(context, key, context)
      // A method of a class may read private fields, which exist on the context but not on the proxy.
      return typeof value === 'function' ? value.bind(context) : value
    },
    has: (_target, key) => key !== contextKey && Reflect.has(context, key),
    set: (_target, key, value) => key !== contextKey && Reflect.set(context, key, value, context),
  })

const contextNotWritableError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `the client cannot be set at context.${contextKey}. The property is in use or cannot be changed, and the context cannot be ` +
      'copied, because it is not a plain object. If several handlers share the context, such as the record handlers of a batch, get ' +
      'each client with clientFor({ event, context }). Otherwise, set another contextKey.',
  )
