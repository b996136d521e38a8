// Room card: allocator/book
// In:    instruments, targets, holdings and prices as a caller gave them.
// Out:   the same as whole lots, ticks and smallest units of money, every cross-reference resolved.
// Holds: nothing is rounded: a price off its tick, a quantity off its lot, a missing price or an unknown instrument is
//        refused before anything is computed; weights are whole parts of 10^12 that sum to it exactly.
// Costs: cold path; O(instruments + targets).
import { fail } from '../errors.js'
import { priceTicks, quantityLots } from '../units.js'
import * as check from './checks.js'
import { lotsOf, type LossSale, type TaxLot } from './tax-lots.js'

/** What an order of an instrument must keep to, and what it costs. */
export interface AllocationInstrument {
  /** As its venue names it. */
  readonly symbol: string
  /** The finest price, such as "0.01". */
  readonly tickSize: string
  /** The finest quantity an order may have, such as "1". */
  readonly lotSize: string
  /** Value of one unit of quantity at a price of one. Default: "1". */
  readonly multiplier?: string | undefined
  /** Fee as a rate of value, at most 8 decimals. Default: "0". */
  readonly feeRate?: string | undefined
  /** Fee of an order, whatever its size. Default: "0". */
  readonly feePerOrder?: string | undefined
  /** Half the spread, whole ticks: orders are priced so far beyond the price given. Default: 0. */
  readonly halfSpreadTicks?: number | undefined
  /** Smallest quantity of an order. Default: one lot. */
  readonly minOrderQuantity?: string | undefined
  /** Smallest value of an order. Default: "0". */
  readonly minOrderValue?: string | undefined
  /** It may be sold short. Default: false. */
  readonly short?: boolean | undefined
}

/** A target: a part of the portfolio's value, and what is held for it. */
export interface TargetLine {
  /** Name of the sleeve; each once. */
  readonly sleeve: string
  /** Part of the value, 0 to 1; below 0 for what is held short. 0 sells what is held. */
  readonly weight: number
  /** Symbol that is bought and sold for it; absent for `cash`, which stays money. */
  readonly instrument?: string | undefined
  /** Symbol that is bought while `instrument` may not be (wash window); counts towards the same target. */
  readonly substitute?: string | undefined
}

/** What is held. */
export interface Holdings {
  /** Money, decimal text, 0 or more. */
  readonly cash: string
  /** Quantity by symbol, decimal text. */
  readonly positions: Readonly<Record<string, string>>
  /** Purchases that the positions consist of; a symbol with one must have all. Default: none. */
  readonly taxLots?: readonly TaxLot[] | undefined
  /** Sales at a loss, for the wash window. Default: none. */
  readonly lossSales?: readonly LossSale[] | undefined
  /** Date of the last calendar rebalance. Default: never. */
  readonly rebalancedOn?: string | undefined
}

/** All weights together. */
export const ONE: bigint = 1_000_000_000_000n
/** Fee rates are whole parts of this. */
export const RATE_ONE: bigint = 100_000_000n
const RATE_DECIMALS = 8
/** Instruments of a book at most. */
export const INSTRUMENTS_MAX: number = 256
const TARGETS_MAX = 256
/** A currency's smallest unit unless money needs more decimals: cents. */
export const MONEY_DECIMALS: number = 2

/** An instrument in whole numbers. Money is in units of 10^-`scale` of the book. */
export interface Asset {
  readonly symbol: string
  readonly source: AllocationInstrument
  readonly ticks: bigint
  /** Money of one tick and one lot. */
  readonly point: bigint
  /** Money of one lot at the price. */
  readonly lotValue: bigint
  readonly spreadTicks: bigint
  readonly feeRate: bigint
  readonly feePerOrder: bigint
  readonly minLots: bigint
  readonly minValue: bigint
  readonly short: boolean
}

/** A target in whole numbers. */
export interface Line {
  readonly sleeve: string
  /** Part of `ONE`. */
  readonly part: bigint
  /** Indexes of assets: the instrument, then its substitute. */
  readonly members: readonly number[]
}

/** What is held, in whole numbers. */
export interface State {
  readonly cash: bigint
  /** By asset. */
  readonly lots: readonly bigint[]
}

/** Everything a rebalance starts from. */
export interface Book {
  readonly assets: readonly Asset[]
  readonly lines: readonly Line[]
  /** Part of `ONE` that stays money. */
  readonly cashPart: bigint
  /** Money is in units of 10^-scale. */
  readonly scale: number
  /** Units of money in the currency's smallest unit; fees are rounded up to it. */
  readonly moneyStep: bigint
  readonly state: State
}

/** What a book is made of. */
export interface BookInput {
  readonly instruments: readonly AllocationInstrument[]
  readonly targets: readonly TargetLine[]
  readonly holdings: Holdings
  /** By symbol, decimal text on the tick. */
  readonly prices: Readonly<Record<string, string>>
  /** Money paid in, or out when negative, decimal text. Default: "0". */
  readonly flow?: string | undefined
  /** Decimals of the currency's smallest unit, 0 to 12. Default: 2. */
  readonly moneyDecimals?: number | undefined
}

const INSTRUMENT_KEYS = [
  'symbol',
  'tickSize',
  'lotSize',
  'multiplier',
  'feeRate',
  'feePerOrder',
  'halfSpreadTicks',
  'minOrderQuantity',
  'minOrderValue',
  'short',
]
const HOLDINGS_KEYS = ['cash', 'positions', 'taxLots', 'lossSales', 'rebalancedOn']

/**
 * Checks everything and resolves every name.
 * @throws FafnirError ALLOCATION_INVALID, WEIGHTS_SUM, PRICE_MISSING, UNKNOWN_INSTRUMENT, OFF_GRID
 */
export function bookOf(input: BookInput): Book {
  const instruments = checkedInstruments(input.instruments)
  const index = new Map(instruments.map((item, i) => [item.symbol, i]))
  const { lines, cashPart } = linesOf(input.targets, index)
  const holdings = checkedHoldings(input.holdings)
  const used = new Set(lines.flatMap((line) => line.members))
  const lots = positionsOf(holdings, instruments, index, used)
  const moneyDecimals = check.whole('moneyDecimals', input.moneyDecimals ?? MONEY_DECIMALS, 0, 12)
  const flow = check.decimalText('flow', input.flow ?? '0', 'any')
  const scale = Math.max(
    moneyDecimals,
    ...instruments.map(decimalsOfPoint),
    ...[holdings.cash, flow].map(check.decimalsOf),
  )
  const assets = instruments.map((item, i) => assetOf(item, input.prices, scale, used.has(i) || lots[i] !== 0n))
  for (const [i, asset] of assets.entries()) {
    if (lots[i]! < 0n && !asset.short) {
      throw check.invalid(`holdings.positions.${asset.symbol}`, String(lots[i]), 'no short position in it')
    }
  }
  for (const line of lines) {
    if (line.part < 0n && !line.members.every((member) => assets[member]!.short)) {
      throw check.invalid(`targets.${line.sleeve}.weight`, Number(line.part) / 1e12, 'no short target for it')
    }
  }
  const cash = check.units(holdings.cash, scale) + check.units(flow, scale)
  return { assets, lines, cashPart, scale, moneyStep: 10n ** BigInt(scale - moneyDecimals), state: { cash, lots } }
}

function checkedInstruments(given: unknown): readonly AllocationInstrument[] {
  const symbols = new Set<string>()
  return check.list('instruments', given, INSTRUMENTS_MAX).map((item, i) => {
    const path = `instruments[${i}]`
    const fields = check.object(path, item, INSTRUMENT_KEYS, ['symbol', 'tickSize', 'lotSize'])
    const symbol = check.text(`${path}.symbol`, fields['symbol'])
    if (symbols.has(symbol)) throw check.invalid(`${path}.symbol`, symbol, 'each symbol once')
    symbols.add(symbol)
    for (const key of ['tickSize', 'lotSize']) check.decimalText(`${path}.${key}`, fields[key], 'positive')
    if (fields['multiplier'] !== undefined) check.decimalText(`${path}.multiplier`, fields['multiplier'], 'positive')
    for (const key of ['feeRate', 'feePerOrder', 'minOrderQuantity', 'minOrderValue']) {
      if (fields[key] !== undefined) check.decimalText(`${path}.${key}`, fields[key], 'notNegative')
    }
    const rate = (fields['feeRate'] as string | undefined) ?? '0'
    if (check.decimalsOf(rate) > RATE_DECIMALS || Number(rate) > 0.1) {
      throw check.invalid(`${path}.feeRate`, rate, 'a rate from 0 to 0.1 with at most 8 decimals')
    }
    if (fields['halfSpreadTicks'] !== undefined) {
      check.whole(`${path}.halfSpreadTicks`, fields['halfSpreadTicks'], 0, 1_000_000)
    }
    if (fields['short'] !== undefined && typeof fields['short'] !== 'boolean') {
      throw check.invalid(`${path}.short`, fields['short'], 'true or false')
    }
    return item as AllocationInstrument
  })
}

function linesOf(given: unknown, index: ReadonlyMap<string, number>): { lines: readonly Line[]; cashPart: bigint } {
  const names = new Set<string>()
  const taken = new Set<string>()
  const items = check.list('targets', given, TARGETS_MAX).map((item, i) => {
    const path = `targets[${i}]`
    const fields = check.object(path, item, ['sleeve', 'weight', 'instrument', 'substitute'], ['sleeve', 'weight'])
    const sleeve = check.text(`${path}.sleeve`, fields['sleeve'])
    const weight = check.number(`${path}.weight`, fields['weight'], -1, 2)
    if (names.has(sleeve)) throw check.invalid(`${path}.sleeve`, sleeve, 'each sleeve once')
    names.add(sleeve)
    const symbols = [fields['instrument'], fields['substitute']].filter((symbol) => symbol !== undefined)
    if (sleeve === 'cash') {
      if (symbols.length > 0) throw check.invalid(`${path}.instrument`, symbols[0], 'none: cash stays money')
      check.number(`${path}.weight`, weight, 0, 2)
      return { sleeve, weight, members: [] }
    }
    if (fields['instrument'] === undefined) {
      throw fail('SLEEVE_UNFILLED', `no instrument for the sleeve ${sleeve}`, { path: `${path}.instrument`, sleeve })
    }
    const members = symbols.map((symbol) => memberOf(`${path}.instrument`, symbol, index, taken))
    return { sleeve, weight, members }
  })
  check.sumsToOne(
    'targets',
    items.map(({ weight }) => weight),
  )
  const parts = partsOf(items.map(({ weight }) => weight))
  const lines = items.map(({ sleeve, members }, i) => ({ sleeve, members, part: parts[i]! }))
  const cash = lines.find(({ sleeve }) => sleeve === 'cash')
  return { lines: lines.filter(({ sleeve }) => sleeve !== 'cash'), cashPart: cash?.part ?? 0n }
}

function memberOf(path: string, symbol: unknown, index: ReadonlyMap<string, number>, taken: Set<string>): number {
  const name = check.text(path, symbol)
  const found = index.get(name)
  if (found === undefined) throw unknown(path, name)
  if (taken.has(name)) throw check.invalid(path, name, 'each instrument for one sleeve')
  taken.add(name)
  return found
}

function unknown(path: string, symbol: string): Error {
  return fail('UNKNOWN_INSTRUMENT', `${path} names ${symbol}, which is not among the instruments`, { path, symbol })
}

/** Weights as whole parts of `ONE` that sum to it: the rest of rounding goes to those it was taken from the most. */
function partsOf(weights: readonly number[]): readonly bigint[] {
  const exact = weights.map((weight) => weight * 1e12)
  const parts = exact.map((value) => BigInt(Math.floor(value)))
  let rest = Number(ONE - parts.reduce((sum, part) => sum + part, 0n))
  const order = exact
    .map((value, i) => ({ i, lost: value - Math.floor(value) }))
    .sort((a, b) => b.lost - a.lost || a.i - b.i)
  for (let n = 0; rest !== 0; n = (n + 1) % order.length) {
    const step = Math.sign(rest) * Math.max(1, Math.floor(Math.abs(rest) / order.length))
    parts[order[n]!.i]! += BigInt(step)
    rest -= step
  }
  return parts
}

function checkedHoldings(given: unknown): Holdings {
  const fields = check.object('holdings', given, HOLDINGS_KEYS, ['cash', 'positions'])
  check.decimalText('holdings.cash', fields['cash'], 'notNegative')
  if (fields['rebalancedOn'] !== undefined) check.date('holdings.rebalancedOn', fields['rebalancedOn'])
  return given as Holdings
}

function positionsOf(
  holdings: Holdings,
  instruments: readonly AllocationInstrument[],
  index: ReadonlyMap<string, number>,
  used: ReadonlySet<number>,
): readonly bigint[] {
  const lots = instruments.map(() => 0n)
  const { positions } = holdings
  check.object('holdings.positions', positions, Object.keys(positions ?? {}))
  for (const [symbol, quantity] of Object.entries(positions)) {
    const path = `holdings.positions.${symbol}`
    const at = index.get(symbol)
    if (at === undefined) throw unknown(path, symbol)
    check.decimalText(path, quantity, 'any')
    lots[at] = BigInt(quantityLots(instruments[at]!, quantity))
    if (lots[at] !== 0n && !used.has(at)) {
      throw check.invalid(path, quantity, 'a position that has a target; a target of weight 0 sells it')
    }
  }
  lotsOf(holdings, instruments, lots)
  return lots
}

function decimalsOfPoint({ tickSize, lotSize, multiplier, feePerOrder, minOrderValue }: AllocationInstrument): number {
  const point = [tickSize, lotSize, multiplier ?? '1'].reduce((sum, value) => sum + check.decimalsOf(value), 0)
  return Math.max(point, check.decimalsOf(feePerOrder ?? '0'), check.decimalsOf(minOrderValue ?? '0'))
}

function assetOf(
  item: AllocationInstrument,
  prices: Readonly<Record<string, string>>,
  scale: number,
  needed: boolean,
): Asset {
  const { symbol, tickSize, lotSize, multiplier = '1' } = item
  const price = Object.hasOwn(prices ?? {}, symbol) ? prices[symbol] : undefined
  if (price === undefined && needed) throw fail('PRICE_MISSING', `no price of ${symbol}`, { symbol })
  const ticks =
    price === undefined ? 1n : BigInt(priceTicks(item, check.decimalText(`prices.${symbol}`, price, 'positive')))
  const decimals = [tickSize, lotSize, multiplier].map(check.decimalsOf)
  const whole = [tickSize, lotSize, multiplier].map((value, i) => check.units(value, decimals[i]!))
  const point =
    whole.reduce((product, value) => product * value, 1n) * 10n ** BigInt(scale - decimals.reduce((a, b) => a + b, 0))
  const spreadTicks = BigInt(item.halfSpreadTicks ?? 0)
  if (needed && spreadTicks >= ticks) {
    throw check.invalid(`${symbol}.halfSpreadTicks`, item.halfSpreadTicks, 'less than the price')
  }
  const smallest = BigInt(quantityLots(item, item.minOrderQuantity ?? item.lotSize))
  return {
    symbol,
    source: item,
    ticks,
    point,
    lotValue: ticks * point,
    spreadTicks,
    feeRate: check.units(item.feeRate ?? '0', RATE_DECIMALS),
    feePerOrder: check.units(item.feePerOrder ?? '0', scale),
    minLots: smallest > 0n ? smallest : 1n,
    minValue: check.units(item.minOrderValue ?? '0', scale),
    short: item.short === true,
  }
}

/** Ticks at which so many lots (below 0: sold) are expected to trade. */
export function tradeTicks(asset: Asset, lots: bigint): bigint {
  return lots > 0n ? asset.ticks + asset.spreadTicks : asset.ticks - asset.spreadTicks
}

/** Fee of an order, rounded up to the currency's smallest unit. */
export function feeOf(book: Book, asset: Asset, lots: bigint): bigint {
  if (lots === 0n) return 0n
  const value = (lots > 0n ? lots : -lots) * tradeTicks(asset, lots) * asset.point
  const unit = RATE_ONE * book.moneyStep
  const fee = ((value * asset.feeRate + unit - 1n) / unit) * book.moneyStep
  return fee + asset.feePerOrder
}

/** What an order costs: its fee, and the spread it crosses. */
export function costOf(book: Book, asset: Asset, lots: bigint): bigint {
  const size = lots > 0n ? lots : -lots
  return feeOf(book, asset, lots) + size * asset.spreadTicks * asset.point
}

/** Money that an order brings; below 0 when it takes. */
export function cashOf(book: Book, asset: Asset, lots: bigint): bigint {
  return -lots * tradeTicks(asset, lots) * asset.point - feeOf(book, asset, lots)
}

/** Value of the lines in order, and of everything. */
export function valuesOf(book: Book, state: State): { lines: readonly bigint[]; total: bigint } {
  const lines = book.lines.map((line) =>
    line.members.reduce((sum, member) => sum + state.lots[member]! * book.assets[member]!.lotValue, 0n),
  )
  return { lines, total: lines.reduce((sum, value) => sum + value, state.cash) }
}

/** A state with so many more lots and so much cash, whatever they cost. */
export function stateWith(state: State, lots: readonly bigint[], cash: bigint): State {
  return { cash, lots: state.lots.map((own, i) => own + lots[i]!) }
}

/** The state after orders, in lots by asset. */
export function applied(book: Book, state: State, orders: readonly bigint[]): State {
  const cash = orders.reduce(
    (sum, lots, i) => sum + (lots === 0n ? 0n : cashOf(book, book.assets[i]!, lots)),
    state.cash,
  )
  return { cash, lots: state.lots.map((lots, i) => lots + orders[i]!) }
}
