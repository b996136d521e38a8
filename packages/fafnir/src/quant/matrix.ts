// Room card: quant/matrix
// In:    columns or rows of numbers.
// Out:   `Matrix`: a column-major view that native functions read without a transposition.
// Holds: observations are rows, assets are columns; ragged input is refused with its place.
// Costs: one copy; of a large matrix when it is first used, with turns of the event loop between its slices.
import { fail } from '../errors.js'
import type { Series } from './call.js'
import { isList, linesSource, notNumber, Source, type CheckLines } from './source.js'

/** A matrix in one array, column after column: element (row, column) is `values[column * rows + row]`. */
export interface Matrix {
  readonly values: Float64Array
  readonly rows: number
  readonly columns: number
}

/** What functions take: a `Matrix`, or its rows as arrays, one an observation, as numpy and CSV files have them. */
export type MatrixInput = Matrix | readonly (readonly number[])[]

function ragged(what: string, at: number, have: number, need: number): Error {
  const unit = what === 'columns' ? 'column' : 'row'
  return fail('QUANT_RAGGED', `${unit} ${at} has ${have} numbers, the first has ${need}`, {
    what,
    [unit]: at,
    have,
    need,
  })
}

/** Numbers of a matrix that are copied when it is made: below a millisecond. */
const AT_ONCE_MAX = 262_144
/** Lists whose lengths are looked at when a matrix is made of them. */
const LISTS_AT_ONCE_MAX = 65_536

/** Matrices that are still being copied from where they came. */
const growing = new WeakMap<Matrix, Source>()

/** A matrix whose numbers are read from a source: at once where they are few, else when they are asked for. */
function matrixOf(source: Source): Matrix {
  const { rows, columns, length } = source
  const values = new Float64Array(length)
  let done = 0
  const upTo = (to: number): void => {
    if (to <= done) return
    source.copy(values.subarray(done, to), done, to)
    done = to
  }
  const all = (): Float64Array => {
    if (done === 0) source.checkLines(0, source.lines)
    upTo(length)
    growing.delete(matrix)
    return values
  }
  if (length <= AT_ONCE_MAX) {
    source.checkLines(0, source.lines)
    upTo(length)
    return { values, rows, columns }
  }
  const matrix: Matrix = {
    get values() {
      return all()
    },
    rows,
    columns,
  }
  const view = (from: number, to: number): Float64Array => {
    upTo(to)
    if (to === length) growing.delete(matrix)
    return values.subarray(from, to)
  }
  const { lines, checkLines } = source
  growing.set(matrix, new Source(source, { view, heavy: true, fill: source.copy.bind(source), lines, checkLines }))
  return matrix
}

/** The source of a matrix that is still being copied. */
export function growingSource(matrix: Matrix): Source | undefined {
  return growing.get(matrix)
}

/** The length that every list of a matrix has, and the look that finds another one; done where lists are few. */
function listsOf(
  lists: readonly Series[],
  what: 'columns' | 'rows',
): { length: number; check: CheckLines | undefined } {
  if (!isList(lists)) throw fail('ARGUMENT_INVALID', `${what} are an array of series`, { path: what })
  const length = isList(lists[0]) ? lists[0].length : 0
  const check: CheckLines = (from, to) => {
    for (let at = from; at < to; at++) {
      const list: unknown = lists[at]
      if (!isList(list)) throw fail('ARGUMENT_INVALID', `${what}[${at}] is no series`, { path: `${what}[${at}]` })
    }
    if (length === 0) throw fail('QUANT_EMPTY', 'a matrix needs a row and a column', { what })
    for (let at = from; at < to; at++) {
      const have = lists[at]!.length
      if (have !== length) throw ragged(what, at, have, length)
    }
  }
  if (lists.length > LISTS_AT_ONCE_MAX && length > 0) return { length, check }
  check(0, lists.length)
  return { length, check: undefined }
}

/**
 * A matrix from its columns, one series an asset. Of more than 262,144 numbers each is looked at and copied only when
 * the matrix is used, in slices by a function that it is given to; until then the series must not change.
 * @throws FafnirError QUANT_EMPTY; QUANT_RAGGED where a column is not as long as the first (`column`, `have`, `need`);
 * ARGUMENT_INVALID for what is no number
 */
export function fromColumns(columns: readonly Series[]): Matrix {
  const { length, check } = listsOf(columns, 'columns')
  return matrixOf(linesSource(columns, 'column', length, check))
}

/**
 * A matrix from its rows, one series an observation; when it is copied as `fromColumns` says.
 * @throws FafnirError QUANT_EMPTY; QUANT_RAGGED where a row is not as long as the first (`row`, `have`, `need`);
 * ARGUMENT_INVALID for what is no number
 */
export function fromRows(lines: readonly Series[]): Matrix {
  const { length, check } = listsOf(lines, 'rows')
  return matrixOf(linesSource(lines, 'row', length, check))
}

/**
 * The column as a view of the matrix's memory; a copy of a large matrix that has not been used yet.
 * @throws FafnirError QUANT_OUT_OF_RANGE for a column that it has not
 */
export function columnOf(matrix: Matrix, column: number): Float64Array {
  if (Number.isInteger(column) && column >= 0 && column < matrix.columns) {
    const [from, to] = [column * matrix.rows, (column + 1) * matrix.rows]
    const source = growing.get(matrix)
    if (source === undefined) return matrix.values.subarray(from, to)
    const values = new Float64Array(matrix.rows)
    source.copy(values, from, to)
    return values
  }
  const fields = { what: 'column', value: String(column), low: 0, high: matrix.columns - 1 }
  throw fail('QUANT_OUT_OF_RANGE', `the matrix has no column ${column}`, fields)
}

/** A square matrix that native code returned. */
export function square(values: Float64Array): Matrix {
  const rows = Math.round(Math.sqrt(values.length))
  return { values, rows, columns: rows }
}

/** The returns of prices: slices of a matrix of one row fewer. */
function returnsSource(prices: readonly Series[], length: number, check: CheckLines | undefined): Source {
  const [rows, columns] = [length - 1, prices.length]
  const fill = (into: Float64Array, from: number, to: number): void => {
    for (let at = from; at < to;) {
      const column = Math.floor(at / rows)
      const end = Math.min(to, (column + 1) * rows)
      fillReturns(into, at - from, prices[column]!, at - column * rows, end - column * rows, column)
      at = end
    }
  }
  const read = { fill, lines: columns, checkLines: check }
  return new Source({ rows, columns, length: rows * columns }, read)
}

/** Returns `from` to `to` of a column of prices, written at a place of `into`. */
function fillReturns(
  into: Float64Array,
  place: number,
  prices: ArrayLike<unknown>,
  from: number,
  to: number,
  column: number,
): void {
  const start = prices[from]
  if (typeof start !== 'number') throw notNumber(start, from, column)
  let before = start
  for (let row = from; row < to; row++) {
    const price = prices[row + 1]
    if (typeof price !== 'number') throw notNumber(price, row + 1, column)
    const value = price / before - 1
    if (!Number.isFinite(value)) {
      throw fail('QUANT_NOT_FINITE', `the return to row ${row + 1} is not finite`, {
        what: 'prices',
        row: row + 1,
        column,
      })
    }
    into[place + row - from] = value
    before = price
  }
}

/**
 * Simple returns of price series, one column an asset: `p[t] / p[t - 1] - 1`; when they are made as `fromColumns` says.
 * @throws FafnirError those of `fromColumns`; QUANT_TOO_FEW for a single price; QUANT_NOT_FINITE where a return is not
 * finite (a price of 0 before it; `row` counts prices)
 */
export function simpleReturns(prices: readonly Series[]): Matrix {
  const { length, check } = listsOf(prices, 'columns')
  if (length < 2) throw fail('QUANT_TOO_FEW', 'a return needs two prices', { what: 'prices', have: 1, need: 2 })
  return matrixOf(returnsSource(prices, length, check))
}
