// Room card: strategy/snap
// In:    a model's bid and ask in ticks, as floats; the instrument's order increments; the touch.
// Out:   whole ticks on the increment: bid down, ask up, neither crossing the touch, bid below ask.
// Holds: the rules and tolerances of crates/quote/src/grid.rs; a model that gives no price there gives no quote.
// Costs: a dozen float operations; no allocation.
import type { PriceIncrement } from '../units.js'

const TICKS_MAX = 2 ** 46
const TOLERANCE_TICKS = 1e-9
const TOLERANCE_RELATIVE = 2 ** -50

/** The touch as far as snapping needs it; a missing side has quantity 0. */
export interface SnapTouch {
  readonly bid: number
  readonly ask: number
  readonly bidLots: number
  readonly askLots: number
}

/**
 * Rounds a model's quotes onto the order increment, outward. Writes bid and ask to `out[0]` and `out[1]`.
 * @returns false when there is no such price (NaN, zero, negative, beyond 2^46 ticks, bid above ask): quote nothing.
 */
export function snapOutward(
  bidTicks: number,
  askTicks: number,
  increments: readonly PriceIncrement[],
  touch: SnapTouch,
  out: Float64Array,
): boolean {
  // Written so that NaN fails each comparison.
  if (!(bidTicks > 0 && askTicks <= TICKS_MAX && bidTicks <= askTicks)) return false
  let bid = floorTicks(bidTicks)
  let ask = ceilTicks(askTicks)
  if (touch.askLots > 0) bid = Math.min(bid, touch.ask - 1)
  if (touch.bidLots > 0) ask = Math.max(ask, touch.bid + 1)
  bid = incrementAtOrBelow(increments, bid)
  ask = incrementAtOrAbove(increments, ask)
  if (bid >= ask) {
    bid = incrementAtOrBelow(increments, bid - 1)
    ask = incrementAtOrAbove(increments, ask + 1)
  }
  if (bid <= 0 || bid >= ask) return false
  out[0] = bid
  out[1] = ask
  return true
}

function floorTicks(ticks: number): number {
  const whole = Math.trunc(ticks)
  return ticks - whole >= 1 - tolerance(ticks) ? whole + 1 : whole
}

function ceilTicks(ticks: number): number {
  const whole = Math.trunc(ticks)
  return ticks - whole > tolerance(ticks) ? whole + 1 : whole
}

function tolerance(ticks: number): number {
  const relative = ticks * TOLERANCE_RELATIVE
  return relative > TOLERANCE_TICKS ? relative : TOLERANCE_TICKS
}

function stepAt(increments: readonly PriceIncrement[], price: number): number {
  let step = increments[0]!.step
  for (let i = 1; i < increments.length; i += 1) {
    if (price < increments[i]!.from) break
    step = increments[i]!.step
  }
  return step
}

function remainder(price: number, step: number): number {
  const left = price % step
  return left < 0 ? left + step : left
}

/** Highest order price at or below a price, ticks. */
export function incrementAtOrBelow(increments: readonly PriceIncrement[], price: number): number {
  const step = stepAt(increments, price)
  return step === 1 ? price : price - remainder(price, step)
}

/** Lowest order price at or above a price, ticks: the next multiple of the step, or where the next step starts. */
export function incrementAtOrAbove(increments: readonly PriceIncrement[], price: number): number {
  const step = stepAt(increments, price)
  if (step === 1) return price
  const over = remainder(price, step)
  if (over === 0) return price
  const multiple = price + step - over
  for (const { from } of increments) {
    if (from > price) return Math.min(from, multiple)
  }
  return multiple
}
