// Room card: quant/sizing
// In:    equity, price, lot, a rule's parameters; bars.
// Out:   quantities in whole lots, average true range.
// Holds: rounded towards 0, so that no rule is exceeded.
// Costs: microseconds, at once.
import { callNow, first, taken, type Series } from './call.js'
import { fromColumns } from './matrix.js'

/** What is traded, and the limits that every rule keeps. */
export interface SizingAccount {
  /** Worth of the account, currency. */
  readonly equity: number
  /** Price of a unit, currency. */
  readonly price: number
  /** Smallest step of the quantity (default 1). */
  readonly lot?: number
  /** Largest notional over equity (default 1). */
  readonly leverageMax?: number
}

/** How much to hold. */
export type SizingRule =
  /** A share of the equity. */
  | { readonly rule: 'fixedFraction'; readonly fraction: number }
  /** `risk` of the equity is lost when the price moves by `stopAtr` average true ranges. */
  | { readonly rule: 'percentRisk'; readonly risk: number; readonly averageTrueRange: number; readonly stopAtr: number }
  /** The position's volatility on the whole equity; both for the same period. */
  | { readonly rule: 'volatilityScaled'; readonly volatility: number; readonly targetVolatility: number }
  /** A share of (b p - q) / b; nothing where the bet is unfavourable. */
  | { readonly rule: 'kelly'; readonly winProbability: number; readonly payoff: number; readonly share: number }

/** A position's size. */
export interface Size {
  /** Units, a whole number of lots. */
  readonly quantity: number
  /** Quantity times price. */
  readonly notional: number
  /** True where `leverageMax` bound. */
  readonly capped: boolean
}

/**
 * The quantity that a rule allows.
 * @throws FafnirError QUANT_OUT_OF_RANGE (what, value, low, high), QUANT_UNDEFINED
 * @example size({ equity: 100_000, price: 50 }, { rule: 'percentRisk', risk: 0.01, averageTrueRange: 1.5, stopAtr: 2 })
 */
export function size(account: SizingAccount, rule: SizingRule): Size {
  return callNow<Size>('size', { ...rule, account: { lot: 1, leverageMax: 1, ...account } }, []).numbers
}

/**
 * Quantities from weights on the equity (risk parity's, or any allocator's), each rounded towards 0 to its lot.
 * @throws FafnirError QUANT_RAGGED, QUANT_EMPTY, QUANT_NOT_FINITE, QUANT_OUT_OF_RANGE
 */
export function quantities(equity: number, weights: Series, prices: Series, lots: Series): Float64Array {
  return first(callNow<null>('quantities', { equity }, [weights, prices, lots]).arrays)
}

/** Bars, the oldest first. */
export interface Bars {
  readonly high: Series
  readonly low: Series
  readonly close: Series
}

/**
 * Wilder's average true range after the last bar.
 * @throws FafnirError QUANT_RAGGED, QUANT_TOO_FEW (fewer bars than the period), QUANT_OUT_OF_RANGE (high below low)
 */
export function averageTrueRange(bars: Bars, period = 14): number {
  const { high, low, close } = taken(bars)
  return callNow<number>('averageTrueRange', { period }, [fromColumns([high, low, close])]).numbers
}
