/**
 * Checks the words of all tracked texts: spelling with cspell and the dictionary of `cspell.json`, and words that the style guide
 * replaces. Prints each finding with its place.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { listCommittableFiles } from './git.ts'

/** A word that readers have to translate, and what to write in its place. */
interface Replacement {
  readonly word: RegExp
  readonly instead: string
}

const REPLACEMENTS: readonly Replacement[] = [
  {
    word: /\b(?:no|some|every|any)body(?:'?s)?\b/gi,
    instead: 'the caller, the invocation, the middleware, …',
  },
  { word: /\bwho(?:so)?ever\b/gi, instead: 'the user, the caller, code that …' },
  { word: /\bwhatever\b/gi, instead: 'any value, each error, …' },
  { word: /\bone's own\b/gi, instead: 'your own, or the name of the owner' },
  { word: /\bas told\b/gi, instead: 'ok, as configured, as expected' },
  { word: /\bmishaps?\b/gi, instead: 'fault' },
  { word: /\boutlaws?\b/gi, instead: 'malformed tenant' },
  { word: /\bculprits?\b/gi, instead: 'the failing condition, the cause' },
  { word: /(?<!in[- ])\bflights?\b|\blanded\b/gi, instead: 'in-flight request, settled' },
  { word: /\bpatience\b/gi, instead: 'wait budget' },
  { word: /\bcomplain(?:s|ts?|ed|ing)?\b/gi, instead: 'report, issue' },
  { word: /\b(?:bears?|bearing) the (?:tag|tenant)/gi, instead: 'has the tag' },
  { word: /\blet(?:s|ting)? go\b/gi, instead: 'evict, delete, release' },
  { word: /\bdemands?\b/gi, instead: 'require' },
  { word: /\bset-ups?\b/gi, instead: 'setup (noun), set up (verb)' },
  { word: /\bto the letter\b/gi, instead: 'exactly' },
  { word: /\bfor ever\b/gi, instead: 'permanently, for the life of the session' },
]

/** Generated files, license texts, and the files that list the words. */
const EXCLUDED =
  /(?:^|\/)(?:package-lock\.json|LICENSE)$|\.svg$|^docs\/api\/|^scripts\/check-prose\.ts$|^cspell\.json$/

const findReplacements = (path: string): string[] => {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.flatMap((line, index) =>
    REPLACEMENTS.flatMap(({ word, instead }) =>
      [...line.matchAll(word)].map(([found]) => `${path}:${index + 1}: "${found}": write ${instead}`),
    ),
  )
}

const files = listCommittableFiles('.').filter((path) => !EXCLUDED.test(path))

const findings = files.flatMap(findReplacements)
for (const finding of findings) console.error(finding)
const spelling = spawnSync('cspell', ['--no-progress', '--no-summary', '--file-list', 'stdin'], {
  input: files.join('\n'),
  stdio: ['pipe', 'inherit', 'inherit'],
})
if (findings.length > 0 || spelling.status !== 0) process.exitCode = 1
