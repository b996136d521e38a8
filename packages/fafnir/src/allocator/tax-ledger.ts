// Room card: allocator/tax-ledger
// In:    purchases, the lots a rebalance trades, today's prices.
// Out:   losses to take, gains that sales realise, the purchases that are left.
// Holds: what is realised is exact; purchases left add up to the positions left.
// Costs: cold path; O(purchases · log).
import { costOf, tradeTicks, type Asset, type Book } from './book.js'
import * as check from './checks.js'
import { quantityText } from '../units.js'
import { isOrder } from './solve.js'
import { harvestable, highestFirst, type LossSale, type OpenLot, type TaxLot } from './tax-lots.js'

/** Purchases that are sold for their loss. */
export interface Harvest {
  /** By asset, 0 or more. */
  readonly lots: readonly bigint[]
  readonly used: readonly OpenLot[]
}

/** What sales realise, money; fees are not in it. */
export interface Realised {
  readonly gains: string
  readonly losses: string
  readonly sales: readonly {
    readonly symbol: string
    readonly quantity: string
    readonly boughtOn: string
    readonly boughtAt: string
    readonly soldAt: string
    readonly gain: string
  }[]
}

interface AfterSales {
  readonly realised: Realised | null
  readonly taxLots: readonly TaxLot[]
  readonly lossSales: readonly LossSale[]
}

const PRICE_DECIMALS = 12

/** Decimals in which gains of any instrument are exact. */
function gainScale(book: Book): number {
  const own = book.assets.map(
    ({ source }) => check.decimalsOf(source.lotSize) + check.decimalsOf(source.multiplier ?? '1'),
  )
  return PRICE_DECIMALS + Math.max(...own)
}

/** Money of so many lots at a price, in units of 10^-scale. */
function worth(asset: Asset, lots: bigint, price: string, scale: number): bigint {
  const { lotSize, multiplier = '1' } = asset.source
  const decimals = [check.decimalsOf(lotSize), check.decimalsOf(multiplier)] as const
  const unit = check.units(lotSize, decimals[0]) * check.units(multiplier, decimals[1])
  return (
    lots * check.units(price, PRICE_DECIMALS) * unit * 10n ** BigInt(scale - PRICE_DECIMALS - decimals[0] - decimals[1])
  )
}

function priceText(asset: Asset, ticks: bigint): string {
  const decimals = check.decimalsOf(asset.source.tickSize)
  return check.unitsText(ticks * check.units(asset.source.tickSize, decimals), decimals, decimals)
}

/** Losses worth taking: at least `minLoss` after the cost of selling; whole purchases, no order below the minimum. */
export function chooseHarvest(
  book: Book,
  purchases: readonly OpenLot[],
  minLoss: string | undefined,
  date: string | undefined,
  lossSales: readonly LossSale[],
): Harvest {
  const lots = book.assets.map(() => 0n)
  if (minLoss === undefined || date === undefined) return { lots, used: [] }
  const scale = gainScale(book)
  const index = new Map(book.assets.map((asset, i) => [asset.symbol, i]))
  const lossOf = (lot: OpenLot): bigint => {
    const asset = book.assets[index.get(lot.symbol)!]!
    const cost = costOf(book, asset, -lot.lots)
    const sold = priceText(asset, asset.ticks)
    const loss = worth(asset, lot.lots, lot.price, scale) - worth(asset, lot.lots, sold, scale)
    return loss - rescaled(cost, book.scale, scale)
  }
  // Once a day: what a sale of today has made possible waits for tomorrow, so that asking again asks for nothing.
  const sold = new Set(lossSales.filter((sale) => sale.date === date).map(({ symbol }) => symbol))
  const all = harvestable(purchases, date, check.units(minLoss, scale), lossOf)
  const found = all.filter(({ lot }) => !sold.has(lot.symbol))
  for (const { lot } of found) lots[index.get(lot.symbol)!]! += lot.lots
  const small = lots.map((own, i) => own > 0n && !isOrder(book, i, own))
  return {
    lots: lots.map((own, i) => (small[i] === true ? 0n : own)),
    used: found.map(({ lot }) => lot).filter((lot) => small[index.get(lot.symbol)!] !== true),
  }
}

function rescaled(amount: bigint, from: number, to: number): bigint {
  return to >= from ? amount * 10n ** BigInt(to - from) : amount / 10n ** BigInt(from - to)
}

/** What the sales among `lots` use up and realise, and the purchases after all orders. */
export function afterSales(
  book: Book,
  purchases: readonly OpenLot[],
  harvest: Harvest,
  lots: readonly bigint[],
  holdings: { readonly taxLots?: readonly TaxLot[] | undefined; readonly lossSales?: readonly LossSale[] | undefined },
  date: string | undefined,
): AfterSales {
  if (holdings.taxLots === undefined || date === undefined) {
    return { realised: null, taxLots: [], lossSales: holdings.lossSales ?? [] }
  }
  const scale = gainScale(book)
  const taken = new Map(harvest.used.map((lot) => [lot.id, lot.lots]))
  const left = new Map(purchases.map((lot) => [lot.id, lot.lots]))
  const sales: Realised['sales'][number][] = []
  const [sums, lost] = [{ gains: 0n, losses: 0n }, new Set<string>()]
  for (const [i, asset] of book.assets.entries()) {
    if (lots[i]! >= 0n) continue
    const own = purchases.filter((lot) => taken.has(lot.id) && lot.symbol === asset.symbol)
    const rest = purchases.filter((lot) => !taken.has(lot.id))
    const chosen = own.map((lot) => ({ lot, lots: lot.lots }))
    const sold = chosen.reduce((sum, part) => sum - part.lots, -lots[i]!)
    const soldAt = priceText(asset, tradeTicks(asset, lots[i]!))
    for (const part of [...chosen, ...highestFirst(rest, asset.symbol, sold)]) {
      const gain = worth(asset, part.lots, soldAt, scale) - worth(asset, part.lots, part.lot.price, scale)
      sums[gain < 0n ? 'losses' : 'gains'] += gain
      if (gain < 0n) lost.add(asset.symbol)
      left.set(part.lot.id, left.get(part.lot.id)! - part.lots)
      const { price: boughtAt, date: boughtOn, symbol } = part.lot
      sales.push({
        symbol,
        quantity: sizeText(asset, part.lots),
        boughtOn,
        boughtAt,
        soldAt,
        gain: check.unitsText(gain, scale, 2),
      })
    }
  }
  const kept = purchases.flatMap((lot): TaxLot[] => {
    const asset = book.assets.find(({ symbol }) => symbol === lot.symbol)!
    const { symbol, price, date: boughtOn } = lot
    return left.get(lot.id) === 0n
      ? []
      : [{ symbol, quantity: sizeText(asset, left.get(lot.id)!), price, date: boughtOn }]
  })
  const bought = book.assets.flatMap((asset, i): TaxLot[] => {
    if (lots[i]! <= 0n || !tracked(purchases, book, i)) return []
    const price = priceText(asset, tradeTicks(asset, lots[i]!))
    return [{ symbol: asset.symbol, quantity: sizeText(asset, lots[i]!), price, date }]
  })
  return {
    realised: { gains: check.unitsText(sums.gains, scale, 2), losses: check.unitsText(sums.losses, scale, 2), sales },
    taxLots: [...kept, ...bought],
    lossSales: [...(holdings.lossSales ?? []), ...[...lost].map((symbol) => ({ symbol, date }))],
  }
}

// A position without purchases was bought before anybody wrote them down: it stays that way.
function tracked(purchases: readonly OpenLot[], book: Book, index: number): boolean {
  const { symbol } = book.assets[index]!
  return book.state.lots[index] === 0n || purchases.some((lot) => lot.symbol === symbol)
}

function sizeText(asset: Asset, lots: bigint): string {
  const { lotSize } = asset.source
  return quantityText({ lotSize, quantityDecimals: check.decimalsOf(lotSize) }, Number(lots))
}
