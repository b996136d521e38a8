// Room card: allocator/execute
// In:    orders of a rebalance; touches, fills and answers of an engine (backtest, paper or live).
// Out:   a strategy that works the orders: sales first, then purchases, as limit orders that move with the touch.
// Holds: never more than the quantity of an order, never beyond its price limit; at most one open order for each;
//        every request passes the engine's gate at the moment it is sent, and what that refuses is not asked again.
// Costs: a few comparisons a touch.
import type { Code } from '../generated/codes.js'
import { defineStrategy, type AnyStrategy } from '../strategy/define.js'
import type { StrategyContext } from '../strategy/context.js'
import * as check from './checks.js'
import type { RebalanceOrder } from './rebalance.js'

/** How orders are worked. */
export interface ExecuteOptions {
  /** How far beyond the order's price a trade may be, in 1/10000 of it, 0 to 10000. Default: 100. */
  readonly slipBasisPoints?: number | undefined
}

/** How far an order is. */
export interface ExecutedOrder {
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly lots: number
  readonly filledLots: number
  /** Sum of price times lots of its fills, ticks x lots: divided by the lots it is the mean price. */
  readonly filledTicksLots: number
  readonly state: 'waiting' | 'working' | 'filled' | 'refused'
  /** Why the gate or the venue refused it. */
  readonly reason?: Code | undefined
}

/** A strategy that works a rebalance, and how far it is. */
export interface RebalanceExecution {
  readonly strategy: AnyStrategy
  /** In the order of the list. */
  progress(): readonly ExecutedOrder[]
  /** Every order is filled or refused. */
  done(): boolean
}

const ENDS: ReadonlySet<string> = new Set(['refused', 'rejected', 'expired', 'cancelled'])

interface Working {
  readonly order: RebalanceOrder
  readonly limitTicks: number
  instrument: number
  filled: number
  ticksLots: number
  open: number
  stays: boolean
  refused: Code | undefined
}

function ended({ order, filled, refused }: Working): boolean {
  return refused !== undefined || filled >= order.lots
}

// Sends an order, or moves it with the touch; the client id of a new one. It is one order for all of it: what is left
// of a partial fill may be too small to be asked for.
function workOrder(item: Working, ctx: StrategyContext<undefined>): number | undefined {
  const { side, lots: quantity } = item.order
  const { instrument } = item
  const book = ctx.book(instrument)
  if (!book.valid || !book.twoSided) return undefined
  const price = side === 'buy' ? book.ask : book.bid
  if (side === 'buy' ? price > item.limitTicks : price < item.limitTicks) return undefined
  if (item.open === 0) {
    item.open = ctx.place({ instrument, side, price, quantity })
    return item.open
  }
  const own = ctx.orders.get(item.open)
  if (own === undefined || item.stays || (own.state !== 'live' && own.state !== 'partiallyFilled')) return undefined
  if (side === 'buy' ? price > own.askedPrice : price < own.askedPrice) ctx.replace(item.open, { price, quantity })
  return undefined
}

/**
 * A strategy that executes a rebalance on any engine: `backtest(config, { strategy })`, `engine.use(strategy)`.
 *
 * Purchases wait until every sale is filled or refused, so that they are paid by what the sales brought. It is for one
 * run: a second run goes on where the first ended.
 *
 * @throws FafnirError ALLOCATION_INVALID; STRATEGY_INVALID from the engine when it has no such instrument
 * @example
 * const { strategy, progress } = rebalanceStrategy(orders)
 * await backtest(config, { strategy })
 */
export function rebalanceStrategy(orders: readonly RebalanceOrder[], options: ExecuteOptions = {}): RebalanceExecution {
  const slip = check.number('slipBasisPoints', options.slipBasisPoints ?? 100, 0, 10_000) / 10_000
  const list = orders.map((order): Working => {
    const beyond = Math.floor(order.priceTicks * slip)
    const limitTicks = order.side === 'buy' ? order.priceTicks + beyond : Math.max(order.priceTicks - beyond, 1)
    return { order, limitTicks, instrument: -1, filled: 0, ticksLots: 0, open: 0, stays: false, refused: undefined }
  })
  const byClient = new Map<number, Working>()
  const salesEnded = (): boolean => list.every((item) => item.order.side === 'buy' || ended(item))

  const work = (item: Working, ctx: StrategyContext<undefined>): void => {
    if (ended(item) || (item.order.side === 'buy' && !salesEnded())) return
    const placed = workOrder(item, ctx)
    if (placed !== undefined) byClient.set(placed, item)
  }
  const strategy = defineStrategy<undefined>({
    apiVersion: 1,
    onStart(ctx) {
      for (const item of list) item.instrument = ctx.instrument(item.order.symbol).id
    },
    onBook(book, ctx) {
      for (const item of list) if (item.instrument === book.instrument) work(item, ctx)
    },
    onFill(fill, ctx) {
      const item = byClient.get(fill.clientId)
      if (item === undefined) return
      item.filled += fill.lastQuantity
      item.ticksLots += fill.lastPrice * fill.lastQuantity
      if (item.filled >= item.order.lots) item.open = 0
      // The last sale lets purchases of instruments go whose touch has not moved since.
      if (item.order.side === 'sell' && salesEnded()) for (const next of list) work(next, ctx)
    },
    onOrder(event, ctx) {
      const item = byClient.get(event.clientId)
      if (item === undefined || item.open !== event.clientId) return
      if (ctx.orders.get(event.clientId) !== undefined) {
        // A move that was refused leaves the order where it is.
        if (event.kind === 'refused' || event.kind === 'replaceRejected') item.stays = true
        return
      }
      if (!ENDS.has(event.kind)) return
      item.open = 0
      if (item.filled < item.order.lots) item.refused = event.reason ?? 'VENUE_INVALID'
    },
  })
  return {
    strategy,
    done: () => list.every(ended),
    progress: () =>
      list.map((item) => ({
        symbol: item.order.symbol,
        side: item.order.side,
        lots: item.order.lots,
        filledLots: item.filled,
        filledTicksLots: item.ticksLots,
        state: stateOf(item),
        ...(item.refused === undefined ? {} : { reason: item.refused }),
      })),
  }
}

function stateOf({ order, filled, refused, open }: Working): ExecutedOrder['state'] {
  if (filled >= order.lots) return 'filled'
  if (refused !== undefined) return 'refused'
  return open !== 0 || filled > 0 ? 'working' : 'waiting'
}
