import { parseAllDocuments } from 'yaml'

/** Returns the documents of a YAML stream. */
export const parseYamlDocuments = (text: string): Record<string, unknown>[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>)
