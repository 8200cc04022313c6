/** What Terraform makes of a module: its expressions are evaluated as far as these modules use them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from '@cdktf/hcl2json'

// biome-ignore lint/suspicious/noExplicitAny: HCL as JSON is of many shapes
export type Json = any

export interface Module {
  /** The blocks of a type of resources, by their names. */
  ofType(type: string): Record<string, Json>
  /** The arguments of a `module` block. */
  call(name: string): Record<string, Json>
  /** What is left when expressions are evaluated. */
  value(node: Json): Json
}

/** An attribute that Terraform learns from the provider. */
export type Attribute = (type: string, block: Json, name: string, value: Module['value']) => string

const merged = (blocks: readonly (object | undefined)[]): Json => Object.assign({}, ...blocks)

export async function loadModule(
  folder: string,
  variables: Readonly<Record<string, Json>>,
  attribute: Attribute,
): Promise<Module> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.tf'))
  const files: Json[] = await Promise.all(
    names.map((name) => parse(name, readFileSync(join(folder, name), 'utf8'))),
  )
  const declared = merged(files.map(({ variable }) => variable))
  const locals = merged(files.flatMap((file) => file.locals))
  const modules = merged(files.map((file) => file.module))
  const ofType = (type: string) => {
    const blocks = Object.entries<Json>(merged(files.map(({ resource }) => resource?.[type])))
    return Object.fromEntries(blocks.map(([name, [block]]) => [name, block]))
  }

  const evaluate = (expression: string): Json => {
    const [, condition = '', yes = '', no = ''] = /^(\S+) \? (\S+) : (\S+)$/.exec(expression) ?? []
    if (condition !== '') return evaluate(evaluate(condition) ? yes : no)
    const [, encoded] = /^jsonencode\((.*)\)$/.exec(expression) ?? []
    if (encoded !== undefined) return JSON.stringify(evaluate(encoded))
    if (/^\d+$/.test(expression)) return Number(expression)
    const [root = '', name = '', of = ''] = expression.split('.')
    if (root === 'local' && name in locals) return value(locals[name])
    if (root === 'var' && name in declared) {
      const given = variables[name] ?? declared[name][0].default
      if (given === undefined) throw new Error(`the variable ${name} has no value`)
      return given
    }
    const block = ofType(root)[name]
    if (block === undefined) throw new Error(`the expression ${expression} is unknown to this test`)
    return attribute(root, block, of, value)
  }
  /** hcl2json leaves expressions as text, `${…}`, and what is escaped as it is, `$${…}`. */
  const value = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(value)
    if (typeof node === 'object' && node !== null)
      return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, value(item)]))
    if (typeof node !== 'string') return node
    const [, whole] = /^\$\{([^}]*)\}$/.exec(node) ?? []
    if (whole !== undefined) return evaluate(whole)
    return node.replace(/\$(\$?)\{([^}]*)\}/g, (_, escaped, expression) =>
      escaped ? `\${${expression}}` : evaluate(expression),
    )
  }
  const call = (name: string) => {
    if (modules[name] === undefined) throw new Error(`there is no module ${name}`)
    return modules[name][0]
  }
  return { ofType, call, value }
}
