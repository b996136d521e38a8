// Room card: errors
// In:    a code with fields, or what native code threw (an `Error` whose message is JSON).
// Out:   `FafnirError`: code, room, fields, cause. The one error class of the product.
// Holds: codes and fields cross the border intact; nobody reads a message text to decide anything.
// Costs: cold path.
import { codeNumber, codeTable, type Code, type CodeRoom } from './generated/codes.js'

/** What a field of an error holds: numbers keep their unit in the key, 64-bit values come as decimal strings. */
export type ErrorField = string | number | boolean | null

/** The named values of an error. */
export type ErrorFields = Readonly<Record<string, ErrorField>>

/**
 * A fault of the product. `code` is stable and listed in the documentation; decide by it, never by `message`.
 *
 * @example
 * try { await backtest(config) } catch (error) {
 *   if (error instanceof FafnirError && error.code === 'CONFIG_INVALID') console.error(error.fields.path)
 * }
 */
export class FafnirError extends Error {
  override readonly name: string = 'FafnirError'
  /** Which fault; the table of codes says what it means and what to do. */
  readonly code: Code
  /** The room it comes from. */
  readonly room: CodeRoom
  /** What, where and the allowed range, by name. */
  readonly fields: ErrorFields

  constructor(code: Code, message: string, fields: ErrorFields = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.room = codeTable[codeNumber[code]]!.room
    this.fields = Object.freeze({ ...fields })
  }

  /** A plain object for logs and `--json`. */
  toJSON(): { code: Code; room: CodeRoom; message: string; fields: ErrorFields } {
    return { code: this.code, room: this.room, message: this.message, fields: this.fields }
  }
}

/** Makes an error. */
export function fail(code: Code, message: string, fields?: ErrorFields, cause?: unknown): FafnirError {
  return new FafnirError(code, message, fields, cause)
}

/** What was thrown, when it is of the product; else a fault with a code, that says what was thrown. */
export function asFault(code: Code, message: string, thrown: unknown, fields: ErrorFields = {}): FafnirError {
  if (thrown instanceof FafnirError) return thrown
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return fail(code, message, { ...fields, error: text }, thrown)
}

/** Is it a code of this build? */
export function isCode(text: unknown): text is Code {
  return typeof text === 'string' && Object.hasOwn(codeNumber, text)
}

/** The name of a code number as records carry it; undefined for one this build does not know. */
export function codeName(number: number): Code | undefined {
  return codeTable[number]?.name
}

/** What a code means, as the documentation says it. */
export function codeDoc(code: Code): string {
  return codeTable[codeNumber[code]]!.doc
}

/** What native code threw, as the one error class. Anything else that was thrown is a panic or a wrong argument. */
export function fromNative(thrown: unknown): FafnirError {
  if (thrown instanceof FafnirError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const parsed = parseObject(message)
  if (parsed !== undefined && isCode(parsed['code'])) {
    const text = typeof parsed['message'] === 'string' ? parsed['message'] : codeDoc(parsed['code'])
    return new FafnirError(parsed['code'], text, plainFields(parsed['fields']), thrown)
  }
  // Node-API itself refuses a wrong argument before our code runs; its errors carry a code such as InvalidArg.
  const code: Code = thrown instanceof TypeError || hasNapiArgumentCode(thrown) ? 'ARGUMENT_INVALID' : 'NATIVE_PANICKED'
  return new FafnirError(code, message, {}, thrown)
}

function hasNapiArgumentCode(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' && /Expected$|^InvalidArg$/.test(code)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function plainFields(value: unknown): ErrorFields {
  if (typeof value !== 'object' || value === null) return {}
  const fields: Record<string, ErrorField> = {}
  for (const [key, item] of Object.entries(value)) {
    const plain = item === null || ['string', 'number', 'boolean'].includes(typeof item)
    fields[key] = plain ? (item as ErrorField) : JSON.stringify(item)
  }
  return fields
}

/** One line for a person: `CODE: sentence (field: value, …)`. */
export function describeError(error: FafnirError): string {
  const shown = Object.entries(error.fields).map(([key, value]) => `${key}: ${String(value)}`)
  const sentence = error.message.replace(/\s+/g, ' ').trim()
  return `${error.code}: ${sentence}${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`
}
