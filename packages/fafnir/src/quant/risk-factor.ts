// Room card: quant/risk-factor
// In:    returns of assets and of factors in the same periods; weights.
// Out:   alphas and betas, systematic and specific variance, contributions of the factors; a VAR(1).
// Holds: variance is systematic + specific; contributions sum to the systematic one.
// Costs: one QR of the factors and one solve an asset, on the thread pool.
import { call, first, type JobOptions, type Series } from './call.js'
import { square, type Matrix, type MatrixInput } from './matrix.js'
import { checkedObject } from './risk-arguments.js'

/** A factor model of assets, fitted by least squares with a constant. */
export interface FactorModel {
  /** Constant of each asset a period. */
  readonly alphas: Float64Array
  /** Rows are assets, columns factors. */
  readonly betas: Matrix
  /** Sample covariance (n - 1). */
  readonly factorCovariance: Matrix
  /** Of each asset (n - 1, about its mean). */
  readonly residualVariances: Float64Array
  /** Share of each asset's variance that the factors explain. */
  readonly rSquared: Float64Array
}

/**
 * Regresses every asset on a constant and the factors; rows are the same periods.
 * @throws FafnirError QUANT_RAGGED, QUANT_TOO_FEW (periods), QUANT_UNDEFINED (factors that depend on each other),
 *   QUANT_CONSTANT (an asset that does not vary), QUANT_NOT_FINITE
 */
export async function factorModel(
  assets: MatrixInput,
  factors: MatrixInput,
  job: JobOptions = {},
): Promise<FactorModel> {
  const { arrays } = await call<null>('factorModel', job, [assets, factors])
  const [alphas, betas, covariance, residualVariances, rSquared] = arrays as Float64Array[]
  return {
    alphas: alphas!,
    betas: { values: betas!, rows: alphas!.length, columns: betas!.length / alphas!.length },
    factorCovariance: square(covariance!),
    residualVariances: residualVariances!,
    rSquared: rSquared!,
  }
}

/** What a portfolio owes to the factors, per period. */
export interface FactorRisk {
  /** To each factor. */
  readonly betas: Float64Array
  /** From the factors. */
  readonly systematicVariance: number
  /** Of its own; residuals are taken as uncorrelated. */
  readonly specificVariance: number
  /** Systematic over total. */
  readonly systematicShare: number
  /** Of each factor to the systematic variance: β (Σβ). */
  readonly contributions: Float64Array
}

/**
 * The risk of a portfolio of the model's assets.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE (weights), QUANT_UNDEFINED (a portfolio without variance)
 * @example const { systematicShare } = await factorRisk(await factorModel(stocks, factors), weights)
 */
export async function factorRisk(model: FactorModel, weights: Series, job: JobOptions = {}): Promise<FactorRisk> {
  const { alphas, betas, factorCovariance, residualVariances } = checkedObject('model', model)
  const sheets = [weights, alphas, betas, factorCovariance, residualVariances]
  const { numbers, arrays } = await call<Omit<FactorRisk, 'betas' | 'contributions'>>('factorRisk', job, sheets)
  return { ...numbers, betas: first(arrays), contributions: arrays[1]! }
}

/** A vector autoregression of order 1 with a constant. */
export interface VectorAutoregression {
  /** Constant of each equation. */
  readonly intercepts: Float64Array
  /** Row i: what moves series i; column j: by series j one period before. */
  readonly coefficients: Matrix
  /** Maximum likelihood: over n. */
  readonly residualCovariance: Matrix
  /** Akaike's criterion a period: ln det Σ + 2 k / n. */
  readonly aic: number
  /** Schwarz's criterion a period. */
  readonly bic: number
}

/**
 * VAR(1) by least squares (Lütkepohl 2005, section 3.2; criteria as statsmodels counts them), of factors or returns.
 * @throws FafnirError QUANT_TOO_FEW, QUANT_UNDEFINED and QUANT_NOT_POSITIVE_DEFINITE (series that depend on each other)
 */
export async function vectorAutoregression(series: MatrixInput, job: JobOptions = {}): Promise<VectorAutoregression> {
  const { numbers, arrays } = await call<{ aic: number; bic: number }>('vectorAutoregression', job, [series])
  const [intercepts, coefficients, residuals] = arrays as Float64Array[]
  return {
    ...numbers,
    intercepts: intercepts!,
    coefficients: square(coefficients!),
    residualCovariance: square(residuals!),
  }
}
