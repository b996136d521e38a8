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
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** A decimal as the number nearest to it. */
export function fixNumber({ mantissa, exponent }: Readonly<FixDecimal>): number {
  // A power of ten up to 22 is exact, so that the division rounds once, as reading the text would.
  return exponent === 0 ? mantissa : mantissa / 10 ** -exponent
}

/** Text of UTF-8 bytes. */
export function textOf(bytes: TextBytes, start: number, end: number): string {
  // The text of one character costs no allocation.
  if (end === start + 1 && bytes[start]! < 0x80) return String.fromCharCode(bytes[start]!)
  return bytes.toString('utf8', start, end)
}

/** What `readTimestamp` read last: Unix seconds, and nanoseconds with a fraction. */
export const timestamp = { seconds: 0, nanos: 0 }

// `count` digits as a number; -1 when one is none.
function digits(bytes: TextBytes, from: number, count: number): number {
  let number = 0
  for (let at = from; at < from + count; at += 1) {
    const digit = bytes[at]! - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    number = number * 10 + digit
  }
  return number
}

// Days from 1970 to the first of March of a year's calendar: leap days come last.
function unixDays(year: number, month: number, day: number): number {
  const march = month > 2 ? year : year - 1
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  return march * 365 + Math.floor(march / 4) - Math.floor(march / 100) + Math.floor(march / 400) + ofYear - 719_468
}

/** Reads `YYYYMMDD-HH:MM:SS` and up to twelve digits of a fraction into `timestamp`; false when it is none. */
export function readTimestamp(bytes: TextBytes, start: number, end: number): boolean {
  const length = end - start
  if (length < 17 || length > 30 || length === 18) return false
  const year = digits(bytes, start, 4)
  const month = digits(bytes, start + 4, 2)
  const day = digits(bytes, start + 6, 2)
  const hour = digits(bytes, start + 9, 2)
  const minute = digits(bytes, start + 12, 2)
  const second = digits(bytes, start + 15, 2)
  const marks = bytes[start + 8] === DASH && bytes[start + 11] === COLON && bytes[start + 14] === COLON
  if (!marks || year < 0 || hour < 0 || minute < 0 || second < 0) return false
  // A leap second is the first of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || month < 1 || month > 12) return false
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day < 1 || day > MONTH_DAYS[month - 1]! || (month === 2 && day === 29 && !isLeap)) return false
  let nanos = 0
  if (length > 17) {
    const fraction = length - 18
    const read = bytes[start + 17] === POINT ? digits(bytes, start + 18, fraction) : -1
    if (read < 0) return false
    nanos = fraction <= 9 ? read * 10 ** (9 - fraction) : read / 10 ** (fraction - 9)
  }
  timestamp.seconds = unixDays(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
  timestamp.nanos = nanos
  return true
}
