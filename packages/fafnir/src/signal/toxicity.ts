// Room card: signal/toxicity
// In:    aggressors and volumes of trades; counts of buys and sells by day.
// Out:   VPIN, trade-cluster PIN, PIN by maximum likelihood.
// Holds: an estimate that is not defined throws its code: SIGNAL_TOO_FEW, SIGNAL_ONE_SIDED, SIGNAL_NOT_CONVERGED.
// Costs: see `stream`; `fitPin` some milliseconds for a quarter of days.
import { guarded, native } from '../native.js'
import { Stream, sideNumber, type SignalSide } from './stream.js'

/** Parameters of `Vpin`. */
export interface VpinOptions {
  /** Volume of a bucket, lots; the paper takes a fiftieth of the mean daily volume. */
  readonly bucketLots: number
  /** Full buckets in the window, 1 to 4096; the paper takes 50. */
  readonly buckets: number
}

/** State of `Vpin`. */
export interface VpinState {
  /** Σ |buys - sells| / (n·V), 0 to 1; null until the window is full. */
  readonly value: number | null
  readonly buckets: number
  readonly rejected: number
}

/** VPIN (Easley, López de Prado, O'Hara 2012) with the aggressors the feed tells. */
export class Vpin {
  readonly #stream: Stream
  constructor(options: VpinOptions) {
    this.#stream = new Stream({ kind: 'vpin', ...options })
  }
  /** Takes a trade; VPIN after it, undefined until the window of buckets is full. */
  update(aggressor: SignalSide, lots: number): number | undefined {
    return this.#stream.push(sideNumber(aggressor), lots)
  }
  /** One trade a row, aggressors as 1 and 2; `values` takes VPIN after each. */
  updateMany(aggressors: Float64Array, lots: Float64Array, values?: Float64Array): number {
    return this.#stream.columns([aggressors, lots], values)
  }
  /** The window now. */
  state(): VpinState {
    return this.#stream.state()
  }
}

/** Share of clustered trades. */
export interface ClusterEstimate {
  /** π̂ held to 0 and above. */
  readonly pin: number
  /** π̂ = 1 - (R - 1)·n/(2bs); negative when aggressors alternate more than chance would. */
  readonly persistence: number
  /** Standard deviations the number of clusters lies below that of independent trades. */
  readonly zScore: number
  readonly clusters: number
  readonly trades: number
}

/**
 * Trade-cluster PIN: the share of trades that continue the one before, from the runs of aggressors (Wald, Wolfowitz
 * 1940) in the last trades.
 */
export class TradeClusterPin {
  readonly #stream: Stream
  /** `trades`: the window, 10 to 2^20. */
  constructor(options: { readonly trades: number }) {
    this.#stream = new Stream({ kind: 'cluster', ...options })
  }
  /** Takes a trade; the estimate after it, undefined where `estimate` would throw. */
  update(aggressor: SignalSide): number | undefined {
    return this.#stream.push(sideNumber(aggressor))
  }
  /** One trade a row, aggressors as 1 and 2; `values` takes the estimate after each. */
  updateMany(aggressors: Float64Array, values?: Float64Array): number {
    return this.#stream.columns([aggressors], values)
  }
  /**
   * The estimate over the window.
   * @throws FafnirError SIGNAL_TOO_FEW below ten trades, SIGNAL_ONE_SIDED when all have one aggressor.
   */
  estimate(): ClusterEstimate {
    return this.#stream.state()
  }
}

/** Parameters of the model behind PIN. */
export interface PinParameters {
  /** α: share of days with private information. */
  readonly informedDays: number
  /** δ: share of those with bad news. */
  readonly badNews: number
  /** μ: informed trades on such a day. */
  readonly informedTrades: number
  /** ε_b: uninformed buys a day. */
  readonly uninformedBuys: number
  /** ε_s: uninformed sells a day. */
  readonly uninformedSells: number
}

/** A fitted PIN. */
export interface PinEstimate {
  /** αμ/(αμ + ε_b + ε_s). */
  readonly pin: number
  /** By the delta method; null when a parameter is on the edge of its range. */
  readonly standardError: number | null
  readonly parameters: PinParameters
  /** Standard errors of the parameters; null as above. */
  readonly errors: PinParameters | null
  readonly logLikelihood: number
  readonly days: number
}

/**
 * PIN of counts of buys and sells by day (Easley, Kiefer, O'Hara, Paperman 1996), by maximum likelihood in the
 * factorisation of Lin, Ke (2011) and Yan, Zhang (2012).
 * @throws FafnirError SIGNAL_TOO_FEW below ten days, SIGNAL_ONE_SIDED without buys or without sells,
 * SIGNAL_NOT_CONVERGED when the likelihood has no maximum the fit reaches.
 */
export function fitPin(buys: Float64Array, sells: Float64Array): PinEstimate {
  return JSON.parse(guarded(() => native().signalFitPin(buys, sells))) as PinEstimate
}
