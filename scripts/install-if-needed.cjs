// Runs `npm ci` if node_modules is missing or older than the lock file, in the root or in the folder that the argument names. npm runs
// this script before `npm start` and `npm test`, when no dependency is installed, so it must work on old versions of Node.js.
'use strict'
const { execSync } = require('node:child_process')
const { statSync } = require('node:fs')
const { join, resolve } = require('node:path')

const folder = resolve(process.argv[2] || join(__dirname, '..'))
const getModifiedTimeMs = (file) => {
  try {
    return statSync(join(folder, file)).mtimeMs
  } catch (_) {
    return 0
  }
}

// npm writes this file at the end of an installation. An interrupted installation counts as missing.
if (getModifiedTimeMs('node_modules/.package-lock.json') < getModifiedTimeMs('package-lock.json')) {
  console.log(`Installing the dependencies of ${folder}. The next run skips this step.`)
  execSync('npm ci --no-audit --no-fund --loglevel=error', { cwd: folder, stdio: 'inherit' })
}
