/**
 * Puts the client of an invocation on its context.
 *
 * Batch processors, nested handlers and unit tests pass one context object to several invocations. An invocation
 * therefore never replaces another client on the context that it was given.
 */
import type middy from '@middy/core'
import { CrossAccountDynamoError } from './errors.ts'

type Context = middy.Request['context'] & Record<string, unknown>
/** The part of middy's request that changes. middy passes `context` on to later middlewares and to the handler. */
type RequestWithContext = Pick<middy.Request, 'context'>

/**
 * For the session of all invocations: sets `request.context[contextKey]` to the client. If the context already holds
 * another value there, or cannot be changed, `request.context` becomes a copy that holds the client.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if the context would have to be copied and cannot be.
 */
export const attachClient = (request: RequestWithContext, contextKey: string, client: object): void => {
  const context = request.context as Context
  const present = valueAt(context, contextKey)
  if (present === client) return
  if (present === undefined && trySet(context, contextKey, client)) return
  attachToCopy(request, contextKey, client, copyWithout(context, contextKey))
}

/**
 * For the session of one invocation: `request.context` becomes a copy that holds the client. The given context stays as it
 * was, because a handler that shares it must not find the client of another session there, not even before its own
 * middlewares have run. A context that cannot be copied gets the client itself, unless it already holds another one.
 *
 * @throws CrossAccountDynamoError `CONFIG_INVALID` if the context cannot be copied and already holds another client.
 */
export const attachSessionClient = (
  request: RequestWithContext,
  contextKey: string,
  client: object,
): void => {
  const context = request.context as Context
  const copy = copyWithout(context, contextKey)
  if (copy === undefined) attachClient(request, contextKey, client)
  else attachToCopy(request, contextKey, client, copy)
}

const attachToCopy = (
  request: RequestWithContext,
  contextKey: string,
  client: object,
  copy: Context | undefined,
): void => {
  request.context = copy ?? hideClient(request.context as Context, contextKey)
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
  request.context = copyWithout(context, contextKey) ?? hideClient(context, contextKey)
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

/** Returns `false` if the context is frozen or ignores the assignment, which is faster than Reflect.set. */
const trySet = (context: Context, contextKey: string, client: object): boolean => {
  try {
    context[contextKey] = client
    return context[contextKey] === client
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
    const prototype: unknown = Object.getPrototypeOf(context)
    if (!isObjectPrototype(prototype)) return undefined
    const copy = Object.create(prototype)
    for (const key of Reflect.ownKeys(context)) {
      if (key !== contextKey) copyProperty(context, copy, key)
    }
    return copy
  } catch {
    return undefined
  }
}

/** Whether this is `null` or the `Object.prototype` of any realm: nothing that could hold another client. */
const isObjectPrototype = (prototype: unknown): prototype is object | null =>
  prototype === null ||
  (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf'))

/** Assigns a plain property, which is faster than defining it. */
const copyProperty = (from: Context, to: Record<PropertyKey, unknown>, key: PropertyKey): void => {
  const property = Object.getOwnPropertyDescriptor(from, key)
  if (property === undefined) return
  if (property.enumerable === true && 'value' in property && key !== '__proto__') to[key] = property.value
  else Object.defineProperty(to, key, property)
}

/**
 * For the error handlers of an invocation that fails: a view of the context without the client. The target of the proxy is
 * an empty object, because a proxy of a frozen context would have to return the context's own values.
 */
const hideClient = (context: Context, contextKey: string): Context =>
  new Proxy(Object.create(null), {
    get: (_target, key) => {
      if (key === contextKey) return undefined
      const value: unknown = Reflect.get(context, key, context)
      // A method of a class may read private fields, which the proxy does not have.
      return typeof value === 'function' ? value.bind(context) : value
    },
    has: (_target, key) => key !== contextKey && Reflect.has(context, key),
    set: (_target, key, value) => key !== contextKey && Reflect.set(context, key, value, context),
  })

const sharedContextError = (contextKey: string): CrossAccountDynamoError =>
  new CrossAccountDynamoError(
    'CONFIG_INVALID',
    `the client cannot be set at context.${contextKey}, because the property is already in use or cannot be changed, and this ` +
      'context cannot be copied, because it is not a plain object. If several handlers share the context, such as those of the ' +
      'records of a batch, get the client of each with clientFor({ event, context }). Otherwise choose another contextKey.',
  )
