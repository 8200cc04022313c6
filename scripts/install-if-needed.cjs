// Runs before `npm start` and `npm test`, on whatever Node.js the machine has, before anything is installed:
// `npm ci` when node_modules is missing or older than the lock file.
'use strict'
const { execSync } = require('node:child_process')
const { statSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..')
const modified = (file) => {
  try {
    return statSync(join(root, file)).mtimeMs
  } catch (_) {
    return 0
  }
}

// npm writes this file at the end of an installation, so a broken one counts as missing.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.log('Installing the dependencies (once) ...')
  execSync('npm ci --no-audit --no-fund --loglevel=error', { cwd: root, stdio: 'inherit' })
}
