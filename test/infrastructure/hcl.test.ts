/** Tests the evaluator of Terraform's language, with which other tests evaluate the modules and the examples. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform's templates have the same syntax as those of JavaScript.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { type EvaluationOptions, loadModule } from './hcl.ts'
import { evaluateExpression, type Json, parseTemplate } from './hcl-expression.ts'

const SCOPE: Record<string, Json> = {
  var: { name: 'orders', none: null, list: ['b', 'a', 'b'], tags: { team: 'orders', stage: null } },
  aws_subnet: { function: [{ id: 'subnet-1' }, { id: 'subnet-2' }] },
}
const evaluate = (expression: string): Json => evaluateExpression(expression, (name) => SCOPE[name])

describe('expressions', () => {
  it.each<[string, Json]>([
    ['null', null],
    ['1 + 2 - 4', -1],
    ['(1 + 2) == 3', true],
    ['"a\\n\\"b\\" \\\\w"', 'a\n"b" \\w'],
    ['"$${aws:PrincipalTag/${var.name}} $5"', '${aws:PrincipalTag/orders} $5'],
    ['"${var.name}-${"x${1}"}"', 'orders-x1'],
    ['var.name', 'orders'],
    ['var.list[1]', 'a'],
    ['var.tags["team"]', 'orders'],
    ['aws_subnet.function[*].id', ['subnet-1', 'subnet-2']],
    ['aws_subnet.function[1].id', 'subnet-2'],
    ['var.none == null ? 1 : length(var.none)', 1],
    ['var.name != "orders" ? 1 : true ? 2 : 3', 2],
    ['!true || false == false && 2 >= 2 && 1 < 2', true],
    ['1 == "1"', false],
    ['[1, [2], # comment\n 3,]', [1, [2], 3]],
    [
      '{ a = 1, "b" : 2\n (var.name) = 3 // comment\n "x/${var.name}" = {} }',
      { a: 1, b: 2, orders: 3, 'x/orders': {} },
    ],
    ['{ a = [1] } == { a = [1] }', true],
    ['[for item in var.list : "${item}!" if item != "b"]', ['a!']],
    ['[for index, item in var.list : index if item == "b"]', [0, 2]],
    ['[for key, value in var.tags : key]', ['stage', 'team']],
    [
      '{ for key, value in var.tags : "aws:RequestTag/${key}" => value if value != null }',
      { 'aws:RequestTag/team': 'orders' },
    ],
    ['[for outer in [1, 2] : [for inner in [10] : outer + inner]]', [[11], [12]]],
  ])('evaluates %s', (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })

  it.each<[string, Json]>([
    ['alltrue([])', true],
    ['alltrue([true, false])', false],
    ['can(regex("^a$", "b"))', false],
    ['can(regex("^\\\\p{L}{1,2}$", "é"))', true],
    ['compact(["a", null, ""])', ['a']],
    ['concat([1], [], [[2]])', [1, [2]]],
    ['contains([[1], [2]], [2])', true],
    ['distinct([1, 2, 1])', [1, 2]],
    ['element(["a", "b"], 3)', 'b'],
    ['flatten([1, [2, [3]]])', [1, 2, 3]],
    ['join(",", ["a", "b"])', 'a,b'],
    ['jsonencode({ b = [null], a = "x" })', '{"a":"x","b":[null]}'],
    ['keys({ b = 1, a = 2 })', ['a', 'b']],
    ['values({ b = 1, a = 2 })', [2, 1]],
    ['length("é😀")', 2],
    ['length({ a = 1 })', 1],
    ['lower("AWS:")', 'aws:'],
    ['merge({ a = 1, b = 1 }, { b = 2 })', { a: 1, b: 2 }],
    ['split("/", "a/b")', ['a', 'b']],
    ['startswith("arn:aws", "arn:")', true],
    ['trimprefix("dynamodb:GetItem", "dynamodb:")', 'GetItem'],
    ['try(var.tags["missing"], "none")', 'none'],
  ])('calls %s', (expression, value) => {
    expect(evaluate(expression)).toEqual(value)
  })

  it.each([
    ['length(null)', 'Expected an object or a map, but found null.'],
    ['startswith(null, "a")', 'Expected a string, but found null.'],
    ['"${var.none} "', 'A template cannot contain null.'],
    ['"${var.list}!"', 'A template cannot contain ["b","a","b"].'],
    ['null || true', 'Expected a boolean, but found null.'],
    ['true || length(null) > 0', 'Expected an object or a map, but found null.'],
    ['null ? 1 : 2', 'Expected a boolean, but found null.'],
    ['"1" < 2', 'Expected a number, but found "1".'],
    ['[for item in null : item]', 'cannot iterate over null'],
    ['var.missing', 'There is no attribute or item "missing".'],
    ['var.list[3]', 'There is no attribute or item 3.'],
    ['local.name', 'There is no local to refer to.'],
    ['md5("a")', 'Add the function md5 to terraform-functions.ts.'],
    ['1 * 2', 'Add the syntax at "* 2}" to hcl-expression.ts.'],
    ['[1', 'Add the syntax at'],
    ['"a', 'Add the syntax at'],
    ['{ for item in var.list : item }', 'Add the syntax at'],
  ])('does not evaluate %s', (expression, message) => {
    expect(() => evaluate(expression)).toThrow(message)
  })

  it('keeps an escaped template of a text that is not in quotation marks', () => {
    expect(parseTemplate('a $${b} "c" \\d')(() => undefined)).toBe('a ${b} "c" \\d')
  })
})

describe('modules', () => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true })
  })
  const load = async (files: Record<string, string>, variables: EvaluationOptions['variables'] = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'terraform-'))
    folders.push(folder)
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    const evaluateModule = await loadModule(folder)
    return evaluateModule({
      variables,
      providers: { aws: '333333333333', other: '444444444444' },
      resolveAttribute: ({ type, account, arguments: given }, attribute) =>
        `${type}/${account}/${given.name ?? ''}/${attribute}`,
    })
  }

  const CHILD = `
    variable "names" { default = ["x"] }
    resource "aws_table" "this" {
      count = length(var.names)
      name  = var.names[0]
    }
  `

  it('passes values between modules in any order, and evaluates only what is read', async () => {
    const { outputs } = await load({
      'main.tf': `
        module "second" {
          source = "./second"
          arn    = module.first.arn
          unread = no_such.reference
        }
        module "first" {
          source = "./first"
          name   = module.second.name
        }
        output "result" { value = "\${module.second.arn}!" }
      `,
      'first/main.tf': `
        variable "name" { type = string }
        resource "aws_role" "this" { name = var.name }
        output "arn" { value = aws_role.this.arn }
      `,
      'second/main.tf': `
        variable "arn" { type = string }
        variable "unread" { type = string }
        locals { name = "x" }
        output "name" { value = local.name }
        output "arn" { value = var.arn }
      `,
    })
    expect(outputs.result).toBe('aws_role/333333333333/x/arn!')
  })

  it('creates resources in the account of their provider, as often as count says', async () => {
    const module = await load({
      'main.tf': `
        module "none" {
          source = "./child"
          count  = false ? 1 : 0
        }
        module "other" {
          source    = "./child"
          count     = 1
          names     = ["y", "z"]
          providers = { aws = aws.other }
        }
        resource "aws_table" "this" {
          provider = aws.other
          name     = "own"
        }
        data "aws_region" "current" {}
        output "region" { value = data.aws_region.current.region }
        output "none" { value = module.none }
      `,
      'child/main.tf': CHILD,
    })
    expect(
      module.listResources('aws_table').map(({ account, arguments: { name } }) => [account, name]),
    ).toEqual([
      ['444444444444', 'own'],
      ['444444444444', 'y'],
      ['444444444444', 'y'],
    ])
    expect(module.outputs.region).toBe('data.aws_region/333333333333//region')
    expect(module.outputs.none).toEqual([])
  })

  it('evaluates only the collection of a dynamic block', async () => {
    const module = await load({
      'main.tf': `
        resource "aws_lambda_function" "this" {
          name = "f"
          dynamic "vpc_config" {
            for_each = [1, 2]
            content { subnet_ids = vpc_config.value.subnet_ids }
          }
        }
      `,
    })
    expect(module.listResources('aws_lambda_function')[0]?.arguments.dynamic.vpc_config).toEqual([1, 2])
  })

  it('reports the conditions of variables and resources that do not hold, in all modules', async () => {
    const files = {
      'main.tf': `
        variable "size" {
          type = number
          validation {
            condition     = var.size > 1
            error_message = "The size must be greater than 1."
          }
        }
        variable "name" {
          type     = string
          nullable = false
        }
        module "child" {
          source = "./child"
          size   = var.size
        }
      `,
      'child/main.tf': `
        variable "size" { type = number }
        resource "aws_table" "this" {
          lifecycle {
            precondition {
              condition     = var.size < 9
              error_message = "The size \${var.size} is too large."
            }
          }
        }
      `,
    }
    expect((await load(files, { size: 2, name: 'x' })).findProblems()).toEqual([])
    expect((await load(files, { size: 1, name: null })).findProblems()).toEqual([
      'name must not be null.',
      'The size must be greater than 1.',
    ])
    expect((await load(files, { size: 10, name: 'x' })).findProblems()).toEqual(['The size 10 is too large.'])
  })

  it('does not evaluate a condition of a variable that refers to another value', async () => {
    const validation = 'validation {\n condition = local.max > 1\n error_message = "x"\n}'
    const module = await load({
      'main.tf': `locals { max = 2 }\nvariable "a" {\n default = 1\n ${validation}\n}`,
    })
    expect(() => module.findProblems()).toThrow('There is no local to refer to.')
  })

  it.each([
    ['an unknown variable', 'names', { unknown: 1 }, 'has no variable unknown.'],
    ['a missing variable', 'size', {}, 'requires the variable size.'],
  ])('fails with %s', async (_, name, variables, message) => {
    const text = `variable "${name}" { ${name === 'size' ? 'type = number' : 'default = 1'} }`
    await expect(load({ 'main.tf': text }, variables)).rejects.toThrow(message)
  })
})
