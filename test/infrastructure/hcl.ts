/** Loads Terraform modules and evaluates their expressions. Supports only the expressions that the examples use. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from '@cdktf/hcl2json'

// biome-ignore lint/suspicious/noExplicitAny: hcl2json returns JSON of any shape.
export type Json = any

export interface TerraformModule {
  /** Returns the resource blocks of a type by name. */
  getResources(type: string): Record<string, Json>
  /** Returns the arguments of a `module` block. */
  getModuleCall(name: string): Record<string, Json>
  /** Replaces the expressions in a value by their results. */
  evaluate(node: Json): Json
}

/** Returns an attribute that Terraform reads from the provider, such as the ARN of a role. */
export type AttributeResolver = (
  type: string,
  block: Json,
  attribute: string,
  evaluate: TerraformModule['evaluate'],
) => string

const mergeBlocks = (blocks: readonly (object | undefined)[]): Json => Object.assign({}, ...blocks)

export async function loadModule(
  folder: string,
  variables: Readonly<Record<string, Json>>,
  resolveAttribute: AttributeResolver,
): Promise<TerraformModule> {
  const fileNames = readdirSync(folder).filter((name) => name.endsWith('.tf'))
  const files: Json[] = await Promise.all(
    fileNames.map((name) => parse(name, readFileSync(join(folder, name), 'utf8'))),
  )
  const variableBlocks = mergeBlocks(files.map(({ variable }) => variable))
  const locals = mergeBlocks(files.flatMap((file) => file.locals))
  const modules = mergeBlocks(files.map((file) => file.module))
  const getResources = (type: string) => {
    const blocks = Object.entries<Json>(mergeBlocks(files.map(({ resource }) => resource?.[type])))
    return Object.fromEntries(blocks.map(([name, [block]]) => [name, block]))
  }

  const evaluateExpression = (expression: string): Json => {
    const [, condition = '', ifTrue = '', ifFalse = ''] = /^(\S+) \? (\S+) : (\S+)$/.exec(expression) ?? []
    if (condition !== '') return evaluateExpression(evaluateExpression(condition) ? ifTrue : ifFalse)
    const [, argument] = /^jsonencode\((.*)\)$/.exec(expression) ?? []
    if (argument !== undefined) return JSON.stringify(evaluateExpression(argument))
    if (/^\d+$/.test(expression)) return Number(expression)
    const [root = '', name = '', attribute = ''] = expression.split('.')
    if (root === 'local' && name in locals) return evaluate(locals[name])
    if (root === 'var' && name in variableBlocks) {
      const variable = variables[name] ?? variableBlocks[name][0].default
      if (variable === undefined) throw new Error(`The variable ${name} has no value and no default.`)
      return variable
    }
    const block = getResources(root)[name]
    if (block === undefined)
      throw new Error(`loadModule() does not support the expression ${expression}. Add it there.`)
    return resolveAttribute(root, block, attribute, evaluate)
  }
  // hcl2json returns an expression as the text `${…}`, and an escaped `$${…}` unchanged.
  const evaluate = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(evaluate)
    if (typeof node === 'object' && node !== null)
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, evaluate(value)]))
    if (typeof node !== 'string') return node
    const [, wholeExpression] = /^\$\{([^}]*)\}$/.exec(node) ?? []
    if (wholeExpression !== undefined) return evaluateExpression(wholeExpression)
    return node.replace(/\$(\$?)\{([^}]*)\}/g, (_, escapingDollar, expression) =>
      escapingDollar ? `\${${expression}}` : evaluateExpression(expression),
    )
  }
  const getModuleCall = (name: string) => {
    if (modules[name] === undefined) throw new Error(`${folder} has no module block ${name}.`)
    return modules[name][0]
  }
  return { getResources, getModuleCall, evaluate }
}
