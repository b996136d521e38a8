// Room card: allocator/gate
// In:    orders of a rebalance, the instruments and prices they were made from, limits.
// Out:   the same orders as the engine's own pre-trade gate judged them, one after the other.
// Holds: the gate is the one every order of the product passes, on an engine that is joined to no venue: nothing
//        leaves.
// Costs: an engine's thread for some milliseconds.
import { createEngine, type Engine } from '../engine/engine.js'
import type { CancelRequest, NewRequest, OrderGateway, ReportSink } from '../engine/gateway.js'
import { fail } from '../errors.js'
import type { Code } from '../generated/codes.js'
import type { InstrumentConfig, RiskConfig } from '../generated/config.js'
import { defineStrategy } from '../strategy/define.js'
import { priceTicks, quantityLots, type PriceTicks, type QuantityLots } from '../units.js'
import { MONEY_DECIMALS, type AllocationInstrument } from './book.js'
import { decimalText, decimalsOf } from './checks.js'
import type { RebalanceOrder } from './rebalance.js'

/** What the gate needs to know. */
export interface GateOptions {
  readonly instruments: readonly AllocationInstrument[]
  /** By symbol, decimal text on the tick: the reference of the price collar. */
  readonly prices: Readonly<Record<string, string>>
  /** Limits by symbol; those of `all` hold where a symbol has none. */
  readonly limits?: Readonly<Record<string, RiskConfig>> | undefined
  /** What is held before the orders, quantity by symbol as in `Holdings`: limits count it. Default: nothing. */
  readonly positions?: Readonly<Record<string, string>> | undefined
  /** Settlement currency and the decimals of its smallest unit. Default: USD, 2. */
  readonly currency?: { readonly name: string; readonly decimals: number } | undefined
}

/** An order the gate refused: limit, used and asked in the unit of the code; money in units of 10^-`moneyDecimals`. */
export interface GateRefusal {
  readonly order: RebalanceOrder
  readonly code: Code
  readonly limit: number
  readonly used: number
  readonly asked: number
  readonly moneyDecimals: number
}

/** What the gate said. */
export interface GateVerdict {
  /** None was refused. */
  readonly ok: boolean
  readonly passed: readonly RebalanceOrder[]
  readonly refused: readonly GateRefusal[]
}

const VENUE = 'GATE'
const ANSWER_MILLIS = 10_000
const SCALE_MAX = 12

/** Takes requests as a venue does, keeps them, sends nothing; it says what is held before the first of them. */
class Shelf implements OrderGateway {
  readonly venue: string = VENUE
  private readonly held: ReadonlyMap<string, number>
  private sink: ReportSink | undefined

  constructor(held: ReadonlyMap<string, number>) {
    this.held = held
  }

  start(sink: ReportSink): void {
    this.sink = sink
    for (const [symbol, lots] of this.held) sink.position(symbol, lots)
  }
  submit({ orderId }: NewRequest): void {
    this.sink?.report(orderId, { kind: 'accepted' })
  }
  cancel({ orderId }: CancelRequest): void {
    this.sink?.report(orderId, { kind: 'cancelled' })
  }
  replace(): void {
    throw fail('VENUE_UNSUPPORTED', 'orders at the gate are not replaced')
  }
}

/**
 * Shows orders to the product's pre-trade gate: quantity, value, minimum notional, position with what is held and all
 * orders before it, price collar, message rate, reduce-only.
 *
 * On a desk: the last look before an order list is released. To trade, hand the orders to an engine with
 * `rebalanceStrategy`: its gate looks again at the moment of sending.
 *
 * @throws FafnirError CONFIG_INVALID (a limit), PRICE_MISSING, ALLOCATION_INVALID and OFF_GRID (a position),
 * NATIVE_MISSING
 * @example
 * const limits = { all: { maxOrderValue: '50000', maxPosition: '2000' } }
 * const { ok, refused } = await gateOrders(orders, { instruments, prices, limits, positions: holdings.positions })
 */
export async function gateOrders(orders: readonly RebalanceOrder[], options: GateOptions): Promise<GateVerdict> {
  if (orders.length === 0) return { ok: true, passed: [], refused: [] }
  const symbols = [...new Set(orders.map(({ symbol }) => symbol))]
  for (const symbol of symbols) {
    if (options.prices[symbol] === undefined) throw fail('PRICE_MISSING', `no price of ${symbol}`, { symbol })
  }
  const engine = await createEngine({
    venues: [{ name: VENUE, feed: 'normalised' }],
    instruments: engineInstruments(options, VENUE).filter(({ symbol }) => symbols.includes(symbol)),
    orders: { ackTimeoutMillis: ANSWER_MILLIS },
  })
  try {
    return await judged(engine, orders, options)
  } finally {
    await engine.close()
  }
}

/**
 * The same, as an error when any order is refused.
 * @throws FafnirError GATE_REFUSED with symbol, side, quantity, reason, limit, used, asked of the first
 */
export async function requireGate(orders: readonly RebalanceOrder[], options: GateOptions): Promise<GateVerdict> {
  const verdict = await gateOrders(orders, options)
  const [first] = verdict.refused
  if (first === undefined) return verdict
  const { order, code, limit, used, asked, moneyDecimals } = first
  throw fail('GATE_REFUSED', `the risk gate refused ${order.side} ${order.quantity} ${order.symbol}: ${code}`, {
    symbol: order.symbol,
    side: order.side,
    quantity: order.quantity,
    reason: code,
    limit,
    used,
    asked,
    moneyDecimals,
    refused: verdict.refused.length,
  })
}

/** The instruments as an engine's configuration has them, for a venue. */
export function engineInstruments(options: Omit<GateOptions, 'prices'>, venue: string): readonly InstrumentConfig[] {
  const { name: currency, decimals } = options.currency ?? { name: 'USD', decimals: MONEY_DECIMALS }
  // One scale for all: an engine settles a currency in one smallest unit.
  const scale = Math.max(decimals, ...options.instruments.map((item) => Math.min(pointDecimals(item), SCALE_MAX)))
  return options.instruments.map((item) => {
    const { tickSize, lotSize, multiplier = '1' } = item
    const risk = options.limits?.[item.symbol] ?? options.limits?.['all']
    return {
      symbol: item.symbol,
      venue,
      tickSize,
      lotSize,
      multiplier,
      settlement: { currency, scale },
      takerFee: item.feeRate ?? '0',
      makerFee: item.feeRate ?? '0',
      minNotional: item.minOrderValue ?? '0',
      ...(risk === undefined ? {} : { risk }),
    }
  })
}

function pointDecimals({ tickSize, lotSize, multiplier = '1' }: AllocationInstrument): number {
  return [tickSize, lotSize, multiplier].reduce((sum, value) => sum + decimalsOf(value), 0)
}

function heldLots(engine: Engine, { positions = {} }: GateOptions): ReadonlyMap<string, number> {
  const held = engine.instruments.map((instrument): [string, number] => {
    const { symbol } = instrument
    const quantity = Object.hasOwn(positions, symbol) ? positions[symbol] : '0'
    return [symbol, quantityLots(instrument, decimalText(`positions.${symbol}`, quantity, 'any'))]
  })
  return new Map(held.filter(([, lots]) => lots !== 0))
}

async function judged(engine: Engine, orders: readonly RebalanceOrder[], options: GateOptions): Promise<GateVerdict> {
  const answers = new Map<number, GateRefusal | 'passed'>()
  const placed = new Map<number, RebalanceOrder>()
  const moneyDecimals = engine.instruments[0]!.moneyScale
  const waiting = new Set(engine.instruments.map(({ id }) => id))
  let broken: unknown
  const strategy = defineStrategy({
    apiVersion: 1,
    onBook(book, ctx) {
      waiting.delete(book.instrument)
      if (waiting.size > 0 || placed.size > 0) return
      try {
        for (const order of orders) {
          const { id } = ctx.instrument(order.symbol)
          const { side, lots: quantity, priceTicks: price } = order
          placed.set(ctx.place({ instrument: id, side, price, quantity }), order)
        }
      } catch (error) {
        broken = error
      }
    },
    onOrder(event) {
      const order = placed.get(event.clientId)
      if (order === undefined) return
      if (event.kind === 'refused') {
        const { lastPrice: limit, lastQuantity: used, fee: asked, reason: code = 'VENUE_INVALID' } = event
        answers.set(event.clientId, { order, code, limit, used, asked, moneyDecimals })
      } else if (event.kind === 'accepted') answers.set(event.clientId, 'passed')
    },
  })
  engine.use(strategy)
  await engine.attachGateway(new Shelf(heldLots(engine, options)))
  for (const instrument of engine.instruments) {
    // Bid and ask a tick to either side, so that the reference is the price itself.
    const price = priceTicks(instrument, options.prices[instrument.symbol]!)
    const bid = Math.max(price - 1, 1) as PriceTicks
    const [ask, one] = [(bid + 2) as PriceTicks, 1 as QuantityLots]
    engine.pushEvent({ kind: 'touch', instrument: instrument.symbol, bid, bidQuantity: one, ask, askQuantity: one })
  }
  const end = performance.now() + ANSWER_MILLIS
  while (answers.size < orders.length) {
    if (broken !== undefined) throw broken
    if (performance.now() > end) throw fail('ACK_TIMEOUT', 'the gate did not answer', { answered: answers.size })
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const all = [...placed.keys()].map((clientId) => answers.get(clientId)!)
  const refused = all.filter((answer): answer is GateRefusal => answer !== 'passed')
  return { ok: refused.length === 0, passed: orders.filter((_, i) => all[i] === 'passed'), refused }
}
