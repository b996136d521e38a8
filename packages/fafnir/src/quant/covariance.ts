// Room card: quant/covariance
// In:    returns (rows are observations, columns assets), or a covariance to be cleaned.
// Out:   covariances per period with condition number and shrinkage.
// Holds: the same native code as `crates/quant/src/covariance`; nothing blocks the event loop.
// Costs: observations × assets² and the eigenvalues (assets³), on the thread pool.
import { call, first, taken, type JobOptions, type Series, type Sheet } from './call.js'
import { square, type Matrix, type MatrixInput } from './matrix.js'

/** A covariance matrix per period of its returns. */
export interface Covariance {
  /** Assets × assets. */
  readonly matrix: Matrix
  /** Largest over smallest eigenvalue; Infinity where the smallest is not positive. */
  readonly conditionNumber: number
  /** Weight of the target in the estimate, 0 to 1. */
  readonly shrinkage: number
}

interface Numbers {
  readonly conditionNumber: number | null
  readonly shrinkage: number
}

async function covariance(name: string, options: JobOptions, sheets: readonly Sheet[]): Promise<Covariance> {
  const { numbers, arrays } = await call<Numbers>(name, options, sheets)
  const { conditionNumber, shrinkage } = numbers
  return { matrix: square(first(arrays)), conditionNumber: conditionNumber ?? Infinity, shrinkage }
}

/** Conventions of `sampleCovariance`. */
export interface SampleOptions extends JobOptions {
  /** Taken from the number of observations in the divisor: 1 (default) is unbiased, 0 the maximum likelihood. */
  readonly ddof?: 0 | 1
  /** Subtract each asset's mean (default true). */
  readonly demean?: boolean
}

/**
 * Sample covariance per period.
 * @throws FafnirError QUANT_TOO_FEW, QUANT_NOT_FINITE (row, column), QUANT_RAGGED, QUANT_EMPTY
 * @example const { matrix, conditionNumber } = await sampleCovariance(simpleReturns([apple, boeing]))
 */
export function sampleCovariance(returns: MatrixInput, options: SampleOptions = {}): Promise<Covariance> {
  return covariance('sampleCovariance', options, [returns])
}

/** Weights of `ewmaCovariance`. */
export interface EwmaOptions extends JobOptions {
  /** Decay λ a period, above 0 and below 1; 0.94 (default) is RiskMetrics' for days. */
  readonly decay?: number
  /** Subtract each asset's plain mean (default false). */
  readonly demean?: boolean
  /** `firstObservation` (default): Σ starts as the first product, moves by 1 - λ. `normalised`: weights add up to 1. */
  readonly start?: 'firstObservation' | 'normalised'
}

/**
 * Exponentially weighted covariance, the newest observation last: the forecast for the next period.
 * @throws FafnirError QUANT_OUT_OF_RANGE (decay) and those of `sampleCovariance`
 */
export function ewmaCovariance(returns: MatrixInput, options: EwmaOptions = {}): Promise<Covariance> {
  return covariance('ewmaCovariance', options, [returns])
}

/** Target and divisor of `ledoitWolf`. */
export interface LedoitWolfOptions extends JobOptions {
  /**
   * `identity` (default; scikit-learn's with ddof 0), `singleFactor`, `constantCorrelation` (PyPortfolioOpt's with
   * ddof 1).
   */
  readonly target?: 'identity' | 'singleFactor' | 'constantCorrelation'
  /** Taken from the number of observations in the divisor, 0 (default, as published) or 1. */
  readonly ddof?: 0 | 1
  /** Returns of the market of `singleFactor`; the mean of the assets by default. */
  readonly market?: Series
}

/**
 * Ledoit-Wolf covariance: for fewer observations than ten times the assets.
 * @throws FafnirError QUANT_CONSTANT (an asset or market that does not vary) and those of `sampleCovariance`
 */
export async function ledoitWolf(returns: MatrixInput, options: LedoitWolfOptions = {}): Promise<Covariance> {
  const { market, ...rest } = taken(options)
  return covariance('ledoitWolf', rest, market === undefined ? [returns] : [returns, market])
}

/** Convention of `oracleApproximating`. */
export interface OasOptions extends JobOptions {
  /** Keep the terms 2/p of the paper (default false: scikit-learn's value). */
  readonly exact?: boolean
}

/**
 * Oracle approximating shrinkage (Chen, Wiesel, Eldar, Hero 2010) towards the mean variance.
 * @throws FafnirError those of `sampleCovariance`
 */
export function oracleApproximating(returns: MatrixInput, options: OasOptions = {}): Promise<Covariance> {
  return covariance('oracleApproximating', options, [returns])
}

/** What is noise, for `denoise`. */
export interface DenoiseOptions extends JobOptions {
  /** Observations that the covariance was made from. */
  readonly observations: number
  /** A variance from 0 to 1, or the one that fits the eigenvalues' density (kernel of this bandwidth, say 0.01). */
  readonly noise: { readonly fixed: number } | { readonly fitted: { readonly bandwidth: number } }
}

/** A denoised covariance, and where the noise ended. */
export interface Denoised {
  /** Assets × assets, with the given variances. */
  readonly matrix: Matrix
  /** As in `Covariance`. */
  readonly conditionNumber: number
  /** Variance of the noise that was used. */
  readonly noiseVariance: number
  /** Eigenvalues of the correlation matrix above this are factors. */
  readonly edge: number
  /** How many are. */
  readonly factors: number
}

/**
 * Replaces the correlation eigenvalues below the Marchenko-Pastur edge by their mean (López de Prado 2020).
 * @throws FafnirError QUANT_CONSTANT, QUANT_NOT_SYMMETRIC, QUANT_OUT_OF_RANGE (noise), QUANT_TOO_FEW (observations)
 */
export async function denoise(matrix: MatrixInput, options: DenoiseOptions): Promise<Denoised> {
  const { numbers, arrays } = await call<Omit<Denoised, 'matrix'>>('denoise', options, [matrix])
  // JSON has no word for an infinite condition number.
  const conditionNumber = (numbers.conditionNumber as number | null) ?? Infinity
  return { ...numbers, conditionNumber, matrix: square(first(arrays)) }
}

/** When `nearestPsd` and `nearestCorrelation` end. */
export interface NearestOptions extends JobOptions {
  /** Largest change of an element that ends the iteration (default 1e-12). */
  readonly tolerance?: number
  /** Steps at most (default 10,000). */
  readonly iterationsMax?: number
  /** Smallest eigenvalue of the correlation matrix, 0 (default) to 1. */
  readonly eigenvalueMin?: number
}

/**
 * The covariance with the same variances and the nearest correlation matrix (Higham 2002).
 * @throws FafnirError QUANT_NOT_SYMMETRIC, QUANT_CONSTANT, QUANT_NOT_CONVERGED
 */
export function nearestPsd(matrix: MatrixInput, options: NearestOptions = {}): Promise<Covariance> {
  return covariance('nearestPsd', options, [matrix])
}

/**
 * The nearest correlation matrix in the Frobenius norm (Higham 2002, algorithm 3.3).
 * @throws FafnirError QUANT_NOT_SYMMETRIC, QUANT_NOT_CONVERGED
 */
export async function nearestCorrelation(matrix: MatrixInput, options: NearestOptions = {}): Promise<Matrix> {
  return square(first((await call<null>('nearestCorrelation', options, [matrix])).arrays))
}

/**
 * Largest over smallest eigenvalue of a symmetric matrix; Infinity where the smallest is not positive.
 * @throws FafnirError QUANT_NOT_SYMMETRIC
 */
export async function conditionNumber(matrix: MatrixInput, options: JobOptions = {}): Promise<number> {
  return (await call<number | null>('conditionNumber', options, [matrix])).numbers ?? Infinity
}
