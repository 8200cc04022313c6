/** The Levenshtein distance of two texts, ignoring case. */
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

/** Computing the distance of a longer name takes too long, and no known name is nearly as long. */
const MAX_NAME_LENGTH = 64

/** The known name that is most similar to a misspelled or shortened one. `undefined` if none is similar. */
export const nearest = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > MAX_NAME_LENGTH) return undefined
  const within = (a: string, b: string) => a.length > 2 && b.toLowerCase().includes(a.toLowerCase())
  const [best] = known
    .map((candidate) => ({ candidate, edits: within(name, candidate) ? 0 : distance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits || a.candidate.length - b.candidate.length)
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.candidate : undefined
}
