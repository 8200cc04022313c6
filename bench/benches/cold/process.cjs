// Imitates the start of an execution environment: loads a bundled function, invokes it, and prints when both ended. It is CommonJS
// without imports, so that it adds nothing to the time of the function. Usage: node process.cjs BUNDLE EVENT
'use strict'
const [, , bundle, event] = process.argv

// The bundle is CommonJS, so the Lambda runtime loads it in this way, too.
const { handler } = require(bundle)
const loadedAtNs = process.hrtime.bigint()
handler(JSON.parse(event), { getRemainingTimeInMillis: () => 10000 }).then((item) => {
  const itemAtNs = process.hrtime.bigint()
  process.stdout.write(JSON.stringify({ loadedAtNs: `${loadedAtNs}`, itemAtNs: `${itemAtNs}`, item }), () =>
    process.exit(),
  )
})
