/** How many letters must be added, dropped or changed to make `a` of `b`, ignoring case (Levenshtein's distance). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a.toLowerCase()].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b.toLowerCase()].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** No known name is nearly as long, and the distance of a long one is long in the making. */
const LONGEST_NAME = 64

/** The known name that a misspelled or shortened one most likely meant, or `undefined` when none is near. */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > LONGEST_NAME) return undefined
  const within = (a: string, b: string) => a.length > 2 && b.toLowerCase().includes(a.toLowerCase())
  const [best] = known
    .map((candidate) => ({ candidate, edits: within(name, candidate) ? 0 : distance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits || a.candidate.length - b.candidate.length)
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.candidate : undefined
}
