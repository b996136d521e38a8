// Room card: report/rows
// In:    the summary of a run and how its strategy ended.
// Out:   titled rows of label and value: the same for the terminal and the page.
// Holds: every number stands with its unit; nothing is computed here that the summary does not hold.
// Costs: cold path.
import type { BacktestSummary, CalibrationSummary, InstrumentSummary, Percentiles } from '../backtest/summary.js'
import type { StrategyOutcome } from '../strategy/host.js'
import { count, decimal, nanos, percent, utc } from './format.js'

/** A titled group of rows. */
export interface RowGroup {
  readonly title: string
  readonly rows: readonly (readonly [label: string, value: string])[]
}

/** What a run came to, in groups. */
export function summaryGroups(summary: BacktestSummary, strategy?: StrategyOutcome): readonly RowGroup[] {
  return [
    { title: 'Market', rows: marketRows(summary) },
    { title: 'Quotes and orders', rows: orderRows(summary) },
    ...summary.instruments.map((instrument) => ({ title: instrument.symbol, rows: instrumentRows(instrument) })),
    { title: 'Rejects by reason', rows: counterRows(summary.rejects) },
    { title: 'Tick to order', rows: latencyRows(summary.tickToOrderNanos) },
    { title: 'Order to acknowledgement', rows: latencyRows(summary.orderToAckNanos) },
    ...(strategy === undefined ? [] : [{ title: 'Strategy', rows: strategyRows(strategy) }]),
  ]
}

function marketRows(summary: BacktestSummary): RowGroup['rows'] {
  const { counts, book } = summary
  const rows: [string, string][] = [
    ['from', utc(summary.marketStart)],
    ['to', utc(summary.marketEnd)],
    [
      'messages',
      `depth ${count(counts.depth)}, bookTicker ${count(counts.bookTicker)}, trade ${count(counts.trade)}, ` +
        `snapshot ${count(counts.snapshot)}, other ${count(counts.other)}, garbage ${count(counts.garbage)}`,
    ],
    [
      'book',
      `${count(book.beforeJoin)} diffs before the join, ${count(book.afterJoin)} after it, ${count(book.gaps)} gaps, ` +
        `${count(book.crossed)} crossed, valid ${percent(book.validFraction)}`,
    ],
    [
      'speed',
      `${count(summary.turns)} turns in ${summary.wallSeconds.toFixed(2)} s, ` +
        `${count(summary.eventsPerSecond)} a second`,
    ],
  ]
  if (counts.depth > 0 && book.validFraction === 0) {
    rows.push(['note', 'no snapshot joined: L1 and trades were replayed, the L2 was never valid, nothing was quoted'])
  }
  if (counts.timeStepsBack > 0) rows.push(['time steps back', count(counts.timeStepsBack)])
  const faults = Object.entries(counts.errors).map(([code, n]) => `${code} ${count(n)}`)
  if (faults.length > 0) rows.push(['faults', faults.join(', ')])
  if (summary.seeds.length > 0) rows.push(['seeds', summary.seeds.join(', ')])
  return rows
}

function orderRows(summary: BacktestSummary): RowGroup['rows'] {
  const { orders, quoteUptime } = summary
  return [
    [
      'requests',
      `new ${count(orders.new)}, replace ${count(orders.replace)}, cancel ${count(orders.cancel)}, ` +
        `refused by our gate ${count(orders.refused)}`,
    ],
    [
      'both sides quoted',
      `${percent(quoteUptime.fraction)} of the ${nanos(quoteUptime.eligibleNanos)} in which quotes could stand`,
    ],
  ]
}

function instrumentRows(item: InstrumentSummary): RowGroup['rows'] {
  const { fills, quantity, pnl, calibration, ledger } = item
  const rows: [string, string][] = [
    [
      'fills',
      `buy ${count(fills.buy)} (${decimal(quantity.buy)}), sell ${count(fills.sell)} (${decimal(quantity.sell)})`,
    ],
    ['inventory', decimal(item.position)],
  ]
  if (pnl === null) {
    rows.push(['P&L', 'no price to value it at'])
  } else {
    rows.push(['P&L', `${decimal(pnl.total)} ${item.currency}`])
    rows.push(['from spread', decimal(pnl.spread)])
    rows.push(['from inventory', decimal(pnl.inventory)])
    rows.push(['fees', decimal(negated(pnl.fees))])
  }
  if (ledger !== null) {
    const agrees = ledger.agrees ? 'agrees' : `DISAGREES: position ${ledger.position}, fees ${ledger.fees}`
    rows.push(["venue's ledger", agrees])
    if (ledger.openOrders > 0) rows.push(['still open at the venue', count(ledger.openOrders)])
  }
  if (calibration !== null) rows.push(...calibrationRows(calibration))
  return rows
}

function calibrationRows(kappa: CalibrationSummary): [string, string][] {
  const text = (value: number): string => value.toPrecision(4)
  const { fills, quotedSeconds: seconds, decayPerPrice: decay } = kappa
  return [
    [
      'κ prior',
      `${text(kappa.priorDecayPerPrice)} per price: ${text(kappa.priorFills)} fills in ${text(kappa.priorSeconds)} s ` +
        `at ${text(kappa.priorDistancePrice)} from the mid, ${text(kappa.arrivalsPerSecond)} arrivals a second`,
    ],
    ['κ bid', `${text(decay.buy)} per price from ${count(fills.buy)} fills in ${text(seconds.buy)} s quoted`],
    ['κ ask', `${text(decay.sell)} per price from ${count(fills.sell)} fills in ${text(seconds.sell)} s quoted`],
  ]
}

// The summary counts fees as a cost; a P&L line shows what they did to the result.
function negated(text: string): string {
  if (text.startsWith('-')) return text.slice(1)
  return /[1-9]/.test(text) ? `-${text}` : text
}

function counterRows(counters: Readonly<Record<string, number>>): RowGroup['rows'] {
  const rows = Object.entries(counters)
    .filter(([, n]) => n > 0)
    .map(([code, n]): [string, string] => [code, count(n)])
  return rows.length > 0 ? rows : [['none', '0']]
}

function latencyRows(latency: Percentiles): RowGroup['rows'] {
  const { count: samples, p50, p90, p99, p999, max } = latency
  if (samples === 0) return [['samples', '0']]
  return [
    ['p50', nanos(p50)],
    ['p90', nanos(p90)],
    ['p99', nanos(p99)],
    ['p99.9', nanos(p999)],
    ['max', `${nanos(max)} of ${count(samples)}`],
  ]
}

function strategyRows(outcome: StrategyOutcome): RowGroup['rows'] {
  const rows: [string, string][] = [
    ['events', count(outcome.events)],
    ['commands', count(outcome.commands)],
  ]
  if (outcome.invalidOrders > 0) rows.push(['orders refused as malformed', count(outcome.invalidOrders)])
  if (outcome.missed > 0) rows.push(['market records missed', count(outcome.missed)])
  if (outcome.error !== undefined) rows.push(['halted', `${outcome.error.code}: ${outcome.error.message}`])
  return rows
}
