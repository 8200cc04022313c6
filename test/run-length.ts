/** `npm run test:long` sets this variable. `npm test` covers each behavior once, in a smaller number of cases. */
const isLongRun = process.env.LONG_RUN === '1'

/** The number of cases in `npm test`, and in `npm run test:long`. */
export const inLongRun = (shortRun: number, longRun: number): number => (isLongRun ? longRun : shortRun)
