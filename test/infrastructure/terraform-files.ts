/** Parses the files of Terraform modules. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from '@cdktf/hcl2json'
import type { Json } from './hcl-expression.ts'

/** The type of a data source begins with this prefix. */
export const DATA_PREFIX = 'data.'

/** The blocks of a module's files, and the modules that it calls. */
export interface ParsedModule {
  folder: string
  variables: Record<string, Json>
  locals: Record<string, Json>
  outputs: Record<string, Json>
  /** The blocks by type and name. */
  resources: Record<string, Record<string, Json>>
  calls: Record<string, { block: Json; module: ParsedModule }>
}

const mergeBlocks = (blocks: readonly (object | undefined)[]): Record<string, Json> =>
  Object.assign({}, ...blocks)

/** Returns the only block of each name. hcl2json returns a list of blocks. */
export const takeFirst = (blocks: Record<string, Json>): Record<string, Json> =>
  mapValues(blocks, (list) => (Array.isArray(list) ? list[0] : list))

/** Converts each value of a record. */
export const mapValues = <Value, Result>(
  record: Record<string, Value>,
  convert: (value: Value, key: string) => Result,
): Record<string, Result> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value, key)]))

/** Parses the files of a folder, and the modules that they call. */
export const parseModule = async (folder: string): Promise<ParsedModule> => {
  const fileNames = readdirSync(folder).filter((name) => name.endsWith('.tf'))
  const files: Json[] = await Promise.all(
    fileNames.map((name) => parse(name, readFileSync(join(folder, name), 'utf8'))),
  )
  const mergeBlocksOf = (blockType: string) => takeFirst(mergeBlocks(files.map((file) => file[blockType])))
  const resources: ParsedModule['resources'] = {}
  for (const { resource = {}, data = {} } of files)
    for (const [type, blocks] of [
      ...Object.entries<Json>(resource),
      ...Object.entries<Json>(data).map(([type, blocks]) => [DATA_PREFIX + type, blocks] as const),
    ])
      resources[type] = { ...resources[type], ...takeFirst(blocks) }
  const calls = await Promise.all(
    Object.entries(mergeBlocksOf('module')).map(async ([name, block]) => [
      name,
      { block, module: await parseModule(join(folder, block.source)) },
    ]),
  )
  return {
    folder,
    variables: mergeBlocksOf('variable'),
    locals: mergeBlocks(files.flatMap((file) => file.locals)),
    outputs: mergeBlocksOf('output'),
    resources,
    calls: Object.fromEntries(calls),
  }
}
