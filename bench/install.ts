/** Installs the packages of this folder and the packed package, as npm installs them for a user. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { installPackedPackage, ROOT } from '../test/package/project.ts'

const FOLDER = import.meta.dirname

/** Installs the peers and the packed package, which `npm pack` builds. @throws if a command fails. */
export const installPackages = async (): Promise<void> => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/install-if-needed.cjs'), FOLDER], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await installPackedPackage(FOLDER)
}

/** Returns whether the types of the benches are correct. They need the installed packages, so `npm run types` cannot check them. */
export const checkTypes = (): boolean => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [tsc, '-p', FOLDER], { stdio: 'inherit' }).status === 0
}
