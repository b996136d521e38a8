// Room card: engine/fees
// In:    an instrument, a fill.
// Out:   its fee by the instrument's rates, in the smallest unit of the settlement currency.
// Holds: the arithmetic of crates/types/src/instrument.rs: value, then fee, each rounded half away from zero once.
// Costs: decimal.js; once a fill that comes without a fee.
import { Decimal } from 'decimal.js'

import { fail } from '../errors.js'
import type { Instrument } from '../units.js'

// Prices and quantities have up to 18 digits each: their product must not lose any before it is rounded.
const Exact = Decimal.clone({ precision: 60, rounding: Decimal.ROUND_HALF_UP })

/** The fee of a fill; negative for a rebate. @throws FafnirError OVERFLOW beyond 2^53 units */
export function feeByRate(instrument: Instrument, priceTicks: number, lots: number, taker: boolean): number {
  const price = new Exact(instrument.tickSize).mul(priceTicks)
  const quantity = new Exact(instrument.lotSize).mul(lots).mul(instrument.multiplierText)
  const units = new Exact(10).pow(instrument.moneyScale)
  const value = instrument.contract === 'linear' ? price.mul(quantity) : quantity.div(price)
  const rate = taker ? instrument.takerFee : instrument.makerFee
  // ROUND_HALF_UP of decimal.js rounds half away from zero.
  const fee = value.mul(units).round().mul(rate).round().toNumber()
  if (!Number.isSafeInteger(fee)) throw fail('OVERFLOW', 'a fee does not fit', { priceTicks, lots })
  return fee
}
