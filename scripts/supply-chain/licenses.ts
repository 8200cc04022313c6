/** Classifies the licenses of packages by their SPDX expressions. */
import { type LockedPackage, type LockedPackages, toPackageName } from './lock-file.ts'

/** The kinds of licenses in ascending order of risk. `unknown` means that no pattern below matches the license. */
export type LicenseKind = 'permissive' | 'weak copyleft' | 'unknown' | 'copyleft'

const KINDS: readonly LicenseKind[] = ['permissive', 'weak copyleft', 'unknown', 'copyleft']
const PERMISSIVE =
  /^(?:MIT|MIT-0|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-[34]\.0|Python-2\.0|Unlicense|WTFPL|Zlib)$/
const WEAK_COPYLEFT = /^(?:MPL|EPL|CDDL)-/
const COPYLEFT = /^(?:AGPL|GPL|LGPL|SSPL|EUPL|OSL|CC-BY(?:-NC)?-SA)-/

const toKind = (id: string): LicenseKind => {
  if (PERMISSIVE.test(id)) return 'permissive'
  if (WEAK_COPYLEFT.test(id)) return 'weak copyleft'
  return COPYLEFT.test(id) ? 'copyleft' : 'unknown'
}

/**
 * Returns the kind of an SPDX expression. With `OR` only, the most permissive license decides. If the expression contains
 * `AND`, the most restrictive license decides, even if parentheses allow a choice.
 *
 * @see https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/
 */
export const classifyLicense = (expression: string | undefined): LicenseKind => {
  const tokens: readonly string[] = expression?.replace(/\bWITH\s+[^\s()]+/g, '').match(/[^\s()]+/g) ?? []
  const ranks = tokens
    .filter((token) => token !== 'AND' && token !== 'OR')
    .map((id) => KINDS.indexOf(toKind(id)))
  const rank = tokens.includes('OR') && !tokens.includes('AND') ? Math.min(...ranks) : Math.max(...ranks)
  return KINDS[rank] ?? 'unknown'
}

/** A package whose license is not permissive. */
export interface LicenseFinding {
  readonly name: string
  readonly license: string
  readonly kind: LicenseKind
  readonly isShipped: boolean
}

const toFinding = (path: string, { license }: LockedPackage, isShipped: boolean): LicenseFinding => ({
  name: toPackageName(path) ?? path,
  license: license ?? 'no license',
  kind: classifyLicense(license),
  isShipped,
})

/** Returns the packages whose license is not permissive. Skips links, because their targets are separate entries. */
export const findLicenses = (
  packages: LockedPackages,
  shipped: ReadonlySet<string>,
): readonly LicenseFinding[] =>
  Object.entries(packages)
    .filter(([path, { link }]) => path !== '' && !link)
    .map(([path, entry]) => toFinding(path, entry, shipped.has(path)))
    .filter(({ kind }) => kind !== 'permissive')

/** A package with a weak copyleft license can ship, because the license covers only the files of that package. */
export const isLicenseFailure = ({ isShipped, kind }: LicenseFinding): boolean =>
  isShipped && (kind === 'copyleft' || kind === 'unknown')
