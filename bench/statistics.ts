/** The median of samples and its uncertainty. */

export interface Summary {
  readonly median: number
  /** The lower end of the 95% confidence interval of the median. */
  readonly low: number
  /** The upper end of the 95% confidence interval of the median. */
  readonly high: number
  /** The number of samples. */
  readonly samples: number
}

/** Returns the value below which a part of the samples is, such as 0.99. Interpolates between neighboring samples. */
export const getQuantile = (samples: readonly number[], part: number): number => {
  const sorted = samples.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * part
  const lower = sorted[Math.floor(position)] ?? Number.NaN
  const upper = sorted[Math.ceil(position)] ?? Number.NaN
  return lower + (upper - lower) * (position - Math.floor(position))
}

export const getMedian = (samples: readonly number[]): number => getQuantile(samples, 0.5)

/**
 * Returns the index of the lower end of the interval in the sorted samples. The number of samples below the true median has a binomial
 * distribution. The index is the largest one for which the probability of at most this many samples is 2.5% or less.
 */
const findIntervalIndex = (length: number): number => {
  let logProbability = -length * Math.LN2
  let cumulative = Math.exp(logProbability)
  let index = 0
  while (index < length) {
    logProbability += Math.log((length - index) / (index + 1))
    cumulative += Math.exp(logProbability)
    if (cumulative > 0.025) return index
    index += 1
  }
  return 0
}

/**
 * Returns the median and its 95% confidence interval, which assumes no distribution of the samples: its ends are two of the sorted
 * samples. With fewer than six samples, no interval has this confidence, and the ends are the smallest and the largest sample.
 *
 * @see https://online.stat.psu.edu/stat415/lesson/19/19.1
 */
export const summarize = (samples: readonly number[]): Summary => {
  const sorted = samples.toSorted((a, b) => a - b)
  const index = findIntervalIndex(sorted.length)
  return {
    median: getMedian(sorted),
    low: sorted[index] ?? Number.NaN,
    high: sorted[sorted.length - 1 - index] ?? Number.NaN,
    samples: sorted.length,
  }
}
