// Room card: allocator/checks
// In:    values as a caller or a file gave them, with the path they stand at.
// Out:   the same values, checked; exact money as whole numbers of a smallest unit.
// Holds: anything missing, malformed, NaN or out of range is a typed error that names path, value and what is allowed.
// Costs: cold path.
import { fail, type FafnirError } from '../errors.js'

/** The error of a malformed field. */
export function invalid(path: string, value: unknown, allowed: string): FafnirError {
  const shown = shownValue(value)
  return fail('ALLOCATION_INVALID', `${path} is ${shown}; allowed: ${allowed}`, { path, value: shown, allowed })
}

const SHOWN_MAX = 100

// What was given may be of any size and depth.
function shownValue(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  const text = String(value)
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}

/** An object with known keys only. */
export function object(
  path: string,
  value: unknown,
  known: readonly string[],
  required: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, value, 'an object')
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw invalid(`${path}.${shownValue(key)}`, key, `one of ${known.join(' ')}`)
  }
  for (const key of required) {
    if ((value as Record<string, unknown>)[key] === undefined) {
      throw invalid(`${path}.${key}`, undefined, 'a value: it is required')
    }
  }
  return value as Record<string, unknown>
}

/** A finite number in a range, both ends included. */
export function number(path: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number' || !(value >= low && value <= high)) {
    throw invalid(path, value, `a number from ${low} to ${high}`)
  }
  return value
}

/** A whole number in a range, both ends included. */
export function whole(path: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < low || value > high) {
    throw invalid(path, value, `a whole number from ${low} to ${high}`)
  }
  return value
}

/** One of a set of words. */
export function word<T extends string>(path: string, value: unknown, words: readonly T[]): T {
  if (!words.includes(value as T)) throw invalid(path, value, words.join(' '))
  return value as T
}

/** A list. */
export function list(path: string, value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw invalid(path, value, `a list of at most ${most}`)
  return value
}

/** A short printable text. */
export function text(path: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(value)) {
    throw invalid(path, value, '1 to 64 printable ASCII characters')
  }
  return value
}

const DECIMAL = /^(-?)(\d{1,24})(?:\.(\d{1,12}))?$/

/** Decimal text: at most 24 digits before the point and 12 behind it. */
export function decimalText(path: string, value: unknown, sign: 'any' | 'notNegative' | 'positive'): string {
  if (typeof value !== 'string' || !DECIMAL.test(value)) {
    throw invalid(path, value, 'a decimal as text, such as "101.25"')
  }
  const negative = value.startsWith('-') && /[1-9]/.test(value)
  if (negative && sign !== 'any') throw invalid(path, value, 'no negative number')
  if (sign === 'positive' && !/[1-9]/.test(value)) throw invalid(path, value, 'a number above 0')
  return value
}

/** Decimals that a decimal text needs: trailing zeros do not count. */
export function decimalsOf(value: string): number {
  const fraction = DECIMAL.exec(value)?.[3] ?? ''
  return fraction.replace(/0+$/, '').length
}

/** Decimal text as a whole number of 10^-scale; exact, the scale is at least the text's. */
export function units(value: string, scale: number): bigint {
  const [, sign = '', integer = '0', fraction = ''] = DECIMAL.exec(value) ?? []
  const digits = fraction.slice(0, scale).padEnd(scale, '0')
  const amount = BigInt(integer + digits)
  return sign === '-' ? -amount : amount
}

/** A whole number of 10^-scale as decimal text with at least `keep` decimals. */
export function unitsText(amount: bigint, scale: number, keep: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(scale + 1, '0')
  const integer = digits.slice(0, digits.length - scale)
  let fraction = digits.slice(digits.length - scale)
  while (fraction.length > keep && fraction.endsWith('0')) fraction = fraction.slice(0, -1)
  return `${amount < 0n ? '-' : ''}${integer}${fraction === '' ? '' : `.${fraction.padEnd(keep, '0')}`}`
}

/** The nearest float of a whole number of 10^-scale; for ratios and reports only. */
export function unitsFloat(amount: bigint, scale: number): number {
  return Number(unitsText(amount, scale, 0))
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
const DAY_MILLIS = 86_400_000

/** A calendar date `YYYY-MM-DD`. */
export function date(path: string, value: unknown): string {
  if (typeof value !== 'string' || !DATE.test(value) || !isDay(value)) {
    throw invalid(path, value, 'a date such as 2026-11-22')
  }
  return value
}

// February 30 becomes a day of March; month 13 becomes no day at all.
function isDay(value: string): boolean {
  const day = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === value
}

/** Days from one date to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MILLIS)
}

/** Sums weights and refuses a sum other than one. */
export function sumsToOne(path: string, weights: readonly number[], tolerance: number = 1e-9): void {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (!(Math.abs(sum - 1) <= tolerance)) {
    throw fail('WEIGHTS_SUM', `the weights at ${path} add up to ${sum}, not 1`, { path, sum: String(sum) })
  }
}
