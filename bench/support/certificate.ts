// cspell:words addext keyout paramgen pkeyopt
/** Creates a certificate for `localhost`. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
  /** The file of the certificate, for `NODE_EXTRA_CA_CERTS`. */
  readonly file: string
  readonly remove: () => void
}

/** @throws if there is no `openssl` command. */
export const createCertificate = (): Certificate => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-certificate-'))
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-days', '2', '-out', file], {
    stdio: 'ignore',
  })
  return {
    key: readFileSync(keyFile),
    cert: readFileSync(file),
    file,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
