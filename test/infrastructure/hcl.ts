/** Loads Terraform modules and evaluates them, with the modules that they call. */
import { type Json, parseTemplate, type Scope } from './hcl-expression.ts'
import { DATA_PREFIX, mapValues, type ParsedModule, parseModule, takeFirst } from './terraform-files.ts'

/** A resource or a data source. */
export interface Resource {
  /** The type, such as `aws_iam_role`. The type of a data source begins with `data.`. */
  type: string
  /** The account of its provider. */
  account: string
  /** The arguments and nested blocks. Each is evaluated when it is read. */
  arguments: Record<string, Json>
}

export interface TerraformModule {
  /** The resources of the module and of all modules that it calls. */
  listResources(type: string): Resource[]
  /** The outputs. Each is evaluated when it is read. */
  outputs: Record<string, Json>
  /** Returns the messages of all conditions that do not hold, in the module and in all modules that it calls. */
  findProblems(): string[]
}

/** Returns an attribute that Terraform reads from the provider, such as the ARN of a role. */
export type AttributeResolver = (resource: Resource, attribute: string) => string

export interface EvaluationOptions {
  /** The values of the variables. */
  variables: Readonly<Record<string, Json>>
  /** The accounts of the provider configurations: `aws` and the aliases. */
  providers: Readonly<Record<string, string>>
  resolveAttribute: AttributeResolver
}

type Getters = Record<string, () => Json>

/** Returns an object whose properties are computed when they are read for the first time. */
const createLazyObject = (getters: Getters): Record<string, Json> => {
  const object = {}
  for (const [name, compute] of Object.entries(getters)) {
    const get = () => {
      const value = compute()
      Object.defineProperty(object, name, { value, enumerable: true })
      return value
    }
    Object.defineProperty(object, name, { get, enumerable: true, configurable: true })
  }
  return object
}

/** Evaluates a value that hcl2json returned. */
const evaluate = (node: Json, scope: Scope): Json => {
  if (Array.isArray(node)) return node.map((item) => evaluate(item, scope))
  if (typeof node === 'string') return parseTemplate(node)(scope)
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [parseTemplate(key)(scope), evaluate(value, scope)]),
  )
}

/** @throws if a variable is unknown, or has neither a value nor a default. */
const createVariables = (
  { folder, variables: blocks }: ParsedModule,
  getters: Getters,
): Record<string, Json> => {
  const unknown = Object.keys(getters).filter((name) => blocks[name] === undefined)
  if (unknown.length > 0) throw new Error(`${folder} has no variable ${unknown.join(', ')}.`)
  const missing = Object.keys(blocks).filter((name) => !(name in getters) && !('default' in blocks[name]))
  if (missing.length > 0) throw new Error(`${folder} requires the variable ${missing.join(', ')}.`)
  return createLazyObject(mapValues(blocks, (block, name) => getters[name] ?? (() => block.default)))
}

/** A list if the block has the argument `count`. */
interface Instances<Item> {
  items: Item[]
  isList: boolean
}

interface InstanceOptions extends Omit<EvaluationOptions, 'variables'> {
  variableGetters: Getters
}

/** A module with the values of its variables. */
class ModuleInstance implements TerraformModule {
  readonly outputs: Record<string, Json>
  readonly #parsed: ParsedModule
  readonly #options: InstanceOptions
  readonly #variables: Record<string, Json>
  /** The resources by type and name. */
  readonly #resources: Record<string, Record<string, Instances<Resource>>>
  readonly #calls: Record<string, Instances<ModuleInstance>>
  /** The values that a reference can begin with. */
  readonly #roots: Record<string, Json>

  constructor(parsed: ParsedModule, options: InstanceOptions) {
    this.#parsed = parsed
    this.#options = options
    this.#variables = createVariables(parsed, options.variableGetters)
    this.#resources = mapValues(parsed.resources, (blocks, type) =>
      createLazyObject(
        mapValues(blocks, (block) => () => this.#repeat(block, () => this.#createResource(type, block))),
      ),
    )
    this.#calls = createLazyObject(mapValues(parsed.calls, (call) => () => this.#createCall(call)))
    this.outputs = createLazyObject(mapValues(parsed.outputs, ({ value }) => this.#evaluateLater(value)))
    this.#roots = this.#createRoots()
  }

  listResources(type: string): Resource[] {
    return [
      ...this.#listOwnResources(type),
      ...this.#listModules().flatMap((module) => module.listResources(type)),
    ]
  }

  findProblems(): string[] {
    return [
      ...Object.entries(this.#parsed.variables).flatMap(([name, block]) =>
        findVariableProblems(name, block, this.#variables[name]),
      ),
      ...Object.keys(this.#resources).flatMap((type) =>
        this.#listOwnResources(type).flatMap(findResourceProblems),
      ),
      ...this.#listModules().flatMap((module) => module.findProblems()),
    ]
  }

  #listOwnResources(type: string): Resource[] {
    return Object.values(this.#resources[type] ?? {}).flatMap(({ items }) => items)
  }

  #listModules(): ModuleInstance[] {
    return Object.values(this.#calls).flatMap(({ items }) => items)
  }

  #evaluate(node: Json): Json {
    return evaluate(node, (name) => this.#roots[name])
  }

  #evaluateLater(node: Json): () => Json {
    return () => this.#evaluate(node)
  }

  /** Creates as many items as the argument `count` of a block says. */
  #repeat<Item>(block: Json, create: () => Item): Instances<Item> {
    const isList = block.count !== undefined
    return { isList, items: Array.from({ length: isList ? this.#evaluate(block.count) : 1 }, create) }
  }

  #createResource(type: string, block: Json): Resource {
    // The content of a dynamic block refers to an iterator. Only the collection is evaluated.
    const { provider, dynamic = {}, ...others } = block
    const { providers } = this.#options
    const account = provider === undefined ? providers.aws : evaluate(provider, () => providers)
    if (account === undefined)
      throw new Error(`${this.#parsed.folder}: ${type} has no provider configuration.`)
    const collections = mapValues(takeFirst(dynamic), ({ for_each }) => this.#evaluateLater(for_each))
    return {
      type,
      account,
      arguments: createLazyObject({
        ...mapValues(others, (node) => this.#evaluateLater(node)),
        dynamic: () => createLazyObject(collections),
      }),
    }
  }

  #createCall({ block, module }: ParsedModule['calls'][string]): Instances<ModuleInstance> {
    const { source: _, count: __, providers: given, ...inputs } = block
    const { providers, resolveAttribute } = this.#options
    return this.#repeat(
      block,
      () =>
        new ModuleInstance(module, {
          variableGetters: mapValues(inputs, (node) => this.#evaluateLater(node)),
          providers:
            given === undefined ? providers : mapValues(given, (node) => evaluate(node, () => providers)),
          resolveAttribute,
        }),
    )
  }

  #createRoots(): Record<string, Json> {
    const toResourceValues = (type: string) =>
      mapLater(this.#resources[type] ?? {}, (resource) =>
        toResourceValue(resource, this.#options.resolveAttribute),
      )
    const types = Object.keys(this.#resources)
    const isDataSource = (type: string) => type.startsWith(DATA_PREFIX)
    return {
      ...Object.fromEntries(
        types.filter((type) => !isDataSource(type)).map((type) => [type, toResourceValues(type)]),
      ),
      data: Object.fromEntries(
        types.filter(isDataSource).map((type) => [type.slice(DATA_PREFIX.length), toResourceValues(type)]),
      ),
      var: this.#variables,
      local: createLazyObject(mapValues(this.#parsed.locals, (node) => this.#evaluateLater(node))),
      module: mapLater(this.#calls, ({ outputs }) => outputs),
    }
  }
}

/** Converts instances to the values that references return: a list of values, or the one value. */
const mapLater = <Item>(
  instances: Record<string, Instances<Item>>,
  convert: (item: Item) => Json,
): Record<string, Json> =>
  createLazyObject(
    Object.fromEntries(
      Object.keys(instances).map((name) => [
        name,
        () => {
          const { items, isList } = instances[name] as Instances<Item>
          const values = items.map(convert)
          return isList ? values : values[0]
        },
      ]),
    ),
  )

/** Returns the value of a resource: its arguments, and the attributes that the provider returns. */
const toResourceValue = (resource: Resource, resolveAttribute: AttributeResolver): Json =>
  new Proxy(resource.arguments, {
    get: (given, name) =>
      typeof name === 'symbol' || name in given ? Reflect.get(given, name) : resolveAttribute(resource, name),
  })

const findResourceProblems = ({ arguments: { lifecycle = [] } }: Resource): string[] =>
  lifecycle
    .flatMap(({ precondition = [] }: Json) => precondition)
    .filter(({ condition }: Json) => condition !== true)
    .map(({ error_message }: Json) => error_message)

/** A condition of a variable can refer only to this variable, because Terraform before 1.9 accepts no other references. */
const findVariableProblems = (name: string, block: Json, value: Json): string[] => {
  if (value === null && block.nullable === false) return [`${name} must not be null.`]
  const scope: Scope = (root) => (root === 'var' ? { [name]: value } : undefined)
  return (block.validation ?? [])
    .filter(({ condition }: Json) => evaluate(condition, scope) !== true)
    .map(({ error_message }: Json) => error_message)
}

/**
 * Loads the module in a folder and the modules that it calls, and returns a function that evaluates it with the values of its
 * variables.
 */
export const loadModule = async (
  folder: string,
): Promise<(options: EvaluationOptions) => TerraformModule> => {
  const parsed = await parseModule(folder)
  return ({ variables, ...others }) =>
    new ModuleInstance(parsed, { ...others, variableGetters: mapValues(variables, (value) => () => value) })
}
