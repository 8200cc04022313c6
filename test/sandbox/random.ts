import { randomBytes, randomInt } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Returns random characters of the alphabet that AWS uses in unique IDs and access key IDs. */
export const createRandomId = (length: number): string =>
  Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

/** Returns random bytes as base64 text. */
export const createRandomSecret = (byteCount: number): string => randomBytes(byteCount).toString('base64')
