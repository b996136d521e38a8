// Room card: signal/flow
// In:    touches, trades and our own fills, in ticks, lots and nanoseconds from any start.
// Out:   imbalances, price impact, trade intensity by depth, mark-outs.
// Holds: prices and quantities are whole ticks and lots; sides in columns are 1 (buy) and 2 (sell).
// Costs: see `stream`.
import { Stream, sideNumber, type SignalSide } from './stream.js'

/** A window of time. */
export interface WindowOptions {
  /** Length, nanoseconds. */
  readonly windowNanos: number
  /** Events it has room for, 2 to 2^20; beyond it the oldest leave early and are counted. */
  readonly eventsMax: number
}

/** State of `OrderFlowImbalance`. */
export interface OrderFlowState {
  /** Σ e over the window, lots. */
  readonly lots: number
  readonly events: number
  readonly dropped: number
  readonly rejected: number
}

/**
 * Order-flow imbalance of the touch, lots (Cont, Kukanov, Stoikov 2014, eq. 4): what comes to the best bid less what
 * comes to the best ask: new orders, cancels and trades alike.
 */
export class OrderFlowImbalance {
  readonly #stream: Stream
  constructor(options: WindowOptions) {
    this.#stream = new Stream({ kind: 'orderFlow', ...options })
  }
  /** Takes the touch after an update; a missing side has 0 lots. The imbalance of the window, lots. */
  update(timeNs: number, bidTicks: number, bidLots: number, askTicks: number, askLots: number): number {
    return this.#stream.push(timeNs, bidTicks, bidLots, askTicks, askLots) ?? 0
  }
  /** One touch a row; `values` takes the imbalance after each. */
  updateMany(
    timesNs: Float64Array,
    bidTicks: Float64Array,
    bidLots: Float64Array,
    askTicks: Float64Array,
    askLots: Float64Array,
    values?: Float64Array,
  ): number {
    return this.#stream.columns([timesNs, bidTicks, bidLots, askTicks, askLots], values)
  }
  /** The window now. */
  state(): OrderFlowState {
    return this.#stream.state()
  }
  /** The next touch has none before it: after a gap of the feed. */
  forgetTouch(): void {
    this.#stream.reset()
  }
}

/** State of `TradeFlowImbalance`. */
export interface TradeFlowState {
  /** (buys - sells)/(buys + sells), -1 to 1; null without a trade in the window. */
  readonly value: number | null
  readonly buyLots: number
  readonly sellLots: number
  readonly trades: number
  readonly dropped: number
  readonly rejected: number
}

/** (buys - sells)/(buys + sells) of the volume that aggressors traded in the window, -1 to 1. */
export class TradeFlowImbalance {
  readonly #stream: Stream
  constructor(options: WindowOptions) {
    this.#stream = new Stream({ kind: 'tradeFlow', ...options })
  }
  /** Takes a trade; the imbalance after it, undefined while the window has none. */
  update(timeNs: number, aggressor: SignalSide, lots: number): number | undefined {
    return this.#stream.push(timeNs, sideNumber(aggressor), lots)
  }
  /** One trade a row, aggressors as 1 and 2; `values` takes the imbalance after each. */
  updateMany(timesNs: Float64Array, aggressors: Float64Array, lots: Float64Array, values?: Float64Array): number {
    return this.#stream.columns([timesNs, aggressors, lots], values)
  }
  /** The window now. */
  state(): TradeFlowState {
    return this.#stream.state()
  }
}

/** Price impact over the window. */
export interface KyleEstimate {
  /** λ = cov(Δmid, signed lots)/var(signed lots), price units per lot. */
  readonly lambda: number
  /** Its standard error by least squares, price units per lot. */
  readonly standardError: number
  /** Sample covariance (n - 1), price·lots. */
  readonly covariance: number
  /** Sample variance of the signed lots (n - 1), lots². */
  readonly variance: number
  readonly intervals: number
}

/** Parameters of `KyleLambda`. */
export interface KyleLambdaOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Length of an interval, nanoseconds. */
  readonly intervalNanos: number
  /** Intervals in the window, 3 to 65536. */
  readonly window: number
}

/** Kyle's λ (1985): how far the mid gives way per lot that aggressors trade net, by regression over intervals. */
export class KyleLambda {
  readonly #stream: Stream
  constructor(options: KyleLambdaOptions) {
    this.#stream = new Stream({ kind: 'kyle', ...options })
  }
  /** Takes a trade; λ after it, price units per lot, once two intervals with different volume have ended. */
  onTrade(timeNs: number, aggressor: SignalSide, lots: number): number | undefined {
    return this.#stream.push(timeNs, sideNumber(aggressor), lots)
  }
  /** Takes a mid as bid + ask in ticks; λ after it. */
  onMid(timeNs: number, midHalfTicks: number): number | undefined {
    return this.#stream.push(timeNs, 0, midHalfTicks)
  }
  /** One event a row: kind 0 with the mid, 1 or 2 (aggressor) with the lots; `values` takes λ after each. */
  updateMany(timesNs: Float64Array, kinds: Float64Array, amounts: Float64Array, values?: Float64Array): number {
    return this.#stream.columns([timesNs, kinds, amounts], values)
  }
  /** λ with its error; undefined while there is none. */
  estimate(): KyleEstimate | undefined {
    return this.#stream.state<KyleEstimate | null>() ?? undefined
  }
}

/** Parameters of `TradeIntensity`. */
export interface TradeIntensityOptions extends WindowOptions {
  /** Deepest depth told apart, half ticks, 1 to 8191. */
  readonly depthHalfTicksMax: number
}

/** Counts by depth. */
export interface TradeIntensityState {
  /** Seconds observed, at most the window. */
  readonly seconds: number
  /** Trades of buyers by depth in half ticks from the mid; the last with all beyond. */
  readonly buys: readonly number[]
  /** Trades of sellers. */
  readonly sells: readonly number[]
  /** Trades refused because they lay on the other side of the mid. */
  readonly inside: number
  readonly dropped: number
}

/** Arrival rate of trades by the depth they reach from the mid: what A and κ are fitted to. */
export class TradeIntensity {
  readonly #stream: Stream
  constructor(options: TradeIntensityOptions) {
    this.#stream = new Stream({ kind: 'intensity', ...options })
  }
  /** Takes a trade with the mid just before it (bid + ask in ticks). */
  update(timeNs: number, aggressor: SignalSide, priceTicks: number, midHalfTicks: number): void {
    this.#stream.push(timeNs, sideNumber(aggressor), priceTicks, midHalfTicks)
  }
  /** Tells that time passed without a trade. */
  advance(timeNs: number): void {
    this.#stream.push(timeNs, 0)
  }
  /** One trade a row. */
  updateMany(
    timesNs: Float64Array,
    aggressors: Float64Array,
    pricesTicks: Float64Array,
    midsHalfTicks: Float64Array,
  ): number {
    return this.#stream.columns([timesNs, aggressors, pricesTicks, midsHalfTicks], undefined)
  }
  /** Trades a second of `aggressor` that reach at least the depth; undefined before any time was observed. */
  ratePerSecond(aggressor: SignalSide, depthHalfTicks: number): number | undefined {
    const { seconds, buys, sells } = this.state()
    const reached = (aggressor === 'buy' ? buys : sells).slice(depthHalfTicks).reduce((sum, count) => sum + count, 0)
    return seconds > 0 ? reached / seconds : undefined
  }
  /** The counts now. */
  state(): TradeIntensityState {
    return this.#stream.state()
  }
}

/** Parameters of `MarkOuts`. */
export interface MarkOutsOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Quantity of one lot times the contract multiplier. */
  readonly lotValue: number
  /** Default `linear`. */
  readonly contract?: 'linear' | 'inverse'
  /** Ascending, at most 8; default 1, 10 and 60 seconds. */
  readonly horizonsNanos?: readonly number[]
  /** Fills that may wait, 1 to 65536; default 4096. Beyond it the oldest gives up, counted. */
  readonly pendingFillsMax?: number
}

/** Mark-outs of one side at one horizon. */
export interface MarkOutRow {
  readonly horizonNanos: number
  /** Our side. */
  readonly side: SignalSide
  readonly fills: number
  readonly lots: number
  /** Sum, money of the settlement currency; positive when the mid moved our way. */
  readonly money: number
  /** Mean per lot, ticks; null before a fill settled. */
  readonly ticksPerLot: number | null
  /** Mean per lot, money. */
  readonly moneyPerLot: number | null
}

/** All of them. */
export interface MarkOutsState {
  readonly rows: readonly MarkOutRow[]
  /** Fills that wait for their last horizon. */
  readonly pending: number
  /** Fill-horizons given up: no room, or no mid was known. */
  readonly dropped: number
  readonly rejected: number
}

/** What the mid did after our fills, at each horizon: adverse selection, measured. */
export class MarkOuts {
  readonly #stream: Stream
  constructor(options: MarkOutsOptions) {
    const { contract = 'linear', horizonsNanos = [1e9, 1e10, 6e10], pendingFillsMax = 4096, ...rest } = options
    this.#stream = new Stream({
      kind: 'markOuts',
      ...rest,
      inverse: contract === 'inverse',
      horizonsNanos,
      pendingFillsMax,
    })
  }
  /** Takes a fill of ours. */
  onFill(timeNs: number, side: SignalSide, priceTicks: number, lots: number): void {
    this.#stream.push(timeNs, sideNumber(side), priceTicks, lots)
  }
  /** Takes a mid as bid + ask in ticks; settles what was due before it. */
  onMid(timeNs: number, midHalfTicks: number): void {
    this.#stream.push(timeNs, 0, midHalfTicks)
  }
  /** One event a row: kind 0 with the mid (lots unused), 1 or 2 (our side) with price in ticks and lots. */
  updateMany(timesNs: Float64Array, kinds: Float64Array, prices: Float64Array, lots: Float64Array): number {
    return this.#stream.columns([timesNs, kinds, prices, lots], undefined)
  }
  /** The results so far. */
  state(): MarkOutsState {
    return this.#stream.state()
  }
}
