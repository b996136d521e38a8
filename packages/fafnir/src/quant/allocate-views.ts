// Room card: quant/allocate-views
// In:    a risk, a prior of expected returns or the market's weights, views with their uncertainty.
// Out:   posterior expected returns and covariance (Black-Litterman), for any optimiser.
// Holds: without uncertainty a view is met exactly; a confidence of 0 is no view.
// Costs: O(N²k + k³) for k views, on the thread pool.
import type { Arrays } from './allocate-input.js'
import { withRisk, type RiskOptions } from './allocate-simple.js'
import { call, needed, taken, type Series } from './call.js'
import type { Matrix, MatrixInput } from './matrix.js'

/** Where the expected returns without views come from: one of the two. */
export type Prior =
  /** Given, a period. */
  | { readonly returns: Series }
  /** Implied by the market: δ Σ w + rf; `riskAversion` (δ) is 2.5 by default, `riskFree` 0 a period. */
  | { readonly marketWeights: Series; readonly riskAversion?: number; readonly riskFree?: number }

/** How uncertain the views are (Ω). */
export type Omega =
  /** diag(τ P Σ Pᵀ): as uncertain as the prior is about them (He and Litterman 1999). */
  | 'proportional'
  /** Variances of the views' errors, at least 0. */
  | { readonly variances: Series }
  /** The covariance of the views' errors. */
  | { readonly covariance: MatrixInput }
  /** 0 (ignored) to 1 (met) for each view: τ (1 - c)/c × P Σ Pᵀ (Idzorek 2005, in Walters' closed form). */
  | { readonly confidence: Series }

/** Views: portfolios and what they are expected to return. */
export interface Views {
  /** P: a row for each view, a column for each asset. A relative view has 1 and -1, an absolute one a single 1. */
  readonly portfolios: MatrixInput
  /** Q: expected return of each view's portfolio, a period. */
  readonly returns: Series
}

/** Options of `blackLitterman`. */
export interface BlackLittermanOptions extends RiskOptions {
  /** Expected returns without views. */
  readonly prior: Prior
  readonly views: Views
  /** Scale of the prior's uncertainty (τ; default 0.05). */
  readonly tau?: number
  /** Uncertainty of the views (default 'proportional'). */
  readonly omega?: Omega
}

/** The blend of prior and views; `expected` and `covariance` go into `meanVariance` or `maximumSharpe`. */
export interface BlackLitterman {
  /** Expected returns without views. */
  readonly prior: Float64Array
  /** Expected returns with views (the posterior). */
  readonly expected: Float64Array
  /** Covariance of returns: Σ and what remains of the uncertainty of their means. */
  readonly covariance: Matrix
}

function priorJson(prior: Prior, arrays: Arrays): object {
  if ('returns' in taken(prior)) {
    const { returns, ...rest } = prior as { readonly returns: Series }
    return { ...rest, returns: arrays.add(needed(returns, 'prior.returns')) }
  }
  const { marketWeights, riskAversion = 2.5, riskFree = 0, ...rest } = prior as Exclude<Prior, { returns: Series }>
  const weights = arrays.add(needed(marketWeights, 'prior.marketWeights'))
  return { market: { ...rest, weights, riskAversion, riskFree } }
}

function omegaJson(omega: Omega, arrays: Arrays): object | string {
  if (typeof omega !== 'object' || omega === null) return omega
  return Object.fromEntries(Object.entries(omega).map(([kind, sheet]) => [kind, arrays.add(sheet as Series)]))
}

/**
 * Blends a prior with views (Black and Litterman 1992): μ = π + τΣPᵀ(PτΣPᵀ + Ω)⁻¹(Q - Pπ), and Σ + τΣ - what the views
 * take away. Risk, returns and views are of one period, a day or a year.
 * @throws FafnirError QUANT_NOT_POSITIVE_DEFINITE where views without uncertainty contradict each other;
 * QUANT_OUT_OF_RANGE, QUANT_RAGGED; those of the covariance
 * @example
 * const views = { portfolios: [[1, -1, 0]], returns: [0.02] } // the first will beat the second by 2 %
 * const { expected, covariance } = await blackLitterman({ covariance: yearly, prior: { marketWeights }, views })
 * const { weights } = await maximumSharpe({ expected, covariance })
 */
export async function blackLitterman(options: BlackLittermanOptions): Promise<BlackLitterman> {
  const { arrays, risk, rest } = withRisk(options)
  const { prior, views, tau = 0.05, omega = 'proportional', ...job } = rest
  const { portfolios, returns, ...unknown } = taken(needed(views, 'views'))
  const given = {
    ...job,
    risk,
    prior: priorJson(needed(prior, 'prior'), arrays),
    views: {
      ...unknown,
      portfolios: arrays.add(needed(portfolios, 'views.portfolios')),
      returns: arrays.add(needed(returns, 'views.returns')),
    },
    tau,
    omega: omegaJson(omega, arrays),
  }
  const [before = new Float64Array(0), expected = before, values = before] = (
    await call<null>('blackLitterman', given, arrays.sheets)
  ).arrays
  return { prior: before, expected, covariance: { values, rows: before.length, columns: before.length } }
}
