// Room card: quant/volatility
// In:    returns of one series, the oldest first; a model or its parameters.
// Out:   the volatility of each period as forecast one before, fitted parameters, forecasts.
// Holds: units of the returns; the fit does not depend on them.
// Costs: EWMA 2 ns a return; a GARCH of 5,000 returns a few milliseconds, on the thread pool.
import { call, first, type JobOptions, type Series } from './call.js'
import { checkedObject } from './risk-arguments.js'

/** Weights of `ewmaVolatility`. */
export interface EwmaVolatilityOptions {
  /** Weight of the past λ, above 0 and below 1; 0.94 (default) is RiskMetrics' for days. */
  readonly decay?: number
  /**
   * Where the recursion begins: the square of the first return (`firstSquare`, default), the mean square of all
   * (`meanSquare`), or a known variance per period.
   */
  readonly start?: 'firstSquare' | 'meanSquare' | { readonly variance: number }
}

/** Volatilities per √period by exponential weights. */
export interface EwmaVolatility {
  /** Forecast for each period from the returns before it; the first is the start. */
  readonly volatilities: Float64Array
  /** Forecast for the period after the last return. */
  readonly next: number
  /** The same per √year. */
  readonly nextAnnual: number
}

/**
 * σ² ← λ σ² + (1 - λ) r², mean 0 (RiskMetrics technical document 1996, section 5.2). `periodsPerYear` (default 252) is
 * read for `nextAnnual` alone.
 * @throws FafnirError QUANT_EMPTY, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (decay, start, periodsPerYear)
 * @example const { nextAnnual } = await ewmaVolatility(returns, { decay: 0.97 })
 */
export async function ewmaVolatility(
  returns: Series,
  options: EwmaVolatilityOptions & JobOptions & { readonly periodsPerYear?: number } = {},
): Promise<EwmaVolatility> {
  const { signal, onProgress, periodsPerYear = 252, ...ewma } = checkedObject('options', options)
  const given = { signal, onProgress, periodsPerYear, ewma } as JobOptions
  const { numbers, arrays } = await call<Omit<EwmaVolatility, 'volatilities'>>('ewmaVolatility', given, [returns])
  return { ...numbers, volatilities: first(arrays) }
}

/** A GARCH(1,1) and its innovations. */
export interface GarchModelOptions {
  /**
   * `garch` (default): σ² = ω + α e² + β σ² (Bollerslev 1986); `gjr`: with γ e² more after a fall (Glosten,
   * Jagannathan, Runkle 1993).
   */
  readonly model?: 'garch' | 'gjr'
  /** Normal (default), or Student's t scaled to unit variance, whose degrees of freedom are fitted. */
  readonly distribution?: 'normal' | 'studentT'
}

/** Parameters of a GARCH, in the units of the returns. */
export interface GarchParameters {
  /** Mean a period (μ). */
  readonly mean: number
  /** Constant of the variance (ω), above 0. */
  readonly omega: number
  /** Weight of the last square (α). */
  readonly alpha: number
  /** Further weight of the last square after a fall (γ); 0 in a `garch`. */
  readonly gamma?: number
  /** Weight of the last variance (β). */
  readonly beta: number
  /** Degrees of freedom (ν) of Student's t; null for normal innovations. */
  readonly degreesOfFreedom?: number | null
}

/** What parameters make of returns. */
export interface GarchPath {
  /** Volatility of each period as forecast one before. */
  readonly volatilities: Float64Array
  /** (return - mean) over volatility. */
  readonly standardised: Float64Array
  /** Variances of the next periods, the first one after the last return. */
  readonly forecast: Float64Array
  readonly logLikelihood: number
  /** α + γ/2 + β: how much of a shock to the variance is left a period later. */
  readonly persistence: number
  /** ω / (1 - persistence), which forecasts tend to; null where persistence is 1 or more. */
  readonly longRunVariance: number | null
}

/** A fitted GARCH. */
export interface GarchFit extends GarchPath {
  readonly parameters: Required<GarchParameters>
  /** 2 k - 2 log-likelihood. */
  readonly aic: number
  /** k ln n - 2 log-likelihood. */
  readonly bic: number
  /** Steps of the search. */
  readonly steps: number
}

interface Horizon extends JobOptions {
  /** Periods to forecast, 1 (default) to 10,000. */
  readonly horizon?: number
}

function path<T extends object>(
  numbers: T,
  arrays: readonly Float64Array[],
): T & Pick<GarchPath, 'volatilities' | 'standardised' | 'forecast'> {
  return { ...numbers, volatilities: first(arrays), standardised: arrays[1]!, forecast: arrays[2]! }
}

/**
 * Fits a GARCH(1,1) by maximum likelihood with the conventions of `arch` 8: a constant mean fitted with the rest, a
 * backcast of the first 75 squares, no rescaling.
 * @throws FafnirError QUANT_TOO_FEW (20 returns), QUANT_CONSTANT, QUANT_NOT_FINITE, QUANT_NOT_CONVERGED,
 *   QUANT_TOO_LARGE (horizon), QUANT_CANCELLED
 * @example const { parameters, forecast } = await fitGarch(returns, { model: 'gjr', horizon: 5 })
 */
export async function fitGarch(returns: Series, options: GarchModelOptions & Horizon = {}): Promise<GarchFit> {
  type Numbers = Omit<GarchFit, 'volatilities' | 'standardised' | 'forecast'>
  const { numbers, arrays } = await call<Numbers>('fitGarch', options, [returns])
  return path(numbers, arrays)
}

/**
 * Volatilities, likelihood and forecast of known parameters: exact, nothing is fitted.
 * @throws FafnirError QUANT_TOO_FEW (2 returns), QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (a parameter; α, β and α + γ may
 *   be negative by 1e-8, as a search that ends at its bound leaves them), QUANT_UNDEFINED (a negative variance),
 *   QUANT_TOO_LARGE (horizon)
 */
export async function garchPath(
  returns: Series,
  parameters: GarchParameters,
  options: Horizon = {},
): Promise<GarchPath> {
  const { horizon = 1, ...job } = checkedObject('options', options)
  type Numbers = Omit<GarchPath, 'volatilities' | 'standardised' | 'forecast'>
  const given = { ...job, parameters, horizon } as JobOptions
  const { numbers, arrays } = await call<Numbers>('garchPath', given, [returns])
  return path(numbers, arrays)
}
