// Room card: signal/fair
// In:    a touch, levels, or a sample of touches.
// Out:   queue imbalance, weighted mid, VAMP, micro-price; prices in ticks.
// Holds: undefined where a side is missing or the sides cross; the micro-price is fitted once, then looked up.
// Costs: the touch's own are JavaScript, a nanosecond or two; the rest a native call.
import { guarded, native, type SignalMicroPriceNative } from '../native.js'
import { present } from './stream.js'

/** Best bid and ask with their quantities; 0 lots where a side is missing. */
export interface SignalTouch {
  readonly bidTicks: number
  readonly bidLots: number
  readonly askTicks: number
  readonly askLots: number
}

function isTwoSided(touch: SignalTouch): boolean {
  return touch.bidLots > 0 && touch.askLots > 0 && touch.bidTicks < touch.askTicks
}

/** (bid lots - ask lots)/(bid lots + ask lots), -1 to 1 (Gould, Bonart 2016). */
export function queueImbalance(touch: SignalTouch): number | undefined {
  return isTwoSided(touch) ? (touch.bidLots - touch.askLots) / (touch.bidLots + touch.askLots) : undefined
}

/** The mid that leans to the ask when the bid is the heavier side, ticks. */
export function weightedMidTicks(touch: SignalTouch): number | undefined {
  if (!isTwoSided(touch)) return undefined
  const share = touch.bidLots / (touch.bidLots + touch.askLots)
  return touch.bidTicks + (touch.askTicks - touch.bidTicks) * share
}

/**
 * Volume adjusted mid price Σ (Pb·Qa + Pa·Qb)/Σ (Qa + Qb) over the best `levels` of both sides, ticks.
 * Sides as price and lots alternating, best first.
 */
export function vampTicks(bids: Float64Array, asks: Float64Array, levels: number): number | undefined {
  return present(guarded(() => native().signalVamp(bids, asks, levels)))
}

/** The middle of the average prices at which `lots` could be sold and bought now, ticks. */
export function vampToQuantityTicks(bids: Float64Array, asks: Float64Array, lots: number): number | undefined {
  return present(guarded(() => native().signalVampToQuantity(bids, asks, lots)))
}

/** Parameters of `MicroPrice`. */
export interface MicroPriceOptions {
  /** Equal buckets of bid lots/(bid lots + ask lots), 2 to 20. */
  readonly imbalanceBuckets: number
  /** Spreads from one tick to this many are states, 1 to 10. */
  readonly spreadTicksMax: number
  /** A larger change of the mid is no part of the fit, half ticks; default 20. */
  readonly jumpHalfTicksMax?: number
}

/** Micro-price (Stoikov 2018): where the mid is expected to settle, given imbalance and spread. */
export class MicroPrice {
  readonly #native: SignalMicroPriceNative
  private constructor(fitted: SignalMicroPriceNative) {
    this.#native = fitted
  }
  /**
   * Fits on touches in order: bid, bid lots, ask, ask lots, a row each, in one array.
   * @throws FafnirError SIGNAL_PARAMETER, SIGNAL_TOO_FEW without a change of the mid, SIGNAL_NOT_CONVERGED when from
   * some state the mid never changes: fewer buckets or more sample.
   */
  static fit(options: MicroPriceOptions, touches: Float64Array): MicroPrice {
    const { imbalanceBuckets, spreadTicksMax, jumpHalfTicksMax = 20 } = options
    const make = native().SignalMicroPrice
    return new MicroPrice(guarded(() => new make(imbalanceBuckets, spreadTicksMax, jumpHalfTicksMax, touches)))
  }
  /** The micro-price, ticks; undefined outside the fitted states. */
  priceTicks(touch: SignalTouch): number | undefined {
    const { bidTicks, bidLots, askTicks, askLots } = touch
    return present(guarded(() => this.#native.price(bidTicks, bidLots, askTicks, askLots)))
  }
  /**
   * What it adds to the mid, ticks, by spread, then by bucket; NaN where the sample never was. As an array, with 0
   * for NaN, it is the `adjustmentsTicks` of a native quoter's `fairValue: { kind: 'microPrice', … }`.
   */
  adjustmentsTicks(): Float64Array {
    return guarded(() => this.#native.adjustments())
  }
}
