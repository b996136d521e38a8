// Room card: advice/json
// In:    JSON text; plain values.
// Out:   the value, when no object names a key twice; one canonical text of a value and its SHA-256.
// Holds: canonical JSON is RFC 8785: keys sorted by UTF-16 code units, no space, numbers as ECMAScript prints them.
// Costs: cold path; O(bytes).
import { createHash } from 'node:crypto'

/** Text of more than this is not read: a policy, a questionnaire or a batch of cases is far below. */
export const JSON_BYTES_MAX = 16_777_216

/** Lists and objects within each other; what is read here has eight at most. */
export const DEPTH_MAX = 64

/** A value as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Why a text is not taken as JSON. `key` is the path of a key given twice. */
export interface JsonProblem {
  readonly what: string
  readonly key?: string
}

/**
 * Reads JSON strictly: a key that is given twice in one object is refused, because one of the two values would silently
 * win. `JSON.parse` takes the last. So is what is nested without end: whoever walks through it would run out of stack.
 */
export function readJson(text: string): { readonly value: unknown } | { readonly problem: JsonProblem } {
  if (text.length > JSON_BYTES_MAX) return { problem: { what: `longer than ${JSON_BYTES_MAX} characters` } }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // What the parser says quotes the text, which may hold answers: only the place is kept.
    const place = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
    return { problem: { what: place === undefined ? 'not JSON' : `not JSON from character ${place} on` } }
  }
  const problem = problemOf(text)
  return problem === undefined ? { value } : { problem }
}

interface Frame {
  /** Keys seen; undefined in an array. */
  readonly keys: Set<string> | undefined
  /** Where we are: the last key, or the index. */
  at: string | number
}

// The text is known to be JSON, so strings and brackets are all that matters.
function problemOf(text: string): JsonProblem | undefined {
  const frames: Frame[] = []
  for (const match of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\],]/g)) {
    const [token, colon] = match
    const top = frames.at(-1)
    if (frames.length > DEPTH_MAX) return { what: `nested more than ${DEPTH_MAX} deep` }
    if (token === '{') frames.push({ keys: new Set(), at: '' })
    else if (token === '[') frames.push({ keys: undefined, at: 0 })
    else if (token === '}' || token === ']') frames.pop()
    else if (token === ',') {
      if (top !== undefined && typeof top.at === 'number') top.at += 1
    } else if (colon !== undefined && top?.keys !== undefined) {
      const key = JSON.parse(token.slice(0, token.length - colon.length)) as string
      top.at = key
      if (top.keys.has(key)) return { what: 'a key is given twice', key: frames.map((frame) => frame.at).join('.') }
      top.keys.add(key)
    }
  }
  return undefined
}

/**
 * One text for one value, whatever order its keys were written in (RFC 8785). Keys whose value is `undefined` are left
 * out, as `JSON.stringify` does.
 *
 * @throws TypeError for what JSON cannot carry: NaN, infinities, functions, bigint.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number that is not finite has no JSON')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no JSON`)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  // The default order of sort is that of UTF-16 code units.
  const keys = entries.map(([key]) => key).sort()
  const items = value as Readonly<Record<string, unknown>>
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(items[key])}`).join(',')}}`
}

/** SHA-256 of a text's UTF-8, 64 hexadecimal digits. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** SHA-256 over the canonical JSON of a value: the same content has the same hash, however it is laid out. */
export function contentHash(value: unknown): string {
  return sha256(canonicalJson(value))
}
