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

/**
 * A matrix from its columns, one series an asset.
 * @throws FafnirError QUANT_EMPTY; QUANT_RAGGED where a column is not as long as the first (`column`, `have`, `need`).
 */
export function fromColumns(columns: readonly Series[]): Matrix {
  const rows = columns[0]?.length ?? 0
  if (rows === 0) throw fail('QUANT_EMPTY', 'a matrix needs a column with a row', { what: 'columns' })
  const values = new Float64Array(rows * columns.length)
  for (const [column, series] of columns.entries()) {
    if (series.length !== rows) throw ragged('columns', column, series.length, rows)
    values.set(series, column * rows)
  }
  return { values, rows, columns: columns.length }
}

/**
 * A matrix from its rows, one series an observation.
 * @throws FafnirError QUANT_EMPTY; QUANT_RAGGED where a row has another length than the first (`row`, `have`, `need`).
 */
export function fromRows(lines: readonly Series[]): Matrix {
  const [rows, columns] = [lines.length, lines[0]?.length ?? 0]
  if (columns === 0) throw fail('QUANT_EMPTY', 'a matrix needs a row with a column', { what: 'rows' })
  const values = new Float64Array(rows * columns)
  for (const [row, line] of lines.entries()) {
    if (line.length !== columns) throw ragged('rows', row, line.length, columns)
    for (let column = 0; column < columns; column++) values[column * rows + row] = line[column]!
  }
  return { values, rows, columns }
}

/** The column as a view of the matrix's memory. */
export function columnOf(matrix: Matrix, column: number): Float64Array {
  return matrix.values.subarray(column * matrix.rows, (column + 1) * matrix.rows)
}

/** A square matrix that native code returned. */
export function square(values: Float64Array): Matrix {
  const rows = Math.round(Math.sqrt(values.length))
  return { values, rows, columns: rows }
}

/**
 * Simple returns of price series, one column an asset: `p[t] / p[t - 1] - 1`.
 * @throws FafnirError QUANT_EMPTY, QUANT_RAGGED as `fromColumns`; QUANT_TOO_FEW for a single price.
 */
export function simpleReturns(prices: readonly Series[]): Matrix {
  const matrix = fromColumns(prices)
  if (matrix.rows < 2) throw fail('QUANT_TOO_FEW', 'a return needs two prices', { what: 'prices', have: 1, need: 2 })
  return fromColumns(prices.map((series) => Float64Array.from(series.slice(1), (price, at) => price / series[at]! - 1)))
}
