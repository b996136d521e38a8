// Room card: quant/cointegration
// In:    price series or their logarithms, the oldest first.
// Out:   tests of Engle and Granger, Johansen, Dickey and Fuller; hedge ratios, spreads, half-lives.
// Holds: conventions of statsmodels 0.15.
// Costs: a few QR factorisations of the length of the series, on the thread pool.
import { call, first, type JobOptions, type Series } from './call.js'
import { square, type Matrix, type MatrixInput } from './matrix.js'
import { checkedObject } from './risk-arguments.js'

/** Deterministic terms: none (statsmodels' `n`), a constant (`c`), a constant and a linear trend (`ct`). */
export type Deterministic = 'none' | 'constant' | 'constantAndTrend'

/**
 * Lagged changes of a Dickey-Fuller regression: a number; `akaike` takes the one with the least Akaike criterion up to
 * Schwert's ⌈12 (n/100)^¼⌉; `akaikeUpTo` up to a bound of the caller.
 */
export type Lags = number | 'akaike' | { readonly akaikeUpTo: number }

/** Terms and lags of a test. */
export interface UnitRootOptions extends JobOptions {
  /** Of the (cointegrating) regression (default `constant`). */
  readonly terms?: Deterministic
  /** At most 200 (default `akaike`). */
  readonly lags?: Lags
}

/** An augmented Dickey-Fuller test. */
export interface DickeyFuller {
  /** The t-statistic of the lagged level. */
  readonly statistic: number
  /** MacKinnon's approximate p-value: small means no unit root. */
  readonly pValue: number
  /** At 1, 5 and 10 %; null where there is no table. */
  readonly criticalValues: readonly [number, number, number] | null
  /** Lagged changes in the regression. */
  readonly lags: number
  /** Observations of the regression. */
  readonly observations: number
}

/** The options as the native enum writes them. */
function wire(given: UnitRootOptions): JobOptions {
  const { lags = 'akaike', ...options } = checkedObject('options', given)
  if (typeof lags === 'number') return { ...options, lags: { fixed: lags } } as JobOptions
  return {
    ...options,
    lags: { akaike: lags === 'akaike' ? null : checkedObject('lags', lags).akaikeUpTo },
  } as JobOptions
}

/**
 * Tests a series for a unit root (Dickey, Fuller 1979; `statsmodels.tsa.stattools.adfuller`).
 * @throws FafnirError QUANT_TOO_FEW, QUANT_CONSTANT, QUANT_NOT_FINITE, QUANT_TOO_LARGE (lags), QUANT_UNDEFINED
 */
export async function dickeyFuller(series: Series, options: UnitRootOptions = {}): Promise<DickeyFuller> {
  return (await call<DickeyFuller>('dickeyFuller', wire(options), [series])).numbers
}

/** A pair (or more) and its spread. */
export interface EngleGranger {
  /** Of the regression (0 without one). */
  readonly constant: number
  /** Units of each hedge against one of the first series. */
  readonly hedgeRatios: Float64Array
  /** Share of the variance explained. */
  readonly rSquared: number
  /** That the spread has a unit root: a small p-value speaks for cointegration. */
  readonly test: DickeyFuller
  /** first - constant - Σ ratio · hedge (and the trend, if there is one). */
  readonly spread: Float64Array
  /** Periods in which half of a deviation is gone; null where the spread does not revert. */
  readonly halfLife: number | null
  /** The last spread over the spread's deviation (n - 1). */
  readonly zScore: number
}

/**
 * Regresses the first series on the hedges (columns, at most five) and tests the residual (Engle, Granger 1987;
 * `statsmodels.tsa.stattools.coint`).
 * @throws FafnirError QUANT_RAGGED, QUANT_TOO_LARGE (six series), QUANT_TOO_FEW, QUANT_CONSTANT, QUANT_UNDEFINED
 *   (series that depend on each other)
 * @example const { hedgeRatios, test } = await engleGranger(logA, fromColumns([logB]), { lags: 1 })
 */
export async function engleGranger(
  series: Series,
  hedges: MatrixInput,
  options: UnitRootOptions = {},
): Promise<EngleGranger> {
  type Numbers = Omit<EngleGranger, 'hedgeRatios' | 'spread'>
  const { numbers, arrays } = await call<Numbers>('engleGranger', wire(options), [series, hedges])
  return { ...numbers, hedgeRatios: first(arrays), spread: arrays[1]! }
}

/** Johansen's test. */
export interface Johansen {
  /** Squared canonical correlations, largest first. */
  readonly eigenvalues: Float64Array
  /** Trace statistic of at most 0, 1, .. cointegrating relations. */
  readonly trace: Float64Array
  /** At 90, 95 and 99 %, one row a statistic. */
  readonly traceCritical: readonly (readonly [number, number, number])[]
  /** Largest-eigenvalue statistic of exactly 0, 1, .. relations against one more. */
  readonly largest: Float64Array
  readonly largestCritical: readonly (readonly [number, number, number])[]
  /** Columns are cointegrating vectors in the order of the eigenvalues, with v'Sv = 1 and a positive first element. */
  readonly vectors: Matrix
  /** Relations found at 95 % by the trace. */
  readonly rank: number
}

/**
 * Johansen's test (1991) with a constant and `lags` lagged differences (default 1), two to twelve series as columns;
 * critical values of MacKinnon, Haug and Michelis (1999).
 * @throws FafnirError QUANT_TOO_FEW, QUANT_TOO_LARGE, QUANT_UNDEFINED or QUANT_NOT_POSITIVE_DEFINITE (series that
 *   depend on each other)
 */
export async function johansen(
  prices: MatrixInput,
  options: JobOptions & { readonly lags?: number } = {},
): Promise<Johansen> {
  const { lags = 1, ...job } = checkedObject('options', options)
  type Numbers = Pick<Johansen, 'rank' | 'traceCritical' | 'largestCritical'>
  const { numbers, arrays } = await call<Numbers>('johansen', { ...job, lags } as JobOptions, [prices])
  return { ...numbers, eigenvalues: first(arrays), trace: arrays[1]!, largest: arrays[2]!, vectors: square(arrays[3]!) }
}

/**
 * Hedge ratio of least squares with a constant: units of `hedge` against one of `asset`.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_TOO_FEW (3), QUANT_UNDEFINED (a hedge that does not vary)
 */
export async function hedgeRatio(asset: Series, hedge: Series, job: JobOptions = {}): Promise<number> {
  return (await call<number>('hedgeRatio', job, [asset, hedge])).numbers
}

/**
 * Periods in which half of a deviation from the mean is gone: -ln 2 / b of Δx = a + b x; null where it does not revert.
 * @throws FafnirError QUANT_TOO_FEW (4), QUANT_UNDEFINED (a series that does not vary), QUANT_NOT_FINITE
 */
export async function halfLife(series: Series, job: JobOptions = {}): Promise<number | null> {
  return (await call<number | null>('halfLife', job, [series])).numbers
}
