// Room card: advice/reader
// In:    a value of unknown shape and its path.
// Out:   checked objects, lists, numbers, words; else an error of one code that names the path and what is allowed.
// Holds: what was found is never in the error: it may be somebody's answer.
// Costs: cold path.
import { fail, type FafnirError } from '../errors.js'

/** Which of the two inputs is read. */
export type ReaderCode = 'POLICY_INVALID' | 'INTAKE_INVALID'

const LISTED_MAX = 24

/** Reads values and names the place of what is wrong. */
export class Reader {
  readonly code: ReaderCode
  private readonly what: string

  /** `what`: what is read, as the error says it: "the policy". */
  constructor(code: ReaderCode, what: string) {
    this.code = code
    this.what = what
  }

  /** An error at a path. */
  error(path: string, problem: string, allowed?: string): FafnirError {
    const fields = allowed === undefined ? { path } : { path, allowed }
    return fail(this.code, `${this.what}: ${problem}`, fields)
  }

  /** An object with these keys and no other. */
  object(
    value: unknown,
    path: string,
    required: readonly string[],
    optional: readonly string[] = [],
  ): Readonly<Record<string, unknown>> {
    const found = this.record(value, path)
    for (const key of Object.keys(found)) {
      if (!required.includes(key) && !optional.includes(key)) {
        throw this.error(join(path, key), 'unknown name', listed([...required, ...optional]))
      }
    }
    for (const key of required) if (found[key] === undefined) throw this.error(join(path, key), 'missing')
    return found
  }

  /** An object with any keys. */
  record(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.error(path, value === undefined ? 'missing' : 'not an object', 'an object')
    }
    return value as Readonly<Record<string, unknown>>
  }

  /** A list of `from` to `to` items. */
  list(value: unknown, path: string, from: number, to: number): readonly unknown[] {
    if (!Array.isArray(value)) throw this.error(path, value === undefined ? 'missing' : 'not a list', 'a list')
    if (value.length < from || value.length > to) {
      const allowed = from === to ? `${from} items` : `${from} to ${to} items`
      throw this.error(path, `a list of ${value.length} items`, allowed)
    }
    return value
  }

  /** A finite number in a range, both ends included. */
  number(value: unknown, path: string, low: number, high: number): number {
    const allowed = rangeText(low, high)
    if (typeof value !== 'number') {
      throw this.error(path, value === undefined ? 'missing' : 'not a number', allowed)
    }
    if (!Number.isFinite(value)) throw this.error(path, 'not a finite number', allowed)
    if (value < low || value > high) throw this.error(path, 'out of range', allowed)
    // A zero has no sign here: -0 is what 0 is.
    return value === 0 ? 0 : value
  }

  /** A whole number in a range, both ends included. */
  whole(value: unknown, path: string, low: number, high: number): number {
    const found = this.number(value, path, low, high)
    if (!Number.isInteger(found)) throw this.error(path, 'not a whole number', rangeText(low, high))
    return found
  }

  /** true or false. */
  flag(value: unknown, path: string): boolean {
    if (typeof value !== 'boolean') {
      throw this.error(path, value === undefined ? 'missing' : 'neither true nor false', 'true or false')
    }
    return value
  }

  /** A text that is not empty. */
  text(value: unknown, path: string, longest: number): string {
    const allowed = `a text of 1 to ${longest} characters`
    if (typeof value !== 'string') throw this.error(path, value === undefined ? 'missing' : 'not a text', allowed)
    if (value.trim() === '' || value.length > longest) throw this.error(path, 'empty or too long', allowed)
    return value
  }

  /** One of these words. */
  word<Word extends string>(value: unknown, path: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === value)
    if (found === undefined) throw this.error(path, value === undefined ? 'missing' : 'unknown name', listed(words))
    return found
  }
}

/** A path with one more step; the path of the whole is empty. */
export function join(path: string, step: string | number): string {
  return path === '' ? String(step) : `${path}.${step}`
}

function rangeText(low: number, high: number): string {
  if (low === -Number.MAX_VALUE && high === Number.MAX_VALUE) return 'a finite number'
  return high === Number.MAX_VALUE ? `${low} or more` : `${low} to ${high}`
}

function listed(words: readonly string[]): string {
  if (words.length <= LISTED_MAX) return words.join(' ')
  return `${words.slice(0, LISTED_MAX).join(' ')} and ${words.length - LISTED_MAX} more`
}
