/** Runs cases in rounds, so that a change in the machine's speed affects all cases alike. */

/**
 * Runs each case once per round, in alternating order, one at a time. Returns the samples of each case, in the order of the cases.
 *
 * @param runCase runs one case and returns its sample
 */
export const runInRounds = async <Case, Sample>(
  cases: readonly Case[],
  rounds: number,
  runCase: (item: Case) => Promise<Sample>,
  report: (progress: string) => void,
): Promise<Sample[][]> => {
  const samples = cases.map((): Sample[] => [])
  for (let round = 1; round <= rounds; round += 1) {
    report(`round ${round} of ${rounds}`)
    const entries = [...cases.entries()]
    for (const [index, item] of round % 2 === 0 ? entries.reverse() : entries)
      samples[index]?.push(await runCase(item))
  }
  return samples
}
