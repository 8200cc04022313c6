/** Asks the npm registry for known vulnerabilities of the packages in a lock file. */
import { spawnSync } from 'node:child_process'

/** An advisory that affects a package of the lock file. */
export interface AuditFinding {
  readonly name: string
  readonly severity: string
  readonly title: string
  readonly url: string
  readonly isShipped: boolean
}

/** The findings, or the reason why the registry did not answer. */
export type Audit = { readonly findings: readonly AuditFinding[] } | { readonly reason: string }

/** The fields of npm's report that `parseAudit` reads. A string in `via` names another package in the report. */
interface AuditReport {
  readonly message?: string
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly nodes: readonly string[]; readonly via: readonly (Advisory | string)[] }>
  >
}
interface Advisory {
  readonly name: string
  readonly severity: string
  readonly title: string
  readonly url: string
}

const FAILING_SEVERITIES = ['high', 'critical']
const NO_REPORT = 'npm audit printed no report'

const parseReport = (text: string): AuditReport => {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/**
 * Parses the output of `npm audit --json`.
 *
 * @param shipped the paths of the packages that users run
 */
export const parseAudit = (output: string, shipped: ReadonlySet<string>): Audit => {
  const { vulnerabilities, message = NO_REPORT } = parseReport(output)
  if (vulnerabilities === undefined) return { reason: message }
  const findings = Object.values(vulnerabilities).flatMap(({ nodes, via }) =>
    via
      .filter((advisory) => typeof advisory !== 'string')
      .map(({ name, severity, title, url }) => ({
        name,
        severity,
        title,
        url,
        isShipped: nodes.some((path) => shipped.has(path)),
      })),
  )
  return { findings }
}

export const isAuditFailure = ({ isShipped, severity }: AuditFinding): boolean =>
  isShipped && FAILING_SEVERITIES.includes(severity)

/** Runs `npm audit` on the lock file in `folder`. The packages do not have to be installed. */
export const runAudit = (folder: string, shipped: ReadonlySet<string>): Audit => {
  const flags = ['--json', '--package-lock-only', '--fetch-retries=1', '--fetch-timeout=60000']
  const { stdout, error } = spawnSync('npm', ['audit', ...flags], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
    shell: process.platform === 'win32',
  })
  return error === undefined ? parseAudit(stdout, shipped) : { reason: error.message }
}
