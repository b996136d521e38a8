// Room card: quant/validation
// In:    lengths, folds, label spans; Sharpe ratios and their trials; returns of trials; signals.
// Out:   walk-forward and combinatorial purged splits, Sharpe probabilities, overfitting, alpha decay.
// Holds: a range is [from, to); no training label reaches into a test range.
// Costs: combinations × observations at most; long ones on the thread pool.
import { call, callNow, first, inTurns, taken, type JobOptions, type Series } from './call.js'
import type { MatrixInput } from './matrix.js'

/** Observations from the first up to, and without, the second. */
export type IndexRange = readonly [from: number, to: number]

/** A training set and its test sets; their ranges are made when they are first looked at. */
export interface TrainTestSplit {
  readonly train: readonly IndexRange[]
  readonly test: readonly IndexRange[]
}

/** Each observation of some ranges. */
export function* indices(ranges: readonly IndexRange[]): Generator<number> {
  for (const [from, to] of ranges) for (let at = from; at < to; at++) yield at
}

/** What the splits of one answer share: starts and ends of all ranges, and where those of each split begin. */
interface Ranges {
  readonly values: Float64Array
  /** Of each split: its first training range, its first test range; after the last one the end. */
  readonly starts: Uint32Array
}

/** A split whose ranges are made when they are first looked at: many splits are some hundred thousand ranges. */
class LazySplit implements TrainTestSplit {
  declare readonly train: readonly IndexRange[]
  declare readonly test: readonly IndexRange[]
  readonly #ranges: Ranges
  readonly #at: number
  #train: readonly IndexRange[] | undefined
  #test: readonly IndexRange[] | undefined

  constructor(ranges: Ranges, at: number) {
    this.#ranges = ranges
    this.#at = at
    Object.defineProperties(this, LazySplit.#shown)
  }

  /** Own properties, as of a plain object; one pair of functions for all splits, which keeps them small. */
  static readonly #shown: PropertyDescriptorMap & ThisType<LazySplit> = {
    train: {
      enumerable: true,
      get() {
        return (this.#train ??= this.#take(2 * this.#at))
      },
    },
    test: {
      enumerable: true,
      get() {
        return (this.#test ??= this.#take(2 * this.#at + 1))
      },
    },
  }

  #take(place: number): IndexRange[] {
    const { values, starts } = this.#ranges
    const taken: IndexRange[] = []
    for (let at = starts[place]!; at < starts[place + 1]!; at++) taken.push([values[2 * at]!, values[2 * at + 1]!])
    return taken
  }
}

/** Splits from starts and ends of ranges, and from how many each split has for training and for its test. */
function splitsOf([values, counts]: readonly Float64Array[]): Promise<TrainTestSplit[]> {
  if (values === undefined || counts === undefined) return Promise.resolve([])
  const starts = new Uint32Array(counts.length + 1)
  for (let at = 0; at < counts.length; at++) starts[at + 1] = starts[at]! + counts[at]!
  const ranges = { values, starts }
  return inTurns(counts.length / 2, (at) => new LazySplit(ranges, at))
}

const none = new Float64Array(0)

/** Rows of whole numbers, each of one width. */
function rowsOf(values: Float64Array, width: number): number[][] {
  const rows: number[][] = []
  for (let from = 0; from < values.length; from += width) {
    const row: number[] = []
    for (let at = from; at < from + width; at++) row.push(values[at]!)
    rows.push(row)
  }
  return rows
}

/** A property made when it is first looked at: what nobody reads is no work for the collector of garbage. */
function late<T>(make: () => T): PropertyDescriptor {
  let made: T | undefined
  return { enumerable: true, get: () => (made ??= make()) }
}

interface Labels extends JobOptions {
  /** The last observation that each observation's label looks at; itself by default. */
  readonly labelEnds?: Series
}

/** How `walkForward` moves. */
export interface WalkForwardOptions extends Labels {
  /** Observations of a training set (the first where it expands). */
  readonly train: number
  /** Observations of a test set. */
  readonly test: number
  /** Observations left out between the two (default 0). */
  readonly purge?: number
  /** Training begins at 0 each time (default false). */
  readonly expand?: boolean
  /** Keep a last, shorter test set (default false). */
  readonly keepPartial?: boolean
}

/**
 * Rolling or expanding training windows, each followed by its test window; skfolio's `WalkForward`.
 * @throws FafnirError QUANT_TOO_FEW, QUANT_TOO_LARGE, QUANT_RAGGED and QUANT_OUT_OF_RANGE (labelEnds)
 * @example for (const { train, test } of await walkForward(1000, { train: 252, test: 63 })) fit(indices(train))
 */
export async function walkForward(observations: number, options: WalkForwardOptions): Promise<TrainTestSplit[]> {
  const { signal, onProgress, labelEnds, ...given } = taken(options)
  const split = { purge: 0, expand: false, keepPartial: false, ...given }
  const sheets = labelEnds === undefined ? [] : [labelEnds]
  return splitsOf((await call<null>('walkForward', { signal, onProgress, observations, split }, sheets)).arrays)
}

/** How `combinatorialPurged` divides. */
export interface CombinatorialOptions extends Labels {
  /** Contiguous folds; the last takes what is left over. */
  readonly folds: number
  /** Folds of a test set. */
  readonly testFolds: number
  /** Training observations left out on both sides of a test fold (default 0). */
  readonly purge?: number
  /** And after it (default 0). */
  readonly embargo?: number
}

/** Every choice of test folds. */
export interface CombinatorialSplits {
  /** In lexicographic order of their test folds. */
  readonly splits: readonly TrainTestSplit[]
  readonly testFolds: readonly (readonly number[])[]
  /** `paths[p][f]` is the split whose result on fold f belongs to path p. */
  readonly paths: readonly (readonly number[])[]
}

/**
 * Combinatorial purged cross-validation (López de Prado 2018, chapter 12); skfolio's `CombinatorialPurgedCV`.
 * @throws FafnirError QUANT_TOO_FEW, QUANT_OUT_OF_RANGE (testFolds, labelEnds), QUANT_RAGGED, QUANT_TOO_LARGE
 */
export async function combinatorialPurged(
  observations: number,
  options: CombinatorialOptions,
): Promise<CombinatorialSplits> {
  const { signal, onProgress, labelEnds, ...given } = taken(options)
  const job = { signal, onProgress, observations, split: { purge: 0, embargo: 0, ...given } }
  const { arrays } = await call<null>('combinatorialPurged', job, labelEnds === undefined ? [] : [labelEnds])
  const [folds = none, paths = none] = arrays.slice(2)
  const found = { splits: await splitsOf(arrays) }
  return Object.defineProperties(found as typeof found & CombinatorialSplits, {
    testFolds: late(() => rowsOf(folds, options.testFolds)),
    paths: late(() => rowsOf(paths, options.folds)),
  })
}

/** A Sharpe ratio a period and what its standard error depends on. */
export interface SharpeMoments {
  /** Mean over standard deviation, a period (never annual). */
  readonly sharpe: number
  readonly observations: number
  readonly skewness: number
  /** Pearson: 3 of a Gaussian. */
  readonly kurtosis: number
}

/** Convention of `sharpeMoments`. */
export interface SharpeMomentsOptions {
  /** Unbiased skewness and kurtosis, as pandas' and quantstats' (default false: biased, as the papers'). */
  readonly unbiased?: boolean
}

/**
 * Of excess returns: `ddof` 1, biased moments unless asked otherwise.
 * @throws FafnirError QUANT_CONSTANT, QUANT_TOO_FEW (2; 4 unbiased), QUANT_NOT_FINITE, QUANT_EMPTY
 */
export function sharpeMoments(returns: Series, options: SharpeMomentsOptions = {}): SharpeMoments {
  return callNow<SharpeMoments>('sharpeMoments', { unbiased: false, ...taken(options) }, [returns]).numbers
}

/**
 * Probability that the true Sharpe ratio is above `benchmark`, a period (Bailey, López de Prado 2012).
 * @throws FafnirError QUANT_UNDEFINED (moments of no sample), QUANT_TOO_FEW, QUANT_OUT_OF_RANGE
 */
export function probabilisticSharpe(moments: SharpeMoments, benchmark = 0): number {
  return callNow<number>('sharpe', { statistic: 'probabilistic', moments, benchmark }, []).numbers
}

/**
 * Observations after which the Sharpe ratio is above `benchmark` with probability `confidence`.
 * @throws FafnirError QUANT_UNDEFINED where it is not above it; those of `probabilisticSharpe`
 */
export function minimumTrackRecord(moments: SharpeMoments, benchmark: number, confidence: number): number {
  return callNow<number>('sharpe', { statistic: 'minimumTrackRecord', moments, benchmark, confidence }, []).numbers
}

/** A Sharpe ratio after the search that found it. */
export interface DeflatedSharpe {
  /** The ratio that chance alone would reach, a period. */
  readonly expectedMaximum: number
  /** Probability that the true one is above it. */
  readonly probability: number
}

/**
 * Deflated Sharpe ratio (Bailey, López de Prado 2014): `trialVariance` is the variance of the trials' ratios, a period.
 * @throws FafnirError those of `probabilisticSharpe`; QUANT_TOO_FEW (two trials)
 */
export function deflatedSharpe(moments: SharpeMoments, trialVariance: number, trials: number): DeflatedSharpe {
  return callNow<DeflatedSharpe>('sharpe', { statistic: 'deflated', moments, trialVariance, trials }, []).numbers
}

/** Parameter of `overfittingProbability`. */
export interface OverfittingOptions extends JobOptions {
  /** Blocks that the series is cut into: even, 2 to 20. */
  readonly blocks: number
}

/** What combinatorially symmetric cross-validation found. */
export interface Overfitting {
  readonly combinations: number
  /** Share of logits not above 0: the probability of backtest overfitting. */
  readonly probability: number
  readonly logitMean: number
  readonly logitMedian: number
  /** Share of combinations in which the chosen trial lost out of sample. */
  readonly lossProbability: number
  /** Slope of Sharpe out of sample on Sharpe in sample. */
  readonly degradation: number | null
  /** One a combination. */
  readonly logits: Float64Array
}

/**
 * Probability of backtest overfitting from the returns of every trial, one column a trial (Bailey et al. 2015).
 * @throws FafnirError QUANT_TOO_FEW, QUANT_TOO_LARGE, QUANT_UNDEFINED (an odd number of blocks), QUANT_CANCELLED
 */
export async function overfittingProbability(returns: MatrixInput, options: OverfittingOptions): Promise<Overfitting> {
  const { numbers, arrays } = await call<Omit<Overfitting, 'logits'>>('overfittingProbability', options, [returns])
  return { ...numbers, logits: first(arrays) }
}

/** Parameters of `alphaDecay`. */
export interface AlphaDecayOptions extends JobOptions {
  /** Lags 1 to this many periods (default 20). */
  readonly lags?: number
  /** Correlation of ranks (default) or of values. */
  readonly shape?: 'spearman' | 'pearson'
}

/** One lag of the curve. */
export interface DecayPoint {
  readonly lag: number
  /** Correlation of signal and later return; averaged over periods where there are several assets. */
  readonly informationCoefficient: number | null
  readonly tStatistic: number | null
  /** Mean return a period of a unit of gross exposure to the signal. */
  readonly meanReturn: number
  readonly observations: number
}

/** How a signal's edge fades. */
export interface AlphaDecay {
  readonly curve: readonly DecayPoint[]
  /** The lag at which half of the first coefficient is left. */
  readonly halfLife: number | null
}

/**
 * Decay of a signal: the signal of period t meets the return of period t + lag.
 * @throws FafnirError QUANT_RAGGED, QUANT_TOO_FEW, QUANT_CANCELLED
 */
export async function alphaDecay(
  signals: MatrixInput,
  returns: MatrixInput,
  options: AlphaDecayOptions = {},
): Promise<AlphaDecay> {
  type Numbers = Omit<AlphaDecay, 'curve'>
  const { numbers, arrays } = await call<Numbers>('alphaDecay', options, [signals, returns])
  const points = first(arrays)
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value)
  const curve = await inTurns(points.length / 5, (index) => {
    const at = 5 * index
    return {
      lag: points[at]!,
      informationCoefficient: known(points[at + 1]!),
      tStatistic: known(points[at + 2]!),
      meanReturn: points[at + 3]!,
      observations: points[at + 4]!,
    }
  })
  return { ...numbers, curve }
}
