// Room card: cli/live-view
// In:    what a running engine shows of itself.
// Out:   what the dashboard shows of it.
// Holds: nothing is asked of the engine's thread.
// Costs: one JSON text a look.
import type { Engine } from '../engine/engine.js'
import type { ConnectionStats, EngineStats, InstrumentStats } from '../engine/stats.js'
import type { Instrument } from '../units.js'
import type { LiveView, ShownInstrument } from './dashboard.js'

/** What there is to show. */
export function viewOf(engine: Engine, seconds: number): LiveView {
  const stats = engine.stats()
  const { orders, messages, tickToOrderNanos } = stats
  return {
    seconds,
    state: stateOf(stats),
    messages,
    orders,
    openOrders: orders.open,
    tickToOrder: tickToOrderNanos,
    instruments: stats.instruments.map((item, id) => shown(item, engine.instruments[id])),
  }
}

function stateOf(stats: EngineStats): string {
  if (stats.fault !== null) return `halted: ${stats.fault}`
  if (stats.killed) return stats.killReason === null ? 'killed' : `killed (${stats.killReason})`
  const down = stats.connections.filter(({ state }) => state !== 'up')
  if (down.length === 0) return stats.instruments.every(({ valid }) => valid) ? 'trading' : 'books are joining'
  return down.map(connectionText).join(', ')
}

function connectionText({ venue, carries, state, lastFault }: ConnectionStats): string {
  return `${venue} ${carries} ${state}${lastFault === null ? '' : ` (${lastFault})`}`
}

function shown(item: InstrumentStats, instrument: Instrument | undefined): ShownInstrument {
  const price = (value: number | null): string | undefined => value?.toFixed(instrument?.priceDecimals ?? 2)
  return {
    symbol: item.symbol,
    bid: price(item.bid),
    ask: price(item.ask),
    quoteBid: price(item.quoteBid),
    quoteAsk: price(item.quoteAsk),
    inventory: item.position.toFixed(instrument?.quantityDecimals ?? 3),
    pnl: item.pnl === null ? undefined : Number(item.pnl).toFixed(2),
    currency: item.currency,
  }
}
