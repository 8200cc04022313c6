/** Bundles the handlers of the examples, as examples/infrastructure/README.md describes. */
import { join } from 'node:path'
import { build } from 'esbuild'

const HANDLERS = { PutAndGet: 'put-and-get', PooledTenants: 'pooled-tenants' }

/** Writes each bundle to `index.js` in a folder with the name of the example. Needs a built package. */
export const bundleHandlers = async (folder: string): Promise<void> => {
  for (const [example, handler] of Object.entries(HANDLERS))
    await build({
      entryPoints: [join(import.meta.dirname, '../../examples', handler, 'handler.ts')],
      outfile: join(folder, example, 'index.js'),
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node24',
      logLevel: 'error',
    })
}
