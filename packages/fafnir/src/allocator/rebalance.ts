// Room card: allocator/rebalance
// In:    instruments, targets, holdings, prices, money paid in or out, rules.
// Out:   orders with reasons; the portfolio before and after, turnover, cost, gains realised; holdings after.
// Holds: money is exact; orders are whole lots of at least the minimum; cash never falls below 0; the same question
//        asked of the holdings after is answered with no order. Bad input issues nothing.
// Costs: cold path; milliseconds for hundreds of targets.
import { quantityText } from '../units.js'
import { centreAim, edgeAim, flowAim, keepAim } from './aims.js'
import {
  applied,
  bookOf,
  cashOf,
  costOf,
  feeOf,
  tradeTicks,
  valuesOf,
  type Book,
  type BookInput,
  type Holdings,
  type State,
} from './book.js'
import * as check from './checks.js'
import { appliedAfter, solve, type Skip, type Solution } from './solve.js'
import { afterSales, chooseHarvest, type Harvest, type Realised } from './tax-ledger.js'
import { lotsOf, washedSymbols } from './tax-lots.js'
import { checkedRules, fired, triggersOf, widthsOf, type RebalanceRules, type Triggers } from './triggers.js'

/** What a rebalance is made from. */
export interface RebalanceInput extends BookInput {
  /** Default: everything to its target, now. */
  readonly rules?: RebalanceRules | undefined
  /** Today, YYYY-MM-DD. Needed with a calendar, tax lots or a harvest. */
  readonly date?: string | undefined
}

/** Why an order is sent. */
export type OrderReason = 'flow' | 'bands' | 'calendar' | 'drift' | 'always' | 'funding' | 'harvest' | 'substitute'

/** One order of a rebalance: a limit order at the price it is expected to trade at. */
export interface RebalanceOrder {
  readonly sleeve: string
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  /** Whole lots. */
  readonly lots: number
  readonly quantity: string
  /** Limit, whole ticks: the price given and half the spread beyond. */
  readonly priceTicks: number
  readonly price: string
  /** Quantity at the price given, money. */
  readonly value: string
  /** Fee and half spread, money. */
  readonly cost: string
  readonly reason: OrderReason
  /** The reason in a sentence. */
  readonly why: string
}

/** One target in a portfolio. */
export interface PortfolioLine {
  readonly sleeve: string
  /** Value, money. */
  readonly value: string
  /** Part of the portfolio. */
  readonly weight: number
  readonly target: number
  /** Why it was left away from its target, where it was. */
  readonly skipped?: Skip | undefined
}

/** A portfolio at the prices given. */
export interface Portfolio {
  readonly value: string
  readonly cash: string
  /** In the order of the targets; `cash` last. */
  readonly lines: readonly PortfolioLine[]
}

/** What a rebalance comes to. */
export interface Rebalance {
  /** Sales first. */
  readonly orders: readonly RebalanceOrder[]
  readonly triggers: Triggers
  /** Money paid in or out is already in `before`. */
  readonly before: Portfolio
  readonly after: Portfolio
  /** Half the traded value over the value before. */
  readonly turnover: number
  /** Fees and half spreads, money. */
  readonly cost: string
  /** Gains and losses that the sales realise; null where no purchases were given. */
  readonly realised: Realised | null
  /** Holdings when all orders are filled at their prices; asked again at once, they need no order. */
  readonly holdings: Holdings
}

/**
 * Orders that bring a portfolio back to its targets.
 *
 * On a desk: the order list of a rebalance, to be sent through the risk gate (`gateOrders`, `rebalanceStrategy`).
 *
 * @throws FafnirError ALLOCATION_INVALID (path, value, allowed), WEIGHTS_SUM, PRICE_MISSING, UNKNOWN_INSTRUMENT,
 * OFF_GRID, SLEEVE_UNFILLED, CASH_SHORT; nothing is issued then.
 * @example
 * const { orders, after } = rebalance({ instruments, targets, holdings, prices, rules: { bands: {} } })
 */
export function rebalance(input: RebalanceInput): Rebalance {
  const rules = checkedRules(input.rules, input.date)
  const book = bookOf(input)
  const { holdings, date } = input
  const taxed = holdings.taxLots !== undefined || holdings.lossSales !== undefined
  if (taxed && date === undefined) throw check.invalid('date', undefined, 'a date: tax lots need one')
  if (rules.harvest !== undefined && holdings.taxLots === undefined) {
    throw check.invalid('holdings.taxLots', undefined, 'the purchases: a harvest needs them')
  }
  const purchases = lotsOf(holdings, input.instruments, book.state.lots)
  const harvest = chooseHarvest(book, purchases, rules.harvest?.minLoss, date, holdings.lossSales ?? [])
  const decided = decide(book, rules, input, harvest)
  const lots = decided.lots.map((own, i) => own - harvest.lots[i]!)
  const end = applied(book, book.state, lots)
  const sales = afterSales(book, purchases, harvest, lots, holdings, date)
  const traded = lots.reduce((sum, own, i) => sum + (own < 0n ? -own : own) * book.assets[i]!.lotValue, 0n)
  const { total } = valuesOf(book, book.state)
  return {
    orders: ordersOf(book, lots, decided, harvest),
    triggers: decided.triggers,
    before: portfolioOf(book, book.state, decided.parts, []),
    after: portfolioOf(book, end, decided.parts, decided.skips),
    turnover: total > 0n ? Number((traded * 1_000_000_000_000n) / total) / 2e12 : 0,
    cost: money(
      book,
      lots.reduce((sum, own, i) => sum + costOf(book, book.assets[i]!, own), 0n),
    ),
    realised: sales.realised,
    holdings: {
      cash: money(book, end.cash),
      positions: Object.fromEntries(
        book.assets.flatMap((asset, i) =>
          end.lots[i] === 0n ? [] : [[asset.symbol, quantity(book, i, end.lots[i]!)]],
        ),
      ),
      ...(holdings.taxLots === undefined ? {} : { taxLots: sales.taxLots }),
      ...(sales.lossSales.length === 0 && holdings.lossSales === undefined ? {} : { lossSales: sales.lossSales }),
      ...rebalancedOn(fired(decided.triggers) ? date : undefined, holdings.rebalancedOn),
    },
  }
}

function rebalancedOn(now: string | undefined, before: string | undefined): { rebalancedOn?: string } {
  const day = now ?? before
  return day === undefined ? {} : { rebalancedOn: day }
}

interface Decision extends Solution {
  readonly triggers: Triggers
  /** Only cash flows were dealt with: no rule asked for more. */
  readonly flowOnly: boolean
  readonly parts: readonly number[]
}

function decide(book: Book, rules: RebalanceRules, input: RebalanceInput, harvest: Harvest): Decision {
  const { date, holdings } = input
  const washed = date === undefined ? new Set<string>() : washedSymbols(holdings.lossSales ?? [], date)
  const blocked = new Set(
    book.assets.flatMap(({ symbol }, i) => (washed.has(symbol) || harvest.lots[i]! > 0n ? [i] : [])),
  )
  const widths = widthsOf(book, rules)
  const parts = [...book.lines.map((line) => Number(line.part) / 1e12), Number(book.cashPart) / 1e12]
  const prior = harvest.lots.map((own) => -own)
  const start = applied(book, book.state, prior)
  const { total } = valuesOf(book, start)
  // More is owed than there is: this throws.
  if (total < 0n) solve(book, start, keepAim(book, [], 0n), blocked, prior)
  const flows = check.units(input.flow ?? '0', book.scale) !== 0n
  const firstAim = flows && rules.cashFlowsFirst !== false ? flowAim(book, blocked) : kept(book, harvest)
  const first = total <= 0n ? none(book) : solve(book, start, firstAim, blocked, prior)
  const state = appliedAfter(book, start, prior, first.lots)
  const triggers = triggersOf(book, state, rules, widths, date, holdings.rebalancedOn)
  if (total <= 0n || !fired(triggers)) return { ...first, triggers, flowOnly: true, parts }
  const toEdge = rules.to === 'edge' || rules.noTradeRegion !== undefined
  const found = solve(book, start, toEdge ? edgeAim(book, widths, blocked) : centreAim(book), blocked, prior)
  return { ...found, triggers, flowOnly: false, parts }
}

function none(book: Book): Solution {
  return { lots: book.assets.map(() => 0n), skips: book.lines.map(() => undefined) }
}

// What was sold for its loss is bought back as its substitute, with the money it brought.
function kept(book: Book, harvest: Harvest): ReturnType<typeof keepAim> {
  const before = valuesOf(book, book.state).lines
  const wanted = book.lines.map((line, i) => (line.members.some((m) => harvest.lots[m]! > 0n) ? before[i] : undefined))
  return keepAim(book, wanted, book.state.cash > 0n ? book.state.cash : 0n)
}

function money(book: Book, amount: bigint): string {
  return check.unitsText(amount, book.scale, 2)
}

function quantity(book: Book, index: number, lots: bigint): string {
  const { source } = book.assets[index]!
  return quantityText({ lotSize: source.lotSize, quantityDecimals: check.decimalsOf(source.lotSize) }, Number(lots))
}

function portfolioOf(
  book: Book,
  state: State,
  parts: readonly number[],
  skips: readonly (Skip | undefined)[],
): Portfolio {
  const { lines, total } = valuesOf(book, state)
  const weight = (value: bigint): number => (total === 0n ? 0 : Number((value * 1_000_000_000_000n) / total) / 1e12)
  const rows = book.lines.map((line, i): PortfolioLine => {
    const skipped = skips[i]
    const row = { sleeve: line.sleeve, value: money(book, lines[i]!), weight: weight(lines[i]!), target: parts[i]! }
    return skipped === undefined || skipped === 'belowLot' ? row : { ...row, skipped }
  })
  const cash = { sleeve: 'cash', value: money(book, state.cash), weight: weight(state.cash), target: parts.at(-1)! }
  return { value: money(book, total), cash: money(book, state.cash), lines: [...rows, cash] }
}

function ordersOf(book: Book, lots: readonly bigint[], decided: Decision, harvest: Harvest): readonly RebalanceOrder[] {
  const orders = book.lines.flatMap((line) =>
    line.members.flatMap((member) => {
      if (lots[member] === 0n) return []
      const reason = reasonOf(
        line.sleeve,
        member === line.members[1],
        harvest.lots[member]! > 0n,
        lots[member]! > 0n,
        decided,
      )
      return [orderOf(book, line.sleeve, member, lots[member]!, reason)]
    }),
  )
  return [...orders.filter(({ side }) => side === 'sell'), ...orders.filter(({ side }) => side === 'buy')]
}

function orderOf(book: Book, sleeve: string, index: number, lots: bigint, reason: OrderReason): RebalanceOrder {
  const asset = book.assets[index]!
  const size = lots < 0n ? -lots : lots
  const ticks = tradeTicks(asset, lots)
  if (size > COUNT_MAX || ticks > COUNT_MAX) {
    throw check.invalid(`orders.${asset.symbol}`, `${size} lots at ${ticks} ticks`, `at most ${COUNT_MAX} of each`)
  }
  const { tickSize } = asset.source
  const decimals = check.decimalsOf(tickSize)
  const price = check.unitsText(ticks * check.units(tickSize, decimals), decimals, decimals)
  return {
    sleeve,
    symbol: asset.symbol,
    side: lots > 0n ? 'buy' : 'sell',
    lots: Number(size),
    quantity: quantity(book, index, size),
    priceTicks: Number(ticks),
    price,
    value: money(book, size * asset.lotValue),
    cost: money(book, costOf(book, asset, lots)),
    reason,
    why: WHY[reason],
  }
}

/** Lots and ticks are whole numbers that a float holds exactly. */
const COUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER)

const WHY: Readonly<Record<OrderReason, string>> = {
  flow: 'money paid in or out',
  bands: 'the sleeve is outside its band',
  calendar: 'the calendar asks for a rebalance',
  drift: 'the portfolio has drifted beyond its limit',
  always: 'the sleeve is away from its target',
  funding: 'another sleeve is outside its band; this one pays for it or takes what is left',
  harvest: 'a loss is taken; the symbol is not bought again for 30 days',
  substitute: 'bought in place of a symbol that may not be bought within 30 days of a loss',
}

function reasonOf(
  sleeve: string,
  isSubstitute: boolean,
  harvested: boolean,
  bought: boolean,
  { triggers, flowOnly }: Decision,
): OrderReason {
  if (harvested) return 'harvest'
  if (isSubstitute && bought) return 'substitute'
  if (flowOnly) return 'flow'
  if (triggers.bands.includes(sleeve)) return 'bands'
  if (triggers.calendar) return 'calendar'
  if (triggers.drift.fired) return 'drift'
  return triggers.always ? 'always' : 'funding'
}
