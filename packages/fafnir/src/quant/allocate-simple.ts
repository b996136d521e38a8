// Room card: quant/allocate-simple
// In:    a number of assets, a risk, weights, the odds of a bet.
// Out:   equal weights, weights by volatility, by budgets of risk, to a volatility, in whole lots; Kelly's stake.
// Holds: caps and bounds are never passed; what takes microseconds is done at once.
// Costs: O(N²) at most, but risk parity: some ten Newton steps of O(N³/3).
import { Arrays, riskJson, type RiskInput } from './allocate-input.js'
import { call, callNow, first, needed, taken, type JobOptions, type Series } from './call.js'

/**
 * The same weight for each asset: 1/N.
 * @throws FafnirError QUANT_TOO_FEW (none), QUANT_TOO_LARGE, ARGUMENT_INVALID
 */
export function equalWeight(assets: number): Float64Array {
  return first(callNow<null>('equalWeight', { assets }, []).arrays)
}

/** Options of allocators that need a risk only. */
export interface RiskOptions extends JobOptions, RiskInput {}

/** A risk, its arrays, and what is left of the options. */
export function withRisk<T extends RiskOptions>(
  options: T,
): { arrays: Arrays; risk: object; rest: Omit<T, keyof RiskInput> } {
  const { covariance, returns, ddof, ...rest } = taken(options)
  const arrays = new Arrays()
  return { arrays, risk: riskJson({ covariance, returns, ddof } as RiskInput, arrays), rest }
}

/**
 * Weights in proportion to 1/σ: each asset alone would carry the same risk. Positive, sum 1.
 * @throws FafnirError QUANT_CONSTANT for an asset without variance; those of the covariance
 */
export async function inverseVolatility(options: RiskOptions): Promise<Float64Array> {
  const { arrays, risk, rest } = withRisk(options)
  return first((await call<null>('inverseVolatility', { ...rest, risk }, arrays.sheets)).arrays)
}

/** Options of `riskParity`. */
export interface RiskParityOptions extends RiskOptions {
  /** Share of risk of each asset, at least 0, on any scale; equal shares by default. */
  readonly budgets?: Series
}

/** Weights of budgeted risk. */
export interface RiskParity {
  /** One for each asset, sum 1; 0 where the budget is 0. */
  readonly weights: Float64Array
  /** Share of each asset in the portfolio's variance, w(Σw)/(wᵀΣw); sum 1. */
  readonly shares: Float64Array
  /** Largest difference between a share and its budget. */
  readonly residual: number
}

/**
 * Long-only weights whose shares of the portfolio's variance are the budgets (equal risk contribution without them).
 *
 * Source: Spinu (2013), "An algorithm for computing risk parity weights".
 * @throws FafnirError QUANT_OUT_OF_RANGE for a negative budget, QUANT_CONSTANT for an asset without variance,
 * QUANT_UNDEFINED where assets hedge each other so fully that their common risk can be made zero; the covariance's
 */
export async function riskParity(options: RiskParityOptions): Promise<RiskParity> {
  const { arrays, risk, rest } = withRisk(options)
  const { budgets, ...job } = rest
  const place = budgets === undefined ? undefined : arrays.add(budgets)
  const answer = await call<{ residual: number }>('riskParity', { ...job, risk, budgets: place }, arrays.sheets)
  return { ...answer.numbers, weights: first(answer.arrays), shares: answer.arrays[1] ?? new Float64Array(0) }
}

/** Options of `volatilityTarget`. */
export interface VolatilityTargetOptions extends RiskOptions {
  /** Weights to be scaled. */
  readonly weights: Series
  /** Volatility wanted, a year, as a fraction (default 0.1). */
  readonly target?: number
  /** Periods of the covariance in a year (default 252). */
  readonly periodsPerYear?: number
  /** Highest factor on the weights (default 1: no borrowing); Infinity for none. */
  readonly leverageMax?: number
}

/** Weights scaled to a target volatility. */
export interface VolatilityTarget {
  /** Weights times the factor. */
  readonly weights: Float64Array
  /** Target over volatility, at most `leverageMax`. */
  readonly factor: number
  /** Volatility a year of the weights as they came. */
  readonly volatility: number
  /** What is left of the sum of the weights: cash, or borrowed where negative. */
  readonly cash: number
}

/**
 * Scales weights by target volatility over their own, √(wᵀΣw × periods a year), up to the leverage cap.
 * @throws FafnirError QUANT_OUT_OF_RANGE, QUANT_RAGGED, QUANT_NOT_FINITE; QUANT_UNDEFINED where the weights carry no
 * risk and there is no cap
 */
export async function volatilityTarget(options: VolatilityTargetOptions): Promise<VolatilityTarget> {
  const { arrays, risk, rest } = withRisk(options)
  const { weights, target = 0.1, periodsPerYear = 252, leverageMax = 1, ...job } = rest
  const place = arrays.add(needed(weights, 'weights'))
  const cap = leverageMax === Infinity ? undefined : leverageMax
  const given = { ...job, risk, weights: place, target, periodsPerYear, leverageMax: cap }
  const answer = await call<Omit<VolatilityTarget, 'weights'>>('volatilityTarget', given, arrays.sheets)
  return { ...answer.numbers, weights: first(answer.arrays) }
}

/** Options of `roundToLots`. */
export interface LotOptions {
  /** Weights to be rounded. */
  readonly weights: Series
  /** Weight of one lot (lot size × price / capital), for all or for each. */
  readonly lot: number | Series
  /** Lowest weight, for all or for each (default 0). */
  readonly lower?: number | Series
  /** Highest weight, for all or for each (default 1). */
  readonly upper?: number | Series
}

/** A portfolio in whole lots. */
export interface LotWeights {
  /** Lots of each asset, negative for short ones. */
  readonly lots: Float64Array
  /** Lots times the weight of a lot. */
  readonly weights: Float64Array
  /** Sum of the weights as they came less the sum of these. */
  readonly cash: number
}

/**
 * Lots nearest below each weight, then one more for the assets with the largest remainder while cash lasts. At once.
 * @throws FafnirError QUANT_INFEASIBLE naming bounds between which no whole lot lies; QUANT_OUT_OF_RANGE (a lot of no
 * weight), QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_EMPTY
 */
export function roundToLots(options: LotOptions): LotWeights {
  const { weights, lot, lower = 0, upper = 1, ...rest } = taken(options)
  const arrays = new Arrays()
  arrays.add(needed(weights, 'weights'))
  for (const each of [needed(lot, 'lot'), lower, upper]) arrays.perAsset(each)
  const { numbers, arrays: found } = callNow<{ cash: number }>('roundToLots', rest, arrays.sheets)
  return { ...numbers, lots: first(found), weights: found[1] ?? new Float64Array(0) }
}

/** Options of `kellyBet`. */
export interface KellyBetOptions {
  /** Probability of winning (p), 0 to 1. */
  readonly probability: number
  /** What is won for a stake of 1 (b), above 0. */
  readonly odds: number
  /** Part of the full stake, 0 to 1 (default 1); 0.5 and 0.25 are usual. */
  readonly fraction?: number
  /** Highest share of capital, 0 to 1 (default 1). */
  readonly cap?: number
}

/**
 * Kelly's stake on a bet, a share of capital: f* = (bp - q)/b, at least 0, times the fraction, up to the cap. At once.
 *
 * Source: Kelly (1956).
 * @throws FafnirError QUANT_OUT_OF_RANGE, ARGUMENT_INVALID
 * @example kellyBet({ probability: 0.55, odds: 1, fraction: 0.5 }) // 0.05
 */
export function kellyBet(options: KellyBetOptions): number {
  return callNow<number>('kellyBet', { fraction: 1, cap: 1, ...taken(options) }, []).numbers
}
