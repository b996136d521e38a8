// Room card: quant/risk-stress
// In:    a book with options; a shock, a window of the past, or other correlations.
// Out:   P&L by asset and option, the worst day of a window, value at risk when correlations break.
// Holds: options are priced again, never by their Greeks; a broken correlation stays positive semidefinite.
// Costs: one valuation of the book a scenario, on the thread pool.
import { call, first, type JobOptions, type Series } from './call.js'
import { square, type Matrix, type MatrixInput } from './matrix.js'
import { bookSheets, type Book } from './monte-carlo-book.js'
import { checkedObject } from './risk-arguments.js'
import type { Convention, TailLevel, TailRisk } from './risk.js'

/** A scenario for every asset. */
export interface Shock extends JobOptions {
  /** Relative move of each asset, above -1: -0.2 is a fall of 20 %. */
  readonly returns: Series
  /** Added to every volatility, in its unit: 0.1 is ten points (default 0). */
  readonly volatility?: number
  /** Added to every rate: 0.01 is 100 basis points (default 0). */
  readonly rate?: number
  /** Years that pass (default 0). */
  readonly years?: number
}

/** What a scenario does to a book, in money; a loss is negative. */
export interface StressResult {
  readonly pnl: number
  /** Of the units of each asset. */
  readonly assets: Float64Array
  /** Of each option position. */
  readonly options: Float64Array
}

/**
 * Values the book after a shock, options in full.
 * @throws FafnirError QUANT_RAGGED, QUANT_OUT_OF_RANGE (a fall of everything, a volatility below 0, a term),
 *   QUANT_EMPTY, QUANT_NOT_FINITE
 * @example const { pnl } = await stress(book, { returns: [-0.2, -0.1], volatility: 0.1 })
 */
export async function stress(book: Book, shock: Shock): Promise<StressResult> {
  const { returns, ...rest } = checkedObject('shock', shock)
  const given = { volatility: 0, rate: 0, years: 0, ...rest }
  const { numbers: pnl, arrays } = await call<number>('stress', given, [...bookSheets(book), returns])
  return { pnl, assets: first(arrays), options: arrays[1]! }
}

/** Which rows of the past `stressWindow` plays. */
export interface StressWindowOptions extends JobOptions {
  /** First row (default 0). */
  readonly from?: number
  /** The row after the last (default: all). */
  readonly to?: number
  /** What each period takes from the options' time (default 1/252). */
  readonly yearsPerPeriod?: number
}

/** A window of the past played on today's book, in money. */
export interface WindowStress {
  /** The book after the whole window. */
  readonly end: StressResult
  /** P&L since the start, after each period. */
  readonly path: Float64Array
  /** The lowest point of the path (0 if it never falls below the start). */
  readonly worst: number
  /** Its period within the window; null if there is none below the start. */
  readonly worstPeriod: number | null
  /** The largest fall from a high of the path, positive. */
  readonly drawdown: number
}

/**
 * Plays rows of past returns on the book, compounded from its present prices; columns are the book's assets.
 * @throws FafnirError those of `stress`; QUANT_RAGGED (other assets), QUANT_OUT_OF_RANGE (from, to), QUANT_CANCELLED
 */
export async function stressWindow(
  book: Book,
  returns: MatrixInput,
  options: StressWindowOptions = {},
): Promise<WindowStress> {
  const given = { from: 0, yearsPerPeriod: 1 / 252, ...checkedObject('options', options) }
  type Numbers = Pick<WindowStress, 'worst' | 'worstPeriod' | 'drawdown'> & { readonly pnl: number }
  const { numbers, arrays } = await call<Numbers>('stressWindow', given, [...bookSheets(book), returns])
  const { pnl, ...rest } = numbers
  return { end: { pnl, assets: arrays[1]!, options: arrays[2]! }, path: first(arrays), ...rest }
}

/** How correlations break. */
export interface CorrelationStressOptions extends TailLevel {
  /** One correlation for every pair (1 in a flight from risk; at least -1/(n-1)), or a correlation matrix. */
  readonly to: number | MatrixInput
  /** The part of the way that they go, 0 to 1 (default 1). */
  readonly blend?: number
}

/** Normal tail risk before and after a correlation break. */
export interface CorrelationStress {
  readonly before: TailRisk
  readonly after: TailRisk
  /** The same variances with the broken correlations. */
  readonly covariance: Matrix
}

/**
 * Normal value at risk of a portfolio when correlations move towards a scenario; variances stay, means are 0.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_SYMMETRIC, QUANT_OUT_OF_RANGE (blend, confidence, correlation),
 *   QUANT_NOT_POSITIVE_DEFINITE (a scenario that is none)
 * @example const { after } = await correlationStress(weights, covariance, { to: 1, blend: 0.5 })
 */
export async function correlationStress(
  weights: Series,
  covariance: MatrixInput,
  options: CorrelationStressOptions,
): Promise<CorrelationStress> {
  const { to, ...rest } = checkedObject('options', options)
  const level = { blend: 1, confidence: 0.95, convention: 'lossPositive' as Convention, ...rest }
  const sheets = typeof to === 'number' ? [weights, covariance] : [weights, covariance, to]
  const given = typeof to === 'number' ? { ...level, all: to } : level
  type Numbers = Pick<CorrelationStress, 'before' | 'after'>
  const { numbers, arrays } = await call<Numbers>('correlationStress', given as JobOptions, sheets)
  return { ...numbers, covariance: square(first(arrays)) }
}
