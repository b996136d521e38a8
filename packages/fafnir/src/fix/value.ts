// Room card: fix/value
// In:    the bytes of a value.
// Out:   text, a moment; a decimal as a number.
// Holds: what is no such value is said, never guessed; nothing is allocated but the text itself.
// Costs: text of one character and numbers: no allocation; a moment some 20 ns.

import type { TextBytes } from './records.js'

/** An exact decimal: mantissa × 10^exponent, both whole. */
export interface FixDecimal {
  /** A safe integer. */
  mantissa: number
  /** 0 or less. */
  exponent: number
}

const ZERO = 0x30
const COLON = 0x3a
const DASH = 0x2d
const POINT = 0x2e
/** Bytes of a text that `shortText` makes. */
const SHORT_BYTES = 16
/** Powers of ten that a number has exactly. */
const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power)
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** A decimal as the number nearest to it. */
export function fixNumber({ mantissa, exponent }: Readonly<FixDecimal>): number {
  // A power of ten up to 22 is exact, so that the division rounds once, as reading the text would.
  return exponent === 0 ? mantissa : mantissa / (POWERS[-exponent] ?? 10 ** -exponent)
}

const C = String.fromCharCode as (...codes: readonly (number | undefined)[]) => string

// Short text: made from its bytes without a call that leaves JavaScript, which costs three times as much
// (`fix/ts-read`). The text of one character costs no allocation.
// prettier-ignore
function shortText(b: TextBytes, s: number, length: number): string {
  switch (length) {
    case 0: return ''
    case 1: return C(b[s])
    case 2: return C(b[s], b[s + 1])
    case 3: return C(b[s], b[s + 1], b[s + 2])
    case 4: return C(b[s], b[s + 1], b[s + 2], b[s + 3])
    case 5: return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4])
    case 6: return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5])
    case 7: return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6])
    case 8: return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7])
    case 9: return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7], b[s + 8])
    case 10: return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7], b[s + 8], b[s + 9])
    case 11:
      return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5],
        b[s + 6], b[s + 7], b[s + 8], b[s + 9], b[s + 10])
    case 12:
      return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6],
        b[s + 7], b[s + 8], b[s + 9], b[s + 10], b[s + 11])
    case 13:
      return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6],
        b[s + 7], b[s + 8], b[s + 9], b[s + 10], b[s + 11], b[s + 12])
    case 14:
      return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7],
        b[s + 8], b[s + 9], b[s + 10], b[s + 11], b[s + 12], b[s + 13])
    case 15:
      return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7],
        b[s + 8], b[s + 9], b[s + 10], b[s + 11], b[s + 12], b[s + 13], b[s + 14])
    case 16:
      return C(b[s], b[s + 1], b[s + 2], b[s + 3], b[s + 4], b[s + 5], b[s + 6], b[s + 7], b[s + 8],
        b[s + 9], b[s + 10], b[s + 11], b[s + 12], b[s + 13], b[s + 14], b[s + 15])
    default: return b.toString('utf8', s, s + length)
  }
}

/** Text of UTF-8 bytes. */
export function textOf(bytes: TextBytes, start: number, end: number): string {
  if (end - start > SHORT_BYTES) return bytes.toString('utf8', start, end)
  if (end - start === 1 && bytes[start]! < 0x80) return C(bytes[start])
  let all = 0
  for (let at = start; at < end; at += 1) all |= bytes[at]!
  return all < 0x80 ? shortText(bytes, start, end - start) : bytes.toString('utf8', start, end)
}

/** What `readTimestamp` read last: Unix seconds, and nanoseconds with a fraction. */
export const timestamp = { seconds: 0, nanos: 0 }

// Two digits as a number; far below 0 when one is none.
function pair(bytes: TextBytes, at: number): number {
  const tens = bytes[at]! - ZERO
  const ones = bytes[at + 1]! - ZERO
  return tens >>> 0 <= 9 && ones >>> 0 <= 9 ? tens * 10 + ones : -1_000_000
}

// Days from 1970 to a day of a year: years begin in March, so that leap days come last.
function unixDays(year: number, month: number, day: number): number {
  const march = month > 2 ? year : year - 1
  const ofYear = ((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0
  const leapDays = (march >> 2) - ((march / 100) | 0) + ((march / 400) | 0)
  return march * 365 + leapDays + ofYear + day - 719_469
}

/** Reads `YYYYMMDD-HH:MM:SS` and up to twelve digits of a fraction into `timestamp`; false when it is none. */
export function readTimestamp(bytes: TextBytes, start: number, end: number): boolean {
  const length = end - start
  if (length < 17 || length > 30 || length === 18) return false
  const year = pair(bytes, start) * 100 + pair(bytes, start + 2)
  const month = pair(bytes, start + 4)
  const day = pair(bytes, start + 6)
  const hour = pair(bytes, start + 9)
  const minute = pair(bytes, start + 12)
  const second = pair(bytes, start + 15)
  if (bytes[start + 8] !== DASH || bytes[start + 11] !== COLON || bytes[start + 14] !== COLON) return false
  if (year < 0 || hour < 0 || minute < 0 || second < 0) return false
  // A leap second is the first of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || month < 1 || month > 12 || day < 1) return false
  if (day > 28 && day > MONTH_DAYS[month - 1]!) return false
  if (month === 2 && day === 29 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) return false
  let nanos = 0
  if (length > 17) {
    if (bytes[start + 17] !== POINT) return false
    let read = 0
    for (let at = start + 18; at < end; at += 1) {
      const digit = bytes[at]! - ZERO
      if (digit >>> 0 > 9) return false
      read = read * 10 + digit
    }
    const finer = length - 27
    nanos = finer <= 0 ? read * POWERS[-finer]! : read / POWERS[finer]!
  }
  timestamp.seconds = unixDays(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
  timestamp.nanos = nanos
  return true
}
