// Room card: quant/risk-backtest
// In:    returns with the value at risk forecast for each, or exceptions, or their number.
// Out:   exception days, the tests of Kupiec and Christoffersen, Basel's traffic light; drawdowns at risk.
// Holds: an exception is a loss strictly beyond its forecast; 0 ln 0 is 0, so that no count is refused.
// Costs: one pass; a rolling forecast keeps its window sorted. On the thread pool but for the closed forms.
import { call, callNow, first, type JobOptions, type Series } from './call.js'
import { Rows } from './rows.js'
import { checkedObject } from './risk-arguments.js'
import { flagSource } from './source.js'

/** A likelihood-ratio test. */
export interface LikelihoodRatio {
  /** -2 ln of the ratio of the likelihoods. */
  readonly statistic: number
  /** Probability of one at least as large if the model is right (χ²). */
  readonly pValue: number
}

/**
 * Kupiec's test of unconditional coverage (1995): are `exceptions` in `days` what a tail of `tail` (1 - confidence)
 * leads to? χ² with one degree of freedom.
 * @throws FafnirError QUANT_EMPTY (no days), QUANT_OUT_OF_RANGE (exceptions, tail), ARGUMENT_INVALID (no whole number)
 * @example const { pValue } = kupiec(5, 250, 0.01)
 */
export function kupiec(exceptions: number, days: number, tail: number): LikelihoodRatio {
  return callNow<LikelihoodRatio>('kupiec', { exceptions, days, tail }, []).numbers
}

/** Christoffersen's tests of a series of exceptions. */
export interface Christoffersen {
  /** Days that followed: [no exception → none, → one], [exception → none, → one]. */
  readonly transitions: readonly [readonly [number, number], readonly [number, number]]
  /** Does an exception change the odds of the next day? χ² with one degree of freedom. */
  readonly independence: LikelihoodRatio
  /** Independence and Kupiec's test together. χ² with two degrees of freedom. */
  readonly conditionalCoverage: LikelihoodRatio
}

/**
 * Christoffersen's tests (1998) of exceptions day by day: `true` or 1 is an exception.
 * @throws FafnirError QUANT_TOO_FEW (2 days), QUANT_OUT_OF_RANGE (tail; an exception other than 0 and 1)
 */
export async function christoffersen(
  exceptions: Series | readonly boolean[],
  tail: number,
  job: JobOptions = {},
): Promise<Christoffersen> {
  const flags = flagSource('exceptions', exceptions)
  return (await call<Christoffersen>('christoffersen', { ...checkedObject('job', job), tail } as JobOptions, [flags]))
    .numbers
}

/** Basel's traffic light. */
export interface BaselLight {
  /** `green`: the model stands; `yellow`: the multiplier rises; `red`: the model is presumed wrong. */
  readonly zone: 'green' | 'yellow' | 'red'
  /** Multiplier of the capital charge: 3 and the addition of the zone. */
  readonly multiplier: number
  /** Probability of at most so many exceptions if the model is right. */
  readonly cumulativeProbability: number
}

/**
 * The traffic light for exceptions of a 99 % value at risk in 250 days (Basel Committee 1996, table 2; MAR99).
 * @throws FafnirError QUANT_OUT_OF_RANGE over 250; ARGUMENT_INVALID for no whole number
 */
export function baselTrafficLight(exceptions: number): BaselLight {
  return callNow<BaselLight>('baselTrafficLight', { exceptions }, []).numbers
}

/**
 * Probabilities of at most 0, 1, .. `most` exceptions in `days` if the model is right: the table behind the light.
 * @throws FafnirError QUANT_EMPTY (no days), QUANT_OUT_OF_RANGE (tail, most), QUANT_TOO_LARGE over 4,096
 */
export async function exceptionProbabilities(
  most: number,
  days: number,
  tail: number,
  job: JobOptions = {},
): Promise<Float64Array> {
  const given = { ...checkedObject('job', job), most, days, tail } as JobOptions
  return first((await call<null>('exceptionProbabilities', given, [])).arrays)
}

/** Everything a series of exceptions says. */
export interface VarBacktest {
  /** Days with a forecast. */
  readonly days: number
  readonly exceptions: number
  /** Which, counted from 0 at the first day with a forecast. */
  readonly exceptionDays: Float64Array
  readonly kupiec: LikelihoodRatio
  readonly christoffersen: Christoffersen
  /** Exceptions among the last 250 days (all, if there are fewer). */
  readonly exceptionsLast250: number
  /** The light for them; null but at 99 % with 250 days or more. */
  readonly basel: BaselLight | null
}

async function judged(name: string, options: JobOptions, sheets: readonly Series[]): Promise<VarBacktest> {
  const { numbers, arrays } = await call<Omit<VarBacktest, 'exceptionDays'>>(name, options, sheets)
  return { ...numbers, exceptionDays: first(arrays) }
}

/**
 * Tests forecasts against what came: `forecasts[i]` (a loss, positive) was made for `returns[i]`.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_EMPTY, QUANT_TOO_FEW (2 days), QUANT_OUT_OF_RANGE
 */
export function backtestForecasts(
  returns: Series,
  forecasts: Series,
  options: JobOptions & { readonly confidence: number },
): Promise<VarBacktest> {
  return judged('backtestForecasts', options, [returns, forecasts])
}

/** Parameters of `backtestHistorical`. */
export interface RollingBacktestOptions extends JobOptions {
  /** Days before each forecast (default 250). */
  readonly window?: number
  /** Above 0 and below 1 (default 0.99). */
  readonly confidence?: number
  /** Quantile of the window: linear between order statistics (default), or the ⌈αn⌉-th worst. */
  readonly quantile?: 'interpolated' | 'orderStatistic'
}

/**
 * Rolls a historical value at risk over returns and tests it: the forecast for a day is the quantile of the `window`
 * returns before it.
 * @throws FafnirError QUANT_NOT_FINITE, QUANT_TOO_FEW (a window of 2, 2 days after it), QUANT_OUT_OF_RANGE,
 *   QUANT_CANCELLED
 * @example const { exceptions, kupiec, basel } = await backtestHistorical(returns, { window: 250, confidence: 0.99 })
 */
export function backtestHistorical(returns: Series, options: RollingBacktestOptions = {}): Promise<VarBacktest> {
  return judged('backtestHistorical', options, [returns])
}

/** One fall from a peak; points count from 0 at the start, i after return i - 1. */
export interface DrawdownEpisode {
  readonly peak: number
  readonly trough: number
  /** Where the peak was reached again; null while it is not. */
  readonly recovery: number | null
  /** Depth at the trough, positive. */
  readonly depth: number
}

/** Parameters of `drawdownRisk`. */
export interface DrawdownRiskOptions extends JobOptions {
  /** 0.95 (default) looks at the worst 5 % of the periods. */
  readonly confidence?: number
  /**
   * `compounded` (default): returns are reinvested, a drawdown is a part of its peak (Riskfolio-Lib's `_Rel`);
   * `uncompounded`: a constant stake, a drawdown is a part of the stake (`_Abs`).
   */
  readonly compounding?: 'compounded' | 'uncompounded'
}

/** What drawdowns say of risk; all positive. */
export interface DrawdownRisk {
  /** After each return. */
  readonly drawdowns: Float64Array
  /** In order of the peaks: there may be half as many as returns. */
  readonly episodes: Rows<DrawdownEpisode>
  /** Deepest. */
  readonly maximum: number
  /** Mean over all periods. */
  readonly average: number
  /** Drawdown at risk: the one that is not passed with the confidence (order statistic). */
  readonly atRisk: number
  /** Conditional drawdown at risk: mean of the worst (Chekhlov, Uryasev, Zabarankin 2005). */
  readonly conditional: number
  /** Entropic drawdown at risk. */
  readonly entropic: number
  /** Root of the mean square over all periods (Martin 1987). */
  readonly ulcer: number
}

/**
 * Maximum, average, conditional and entropic drawdown at risk, and the episodes.
 * @throws FafnirError QUANT_EMPTY, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (confidence), QUANT_UNDEFINED (a return of
 *   -100 % or less, compounded)
 */
export async function drawdownRisk(returns: Series, options: DrawdownRiskOptions = {}): Promise<DrawdownRisk> {
  const given = { confidence: 0.95, compounding: 'compounded', ...checkedObject('options', options) }
  type Numbers = Omit<DrawdownRisk, 'drawdowns' | 'episodes'>
  const { numbers, arrays } = await call<Numbers>('drawdownRisk', given as JobOptions, [returns])
  // Four numbers an episode; a recovery of -1 is none.
  const falls = arrays[1]!
  const episodes = new Rows<DrawdownEpisode>(falls.length / 4, (index) => {
    const at = 4 * index
    const recovery = falls[at + 2]! < 0 ? null : falls[at + 2]!
    return { peak: falls[at]!, trough: falls[at + 1]!, recovery, depth: falls[at + 3]! }
  })
  return { ...numbers, episodes, drawdowns: first(arrays) }
}
