// Measures the import of a bundle, and its function `construct`. Usage: node process.cjs BUNDLE
'use strict'
const start = performance.now()
const { construct } = require(process.argv[2])
const imported = performance.now()
construct()
const constructed = performance.now()
const sample = { importMs: imported - start, constructMs: constructed - imported }
// The prefetch has begun, so end the process before it connects.
process.stdout.write(JSON.stringify(sample), () => process.exit())
