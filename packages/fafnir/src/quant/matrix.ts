// Room card: quant/matrix
// In:    columns or rows of numbers.
// Out:   `Matrix`: a column-major view that native functions read without a transposition.
// Holds: observations are rows, assets are columns; ragged input is refused with its place.
// Costs: one copy.
import { fail } from '../errors.js'
import type { Series } from './call.js'

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

/** An array of anything, or a typed array. */
export function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}

/** The number of a list, for row and column of its matrix; anything else is refused with them. */
export function numberAt(list: ArrayLike<unknown>, at: number, row: number, column: number): number {
  const value = list[at]
  if (typeof value === 'number') return value
  const fields = { row, column, type: value === null ? 'null' : typeof value }
  throw fail('ARGUMENT_INVALID', `row ${row}, column ${column} is no number`, fields)
}

/** The lists of a matrix: as many as given, each of the length of the first. */
function listsOf(lists: readonly Series[], what: 'columns' | 'rows'): number {
  if (!isList(lists)) throw fail('ARGUMENT_INVALID', `${what} are an array of series`, { path: what })
  for (let at = 0; at < lists.length; at++) {
    if (!isList(lists[at])) throw fail('ARGUMENT_INVALID', `${what}[${at}] is no series`, { path: `${what}[${at}]` })
  }
  const length = lists[0]?.length ?? 0
  if (length === 0) throw fail('QUANT_EMPTY', 'a matrix needs a row and a column', { what })
  for (const [at, list] of lists.entries()) if (list.length !== length) throw ragged(what, at, list.length, length)
  return length
}

/**
 * A matrix from its columns, one series an asset.
 * @throws FafnirError QUANT_EMPTY; QUANT_RAGGED where a column is not as long as the first (`column`, `have`, `need`);
 * ARGUMENT_INVALID for what is no number
 */
export function fromColumns(columns: readonly Series[]): Matrix {
  const rows = listsOf(columns, 'columns')
  const values = new Float64Array(rows * columns.length)
  for (const [column, series] of columns.entries()) {
    if (series instanceof Float64Array) values.set(series, column * rows)
    else for (let row = 0; row < rows; row++) values[column * rows + row] = numberAt(series, row, row, column)
  }
  return { values, rows, columns: columns.length }
}

/**
 * A matrix from its rows, one series an observation.
 * @throws FafnirError QUANT_EMPTY; QUANT_RAGGED where a row is not as long as the first (`row`, `have`, `need`);
 * ARGUMENT_INVALID for what is no number
 */
export function fromRows(lines: readonly Series[]): Matrix {
  const columns = listsOf(lines, 'rows')
  const rows = lines.length
  const values = new Float64Array(rows * columns)
  for (const [row, line] of lines.entries()) {
    for (let column = 0; column < columns; column++) values[column * rows + row] = numberAt(line, column, row, column)
  }
  return { values, rows, columns }
}

/**
 * The column as a view of the matrix's memory.
 * @throws FafnirError QUANT_OUT_OF_RANGE for a column that it has not
 */
export function columnOf(matrix: Matrix, column: number): Float64Array {
  if (Number.isInteger(column) && column >= 0 && column < matrix.columns) {
    return matrix.values.subarray(column * matrix.rows, (column + 1) * matrix.rows)
  }
  const fields = { what: 'column', value: String(column), low: 0, high: matrix.columns - 1 }
  throw fail('QUANT_OUT_OF_RANGE', `the matrix has no column ${column}`, fields)
}

/** A square matrix that native code returned. */
export function square(values: Float64Array): Matrix {
  const rows = Math.round(Math.sqrt(values.length))
  return { values, rows, columns: rows }
}

/**
 * Simple returns of price series, one column an asset: `p[t] / p[t - 1] - 1`.
 * @throws FafnirError those of `fromColumns`; QUANT_TOO_FEW for a single price; QUANT_NOT_FINITE where a return is not
 * finite (a price of 0 before it; `row` counts prices)
 */
export function simpleReturns(prices: readonly Series[]): Matrix {
  const { values: given, rows, columns } = fromColumns(prices)
  if (rows < 2) throw fail('QUANT_TOO_FEW', 'a return needs two prices', { what: 'prices', have: 1, need: 2 })
  const values = new Float64Array((rows - 1) * columns)
  for (let column = 0; column < columns; column++) {
    for (let row = 1; row < rows; row++) {
      const value = given[column * rows + row]! / given[column * rows + row - 1]! - 1
      if (!Number.isFinite(value)) {
        throw fail('QUANT_NOT_FINITE', `the return to row ${row} is not finite`, { what: 'prices', row, column })
      }
      values[column * (rows - 1) + row - 1] = value
    }
  }
  return { values, rows: rows - 1, columns }
}
