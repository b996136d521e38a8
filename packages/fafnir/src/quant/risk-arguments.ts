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
