/** Starts the headless browser that draws the diagrams and tests the pages. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium. Installs it first if it is missing, on Debian as root. If that fails, the script prints what to do, and the process ends. */
export const launchBrowser = async (): Promise<Browser> => {
  const script = join(import.meta.dirname, '../scripts/install-chromium-if-needed.sh')
  const { status, stdout } = spawnSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) process.exit(1)
  return await chromium.launch({ executablePath: stdout.trim(), headless: true, args: FLAGS })
}
