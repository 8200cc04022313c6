import { parseAllDocuments } from 'yaml'

/** The documents of a YAML stream. */
export const yaml = (text: string): Record<string, unknown>[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>)
