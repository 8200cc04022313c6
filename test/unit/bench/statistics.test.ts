import { describe, expect, it } from '@jest/globals'
import { getQuantile, summarize } from '../../../bench/statistics.ts'

const range = (length: number): number[] => Array.from({ length }, (_, index) => index + 1)

describe('summary of samples', () => {
  it('contains the median and the number of samples, in any order of the samples', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, samples: 3 })
    expect(summarize([4, 1, 3, 2]).median).toBe(2.5)
  })

  it('has the confidence interval of the binomial distribution', () => {
    // The confidence is 96.5% in each case. With samples 41 to 60 of 100, it would be 94.3%.
    expect(summarize(range(15))).toMatchObject({ low: 4, high: 12 })
    expect(summarize(range(100))).toMatchObject({ low: 40, high: 61 })
    expect(summarize(range(6))).toMatchObject({ low: 1, high: 6 })
  })

  it('spans all samples if there are fewer than six', () => {
    expect(summarize(range(5))).toMatchObject({ low: 1, high: 5 })
  })
})

describe('quantile', () => {
  it('interpolates between samples', () => {
    expect(getQuantile([10, 20], 0.25)).toBe(12.5)
    expect(getQuantile(range(101), 0.99)).toBe(100)
  })
})
