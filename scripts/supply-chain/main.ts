/**
 * `npm run supply-chain`: checks each package-lock.json that git tracks, and the actions in the GitHub workflows.
 *
 * Exit code 1: a package has no SHA-512 hash or does not come from the default registry, a shipped package has a copyleft
 * or unknown license or a high or critical advisory, or an action is not pinned. If the registry does not answer the audit,
 * the output reports it, and the exit code depends only on the other checks.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isAuditFailure, runAudit } from './audit.ts'
import { findLicenses, isLicenseFailure, type LicenseFinding } from './licenses.ts'
import {
  findForeignPackages,
  findLockFiles,
  findShippedPackages,
  findUnverifiedPackages,
  readLockFile,
} from './lock-file.ts'
import { findUnpinnedActions, findWorkflows } from './workflows.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Prints one line. `FAIL` also sets the exit code. */
const report = (kind: 'ok' | 'note' | 'FAIL' | 'NOT DONE', text: string): void => {
  console.log(`  ${kind.padEnd(9)} ${text}`)
  if (kind === 'FAIL') process.exitCode = 1
}

const reportFailures = (successText: string, failures: readonly string[]): void => {
  if (failures.length === 0) report('ok', successText)
  for (const failure of failures) report('FAIL', failure)
}

const formatScope = ({ isShipped }: { readonly isShipped: boolean }): string =>
  isShipped ? 'shipped' : 'development only'

const formatLicense = (finding: LicenseFinding): string =>
  `${finding.name}: ${finding.license} (${finding.kind}, ${formatScope(finding)})`

const checkLicenses = (findings: readonly LicenseFinding[]): void => {
  reportFailures(
    'licenses: no shipped package is copyleft',
    findings.filter(isLicenseFailure).map((finding) => `license of ${formatLicense(finding)}`),
  )
  for (const finding of findings) {
    if (!isLicenseFailure(finding)) report('note', `license of ${formatLicense(finding)}`)
  }
}

const checkAudit = (folder: string, shipped: ReadonlySet<string>): void => {
  const audit = runAudit(folder, shipped)
  if ('reason' in audit) {
    report('NOT DONE', `audit: the registry did not answer, so advisories are unknown. ${audit.reason}`)
    return
  }
  for (const finding of audit.findings) {
    const { name, severity, title, url } = finding
    const kind = isAuditFailure(finding) ? 'FAIL' : 'note'
    report(kind, `advisory on ${name} (${severity}, ${formatScope(finding)}): ${title} ${url}`)
  }
  if (!audit.findings.some(isAuditFailure))
    report('ok', 'audit: no high or critical advisory on a shipped package')
}

const checkLockFile = (path: string): void => {
  const packages = readLockFile(join(ROOT, path))
  const shipped = findShippedPackages(packages)
  console.log(`${path}: ${Object.keys(packages).length - 1} packages, ${shipped.size} of them shipped`)
  reportFailures(
    'integrity: every package has a SHA-512 hash',
    findUnverifiedPackages(packages).map((name) => `integrity: ${name} has no SHA-512 hash`),
  )
  reportFailures(
    'source: every package comes from the default registry',
    findForeignPackages(packages).map((name) => `source: ${name} comes from ${packages[name]?.resolved}`),
  )
  checkLicenses(findLicenses(packages, shipped))
  checkAudit(join(ROOT, dirname(path)), shipped)
}

const checkWorkflow = (path: string): void => {
  console.log(path)
  reportFailures(
    'actions: every action is pinned by commit',
    findUnpinnedActions(readFileSync(join(ROOT, path), 'utf8')).map(
      (action) => `actions: pin ${action} by commit, with the version in a comment`,
    ),
  )
}

const lockFiles = findLockFiles(ROOT)
if (lockFiles.length === 0) report('FAIL', 'lock files: git tracks no package-lock.json')
for (const path of lockFiles) checkLockFile(path)
for (const path of findWorkflows(ROOT)) checkWorkflow(path)
