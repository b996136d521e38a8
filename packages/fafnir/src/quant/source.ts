// Room card: quant/source
// In:    series, rows, flags, options: what a caller holds in memory of JavaScript.
// Out:   `Source`: its shape, and its numbers by slices, column after column, each looked at once.
// Holds: what is no number is refused with its place when its slice is read, never turned into one.
// Costs: a view for typed arrays; 1-5 ns a number for the others.
import { fail } from '../errors.js'

/** An array of anything, or a typed array. */
export function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}

/** The refusal of what is no number at a row and column of its matrix. */
export function notNumber(value: unknown, row: number, column: number): Error {
  const fields = { row, column, type: value === null ? 'null' : typeof value }
  return fail('ARGUMENT_INVALID', `row ${row}, column ${column} is no number`, fields)
}

/** Numbers `from` to `to` as they are. */
type View = (from: number, to: number) => Float64Array
/** Checked numbers `from` to `to`, written to the beginning of `into`. */
type Fill = (into: Float64Array, from: number, to: number) => void

/** Looks at the shape of lists `from` to `to`. */
export type CheckLines = (from: number, to: number) => void

interface Shape {
  readonly rows: number
  readonly columns: number
  readonly length: number
}

interface Read {
  readonly view?: View
  /** The view is made of numbers that are looked at. */
  readonly heavy?: boolean
  readonly fill: Fill
  readonly lines?: number
  readonly checkLines?: CheckLines | undefined
}

/** An argument as native code takes it: a shape, and its numbers by slices. */
export class Source {
  readonly rows: number
  readonly columns: number
  /** Numbers that there are, which may not be as many as the shape has: native code refuses that. */
  readonly length: number
  /** Each number is looked at, so that a slice takes longer than a copy of memory. */
  readonly heavy: boolean
  readonly #view: View | undefined
  readonly #fill: Fill
  /** Lists whose shape `checkLines` looks at before the first slice is read. */
  readonly lines: number
  readonly checkLines: CheckLines

  constructor(shape: Shape, read: Read) {
    this.rows = shape.rows
    this.columns = shape.columns
    this.length = shape.length
    this.heavy = read.heavy ?? read.view === undefined
    this.#view = read.view
    this.#fill = read.fill
    this.lines = read.checkLines === undefined ? 0 : (read.lines ?? 0)
    this.checkLines = read.checkLines ?? ((): void => undefined)
  }

  /** A slice: a view, or the beginning of `room`. */
  slice(from: number, to: number, room: () => Float64Array): Float64Array {
    if (this.#view !== undefined) return this.#view(from, to)
    const into = room()
    this.#fill(into, from, to)
    return into.subarray(0, to - from)
  }

  /** A slice written to the beginning of `into`. */
  copy(into: Float64Array, from: number, to: number): void {
    this.#fill(into, from, to)
  }
}

/** Numbers that are there, as a matrix. */
export function typedSource(values: Float64Array, rows: number, columns: number): Source {
  const view: View = (from, to) => values.subarray(from, to)
  return new Source(
    { rows, columns, length: values.length },
    { view, fill: (into, from, to) => into.set(view(from, to)) },
  )
}

/** A list of numbers as a matrix, column after column. */
export function listSource(values: ArrayLike<unknown>, rows: number, columns: number): Source {
  if (values instanceof Float64Array) return typedSource(values, rows, columns)
  const fill: Fill = (into, from, to) => {
    for (let at = from; at < to; at++) {
      const value = values[at]
      if (typeof value !== 'number') throw notNumber(value, at % rows, Math.floor(at / rows))
      into[at - from] = value
    }
  }
  return new Source({ rows, columns, length: values.length }, { fill })
}

/** A matrix from lists of one length: one a row, or one a column. */
export function linesSource(
  lines: readonly ArrayLike<unknown>[],
  one: 'row' | 'column',
  length: number,
  checkLines?: CheckLines,
): Source {
  const [rows, columns] = one === 'row' ? [lines.length, length] : [length, lines.length]
  const fillRows: Fill = (into, from, to) => {
    let row = from % rows
    let column = Math.floor(from / rows)
    for (let at = 0; at < to - from; at++) {
      const value = lines[row]![column]
      if (typeof value !== 'number') throw notNumber(value, row, column)
      into[at] = value
      if (++row === rows) {
        row = 0
        column++
      }
    }
  }
  const fillColumns: Fill = (into, from, to) => {
    for (let at = from; at < to;) {
      const [column, row] = [Math.floor(at / rows), at % rows]
      const end = Math.min(to, (column + 1) * rows)
      fillColumn(into, at - from, lines[column]!, row, row + end - at, column)
      at = end
    }
  }
  const fill = one === 'row' ? fillRows : fillColumns
  return new Source({ rows, columns, length: rows * columns }, { fill, lines: lines.length, checkLines })
}

/** Numbers `from` to `to` of a column, written at a place of `into`. */
function fillColumn(
  into: Float64Array,
  place: number,
  list: ArrayLike<unknown>,
  from: number,
  to: number,
  column: number,
): void {
  if (list instanceof Float64Array) return into.set(list.subarray(from, to), place)
  for (let row = from; row < to; row++) {
    const value = list[row]
    if (typeof value !== 'number') throw notNumber(value, row, column)
    into[place + row - from] = value
  }
}

/** One number, as often as there are rows. */
export function repeatedSource(value: number, length: number): Source {
  return new Source({ rows: length, columns: 1, length }, { fill: (into, from, to) => into.fill(value, 0, to - from) })
}

/**
 * Flags as a column of numbers: true is 1. Which numbers are flags is for native code to say.
 * @throws FafnirError ARGUMENT_INVALID with the place of what is no flag, when its slice is read
 */
export function flagSource(what: string, flags: ArrayLike<number | boolean>): Source {
  if (!Array.isArray(flags) && !(flags instanceof Float64Array) && !(flags instanceof Uint8Array)) {
    const type = flags === null ? 'null' : typeof flags
    throw fail('ARGUMENT_INVALID', `${what} is an array of flags, not ${type}`, { path: what, type })
  }
  if (flags instanceof Float64Array) return typedSource(flags, flags.length, 1)
  const fill: Fill = (into, from, to) => {
    for (let at = from; at < to; at++) {
      const flag: unknown = flags[at]
      if (typeof flag === 'number') into[at - from] = flag
      else if (typeof flag === 'boolean') into[at - from] = flag ? 1 : 0
      else throw badFlag(what, at, flag)
    }
  }
  return new Source({ rows: flags.length, columns: 1, length: flags.length }, { fill })
}

/** The refusal of what is no flag. */
function badFlag(what: string, at: number, flag: unknown): Error {
  const [path, type] = [`${what}[${at}]`, flag === null ? 'null' : typeof flag]
  return fail('ARGUMENT_INVALID', `${path} is a number, not ${type}`, { path, type })
}
