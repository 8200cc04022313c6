/** Bundles the peers with esbuild, as users bundle their functions. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** `default`: esbuild's defaults, which select CommonJS files. `module`: `--main-fields=module,main`, which selects ES modules. */
export type MainFields = 'default' | 'module'

export interface Bundles {
  /** Bundles a TypeScript file, and returns the path of the bundle, which is CommonJS. */
  readonly add: (file: string, mainFields?: MainFields) => Promise<string>
  /** Deletes all bundles. */
  readonly remove: () => void
}

export const createBundles = (): Bundles => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-bundles-'))
  let lastNumber = 0
  const add: Bundles['add'] = async (file, mainFields = 'default') => {
    lastNumber += 1
    const outfile = join(folder, `${lastNumber}.cjs`)
    await build({
      entryPoints: [file],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      logLevel: 'error',
      ...(mainFields === 'module' && { mainFields: ['module', 'main'] }),
    })
    return outfile
  }
  return { add, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
