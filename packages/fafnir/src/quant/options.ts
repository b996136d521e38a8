// Room card: quant/options
// In:    terms of European options, one or as columns; prices; a book; scenarios for a hedge.
// Out:   prices, Greeks, implied volatilities; Greeks of a book; how many contracts hedge its tail.
// Holds: theta is per calendar day (a year over 365), vega and rho are per 1 %; a batch has the bits of single calls.
// Costs: one option below a microsecond, at once; a batch at most 60 ns an option (bench quant/greeks), in slices.
import { fail } from '../errors.js'
import { guarded, native } from '../native.js'
import { bytesOf, call, first, inTurns, type JobOptions, type Series, type Sheet } from './call.js'
import { bookSheets, type Book } from './monte-carlo-book.js'
import { callFlag, checkedNumber, checkedObject } from './risk-arguments.js'
import type { TailRisk } from './risk.js'
import { flagSource, repeatedSource } from './source.js'

/** What the price of a European option depends on (Black, Scholes 1973, with the continuous yield of Merton 1973). */
export interface OptionTerms {
  readonly kind: 'call' | 'put'
  /** Price of the underlying, above 0. */
  readonly spot: number
  /** Above 0. */
  readonly strike: number
  /** To expiry, 0 or more. */
  readonly years: number
  /** Continuous, per year (default 0). */
  readonly rate?: number
  /** Dividend yield, foreign rate or cost of carry, continuous, per year (default 0). */
  readonly dividendYield?: number
  /** Per √year, 0 or more: 0.2 is 20 %. */
  readonly volatility: number
}

/** Price and sensitivities of one option on one unit of the underlying. */
export interface Greeks {
  /** Present value. */
  readonly price: number
  /** Change per unit of the underlying. */
  readonly delta: number
  /** Change of delta per unit of the underlying. */
  readonly gamma: number
  /** Change per 1 % (one point) of volatility. */
  readonly vega: number
  /** Change per calendar day. */
  readonly theta: number
  /** Change per 1 % (one point) of the rate. */
  readonly rho: number
}

// Terms go in and results come out through this memory: one call after the other, all in this thread.
const slots = new Float64Array(8)

function fill(terms: Omit<OptionTerms, 'volatility'>, volatility: unknown): void {
  slots[0] = callFlag('kind', checkedObject('terms', terms).kind)
  slots[1] = checkedNumber('spot', terms.spot)
  slots[2] = checkedNumber('strike', terms.strike)
  slots[3] = checkedNumber('years', terms.years)
  slots[4] = checkedNumber('rate', terms.rate ?? 0)
  slots[5] = checkedNumber('dividendYield', terms.dividendYield ?? 0)
  slots[6] = checkedNumber('volatility', volatility)
}

/**
 * Price and Greeks of one option, at once. At expiry or without volatility it is worth the discounted intrinsic value
 * of the forward; gamma and vega are then 0 and delta is that of the forward (half of it at the strike).
 * @throws FafnirError QUANT_OUT_OF_RANGE (the term, value, low, high), QUANT_UNDEFINED (terms that overflow)
 * @example const { price, delta } = greeks({ kind: 'put', spot: 100, strike: 95, years: 0.25, volatility: 0.2 })
 */
export function greeks(terms: OptionTerms): Greeks {
  fill(terms, terms.volatility)
  guarded(() => native().quantOptionGreeks(slots))
  return {
    price: slots[0]!,
    delta: slots[1]!,
    gamma: slots[2]!,
    vega: slots[3]!,
    theta: slots[4]!,
    rho: slots[5]!,
  }
}

/**
 * The volatility at which an option has the price, at once, to the last digits that the price determines (Jäckel 2006,
 * 2015). A price equal to the discounted intrinsic value has volatility 0.
 * @throws FafnirError QUANT_OUT_OF_RANGE with the bounds of arbitrage (`low`, `high`) for a price outside them, or a
 *   term
 * @example const volatility = impliedVolatility({ kind: 'call', spot: 100, strike: 100, years: 1 }, 7.97)
 */
export function impliedVolatility(terms: Omit<OptionTerms, 'volatility'>, price: number): number {
  fill(terms, 0)
  slots[7] = checkedNumber('price', price)
  return guarded(() => native().quantOptionVolatility(slots))
}

/** Terms of many options, one row each; every column has the same length. */
export interface OptionColumns {
  /** 1 or true for a call, 0 or false for a put. */
  readonly isCall: Series | Uint8Array | readonly boolean[]
  readonly spot: Series
  readonly strike: Series
  readonly years: Series
  /** One number is that of every row (default 0). */
  readonly rate?: Series | number
  /** One number is that of every row (default 0). */
  readonly dividendYield?: Series | number
  readonly volatility: Series
}

/** Results of many options, one row each, as in `Greeks`. */
export interface GreekColumns {
  readonly price: Float64Array
  readonly delta: Float64Array
  readonly gamma: Float64Array
  readonly vega: Float64Array
  readonly theta: Float64Array
  readonly rho: Float64Array
}

const TERMS = ['spot', 'strike', 'years', 'rate', 'dividendYield', 'volatility'] as const
const RESULTS = ['price', 'delta', 'gamma', 'vega', 'theta', 'rho'] as const
// Rows of a native call, about 0.1 ms; as GREEKS_ROWS of the binding has it.
const SLICE = 2_048
// Rows between two turns of the event loop: below a millisecond.
const TURN = 8 * SLICE

/** Every column has the length of the spots. */
function checkedColumns(columns: Partial<OptionColumns>, names: readonly (keyof OptionColumns)[]): number {
  const need = columns.spot?.length ?? 0
  for (const what of names) {
    const column = columns[what] ?? 0
    if (typeof column === 'number' && (what === 'rate' || what === 'dividendYield')) continue
    if (!Array.isArray(column) && !(column instanceof Float64Array || column instanceof Uint8Array)) {
      throw fail('ARGUMENT_INVALID', `${what} is no column of numbers`, { path: what })
    }
    const have = column.length
    if (what === 'spot' && have === 0) throw fail('QUANT_EMPTY', 'no row', { what })
    if (have !== need) {
      throw fail('QUANT_RAGGED', `${what} has ${have} rows, spot has ${need}`, { what, have, need })
    }
  }
  return need
}

/** Rows of a column, or the one number of all, at a place of the columns of a native call. */
function load(into: Float64Array, at: number, what: string, column: Series | number, from: number, to: number): void {
  if (typeof column === 'number') into.fill(column, at, at + to - from)
  else if (column instanceof Float64Array) into.set(column.subarray(from, to), at)
  else {
    for (let row = from; row < to; row++) {
      const value: unknown = column[row]
      // The name of a row is made only where it is told.
      into[at + row - from] = typeof value === 'number' ? value : checkedNumber(`${what}[${row}]`, value)
    }
  }
}

/** Options of `greeksBatch`. */
export interface GreeksBatchOptions extends JobOptions {
  /** Columns of an earlier call to write to, longer or as long: a new result costs the memory its first touch. */
  readonly into?: GreekColumns
}

function target(into: GreekColumns | undefined, rows: number): GreekColumns {
  if (into === undefined) {
    const column = (): Float64Array => new Float64Array(rows)
    return { price: column(), delta: column(), gamma: column(), vega: column(), theta: column(), rho: column() }
  }
  for (const what of RESULTS) {
    const column: unknown = checkedObject('into', into)[what]
    if (!(column instanceof Float64Array)) throw fail('ARGUMENT_INVALID', `${what} is no column`, { path: what })
    if (column.length < rows) {
      throw fail('QUANT_RAGGED', `${what} is too short`, { what, have: column.length, need: rows })
    }
  }
  return into
}

/**
 * Price and Greeks of many options. The work is done in slices on this thread, with turns of the event loop between
 * them: an option costs less than its way to another thread and back.
 * @throws FafnirError QUANT_RAGGED (the column), QUANT_NOT_FINITE (the column and its row), QUANT_OUT_OF_RANGE,
 *   QUANT_EMPTY, QUANT_UNDEFINED (terms that overflow), QUANT_CANCELLED
 * @example const { price, delta } = await greeksBatch({ isCall, spot, strike, years, rate: 0.03, volatility })
 */
export async function greeksBatch(columns: OptionColumns, options: GreeksBatchOptions = {}): Promise<GreekColumns> {
  const { signal, onProgress, into } = checkedObject('options', options)
  const stopped = (): boolean => signal?.aborted === true
  if (stopped()) throw fail('ABORTED', 'the call was stopped before it began')
  const rows = checkedColumns(checkedObject('columns', columns), ['isCall', ...TERMS])
  const { isCall, rate = 0, dividendYield = 0 } = columns
  const terms = { ...columns, rate, dividendYield }
  const result = target(into, rows)
  const memory = new Float64Array(2 * TERMS.length * SLICE)
  const flags = new Uint8Array(SLICE)
  for (let from = 0; from < rows; from += SLICE) {
    if (from > 0 && from % TURN === 0) {
      onProgress?.(from / rows)
      await new Promise((turn) => setImmediate(turn))
      if (stopped()) throw fail('QUANT_CANCELLED', 'the call was stopped by its signal')
    }
    const to = Math.min(from + SLICE, rows)
    for (const [at, what] of TERMS.entries()) load(memory, at * SLICE, what, terms[what], from, to)
    if (isCall instanceof Uint8Array) flags.set(isCall.subarray(from, to))
    else for (let row = from; row < to; row++) flags[row - from] = checkedFlag(row, isCall[row])
    guarded(() => native().quantGreeks(flags, memory, to - from, from))
    for (const [at, what] of RESULTS.entries()) {
      const start = (TERMS.length + at) * SLICE
      result[what].set(memory.subarray(start, start + to - from), from)
    }
  }
  return result
}

/** 1 or true for a call. */
function checkedFlag(row: number, flag: unknown): number {
  if (typeof flag === 'boolean') return flag ? 1 : 0
  const value = typeof flag === 'number' ? flag : checkedNumber(`isCall[${row}]`, flag)
  if (value === 0 || value === 1) return value
  throw fail('QUANT_OUT_OF_RANGE', 'isCall is 0 or 1', { what: 'isCall', value, low: 0, high: 1, row })
}

function columnSheets(columns: Omit<OptionColumns, 'volatility'>): Sheet[] {
  const { isCall, spot, strike, years, rate = 0, dividendYield = 0 } = checkedObject('columns', columns)
  const flags = flagSource('isCall', isCall)
  const spread = (column: Series | number): Sheet =>
    typeof column === 'number' ? repeatedSource(column, spot.length) : column
  return [flags, spot, strike, years, spread(rate), spread(dividendYield)]
}

/** What became of a row: its volatility is there, or its price is outside the bounds of arbitrage. */
export type ImpliedStatus = 'solved' | 'belowIntrinsic' | 'aboveCeiling'

/** Names of the numbers in `ImpliedVolatilities.statuses`. */
export const impliedStatuses: readonly ImpliedStatus[] = ['solved', 'belowIntrinsic', 'aboveCeiling']

/** Implied volatilities, one a row. */
export interface ImpliedVolatilities {
  /** Per √year; 0 where the row is not solved. */
  readonly volatilities: Float64Array
  /** Places in `impliedStatuses`. */
  readonly statuses: Uint8Array
}

/**
 * Implied volatilities of many prices. A price outside the bounds of arbitrage is marked in its row and does not stop
 * the others: a chain has such prices.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (years of 0, a term), QUANT_EMPTY,
 *   QUANT_CANCELLED
 */
export async function impliedVolatilityBatch(
  columns: Omit<OptionColumns, 'volatility'>,
  prices: Series,
  job: JobOptions = {},
): Promise<ImpliedVolatilities> {
  const { arrays } = await call<null>('impliedVolatilityBatch', job, [...columnSheets(columns), prices])
  return { volatilities: first(arrays), statuses: await bytesOf(arrays[1]!) }
}

/** Sensitivities of everything held in one asset. */
export interface AssetGreeks {
  /** Value of units and options. */
  readonly value: number
  /** Units of the asset that move alike. */
  readonly delta: number
  /** Change of delta per unit of price. */
  readonly gamma: number
  /** Per 1 % of volatility. */
  readonly vega: number
  /** Per calendar day. */
  readonly theta: number
  /** Per 1 % of the rate. */
  readonly rho: number
  /** Money moved by 1 % of the asset's price: delta · spot / 100. */
  readonly deltaOnePercent: number
  /** Change of `deltaOnePercent` by 1 % of the asset's price: gamma · spot² / 10,000. */
  readonly gammaOnePercent: number
}

/** Greeks of a book, by asset and, where a sum has a meaning across assets, of all. */
export interface PortfolioGreeks extends Omit<AssetGreeks, 'delta' | 'gamma'> {
  readonly assets: readonly AssetGreeks[]
}

/** Numbers of an asset in the native answer. */
const ASSET_NUMBERS = 8

/**
 * Greeks of a book by asset and in money; a unit of an asset has a delta of 1 and no other Greek.
 * @throws FafnirError QUANT_EMPTY, QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (a term, an asset's index),
 *   QUANT_TOO_LARGE
 */
export async function portfolioGreeks(book: Book, job: JobOptions = {}): Promise<PortfolioGreeks> {
  type Numbers = Omit<PortfolioGreeks, 'assets'>
  const { numbers, arrays } = await call<Numbers>('portfolioGreeks', job, bookSheets(book))
  const sums = first(arrays)
  const assets = await inTurns(sums.length / ASSET_NUMBERS, (index) => {
    const at = index * ASSET_NUMBERS
    return {
      value: sums[at]!,
      delta: sums[at + 1]!,
      gamma: sums[at + 2]!,
      vega: sums[at + 3]!,
      theta: sums[at + 4]!,
      rho: sums[at + 5]!,
      deltaOnePercent: sums[at + 6]!,
      gammaOnePercent: sums[at + 7]!,
    }
  })
  return { ...numbers, assets }
}

/** An option to hedge with, and what its underlying does on each scenario. */
export interface HedgeInstrument extends OptionTerms {
  /** Money a point of the option's price: the multiplier of the contract. */
  readonly multiplier: number
  /** Relative move of the underlying on each scenario, above -1. */
  readonly returns: Series
  /** Change of the option's volatility on each scenario (default none); it is not moved below 0. */
  readonly volatilityChanges?: Series
  /** Years that pass to the scenarios' horizon (default 0). */
  readonly horizonYears?: number
}

/**
 * A put overlay on an index: `moneyness` is the strike as a part of the spot (0.9 is 10 % out of the money).
 */
export function putOverlay(
  index: Omit<HedgeInstrument, 'kind' | 'strike'> & { readonly moneyness: number },
): HedgeInstrument {
  const { moneyness, ...terms } = checkedObject('index', index)
  return { ...terms, kind: 'put', strike: terms.spot * moneyness }
}

/**
 * A call overlay on a future of a volatility index: `spot` is the future's price, `volatility` that of the future,
 * `returns` its relative moves; the rate discounts only (Black 1976).
 */
export function volatilityCallOverlay(future: Omit<HedgeInstrument, 'kind' | 'dividendYield'>): HedgeInstrument {
  return { ...future, kind: 'call', dividendYield: future.rate ?? 0 }
}

/** How much `tailHedge` hedges. */
export interface TailHedgeOptions extends JobOptions {
  /** Spend so much on premiums, or buy the fewest contracts that bring the shortfall (a positive loss) to this. */
  readonly size: { readonly budget: number } | { readonly targetShortfall: number }
  /** Of the tail (default 0.95). */
  readonly confidence?: number
  /** Whole contracts (default true): a budget buys fewer, a target more. */
  readonly wholeContracts?: boolean
}

/** A sized hedge; money, losses positive. */
export interface TailHedge {
  /** To buy. */
  readonly contracts: number
  /** Their premiums. */
  readonly cost: number
  /** Premium of one. */
  readonly premium: number
  readonly before: TailRisk
  readonly after: TailRisk
  /** Mean P&L that the hedge adds over the scenarios: what it costs to hold. */
  readonly meanPnl: number
}

/**
 * Sizes an overlay on scenarios of a book's P&L (the past's, or those of `monteCarloRisk` with `keepPaths`). The
 * hedge is priced again on every scenario and its premium is paid; the shortfall is convex in the number of
 * contracts, and the search stays on its falling side.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (a target under the least shortfall that any
 *   number reaches: `low`), QUANT_UNDEFINED (a contract worth nothing), QUANT_CANCELLED
 * @example const hedge = await tailHedge(pnl, putOverlay({ ...index, moneyness: 0.9 }), { size: { budget: 10_000 } })
 */
export async function tailHedge(
  bookPnl: Series,
  instrument: HedgeInstrument,
  options: TailHedgeOptions,
): Promise<TailHedge> {
  const { signal, onProgress, ...sizing } = checkedObject('options', options)
  const { returns, volatilityChanges = [], kind, ...terms } = checkedObject('instrument', instrument)
  const contract = { rate: 0, dividendYield: 0, horizonYears: 0, ...terms, isCall: callFlag('kind', kind) === 1 }
  const hedge = { confidence: 0.95, wholeContracts: true, ...sizing }
  const wire = { signal, onProgress, contract, hedge } as JobOptions
  return (await call<TailHedge>('tailHedge', wire, [bookPnl, returns, volatilityChanges])).numbers
}
