// Room card: quant/call
// In:    the name of a native function, its options, its arrays; a signal and a progress callback.
// Out:   what it returns: parsed numbers and arrays.
// Holds: the one way from here to the native quant room; arrays are copied in slices with turns of the event loop
//        between them; what is no number, or a number that JSON has no word for, is refused with its place.
// Costs: the JSON of the options and one copy of the arrays; the work is done off the event loop.
import { abortable } from '../backtest/backtest.js'
import { fail } from '../errors.js'
import { guarded, native, type QuantAnswer, type QuantArrays } from '../native.js'
import { isList, numberAt, type Matrix, type MatrixInput } from './matrix.js'

/** Every long function takes these. */
export interface JobOptions {
  /** Ends the work: the promise is rejected with QUANT_CANCELLED, or ABORTED where it had not begun. */
  readonly signal?: AbortSignal | undefined
  /** How much is done, 0 to 1, as it goes on; at most one call waits. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/** A series of numbers, the oldest first. An array that is longer than 131,072 must not change while its call lasts. */
export type Series = Float64Array | readonly number[]

/** An argument: a series is a matrix of one column. */
export type Sheet = MatrixInput | Series

/** What came back. */
export interface Answer<T> {
  readonly numbers: T
  readonly arrays: readonly Float64Array[]
}

/** Numbers that are copied between two turns of the event loop: 1 MiB, some tenths of a millisecond. */
const SLICE = 131_072
/** Numbers that a synchronous call takes in all. */
const NOW_MAX = 524_288

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
  let where = ''
  const checked = (key: string, value: unknown): unknown => {
    where = key
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

/** An argument as native code takes it: a length, and its numbers by column-major slices. */
interface Source {
  readonly rows: number
  readonly columns: number
  readonly length: number
  slice(from: number, to: number): Float64Array
}

function isMatrix(sheet: Sheet): sheet is Matrix {
  return typeof sheet === 'object' && sheet !== null && 'values' in sheet && 'rows' in sheet
}

function sourceOfSeries(values: ArrayLike<unknown>, rows: number, columns: number): Source {
  const { length } = values
  if (values instanceof Float64Array) {
    return { rows, columns, length, slice: (from, to) => values.subarray(from, to) }
  }
  const slice = (from: number, to: number): Float64Array =>
    Float64Array.from({ length: to - from }, (_, at) => {
      const cell = from + at
      return numberAt(values, cell, cell % rows, Math.floor(cell / rows))
    })
  return { rows, columns, length, slice }
}

function sourceOfRows(lines: readonly ArrayLike<unknown>[]): Source {
  const rows = lines.length
  const columns = lines[0]!.length
  for (const [row, line] of lines.entries()) {
    // An array of typed arrays is as likely a list of columns as one of rows.
    if (!Array.isArray(line)) {
      throw fail('ARGUMENT_INVALID', 'a matrix of arrays has plain arrays as rows; else fromRows or fromColumns', {
        row,
      })
    }
    if (line.length !== columns) {
      const fields = { what: 'rows', row, have: line.length, need: columns }
      throw fail('QUANT_RAGGED', `row ${row} has ${line.length} columns, the first has ${columns}`, fields)
    }
  }
  const slice = (from: number, to: number): Float64Array =>
    Float64Array.from({ length: to - from }, (_, at) => {
      const [row, column] = [(from + at) % rows, Math.floor((from + at) / rows)]
      return numberAt(lines[row]!, column, row, column)
    })
  return { rows, columns, length: rows * columns, slice }
}

function sourceOf(sheet: Sheet, name: string, at: number): Source {
  if (isMatrix(sheet)) {
    const { values, rows, columns } = sheet
    const whole = [rows, columns].every((size) => Number.isInteger(size) && size >= 0 && size < 2 ** 32)
    if (whole && isList(values)) return sourceOfSeries(values, rows, columns)
    throw fail('ARGUMENT_INVALID', 'a matrix has values, and rows and columns that are whole numbers', { argument: at })
  }
  if (isList(sheet)) {
    const lines = Array.isArray(sheet) && isList(sheet[0])
    return lines ? sourceOfRows(sheet as unknown as ArrayLike<unknown>[]) : sourceOfSeries(sheet, sheet.length, 1)
  }
  throw fail('ARGUMENT_INVALID', `argument ${at} of ${name} is neither a matrix nor a series`, { argument: at })
}

/** Copies the arguments; those below a slice in all are copied before the first turn of the event loop. */
async function upload(sources: readonly Source[], signal: AbortSignal | undefined): Promise<QuantArrays> {
  const arrays = guarded(() => new (native().QuantArrays)())
  let since = 0
  for (const source of sources) {
    guarded(() => arrays.begin(source.rows, source.columns))
    for (let from = 0; from < source.length; from += SLICE) {
      const part = source.slice(from, Math.min(from + SLICE, source.length))
      since += part.length
      if (since > SLICE) {
        await new Promise((turn) => setImmediate(turn))
        if (signal?.aborted === true) break
        since = part.length
      }
      guarded(() => arrays.append(part))
    }
  }
  return arrays
}

function parsed<T>({ json, arrays }: QuantAnswer): Answer<T> {
  return { numbers: JSON.parse(json) as T, arrays }
}

/** Off the event loop. */
export async function call<T>(name: string, job: object, sheets: readonly Sheet[]): Promise<Answer<T>> {
  const { signal, onProgress, ...options } = taken(job) as JobOptions
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw fail('ARGUMENT_INVALID', 'signal is an AbortSignal', { path: 'signal' })
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw fail('ARGUMENT_INVALID', 'onProgress is a function', { path: 'onProgress' })
  }
  const json = optionsJson(options)
  const arrays = await upload(
    sheets.map((sheet, at) => sourceOf(sheet, name, at)),
    signal,
  )
  const abort = guarded(() => new (native().AbortHandle)())
  const run = (): Promise<QuantAnswer> => native().quantCall(name, json, arrays, onProgress ?? null, abort)
  return parsed<T>(await abortable(signal, abort, run))
}

/** At once, for what takes microseconds. */
export function callNow<T>(name: string, options: object, sheets: readonly Sheet[]): Answer<T> {
  const json = optionsJson(options)
  const sources = sheets.map((sheet, at) => sourceOf(sheet, name, at))
  const have = sources.reduce((sum, { length }) => sum + length, 0)
  if (have > NOW_MAX) throw fail('QUANT_TOO_LARGE', 'too much for a call at once', { what: name, have, max: NOW_MAX })
  const arrays = sources.map(({ length, slice }) => slice(0, length))
  const shapes = sources.flatMap(({ rows, columns }) => [rows, columns])
  return parsed<T>(guarded(() => native().quantCallNow(name, json, arrays, shapes)))
}

/** Milliseconds of making objects between two turns of the event loop; the clock decides nothing else. */
const TURN_MS = 2
/** A look at the clock costs as much as some objects, so only every so many. */
const ITEMS_PER_LOOK = 32

/** Makes `count` objects of an answer with turns of the event loop between them, so that many do not hold it. */
export async function inTurns<T>(count: number, make: (at: number) => T): Promise<T[]> {
  const made: T[] = []
  let begun = performance.now()
  for (let at = 0; at < count; at++) {
    if (at % ITEMS_PER_LOOK === 0 && performance.now() - begun > TURN_MS) {
      await new Promise((turn) => setImmediate(turn))
      begun = performance.now()
    }
    made.push(make(at))
  }
  return made
}

/** The first array of an answer. */
export function first(arrays: readonly Float64Array[]): Float64Array {
  return arrays[0] ?? new Float64Array(0)
}
