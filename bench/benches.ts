/** Finds and loads the benches in `benches/`. */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Bench } from './bench.ts'

const FOLDER = join(import.meta.dirname, 'benches')

/** The order of the sections. Other benches follow. */
const ORDER = ['warm', 'day', 'cold', 'import', 'tenants', 'burst', 'refresh', 'fleet']

/** Returns the names of all benches, which are the names of their files. */
export const findBenchNames = (): string[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'))
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))

export const loadBench = async (name: string): Promise<Bench> =>
  ((await import(join(FOLDER, `${name}.ts`))) as { bench: Bench }).bench
