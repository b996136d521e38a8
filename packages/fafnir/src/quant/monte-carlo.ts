// Room card: quant/monte-carlo
// In:    a book of units and options, the distributions of its assets' returns, a copula, a seed.
// Out:   value at risk and shortfall with their standard errors; every path's P&L when it is kept.
// Holds: the same seed gives the same bits on any number of threads; options are priced again on every path.
// Costs: 10⁶ paths of 20 assets a few tenths of a second on two cores (bench quant/monte-carlo), on the thread pool.
import { fail } from '../errors.js'
import { call, first, type JobOptions, type Series, type Sheet } from './call.js'
import { square, type MatrixInput } from './matrix.js'
import { bookSheets, type Book } from './monte-carlo-book.js'
import { checkedObject } from './risk-arguments.js'
import type { Convention, TailRisk } from './risk.js'

/**
 * Value of all units and options at present prices.
 * @throws FafnirError QUANT_EMPTY, QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE (a term, an asset's index)
 */
export async function bookValue(book: Book, job: JobOptions = {}): Promise<number> {
  return (await call<number>('bookValue', job, bookSheets(book))).numbers
}

/** The distribution of one asset's return over the horizon. */
export type Marginal =
  | { readonly distribution: 'normal'; readonly mean: number; readonly deviation: number }
  /** The deviation is scale √(ν/(ν-2)). */
  | {
      readonly distribution: 'studentT'
      readonly location: number
      readonly scale: number
      readonly degreesOfFreedom: number
    }
  /** The past: quantiles of a sample, by linear interpolation. */
  | { readonly distribution: 'empirical'; readonly sample: Series }

/** Distributions of all assets. */
export interface ReturnModel {
  /** One an asset. */
  readonly marginals: readonly Marginal[]
  /** Of the copula: positive semidefinite with a diagonal of 1. */
  readonly correlation: MatrixInput
  /**
   * How assets move together: `gaussian` (default), whose extremes become independent far out, or that of a Student's
   * t, whose extremes come together, the more so the fewer degrees of freedom.
   */
  readonly copula?: 'gaussian' | { readonly degreesOfFreedom: number }
  /** What a return does to a price: price · (1 + r) (`simple`, default) or price · e^r (`logarithmic`). */
  readonly returns?: 'simple' | 'logarithmic'
}

/**
 * A model of normal returns from means and a covariance over the horizon.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_FINITE, QUANT_NOT_SYMMETRIC, QUANT_OUT_OF_RANGE (a variance below 0)
 */
export async function normalModel(means: Series, covariance: MatrixInput, job: JobOptions = {}): Promise<ReturnModel> {
  const { arrays } = await call<null>('normalModel', job, [means, covariance])
  const deviations = first(arrays)
  const marginals = Array.from(means, (mean, asset) => {
    return { distribution: 'normal', mean, deviation: deviations[asset]! } as const
  })
  return { marginals, correlation: square(arrays[1]!) }
}

/** Parameters of `monteCarloRisk`. */
export interface MonteCarloOptions extends JobOptions {
  /** At least 100 (default 100,000). */
  readonly paths?: number
  /** A whole number; the same seed gives the same paths (default 1). */
  readonly seed?: number
  /** To report, each above 0 and below 1 (default 0.95 and 0.99). */
  readonly confidences?: readonly number[]
  /** Years by which the options are older at the horizon (default 1/365). */
  readonly horizonYears?: number
  /** 0 (default) takes as many as there are cores; the result does not depend on it. */
  readonly threads?: number
  /** Returns the P&L of every path (default false). */
  readonly keepPaths?: boolean
  /** Sign of a loss (default `lossPositive`). */
  readonly convention?: Convention
}

/** Tail risk at one confidence, in money, with standard errors of the simulation. */
export interface SimulatedTail extends TailRisk {
  readonly confidence: number
  /** Half the distance of the order statistics one binomial deviation above and below. */
  readonly valueAtRiskError: number
  /** From the variance of the tail (Manistre, Hancock 2005). */
  readonly expectedShortfallError: number
}

/** Result of a simulation, in money. */
export interface MonteCarloRisk {
  /** Mean P&L. */
  readonly mean: number
  /** Deviation of the P&L (n - 1). */
  readonly deviation: number
  /** One a confidence, in the order asked for: order statistic ⌈αn⌉, shortfall of Rockafellar and Uryasev. */
  readonly tails: readonly SimulatedTail[]
  /** P&L of every path; null unless it was asked for. */
  readonly paths: Float64Array | null
}

/**
 * Simulates the book over the horizon and measures its tail; normals are those of Philox4x32-10 (Salmon et al. 2011)
 * and Box and Muller, counted by seed, path and factor.
 * @throws FafnirError QUANT_RAGGED, QUANT_NOT_POSITIVE_DEFINITE (correlation), QUANT_OUT_OF_RANGE, QUANT_TOO_FEW (100
 *   paths, a confidence), QUANT_TOO_LARGE, QUANT_EMPTY, QUANT_NOT_FINITE, QUANT_CANCELLED
 * @example
 * const model = await normalModel(means, covariance)
 * const { tails } = await monteCarloRisk({ spots, quantities, options }, { ...model, copula: { degreesOfFreedom: 4 } })
 */
export async function monteCarloRisk(
  book: Book,
  model: ReturnModel,
  options: MonteCarloOptions = {},
): Promise<MonteCarloRisk> {
  const { marginals, correlation, copula = 'gaussian', returns = 'simple' } = checkedObject('model', model)
  const { signal, onProgress, ...simulation } = checkedObject('options', options)
  if (!Array.isArray(marginals)) throw fail('ARGUMENT_INVALID', 'marginals are an array', { path: 'marginals' })
  const sheets: Sheet[] = [...bookSheets(book), correlation]
  const given = (marginals as readonly Marginal[]).map((marginal, asset) => {
    checkedObject(`marginals[${asset}]`, marginal)
    if (marginal.distribution !== 'empirical') return marginal
    return { distribution: 'empirical', sample: sheets.push(marginal.sample) - 1 }
  })
  const wire = {
    signal,
    onProgress,
    marginals: given,
    copula: copula === 'gaussian' ? copula : { studentT: copula },
    returns,
    simulation,
  } as JobOptions
  const { numbers, arrays } = await call<Omit<MonteCarloRisk, 'paths'>>('monteCarloRisk', wire, sheets)
  return { ...numbers, paths: arrays[0] ?? null }
}
