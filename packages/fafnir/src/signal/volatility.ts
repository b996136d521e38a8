// Room card: signal/volatility
// In:    twice the mid or trade price in ticks (bid + ask), with nanoseconds from any start.
// Out:   σ in price units per √second, five ways, three of them with interval and two with the size of the noise.
// Holds: what the engine computes: the same native code, the same bits.
// Costs: see `stream`.
import { Stream } from './stream.js'

/** σ with what is known about its error. */
export interface VolatilityEstimate {
  /** σ, price units per √second. */
  readonly sigma: number
  /** Standard error of σ, price units per √second, if σ was constant over the window. */
  readonly standardError: number
  /** Lower end of the 95 % interval of σ. */
  readonly low: number
  /** Upper end of it. */
  readonly high: number
  /** Standard deviation of the noise of one observation, price units; 0 where none is taken into account. */
  readonly noise: number
  /** Observations it rests on. */
  readonly samples: number
}

/** What the volatilities share. */
abstract class Volatility {
  readonly #stream: Stream

  protected constructor(params: Readonly<Record<string, unknown>>) {
    this.#stream = new Stream(params)
  }

  /**
   * Takes one observation: nanoseconds from any start, and bid + ask in ticks (or twice a trade's price).
   * @returns σ after it, price units per √second; undefined while there is none.
   * @throws FafnirError ARGUMENT_INVALID when one is no safe integer, or the time is negative.
   */
  update(timeNs: number, priceHalfTicks: number): number | undefined {
    return this.#stream.push(timeNs, priceHalfTicks)
  }

  /**
   * Takes one observation a row; `sigmas`, when given, takes σ after each (NaN while there is none).
   * @returns how many the signal took: not those its sampling rule skips or its range refuses.
   * @throws FafnirError ARGUMENT_INVALID with `row` for the first bad one; those before it were taken.
   */
  updateMany(timesNs: Float64Array, pricesHalfTicks: Float64Array, sigmas?: Float64Array): number {
    return this.#stream.columns([timesNs, pricesHalfTicks], sigmas)
  }

  /** The native state; for subclasses. */
  protected state<State>(): State {
    return this.#stream.state<State>()
  }

  protected forget(): void {
    this.#stream.reset()
  }
}

/** The same with an interval. */
abstract class EstimatedVolatility extends Volatility {
  /** σ with its standard error and 95 % interval; undefined while there is none. */
  estimate(): VolatilityEstimate | undefined {
    return this.state<VolatilityEstimate | null>() ?? undefined
  }
}

/** Parameters of `RollingVolatility`. */
export interface RollingVolatilityOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Mids in the window, 2 to 65536. */
  readonly window: number
  /** What counts as a sample; default `changedMid`. */
  readonly sample?: 'changedMid' | 'everyUpdate' | 'fixedClock'
  /** Milliseconds between samples of `fixedClock`; default 100. */
  readonly clockMillis?: number
}

/** σ = √(Σ Δmid² / seconds) over the last mids: the σ the native quoter uses. */
export class RollingVolatility extends Volatility {
  constructor(options: RollingVolatilityOptions) {
    super({ kind: 'rolling', sample: 'changedMid', clockMillis: 100, ...options })
  }
  /** Forgets every mid. */
  reset(): void {
    this.forget()
  }
}

/** Parameters of `EwmaVolatility`. */
export interface EwmaVolatilityOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Age at which a moment weighs half, seconds, 10^-6 to a year. */
  readonly halfLifeSeconds: number
}

/** Exponentially weighted σ by elapsed time, at irregular times (RiskMetrics 1996, without a start value). */
export class EwmaVolatility extends EstimatedVolatility {
  constructor(options: EwmaVolatilityOptions) {
    super({ kind: 'ewma', ...options })
  }
  /** Forgets everything. */
  reset(): void {
    this.forget()
  }
}

/** Parameters of `RealisedVolatility`. */
export interface RealisedVolatilityOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Length of the window, nanoseconds. */
  readonly windowNanos: number
  /** Mids the window has room for, 2 to 2^20; beyond it the oldest leave early. */
  readonly eventsMax: number
}

/** Realised σ over a window of time; its error from Σ Δ⁴ (Barndorff-Nielsen, Shephard 2002). */
export class RealisedVolatility extends EstimatedVolatility {
  constructor(options: RealisedVolatilityOptions) {
    super({ kind: 'realised', ...options })
  }
}

/** Parameters of `TwoScalesVolatility`. */
export interface TwoScalesVolatilityOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Observations in the window, at least 4·(subgrids + 1), at most 2^20. */
  readonly window: number
  /** K, 2 to 1024; least error near (12·η⁴)^(1/3) for noise of η true steps. */
  readonly subgrids: number
}

/** Two-scales σ against bid-ask bounce (Zhang, Mykland, Aït-Sahalia 2005), with the small-sample factor. */
export class TwoScalesVolatility extends EstimatedVolatility {
  constructor(options: TwoScalesVolatilityOptions) {
    super({ kind: 'twoScales', ...options })
  }
  /** Forgets every observation. */
  reset(): void {
    this.forget()
  }
}

/** Parameters of `PreAveragedVolatility`. */
export interface PreAveragedVolatilityOptions {
  /** Price of one tick. */
  readonly tickPrice: number
  /** Observations in the window, at least 8·halfSpan, at most 2^20. */
  readonly window: number
  /** h, 2 to 512; least error near 2.4·η for noise of η true steps. */
  readonly halfSpan: number
}

/** Pre-averaged σ against bid-ask bounce (Jacod, Li, Mykland, Podolskij, Vetter 2009): near the best there is. */
export class PreAveragedVolatility extends EstimatedVolatility {
  constructor(options: PreAveragedVolatilityOptions) {
    super({ kind: 'preAveraged', ...options })
  }
  /** Forgets every observation. */
  reset(): void {
    this.forget()
  }
}
