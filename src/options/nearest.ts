/** Returns the Levenshtein distance between two texts, ignoring case. */
const computeDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a.toLowerCase()].entries()) {
    const nextRow = [i + 1]
    for (const [j, other] of [...b.toLowerCase()].entries()) {
      const changeCost = (row[j] ?? 0) + (letter === other ? 0 : 1)
      nextRow.push(Math.min(changeCost, (row[j + 1] ?? 0) + 1, (nextRow[j] ?? 0) + 1))
    }
    row = nextRow
  }
  return row.at(-1) ?? 0
}

/** All known names are much shorter. To compare a longer name would take too long. */
const MAX_NAME_LENGTH = 64

/** Returns the known name that is most similar to a misspelled or shortened name, or `undefined` if none is similar. */
export const findNearestName = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > MAX_NAME_LENGTH) return undefined
  const isPartOf = (a: string, b: string) => a.length > 2 && b.toLowerCase().includes(a.toLowerCase())
  const [best] = known
    .map((candidate) => ({
      candidate,
      edits: isPartOf(name, candidate) ? 0 : computeDistance(name, candidate),
    }))
    .sort((a, b) => a.edits - b.edits || a.candidate.length - b.candidate.length)
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.candidate : undefined
}
