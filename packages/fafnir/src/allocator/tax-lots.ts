// Room card: allocator/tax-lots
// In:    purchases with date and price; sales; today's prices.
// Out:   which purchases a sale uses up (highest price first), the gain it realises, losses worth taking, symbols that
//        may not be bought because of a loss taken within the wash window.
// Holds: quantities of purchases add up to the position exactly; quantities are whole lots.
// Costs: cold path; O(purchases · log).
import { quantityLots } from '../units.js'
import * as check from './checks.js'

/** One purchase. */
export interface TaxLot {
  readonly symbol: string
  /** Quantity still held, decimal text. */
  readonly quantity: string
  /** Price paid for a unit, decimal text. */
  readonly price: string
  /** Day of the purchase, YYYY-MM-DD. */
  readonly date: string
}

/** A sale at a loss. */
export interface LossSale {
  readonly symbol: string
  readonly date: string
}

/** A purchase in whole lots; `id` is its place in the list it came from. */
export interface OpenLot {
  readonly id: number
  readonly symbol: string
  readonly lots: bigint
  readonly price: string
  readonly date: string
}

/** Days before and after a sale at a loss in which a purchase of the same would undo it (26 U.S.C. § 1091). */
export const WASH_DAYS: number = 30
const LOTS_MAX = 100_000

interface Sized {
  readonly symbol: string
  readonly lotSize: string
}

interface TaxHoldings {
  readonly taxLots?: readonly TaxLot[] | undefined
  readonly lossSales?: readonly LossSale[] | undefined
}

/** The purchases in whole lots, checked against the positions. @throws FafnirError ALLOCATION_INVALID, OFF_GRID */
export function lotsOf(
  holdings: TaxHoldings,
  instruments: readonly Sized[],
  positions: readonly bigint[],
): readonly OpenLot[] {
  const index = new Map(instruments.map((item, i) => [item.symbol, i]))
  const found = check.list('holdings.taxLots', holdings.taxLots ?? [], LOTS_MAX).map((item, id): OpenLot => {
    const path = `holdings.taxLots[${id}]`
    const fields = check.object(
      path,
      item,
      ['symbol', 'quantity', 'price', 'date'],
      ['symbol', 'quantity', 'price', 'date'],
    )
    const symbol = check.text(`${path}.symbol`, fields['symbol'])
    const at = index.get(symbol)
    if (at === undefined) throw check.invalid(`${path}.symbol`, symbol, 'a symbol among the instruments')
    const quantity = check.decimalText(`${path}.quantity`, fields['quantity'], 'positive')
    const price = check.decimalText(`${path}.price`, fields['price'], 'positive')
    const day = check.date(`${path}.date`, fields['date'])
    return { id, symbol, lots: BigInt(quantityLots(instruments[at]!, quantity)), price, date: day }
  })
  for (const symbol of new Set(found.map((lot) => lot.symbol))) {
    const sum = found.filter((lot) => lot.symbol === symbol).reduce((total, lot) => total + lot.lots, 0n)
    const held = positions[index.get(symbol)!]!
    if (sum !== held) {
      throw check.invalid(
        `holdings.taxLots`,
        `${sum} lots of ${symbol}`,
        `purchases that add up to the position, ${held} lots`,
      )
    }
  }
  for (const [i, sale] of check.list('holdings.lossSales', holdings.lossSales ?? [], LOTS_MAX).entries()) {
    const fields = check.object(`holdings.lossSales[${i}]`, sale, ['symbol', 'date'], ['symbol', 'date'])
    check.text(`holdings.lossSales[${i}].symbol`, fields['symbol'])
    check.date(`holdings.lossSales[${i}].date`, fields['date'])
  }
  return found
}

/** Symbols that a purchase today would undo a loss of. */
export function washedSymbols(sales: readonly LossSale[], today: string): ReadonlySet<string> {
  const near = sales.filter(({ date }) => {
    const days = check.daysBetween(date, today)
    return days >= 0 && days <= WASH_DAYS
  })
  return new Set(near.map(({ symbol }) => symbol))
}

/** Compares decimal prices exactly. */
function comparePrices(a: string, b: string): number {
  const scale = Math.max(check.decimalsOf(a), check.decimalsOf(b))
  const difference = check.units(a, scale) - check.units(b, scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Which purchases a sale uses up, highest price first; among equals the oldest. */
export function highestFirst(
  lots: readonly OpenLot[],
  symbol: string,
  sold: bigint,
): readonly { lot: OpenLot; lots: bigint }[] {
  const order = lots
    .filter((lot) => lot.symbol === symbol && lot.lots > 0n)
    .sort((a, b) => comparePrices(b.price, a.price) || a.date.localeCompare(b.date) || a.id - b.id)
  const used: { lot: OpenLot; lots: bigint }[] = []
  let left = sold
  for (const lot of order) {
    if (left === 0n) break
    const part = lot.lots < left ? lot.lots : left
    used.push({ lot, lots: part })
    left -= part
  }
  return used
}

/** A purchase whose loss is worth taking today. */
export interface HarvestLot {
  readonly lot: OpenLot
  /** Loss of the whole purchase, positive, in units of money of the caller. */
  readonly loss: bigint
}

/**
 * Purchases with a loss of at least `minLoss`. None of a symbol that was bought within the wash window and whose recent
 * purchases would stay: the loss would not count.
 * @param lossOf loss of a purchase at today's price, in units of money; below 0 for a gain.
 */
export function harvestable(
  lots: readonly OpenLot[],
  today: string,
  minLoss: bigint,
  lossOf: (lot: OpenLot) => bigint,
): readonly HarvestLot[] {
  const wanted = lots.map((lot) => ({ lot, loss: lossOf(lot) })).filter(({ loss }) => loss > 0n && loss >= minLoss)
  const chosen = new Set(wanted.map(({ lot }) => lot.id))
  return wanted.filter(({ lot }) => {
    const recent = lots.filter(
      (other) => other.symbol === lot.symbol && Math.abs(check.daysBetween(other.date, today)) <= WASH_DAYS,
    )
    return recent.every((other) => chosen.has(other.id))
  })
}
