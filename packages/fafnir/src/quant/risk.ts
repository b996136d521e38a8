// Room card: quant/risk
// In:    returns (or P&L in money) the oldest first; weights or money by asset; a confidence and a method.
// Out:   value at risk and expected shortfall, what each asset and each order adds to them, fits of Student's t.
// Holds: losses are positive unless `convention: 'signed'` is asked for; the tail is 1 - confidence.
// Costs: one pass or one sort of the returns, on the thread pool; a fit of Student's t about 1 ms for 1,000 returns.
import { call, first, type JobOptions, type Series } from './call.js'
import type { MatrixInput } from './matrix.js'
import { checkedObject } from './risk-arguments.js'
import type { EwmaVolatilityOptions, GarchModelOptions, GarchParameters } from './volatility.js'

/** Which way a loss counts: as a positive number (default), or with the sign of the P&L. */
export type Convention = 'lossPositive' | 'signed'

/** A confidence and the sign of a loss. */
export interface TailLevel extends JobOptions {
  /** Above 0 and below 1; 0.95 (default) looks at the worst 5 %. */
  readonly confidence?: number
  /** Sign of a loss (default `lossPositive`). */
  readonly convention?: Convention
}

/**
 * How a tail is measured.
 * - `historicalInterpolated`: quantile at (n - 1)α between order statistics (numpy's default, empyrical's); shortfall
 *   is the mean of all returns at or below it.
 * - `historicalOrderStatistic`: the ⌈αn⌉-th worst return (Riskfolio-Lib); shortfall is Rockafellar's and Uryasev's
 *   (2000), which weighs the last return of the tail by its part in the tail.
 * - `historicalLossQuantile`: the (⌊αn⌋ + 1)-th worst return, one further where αn is whole (skfolio); shortfall alike.
 * - `gaussian`: a normal with the sample's mean and deviation (n - 1).
 * - `cornishFisher`: its quantile bent by skewness and excess kurtosis (1937; biased moments); the shortfall is the
 *   mean of the bent quantiles beyond it, in closed form.
 * - `studentT`: a Student's t fitted by maximum likelihood.
 */
export type TailMethod =
  | 'historicalInterpolated'
  | 'historicalOrderStatistic'
  | 'historicalLossQuantile'
  | 'gaussian'
  | 'cornishFisher'
  | 'studentT'

/**
 * How the maximum of a Student's t is looked for: to the maximum whatever the unit (`exact`, default), or as
 * `scipy.stats.t.fit` stops (`scipy`): good to two or three digits on daily returns, for results made with scipy.
 */
export type StudentSearch = 'exact' | 'scipy'

/** Parameters of `valueAtRisk` and `incrementalRisk`. */
export interface TailOptions extends TailLevel {
  /** How (default `historicalInterpolated`). */
  readonly method?: TailMethod
  /** Of the method `studentT` (default `exact`). */
  readonly studentSearch?: StudentSearch
}

/** Value at risk and expected shortfall at one confidence, in the unit of the returns. */
export interface TailRisk {
  /** The loss that is not passed with the confidence. */
  readonly valueAtRisk: number
  /** The mean loss beyond it. */
  readonly expectedShortfall: number
}

function level(options: TailLevel): TailLevel {
  return { confidence: 0.95, convention: 'lossPositive', ...checkedObject('options', options) }
}

/** The options as the native enum writes them. */
function tailOptions(options: TailOptions): JobOptions {
  const { studentSearch = 'exact', method, ...rest } = checkedObject('options', options)
  const how = method === 'studentT' ? { studentT: studentSearch } : (method ?? 'historicalInterpolated')
  return { ...rest, method: how } as JobOptions
}

/**
 * Value at risk and expected shortfall of a series of returns, or of P&L in money.
 * @throws FafnirError QUANT_EMPTY, QUANT_NOT_FINITE (row), QUANT_TOO_FEW (2), QUANT_OUT_OF_RANGE (confidence),
 *   QUANT_CONSTANT where a fit needs variation, QUANT_UNDEFINED for a t without a mean, QUANT_NOT_CONVERGED
 * @example const { valueAtRisk: loss } = await valueAtRisk(returns, { confidence: 0.99, method: 'cornishFisher' })
 */
export async function valueAtRisk(returns: Series, options: TailOptions = {}): Promise<TailRisk> {
  return (await call<TailRisk>('valueAtRisk', tailOptions(options), [returns])).numbers
}

/**
 * Entropic value at risk (Ahmadi-Javid 2012): the tightest bound of Chernoff's kind on value at risk and shortfall.
 * @throws FafnirError those of `valueAtRisk`
 */
export async function entropicValueAtRisk(returns: Series, options: TailLevel = {}): Promise<number> {
  return (await call<number>('entropicValueAtRisk', level(options), [returns])).numbers
}

/** A Student's t. */
export interface StudentFit {
  /** ν. */
  readonly degreesOfFreedom: number
  /** Centre, in units of the returns. */
  readonly location: number
  /** Scale, in units of the returns; the deviation is scale √(ν/(ν-2)). */
  readonly scale: number
  readonly logLikelihood: number
}

/**
 * Student's t by maximum likelihood: location, scale and degrees of freedom.
 * @throws FafnirError QUANT_TOO_FEW (5), QUANT_CONSTANT, QUANT_NOT_CONVERGED, QUANT_NOT_FINITE, QUANT_EMPTY
 */
export async function fitStudent(
  returns: Series,
  options: JobOptions & { readonly search?: StudentSearch } = {},
): Promise<StudentFit> {
  const { search = 'exact', ...job } = checkedObject('options', options)
  return (await call<StudentFit>('fitStudent', { ...job, search } as JobOptions, [returns])).numbers
}

/** The volatility that returns are divided by. */
export type VolatilityFilter =
  /** Exponential weights, mean 0; here the recursion starts with the mean square unless another start is given. */
  | { readonly ewma: EwmaVolatilityOptions }
  /** A GARCH fitted to the returns. */
  | { readonly garch: GarchModelOptions }
  /** A GARCH with known parameters. */
  | { readonly garchGiven: GarchParameters }

/** Parameters of `filteredValueAtRisk`. */
export interface FilteredOptions extends TailLevel {
  /** Default: exponential weights with decay 0.94. */
  readonly filter?: VolatilityFilter
  /** Quantile of the standardised returns, as in `TailMethod` (default `interpolated`). */
  readonly quantile?: 'interpolated' | 'orderStatistic'
  /** Returns at the start that only warm the filter up (default 0). */
  readonly warmUp?: number
}

/** A filtered tail. */
export interface FilteredRisk extends TailRisk {
  /** Volatility forecast for the next period. */
  readonly volatility: number
  /** Returns over their forecast volatility, after the warm-up. */
  readonly standardised: Float64Array
}

/**
 * Filtered historical simulation over one period: the past's standardised returns at the volatility of today
 * (Barone-Adesi, Giannopoulos, Vosper 1999; Hull, White 1998). A return is divided by the volatility forecast for it.
 * @throws FafnirError QUANT_TOO_FEW, QUANT_OUT_OF_RANGE, QUANT_UNDEFINED (a volatility of 0), those of the filter
 */
export async function filteredValueAtRisk(returns: Series, options: FilteredOptions = {}): Promise<FilteredRisk> {
  const { filter = { ewma: {} }, ...rest } = checkedObject('options', options)
  checkedObject('filter', filter)
  const given = 'ewma' in filter ? { ewma: { start: 'meanSquare', ...filter.ewma } } : filter
  const wire = { ...rest, filter: given } as JobOptions
  const { numbers, arrays } = await call<Omit<FilteredRisk, 'standardised'>>('filteredValueAtRisk', wire, [returns])
  return { ...numbers, standardised: first(arrays) }
}

/** The parts of a portfolio's tail risk, one number an asset. */
export interface RiskComponents {
  /** Of the whole portfolio. */
  readonly total: TailRisk
  /** Value at risk by asset; they sum to the total. */
  readonly component: Float64Array
  /** Change of value at risk per unit of weight (or money) more of an asset. */
  readonly marginal: Float64Array
  /** Shortfall by asset; they sum to the total. */
  readonly componentShortfall: Float64Array
  /** Change of shortfall per unit more of an asset. */
  readonly marginalShortfall: Float64Array
}

async function components(
  name: string,
  options: TailLevel,
  sheets: readonly (MatrixInput | Series)[],
): Promise<RiskComponents> {
  const { numbers: total, arrays } = await call<TailRisk>(name, level(options), sheets)
  const [component, marginal, componentShortfall, marginalShortfall] = arrays as Float64Array[]
  return {
    total,
    component: component!,
    marginal: marginal!,
    componentShortfall: componentShortfall!,
    marginalShortfall: marginalShortfall!,
  }
}

/**
 * Parts of the normal value at risk, an asset -(μ + z (Σw) / σ) times its weight (Jorion 2006, chapter 7). Weights are
 * parts of one, or amounts of money; means and covariance are per period.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_NOT_SYMMETRIC, QUANT_OUT_OF_RANGE (confidence),
 *   QUANT_UNDEFINED (a portfolio without variance)
 */
export function gaussianComponents(
  weights: Series,
  means: Series,
  covariance: MatrixInput,
  options: TailLevel = {},
): Promise<RiskComponents> {
  return components('gaussianComponents', options, [weights, means, covariance])
}

/**
 * Parts of the historical value at risk (what each asset lost on the day of the order statistic) and shortfall (on
 * average over the days of the tail: the stable ones; Tasche 1999). Rows of `returns` are periods, columns assets.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_TOO_FEW (2 periods), QUANT_OUT_OF_RANGE (confidence)
 */
export function historicalComponents(
  weights: Series,
  returns: MatrixInput,
  options: TailLevel = {},
): Promise<RiskComponents> {
  return components('historicalComponents', options, [weights, returns])
}

/** What an order does to tail risk. */
export interface IncrementalRisk {
  readonly before: TailRisk
  readonly after: TailRisk
  /** After less before: positive adds risk (negative, with `signed`). */
  readonly change: TailRisk
  /** The change that marginal values predict: right for small orders only. */
  readonly linearValueAtRisk: number
}

/**
 * Incremental value at risk of an order: the books before and after it are both measured on the same returns. `order`
 * is what it adds to each weight (or amount of money).
 * @throws FafnirError those of `valueAtRisk` and `historicalComponents`
 */
export async function incrementalRisk(
  weights: Series,
  order: Series,
  returns: MatrixInput,
  options: TailOptions = {},
): Promise<IncrementalRisk> {
  return (await call<IncrementalRisk>('incrementalRisk', tailOptions(options), [weights, order, returns])).numbers
}
