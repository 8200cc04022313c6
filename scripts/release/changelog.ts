/** Reads CHANGELOG.md, which follows https://keepachangelog.com/en/1.1.0/. */

export interface ChangelogSection {
  /** The text of the heading after `## `, such as `[0.2.0] - 2026-12-01`. */
  readonly heading: string
  /** The text below the heading, without link definitions. Empty if there is none. */
  readonly text: string
}

const parseSection = (section: string): ChangelogSection => {
  const [heading = '', ...lines] = section.split('\n')
  // The links of the headings are defined at the end of the file, which is inside the last section.
  const text = lines.filter((line) => !/^\[[^\]]+\]: /.test(line)).join('\n')
  return { heading: heading.trim(), text: text.trim() }
}

/** Returns the section of a version, or `Unreleased`. A section without brackets or date is found, too. */
export const findSection = (changelog: string, version: string): ChangelogSection | undefined =>
  changelog
    .split(/^## /m)
    .slice(1)
    .map(parseSection)
    .find(({ heading }) => heading.split(' - ')[0]?.replace(/^\[(.+)\]$/, '$1') === version)

/** Returns whether the heading is `[X.Y.Z] - YYYY-MM-DD` with a date that exists. */
export const isReleaseHeading = ({ heading }: ChangelogSection, version: string): boolean => {
  const date = heading.startsWith(`[${version}] - `) ? heading.slice(version.length + 5) : ''
  const time = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
  // Date.parse accepts February 30, and returns a day in March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}
