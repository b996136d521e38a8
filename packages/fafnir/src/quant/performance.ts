// Room card: quant/performance
// In:    simple returns of a series, a benchmark's beside it, and the conventions.
// Out:   performance statistics, drawdowns, the equity of a signal.
// Holds: a ratio whose denominator is 0 is null; periods a year and the rates' periods are explicit.
// Costs: a few passes and one sort, on the thread pool.
import { call, first, type JobOptions, type Series } from './call.js'
import { Rows } from './rows.js'

/** A rate and the period that it is stated for; a year's is compounded. */
export interface Rate {
  /** 0.02 is two percent. */
  readonly value: number
  readonly period: 'period' | 'year'
}

/** Conventions of `performance` and `relativePerformance`. */
export interface PerformanceOptions extends JobOptions {
  /** Returns a year: 252 (default) trading days, 365 days, 12 months. */
  readonly periodsPerYear?: number
  /** Taken from each return in Sharpe and omega (default 0). */
  readonly riskFree?: Rate
  /** The return below which a period counts as downside (default 0). */
  readonly target?: Rate
  /** Taken from the number of returns in standard deviations, 1 (default) or 0. */
  readonly ddof?: 0 | 1
  /** Probability of each tail of `tailRatio` (default 0.05). */
  readonly tail?: number
}

/** What a series of returns did; ratios are null where their denominator is 0. */
export interface Performance {
  readonly periods: number
  /** Product of (1 + r), less 1. */
  readonly totalReturn: number
  /** (1 + total)^(periods a year / periods) - 1. */
  readonly cagr: number
  /** Mean return a period. */
  readonly mean: number
  /** Standard deviation (`ddof`) times √(periods a year). */
  readonly annualVolatility: number
  /** Mean excess return over its standard deviation (`ddof`), times √(periods a year). */
  readonly sharpe: number | null
  /** Mean return above target over the root mean square shortfall of all periods, annual. */
  readonly sortinoAll: number | null
  /** The same over the periods below target only. */
  readonly sortinoNegativeOnly: number | null
  /** Root mean square shortfall of all periods, annual. */
  readonly downsideRisk: number
  /** CAGR over the size of the largest drawdown. */
  readonly calmar: number | null
  /** Returns above risk-free and target over the shortfalls. */
  readonly omega: number | null
  /** Size of the upper tail quantile over the lower's (linear between order statistics). */
  readonly tailRatio: number | null
  /** R² of the cumulated log returns against time. */
  readonly stability: number | null
  /** Biased skewness, m3 / m2^1.5. */
  readonly skewness: number
  /** Biased Pearson kurtosis, m4 / m2². */
  readonly kurtosis: number
  /** Winners among the periods that are not 0. */
  readonly winRate: number | null
  /** Gains over losses. */
  readonly profitFactor: number | null
  /** Mean gain over mean loss. */
  readonly payoffRatio: number | null
  /** Kelly fraction of a binary bet with this win rate and payoff. */
  readonly kelly: number | null
  /** Largest loss from a peak: 0 or negative. */
  readonly maxDrawdown: number
  /** Root mean square of the drawdowns after each period. */
  readonly ulcerIndex: number
}

/**
 * Performance of simple returns, the oldest first; empyrical's and quantstats' conventions, named at each field.
 * @throws FafnirError QUANT_EMPTY, QUANT_NOT_FINITE (row), QUANT_TOO_FEW (2), QUANT_OUT_OF_RANGE, QUANT_UNDEFINED
 * @example const { sharpe, maxDrawdown } = await performance(returns, { periodsPerYear: 365 })
 */
export async function performance(returns: Series, options: PerformanceOptions = {}): Promise<Performance> {
  return (await call<Performance>('performance', options, [returns])).numbers
}

/** A portfolio against its benchmark. */
export interface RelativePerformance {
  /** Slope of excess returns on the benchmark's. */
  readonly beta: number
  /** Mean excess return that beta does not explain, a period. */
  readonly alphaPerPeriod: number
  /** (1 + alpha)^(periods a year) - 1: empyrical's alpha. */
  readonly alphaCompounded: number
  /** Alpha times periods a year. */
  readonly alphaSimple: number
  readonly correlation: number | null
  /** Standard deviation of the difference of returns, annual. */
  readonly trackingError: number
  /** Mean difference over its standard deviation, a period: quantstats' information ratio. */
  readonly informationRatioPerPeriod: number | null
  /** The same times √(periods a year). */
  readonly informationRatio: number | null
}

/**
 * Alpha, beta, tracking error and information ratio over the same periods.
 * @throws FafnirError those of `performance`, QUANT_RAGGED, QUANT_CONSTANT (a benchmark that does not vary)
 */
export async function relativePerformance(
  returns: Series,
  benchmark: Series,
  options: PerformanceOptions = {},
): Promise<RelativePerformance> {
  return (await call<RelativePerformance>('relativePerformance', options, [returns, benchmark])).numbers
}

/** A fall of the equity; points count from 0 before the first return, t after the t-th. */
export interface Drawdown {
  /** Trough over peak, less 1. */
  readonly depth: number
  readonly peak: number
  readonly trough: number
  /** First point at or above the peak again; null while it is not. */
  readonly recovery: number | null
}

/** The falls of an equity curve. */
export interface Drawdowns {
  readonly totalReturn: number
  readonly maxDrawdown: number
  readonly deepest: Drawdown | null
  /** Every one in order of its peak: there may be half as many as returns. */
  readonly all: Rows<Drawdown>
  /** Root mean square of `curve`. */
  readonly ulcerIndex: number
  /** Equity over its running peak, less 1, after each return. */
  readonly curve: Float64Array
}

/**
 * Drawdowns of compounded simple returns.
 * @throws FafnirError QUANT_EMPTY, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (a return below -1), QUANT_UNDEFINED
 */
export async function drawdowns(returns: Series, options: JobOptions = {}): Promise<Drawdowns> {
  // Its options are the job's: the native function has none and reads none.
  const answer = await call<Omit<Drawdowns, 'curve' | 'all'>>('drawdowns', options, [returns])
  const falls = answer.arrays[1] ?? new Float64Array(0)
  const all = new Rows<Drawdown>(falls.length / 4, (index) => {
    const at = 4 * index
    const recovery = falls[at + 3]! < 0 ? null : falls[at + 3]!
    return { depth: falls[at]!, peak: falls[at + 1]!, trough: falls[at + 2]!, recovery }
  })
  return { ...answer.numbers, all, curve: first(answer.arrays) }
}

/** Parameters of `signalEquity`. */
export interface SignalEquityOptions extends JobOptions {
  /** Cash before the first bar. */
  readonly cash: number
  /** Fee of a trade over its notional. */
  readonly feeRate: number
}

/** A long-or-flat account that followed its signals. */
export interface SignalEquity {
  /** Purchases; the last may still be open. */
  readonly trades: number
  readonly fees: number
  readonly finalValue: number
  /** Of the account's worth: 0 or negative. */
  readonly maxDrawdown: number
  /** Worth at the close of each bar. */
  readonly equity: Float64Array
}

/**
 * Everything is bought at an entry (a number that is not 0) and sold at an exit, at the close of the signal's bar:
 * vectorbt's `Portfolio.from_signals`.
 * @throws FafnirError QUANT_EMPTY, QUANT_NOT_FINITE, QUANT_RAGGED, QUANT_OUT_OF_RANGE
 */
export async function signalEquity(
  prices: Series,
  entries: Series,
  exits: Series,
  options: SignalEquityOptions,
): Promise<SignalEquity> {
  const { numbers, arrays } = await call<Omit<SignalEquity, 'equity'>>('signalEquity', options, [
    prices,
    entries,
    exits,
  ])
  return { ...numbers, equity: first(arrays) }
}
