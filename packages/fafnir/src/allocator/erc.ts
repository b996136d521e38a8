// Room card: allocator/erc
// In:    returns of sleeves, an estimator of their covariance and its window, both named.
// Out:   weights that give each sleeve the same share of the portfolio's risk, with the shares and what they came from.
// Holds: the estimator and the window stand in the result; only the newest `window` periods are looked at.
// Costs: one covariance and a few Newton steps, natively, off the event loop.
import { ewmaCovariance, ledoitWolf, oracleApproximating, sampleCovariance } from '../quant/covariance.js'
import type { Covariance } from '../quant/covariance.js'
import { riskParity } from '../quant/allocate-simple.js'
import { fromColumns } from '../quant/matrix.js'
import * as check from './checks.js'
import { sleeveNames, variants, type Sleeve } from './variants.js'

/** How the covariance is estimated; each is the function of that name in `fafnir/quant`, with its defaults. */
export type CovarianceEstimator = 'sample' | 'ewma' | 'ledoitWolf' | 'oracleApproximating'

/** What equal risk is computed from. */
export interface StandardErcOptions {
  /** Simple returns by sleeve, oldest first, of equal length: the five sleeves of the standard variant. */
  readonly returns: Readonly<Partial<Record<Sleeve, readonly number[]>>>
  readonly estimator: CovarianceEstimator
  /** Newest periods that are used, at least one more than sleeves. */
  readonly window: number
  readonly signal?: AbortSignal | undefined
}

/** Weights of equal risk. */
export interface StandardErc {
  /** Percent by sleeve, to six decimals; they add up to 100. */
  readonly percents: Readonly<Partial<Record<Sleeve, number>>>
  /** Weights as computed; they add up to 1. */
  readonly weights: Readonly<Partial<Record<Sleeve, number>>>
  /** Share of the portfolio's variance by sleeve. */
  readonly riskShares: Readonly<Partial<Record<Sleeve, number>>>
  /** Largest difference between a share and one over the number of sleeves. */
  readonly residual: number
  readonly estimator: CovarianceEstimator
  readonly window: number
  /** Largest over smallest eigenvalue of the covariance. */
  readonly conditionNumber: number
}

const ESTIMATORS: Readonly<
  Record<CovarianceEstimator, (returns: ReturnType<typeof fromColumns>, signal?: AbortSignal) => Promise<Covariance>>
> = {
  sample: (returns, signal) => sampleCovariance(returns, withSignal(signal)),
  ewma: (returns, signal) => ewmaCovariance(returns, withSignal(signal)),
  ledoitWolf: (returns, signal) => ledoitWolf(returns, withSignal(signal)),
  oracleApproximating: (returns, signal) => oracleApproximating(returns, withSignal(signal)),
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

/** Steps of a percent: a millionth. */
const PERCENT_STEPS = 1e8

/**
 * The standard variant with equal risk instead of equal capital: each sleeve has the same share of the portfolio's
 * variance (Maillard, Roncalli and Teiletche 2010), by risk parity of `fafnir/quant`.
 *
 * @throws FafnirError ALLOCATION_INVALID (a sleeve missing or one too many, lengths that differ, a window too short or
 * too long, NaN); those of the estimator and of `riskParity` (QUANT_CONSTANT for a sleeve that does not move)
 * @example
 * const { percents } = await standardErc({ returns, estimator: 'ledoitWolf', window: 60 })
 * const targets = targetsOf(percents, fills)
 */
export async function standardErc(options: StandardErcOptions): Promise<StandardErc> {
  check.object('options', options, ['returns', 'estimator', 'window', 'signal'], ['returns', 'estimator', 'window'])
  const wanted = sleeveNames.filter((sleeve) => variants.standard.percents[sleeve] !== undefined)
  check.object('returns', options.returns, wanted, wanted)
  const estimator = check.word('estimator', options.estimator, Object.keys(ESTIMATORS) as CovarianceEstimator[])
  const length = options.returns[wanted[0]!]!.length
  const window = check.whole('window', options.window, wanted.length + 1, length)
  const columns = wanted.map((sleeve) => {
    const series = check.list(`returns.${sleeve}`, options.returns[sleeve], 1_000_000) as readonly number[]
    check.whole(`returns.${sleeve}.length`, series.length, length, length)
    return series
      .slice(-window)
      .map((value, i) => check.number(`returns.${sleeve}[${length - window + i}]`, value, -1, 1e6))
  })
  const covariance = await ESTIMATORS[estimator](fromColumns(columns), options.signal)
  const found = await riskParity({ covariance: covariance.matrix, ...withSignal(options.signal) })
  const bySleeve = (values: ArrayLike<number>): Partial<Record<Sleeve, number>> =>
    Object.fromEntries(wanted.map((sleeve, i) => [sleeve, values[i]!]))
  return {
    percents: bySleeve(percentsOf([...found.weights])),
    weights: bySleeve(found.weights),
    riskShares: bySleeve(found.shares),
    residual: found.residual,
    estimator,
    window,
    conditionNumber: covariance.conditionNumber,
  }
}

// Rounded so that they add up exactly: what rounding leaves goes to the largest.
function percentsOf(weights: readonly number[]): readonly number[] {
  const steps = weights.map((weight) => Math.round(weight * PERCENT_STEPS))
  const largest = steps.indexOf(Math.max(...steps))
  const rest = PERCENT_STEPS - steps.reduce((sum, value) => sum + value, 0)
  return steps.map((value, i) => (value + (i === largest ? rest : 0)) / (PERCENT_STEPS / 100))
}
