// Room card: quant/risk-arguments
// In:    what a caller gave.
// Out:   the same, when it has the type that it must have.
// Holds: what a spread or a typed array would turn into something else without a word is refused with its name.
// Costs: a look at a type.
import { fail } from '../errors.js'

function invalid(what: string, need: string, have: unknown): Error {
  const type = have === null ? 'null' : typeof have
  return fail('ARGUMENT_INVALID', `${what} is ${need}, not ${type}`, { path: what, type })
}

/** An object of options or terms. */
export function checkedObject<T extends object>(what: string, value: T): T {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw invalid(what, 'an object', value)
}

/** A number that goes into a typed array, where anything else would become one. */
export function checkedNumber(what: string, value: unknown): number {
  if (typeof value === 'number') return value
  throw invalid(what, 'a number', value)
}

/** 1 for a call, 0 for a put. */
export function callFlag(what: string, kind: unknown): number {
  if (kind === 'call' || kind === 'put') return kind === 'call' ? 1 : 0
  throw fail('ARGUMENT_INVALID', `${what} is 'call' or 'put'`, { path: what, value: String(kind) })
}

/** Flags as numbers: true is 1. */
export function flagNumbers(what: string, flags: ArrayLike<number | boolean>): Float64Array {
  if (flags instanceof Float64Array) return flags
  if (!Array.isArray(flags) && !(flags instanceof Uint8Array)) throw invalid(what, 'an array of flags', flags)
  const numbers = new Float64Array(flags.length)
  for (let at = 0; at < numbers.length; at++) {
    const flag = flags[at]
    numbers[at] = typeof flag === 'boolean' ? Number(flag) : checkedNumber(`${what}[${at}]`, flag)
  }
  return numbers
}
