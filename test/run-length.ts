// `npm run test:long` sets this variable. `npm test` covers the same behavior with fewer cases.
const isLongRun = process.env.LONG_RUN === '1'

/** Returns `shortRun` in `npm test`, and `longRun` in `npm run test:long`. */
export const selectByRunLength = (shortRun: number, longRun: number): number =>
  isLongRun ? longRun : shortRun
