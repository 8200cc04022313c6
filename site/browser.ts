/** Starts the headless browser that draws the diagrams and tests the pages. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Returns the path of the browser: the variable `CHROMIUM_PATH`, or Chromium or Chrome in the PATH. */
const findBrowser = (): string => {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  if (CHROMIUM_PATH) return CHROMIUM_PATH
  const candidates = NAMES.flatMap((name) => PATH.split(delimiter).map((folder) => join(folder, name)))
  const path = candidates.find(isExecutable)
  if (path === undefined) throw new Error('Chromium is not in the PATH.')
  return path
}

/** Starts Chromium. Installs it first if it is missing, on Debian as root. If that fails, the script prints what to do, and the process ends. */
export const launchBrowser = async (): Promise<Browser> => {
  const script = join(import.meta.dirname, '../scripts/install-chromium-if-needed.sh')
  if (spawnSync(script, { stdio: 'inherit' }).status !== 0) process.exit(1)
  return await chromium.launch({ executablePath: findBrowser(), headless: true, args: FLAGS })
}
