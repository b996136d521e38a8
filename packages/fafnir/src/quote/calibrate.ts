// Room card: quote/calibrate
// In:    depths of market orders, our own fills by distance, or a recording.
// Out:   A and κ of λ(δ) = A·e^(-κδ) with standard errors, 95 % intervals and goodness of fit; σ of a recording.
// Holds: what has no estimate is CALIBRATION_REFUSED with its reason; the prior of own fills is kept, and said so.
// Costs: cold path; native.
import { abortable } from '../backtest/backtest.js'
import { fail } from '../errors.js'
import type { BacktestConfig } from '../generated/config.js'
import { guarded, native } from '../native.js'
import { numbersJson } from './models.js'

/** An estimate with its 95 % interval (profile likelihood); an end beyond a number is null. */
export interface FitInterval {
  readonly value: number
  readonly standardError: number
  readonly low: number | null
  readonly high: number | null
}

/** A and κ. */
export interface IntensityFit {
  /** A, 1/second: orders that would reach a quote at the mid. */
  readonly arrivalsPerSecond: FitInterval
  /** κ, 1/price. */
  readonly decayPerPrice: FitInterval
  /** Correlation of the errors of ln A and κ. */
  readonly correlation: number
  /** Orders that went in. */
  readonly orders: number
  /** Seconds watched. */
  readonly seconds: number
}

/** Depths of one side's market orders. */
export interface DepthsInput {
  /** How far from the mid each order reached, price. On a grid: the farthest level it traded at. */
  readonly depthsPrice: readonly number[] | Float64Array
  /** Seconds watched. */
  readonly seconds: number
  /** Orders that did not reach so far are left out; the likelihood allows for it. Default 0. */
  readonly nearestPrice?: number
  /**
   * Step of the price grid when depths are levels of one. `nearestPrice` must be a level, too: with a spread of one
   * tick half a tick, not zero and not a whole one.
   */
  readonly tickPrice?: number
}

/**
 * A and κ of the market's trades on one side, by maximum likelihood of the exceedance of depth.
 * @throws FafnirError CALIBRATION_REFUSED (`reason`: tooFew, noTime, oneDepth, decayNotPositive);
 * PARAMETER_OUT_OF_RANGE
 */
export function calibrateDepths(input: DepthsInput): IntensityFit & { readonly ordersLeftOut: number } {
  const { seconds, nearestPrice = 0, tickPrice = null } = input
  const json = numbersJson({ seconds, nearestPrice, tickPrice })
  return JSON.parse(
    guarded(() => native().fitMarketDepths(Float64Array.from(input.depthsPrice), json)),
  ) as IntensityFit & {
    readonly ordersLeftOut: number
  }
}

/** Our own quotes of one side. */
export interface OwnFillsInput {
  /** Price of one tick. */
  readonly tickPrice: number
  /** A row for each distance: half ticks from the mid, seconds quoted there, fills. */
  readonly rows: readonly {
    readonly distanceHalfTicks: number
    readonly seconds: number
    readonly fills: number
  }[]
  /** What is believed beforehand; it joins as pseudo-fills around `distancePrice`. */
  readonly prior: {
    readonly arrivalsPerSecond: number
    readonly decayPerPrice: number
    /** Pseudo-fills. Default 5. */
    readonly fills?: number
    /** Price. */
    readonly distancePrice: number
  }
}

/** A and κ of our own fills. */
export interface OwnFillsFit extends IntensityFit {
  /** Why the prior stands; null where the sample was listened to. */
  readonly priorKept: { readonly reason: string; readonly message: string } | null
  /** (κ0 / standard error of κ)² of the sample without the prior; below 16 the prior stands. */
  readonly information: number
  readonly fills: number
  readonly quotedSeconds: number
  readonly fillsLeftOut: number
  readonly secondsLeftOut: number
}

/**
 * A and κ of our own fills, by the censored likelihood with a prior. Where all quotes stood at nearly the same distance
 * the fills say nothing about κ, and the prior is kept.
 * @throws FafnirError PARAMETER_OUT_OF_RANGE
 */
export function calibrateFills(input: OwnFillsInput): OwnFillsFit {
  const { tickPrice, prior, rows } = input
  const json = numbersJson({ fills: 5, ...prior, tickPrice })
  for (const { distanceHalfTicks } of rows) {
    if (Number.isSafeInteger(distanceHalfTicks)) continue
    const fields = { name: 'distanceHalfTicks', value: String(distanceHalfTicks) }
    throw fail('PARAMETER_OUT_OF_RANGE', 'a distance is no whole number of half ticks', fields)
  }
  const column = (pick: (row: OwnFillsInput['rows'][number]) => number): Float64Array => Float64Array.from(rows, pick)
  const [distances, seconds, fills] = [
    column((row) => row.distanceHalfTicks),
    column((row) => row.seconds),
    column((row) => row.fills),
  ]
  return JSON.parse(guarded(() => native().fitOwnFills(distances, seconds, fills, json))) as OwnFillsFit
}

/** Why there is no estimate. */
export interface CalibrationRefusal {
  readonly code: 'CALIBRATION_REFUSED' | 'PARAMETER_OUT_OF_RANGE'
  readonly reason: string
  readonly message: string
}

/** A measured intensity. */
export interface IntensityPoint {
  /** δ, price. */
  readonly depthPrice: number
  /** Orders a second that reached at least δ. */
  readonly perSecond: number
  readonly standardError: number
  /** Orders that ended at this level. */
  readonly orders: number
}

/** What a recording says about one side. */
export interface CalibrationSide {
  /** Market orders that count (prints of one order are one). */
  readonly orders: number
  readonly prints: number
  readonly seconds: number
  /** Maximum likelihood; null with the reason in `refusal`. */
  readonly fit: {
    readonly arrivalsPerSecond: FitInterval
    readonly decayPerPrice: FitInterval
    readonly correlation: number
    /** Pearson's χ² of the counts by level; null with too few levels. */
    readonly goodness: {
      readonly chiSquare: number
      readonly degreesOfFreedom: number
      readonly pValue: number
    } | null
  } | null
  readonly refusal: CalibrationRefusal | null
  /** Least squares on ln λ; null with the reason in `lineRefusal`. */
  readonly line: {
    readonly arrivalsPerSecond: number
    readonly decayPerPrice: number
    readonly rSquared: number
    readonly levels: number
  } | null
  readonly lineRefusal: CalibrationRefusal | null
  readonly points: readonly IntensityPoint[]
  readonly ordersLeftOut: number
  readonly ordersCut: number
  readonly secondsLeftOut: number
}

/** What a recording says about σ, A and κ. */
export interface RecordingCalibration {
  readonly symbol: string
  readonly tickPrice: number
  readonly seconds: number
  readonly lines: number
  readonly changedMids: number
  /** σ, price per √second. */
  readonly volatility: {
    /** Over all of it, from every change of the mid. */
    readonly realised: number | null
    /** As the quoter would have seen it: at the end, and the 5th, 50th and 95th percentile over time. */
    readonly rolling: {
      readonly window: number
      readonly last: number | null
      readonly low: number | null
      readonly median: number | null
      readonly high: number | null
      readonly notes: number
    }
    /** Against bid-ask bounce, over the last changes of the mid. */
    readonly preAveraged: {
      readonly value: number
      readonly standardError: number
      readonly low: number
      readonly high: number
      readonly noise: number
      readonly mids: number
    } | null
  }
  /** Orders that fill a bid. */
  readonly bid: CalibrationSide
  /** Orders that fill an ask. */
  readonly ask: CalibrationSide
  readonly leftOut: {
    readonly garbageLines: number
    readonly unreadableMessages: number
    readonly otherMessages: number
    readonly gaps: number
    readonly gapSeconds: number
    readonly secondsWithoutTouch: number
    readonly printsWithoutMid: number
  }
}

/** How a recording is calibrated. */
export interface CalibrateOptions {
  /** Orders nearer to the mid than so many half ticks are left out of A and κ. Default 0. */
  readonly nearestHalfTicks?: number | undefined
  /** Levels kept, half ticks, 4 to 4096; orders beyond count as having reached the last. Default 4096. */
  readonly levels?: number | undefined
  /** Stops it; it then fails with ABORTED. */
  readonly signal?: AbortSignal | undefined
  /** Called some ten times a second with 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/**
 * σ, A and κ of the recording that is the only source of a configuration.
 * @throws FafnirError CONFIG_INVALID, ARGUMENT_INVALID, PARAMETER_OUT_OF_RANGE, RECORDING_MISSING, RECORDING_TRUNCATED,
 * RECORDING_FORMAT, ABORTED
 */
export async function calibrateRecording(
  config: BacktestConfig,
  options: CalibrateOptions = {},
): Promise<RecordingCalibration> {
  const { nearestHalfTicks, levels } = options
  const json = numbersJson({ nearestHalfTicks, levels })
  const abort = guarded(() => new (native().AbortHandle)())
  const text = await abortable(options.signal, abort, () =>
    native().calibrateRecording(JSON.stringify(config), json, options.onProgress ?? null, abort),
  )
  return JSON.parse(text) as RecordingCalibration
}
