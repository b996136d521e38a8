// Room card: cli/dashboard
// In:    what an engine says of itself, twice a second.
// Out:   a small dashboard on a terminal, a live line a second elsewhere; on stderr.
// Holds: stdout carries results only; the dashboard is wiped before anything else is printed.
// Costs: a redraw twice a second.
import { count, nanos } from '../report/format.js'

/** One instrument as shown. Prices and quantities are decimal text; undefined where there is none. */
export interface ShownInstrument {
  readonly symbol: string
  readonly bid: string | undefined
  readonly ask: string | undefined
  readonly quoteBid: string | undefined
  readonly quoteAsk: string | undefined
  readonly inventory: string
  readonly pnl: string | undefined
  readonly currency: string
}

/** What is shown of a running engine. */
export interface LiveView {
  readonly seconds: number
  /** Connections and trading state in words. */
  readonly state: string
  readonly messages: number
  readonly orders: { readonly new: number; readonly cancel: number; readonly replace: number; readonly fills: number }
  readonly openOrders: number
  readonly tickToOrder: { readonly p50: number; readonly p99: number; readonly max: number; readonly count: number }
  readonly instruments: readonly ShownInstrument[]
}

/** Shows a running engine. */
export interface Dashboard {
  update(view: LiveView): void
  /** Wipes it. Idempotent. */
  done(): void
}

/** How often `update` is worth calling. */
export const REDRAW_MILLIS = 500
const LINE_MILLIS = 1_000

/** A display for this stream. */
export function showDashboard(title: string, stream: NodeJS.WriteStream, silent: boolean): Dashboard {
  if (silent) return { update() {}, done() {} }
  return stream.isTTY ? panel(title, stream) : lines(stream)
}

function panel(title: string, stream: NodeJS.WriteStream): Dashboard {
  let drawn = 0
  const wipe = (): void => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`)
    drawn = 0
  }
  return {
    update(view) {
      const width = Math.max(40, stream.columns ?? 80) - 1
      const text = panelLines(title, view).map((line) => line.slice(0, width))
      wipe()
      stream.write(`${text.join('\n')}\n`)
      drawn = text.length
    },
    done: wipe,
  }
}

/** The lines of the dashboard. */
export function panelLines(title: string, view: LiveView): readonly string[] {
  const { orders, tickToOrder: latency } = view
  const head = `${'instrument'.padEnd(12)}${column('bid')}${column('ask')}${column('our bid')}${column('our ask')}`
  const rows = view.instruments.map((item) => {
    const prices = [item.bid, item.ask, item.quoteBid, item.quoteAsk].map((price) => column(price ?? '–')).join('')
    return `${item.symbol.padEnd(12)}${prices}${column(item.inventory)}${column(pnlText(item), 20)}`
  })
  return [
    `${title} · ${view.seconds.toFixed(0)} s · ${view.state}`,
    `${head}${column('inventory')}${column('P&L', 20)}`,
    ...rows,
    `messages ${count(view.messages)} · new ${count(orders.new)} replace ${count(orders.replace)} ` +
      `cancel ${count(orders.cancel)} fills ${count(orders.fills)} · open ${count(view.openOrders)}`,
    latency.count === 0
      ? 'tick to order: no order yet'
      : `tick to order p50 ${nanos(latency.p50)} p99 ${nanos(latency.p99)} max ${nanos(latency.max)}`,
  ]
}

function column(text: string, width: number = 13): string {
  return text.padStart(width)
}

function pnlText(item: ShownInstrument): string {
  return item.pnl === undefined ? '–' : `${item.pnl} ${item.currency}`
}

function lines(stream: NodeJS.WriteStream): Dashboard {
  let said = -Infinity
  return {
    update(view) {
      const now = performance.now()
      if (now - said < LINE_MILLIS) return
      said = now
      stream.write(`${liveLine(view)}\n`)
    },
    done() {},
  }
}

/** The live line. */
export function liveLine(view: LiveView): string {
  const parts = [`${view.seconds.toFixed(0)} s`, view.state, `${count(view.messages)} messages`]
  for (const item of view.instruments) {
    parts.push(
      `${item.symbol} ${item.bid ?? '–'}/${item.ask ?? '–'} ours ${item.quoteBid ?? '–'}/${item.quoteAsk ?? '–'} ` +
        `inventory ${item.inventory} P&L ${pnlText(item)}`,
    )
  }
  parts.push(`fills ${count(view.orders.fills)}`)
  if (view.tickToOrder.count > 0) parts.push(`tick to order p50 ${nanos(view.tickToOrder.p50)}`)
  return parts.join(' · ')
}
