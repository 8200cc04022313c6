/** Installs the packages of this folder and the packed package, as npm installs them for a user. */
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FOLDER = import.meta.dirname
const ROOT = join(FOLDER, '..')

const run = (command: string, args: readonly string[], cwd: string): void => {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** @throws if a command fails. `npm run build` must have built the package. */
export const installPackages = (): void => {
  run(process.execPath, [join(ROOT, 'scripts/install-if-needed.cjs'), FOLDER], FOLDER)
  const folder = mkdtempSync(join(tmpdir(), 'packed-package-'))
  try {
    run('npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], ROOT)
    const [tarball = ''] = globSync('*.tgz', { cwd: folder })
    const flags = [
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--prefer-offline',
    ]
    run('npm', ['install', ...flags, join(folder, tarball)], FOLDER)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns whether the types of the benches are correct. They need the installed packages, so `npm run types` cannot check them. */
export const checkTypes = (): boolean => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [tsc, '-p', FOLDER], { stdio: 'inherit' }).status === 0
}
