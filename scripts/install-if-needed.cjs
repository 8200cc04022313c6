// Runs `npm ci` if node_modules is missing or older than the lock file. npm runs this script before `npm start` and
// `npm test`, when no dependency is installed, so it must work on old versions of Node.js.
'use strict'
const { execSync } = require('node:child_process')
const { statSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..')
const getModifiedTimeMs = (file) => {
  try {
    return statSync(join(root, file)).mtimeMs
  } catch (_) {
    return 0
  }
}

// npm writes this file at the end of an installation. An interrupted installation counts as missing.
if (getModifiedTimeMs('node_modules/.package-lock.json') < getModifiedTimeMs('package-lock.json')) {
  console.log('Installing the dependencies. The next run skips this step.')
  execSync('npm ci --no-audit --no-fund --loglevel=error', { cwd: root, stdio: 'inherit' })
}
