// Room card: quant/call
// In:    the name of a native function, its options, its arrays; a signal and a progress callback.
// Out:   what it returns: parsed numbers and arrays.
// Holds: the one way from here to the native quant room; arrays are copied in slices with turns of the event loop
//        between them; what is no number, or a number that JSON has no word for, is refused with its place.
// Costs: the JSON of the options and one copy of the arrays; the work is done off the event loop.
import { abortable } from '../backtest/backtest.js'
import { fail } from '../errors.js'
import { guarded, native, type QuantAnswer, type QuantArrays } from '../native.js'
import { growingSource, type Matrix, type MatrixInput } from './matrix.js'
import { isList, linesSource, listSource, Source } from './source.js'

/** Every long function takes these. */
export interface JobOptions {
  /** Ends the work: the promise is rejected with QUANT_CANCELLED, or ABORTED where it had not begun. */
  readonly signal?: AbortSignal | undefined
  /** How much is done, 0 to 1, as it goes on; at most one call waits. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/** A series of numbers, the oldest first. One that is longer than 32,768 must not change while its call lasts. */
export type Series = Float64Array | readonly number[]

/** An argument: a series is a matrix of one column. */
export type Sheet = MatrixInput | Series | Source

/** What came back. */
export interface Answer<T> {
  readonly numbers: T
  readonly arrays: readonly Float64Array[]
}

/** Numbers that are copied between two turns of the event loop: 1 MiB, some tenths of a millisecond. */
export const SLICE = 131_072
/** A number that is looked at counts as so many that are copied. */
const HEAVY = 4
/** Lists whose shape is looked at between two turns. */
const LISTS_A_TURN = SLICE / HEAVY
/** Numbers that a synchronous call takes in all. */
const NOW_MAX = 524_288
/** The same where some are no typed arrays. */
const NOW_HEAVY_MAX = 393_216

/** Values in the options of a call: names and marginals of the most assets fit; series are arguments. */
const OPTION_VALUES_MAX = 32_768

/** What is said of an argument that is not given. */
export function missing(what: string): Error {
  return fail('ARGUMENT_INVALID', `${what} is missing`, { path: what })
}

/** A series that a function cannot do without. */
export function needed<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw missing(what)
  return value
}

/** The options as an object; anything else is refused. */
export function taken<T extends object>(options: T): T {
  if (typeof options === 'object' && options !== null) return options
  throw fail('ARGUMENT_INVALID', 'options are an object', { options: String(options) })
}

function optionsJson(options: object): string {
  let [where, values] = ['', 0]
  const checked = (key: string, value: unknown): unknown => {
    where = key
    if (ArrayBuffer.isView(value)) throw new TypeError('a typed array')
    values++
    const have = Array.isArray(value) ? values + value.length : values
    if (have > OPTION_VALUES_MAX) {
      throw fail('QUANT_TOO_LARGE', `too many values in ${key}`, { what: key, have, max: OPTION_VALUES_MAX })
    }
    if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a ${typeof value}`)
    if (typeof value !== 'number' || Number.isFinite(value)) return value
    throw fail('QUANT_OUT_OF_RANGE', `${key} is not a finite number`, { what: key, value: String(value) })
  }
  try {
    return JSON.stringify(taken(options), checked)
  } catch (error) {
    if (error instanceof TypeError) {
      throw fail('ARGUMENT_INVALID', `${where} cannot be an option: ${error.message}`, { path: where }, error)
    }
    throw error
  }
}

function isMatrix(sheet: Sheet): sheet is Matrix {
  return typeof sheet === 'object' && sheet !== null && 'rows' in sheet && 'values' in sheet
}

function sourceOfRows(lines: readonly ArrayLike<unknown>[]): Source {
  const columns = lines[0]!.length
  const check = (from: number, to: number): void => {
    for (let row = from; row < to; row++) {
      const line = lines[row]!
      // An array of typed arrays is as likely a list of columns as one of rows.
      if (!Array.isArray(line)) {
        const need = 'a matrix of arrays has plain arrays as rows; else fromRows or fromColumns'
        throw fail('ARGUMENT_INVALID', need, { row })
      }
      if (line.length !== columns) {
        const fields = { what: 'rows', row, have: line.length, need: columns }
        throw fail('QUANT_RAGGED', `row ${row} has ${line.length} columns, the first has ${columns}`, fields)
      }
    }
  }
  return linesSource(lines, 'row', columns, check)
}

function sourceOf(sheet: Sheet, name: string, at: number): Source {
  if (sheet instanceof Source) return sheet
  if (isMatrix(sheet)) {
    const source = growingSource(sheet)
    if (source !== undefined) return source
    const { values, rows, columns } = sheet
    const whole = [rows, columns].every((size) => Number.isInteger(size) && size >= 0 && size < 2 ** 32)
    if (whole && isList(values)) return listSource(values, rows, columns)
    throw fail('ARGUMENT_INVALID', 'a matrix has values, and rows and columns that are whole numbers', { argument: at })
  }
  if (isList(sheet)) {
    const lines = Array.isArray(sheet) && isList(sheet[0])
    return lines ? sourceOfRows(sheet as unknown as ArrayLike<unknown>[]) : listSource(sheet, sheet.length, 1)
  }
  throw fail('ARGUMENT_INVALID', `argument ${at} of ${name} is neither a matrix nor a series`, { argument: at })
}

/** A turn of the event loop. */
const turn = (): Promise<void> => new Promise((taken) => setImmediate(taken))

/** Where numbers are put that are no typed array; native code has copied a slice before the next one is made. */
const room = new Float64Array(SLICE / HEAVY)

/** Copies the arguments; those below a slice in all are copied before the first turn of the event loop. */
async function upload(sources: readonly Source[], signal: AbortSignal | undefined): Promise<QuantArrays> {
  const arrays = guarded(() => new (native().QuantArrays)())
  let since = 0
  const mayGoOn = async (count: number): Promise<boolean> => {
    since += count
    if (since <= SLICE) return true
    await turn()
    since = count
    return signal?.aborted !== true
  }
  for (const source of sources) {
    guarded(() => arrays.begin(source.rows, source.columns))
    for (let from = 0; from < source.lines; from += LISTS_A_TURN) {
      const to = Math.min(from + LISTS_A_TURN, source.lines)
      if (!(await mayGoOn((to - from) * HEAVY))) return arrays
      source.checkLines(from, to)
    }
    const weight = source.heavy ? HEAVY : 1
    for (let from = 0; from < source.length; from += SLICE / weight) {
      const to = Math.min(from + SLICE / weight, source.length)
      if (!(await mayGoOn((to - from) * weight))) return arrays
      guarded(() => arrays.append(source.slice(from, to, () => room)))
    }
  }
  return arrays
}

function parsed<T>({ json, arrays }: QuantAnswer): Answer<T> {
  return { numbers: JSON.parse(json) as T, arrays }
}

/** Off the event loop; what `few` says is done at once where it has at most so many numbers. */
export async function call<T>(name: string, job: object, sheets: readonly Sheet[], few = 0): Promise<Answer<T>> {
  const { signal, onProgress, ...options } = taken(job) as JobOptions
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw fail('ARGUMENT_INVALID', 'signal is an AbortSignal', { path: 'signal' })
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw fail('ARGUMENT_INVALID', 'onProgress is a function', { path: 'onProgress' })
  }
  const json = optionsJson(options)
  const sources = sheets.map((sheet, at) => sourceOf(sheet, name, at))
  if (onProgress === undefined && few > 0 && numbersOf(sources) <= few) {
    if (signal?.aborted === true) throw fail('ABORTED', 'the call was stopped before it began')
    return now<T>(name, json, sources)
  }
  const arrays = await upload(sources, signal)
  const abort = guarded(() => new (native().AbortHandle)())
  const run = (): Promise<QuantAnswer> => native().quantCall(name, json, arrays, onProgress ?? null, abort)
  return parsed<T>(await abortable(signal, abort, run))
}

function numbersOf(sources: readonly Source[]): number {
  return sources.reduce((sum, { length }) => sum + length, 0)
}

/** At once, for what takes microseconds. */
export function callNow<T>(name: string, options: object, sheets: readonly Sheet[]): Answer<T> {
  const sources = sheets.map((sheet, at) => sourceOf(sheet, name, at))
  return now<T>(name, optionsJson(options), sources)
}

function now<T>(name: string, json: string, sources: readonly Source[]): Answer<T> {
  const have = numbersOf(sources)
  const max = sources.some(({ heavy }) => heavy) ? NOW_HEAVY_MAX : NOW_MAX
  if (have > max) throw fail('QUANT_TOO_LARGE', 'too much for a call at once', { what: name, have, max })
  for (const source of sources) source.checkLines(0, source.lines)
  const arrays = sources.map((source) => source.slice(0, source.length, () => new Float64Array(source.length)))
  const shapes = sources.flatMap(({ rows, columns }) => [rows, columns])
  return parsed<T>(guarded(() => native().quantCallNow(name, json, arrays, shapes)))
}

/** Objects that are made between two turns of the event loop at the most. */
const ITEMS_PER_TURN = 4_096
/** Milliseconds of making them; the clock decides nothing else. */
const TURN_MS = 1
/** A look at the clock costs as much as some objects, so only every so many. */
const ITEMS_PER_LOOK = 32

/** Makes `count` objects of an answer with turns of the event loop between them, so that many do not hold it. */
export async function inTurns<T>(count: number, make: (at: number) => T): Promise<T[]> {
  const made: T[] = []
  let begun = performance.now()
  for (let at = 0; at < count; at++) {
    const full = at % ITEMS_PER_TURN === 0 && at > 0
    if (full || (at % ITEMS_PER_LOOK === 0 && performance.now() - begun > TURN_MS)) {
      await turn()
      begun = performance.now()
    }
    made.push(make(at))
  }
  return made
}

/** Whole numbers below 256 as bytes, in slices with turns of the event loop between them. */
export async function bytesOf(numbers: Float64Array): Promise<Uint8Array> {
  const bytes = new Uint8Array(numbers.length)
  for (let from = 0; from < numbers.length; from += SLICE) {
    if (from > 0) await turn()
    bytes.set(numbers.subarray(from, from + SLICE), from)
  }
  return bytes
}

/** The first array of an answer. */
export function first(arrays: readonly Float64Array[]): Float64Array {
  return arrays[0] ?? new Float64Array(0)
}
