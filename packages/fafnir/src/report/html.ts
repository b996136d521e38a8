// Room card: report/html
// In:    a run: summary, strategy outcome, title.
// Out:   one self-contained HTML page: summary tables, plots of price with quotes and fills, inventory, P&L.
// Holds: no external request, no script; every foreign text is escaped; readable in light and dark.
// Costs: cold path.
import type { BacktestSummary, FillRow, InstrumentSeries } from '../backtest/summary.js'
import type { StrategyOutcome } from '../strategy/host.js'
import { decimal, escapeHtml } from './format.js'
import { pageHtml } from './page.js'
import { drawPlot, type PlotMark } from './plot.js'
import { summaryGroups } from './rows.js'

/** Marks a plot takes; more would hide each other. The table of trades has all. */
const MARKS_MAX = 2_000

/** The page of a run. */
export function reportHtml(title: string, summary: BacktestSummary, strategy?: StrategyOutcome): string {
  const body = [
    `<p class="hash">effects <code>${escapeHtml(summary.effectsHash)}</code></p>`,
    strategy?.error === undefined
      ? ''
      : `<p class="alarm">The strategy was halted: ${escapeHtml(strategy.error.message)}</p>`,
    ...summary.series.instruments.map((series) => instrumentPlots(series, summary)),
  ]
  return pageHtml(title, body, summaryGroups(summary, strategy))
}

function instrumentPlots(series: InstrumentSeries, summary: BacktestSummary): string {
  const { timeNanos } = summary.series
  const fills = summary.fills.filter((fill) => fill.instrument === series.symbol)
  const own = summary.instruments.find((item) => item.symbol === series.symbol)
  const price = drawPlot({
    title: `${series.symbol}: price, quotes and fills`,
    unit: 'price',
    timeNanos,
    lines: [
      { name: 'best bid', style: 'market', values: series.bid },
      { name: 'best ask', style: 'market', values: series.ask },
      { name: 'our bid', style: 'buy', values: series.quoteBid },
      { name: 'our ask', style: 'sell', values: series.quoteAsk },
    ],
    marks: marksOf(fills),
  })
  const inventory = drawPlot({
    title: `${series.symbol}: inventory`,
    unit: 'quantity',
    timeNanos,
    lines: [{ name: 'position', style: 'plain', values: series.inventory, step: true }],
    zero: true,
  })
  const pnl = drawPlot({
    title: `${series.symbol}: P&L`,
    unit: own?.currency ?? 'currency',
    timeNanos,
    lines: [{ name: 'total', style: 'plain', values: series.pnl }],
    zero: true,
  })
  return [price, inventory, pnl].join('\n')
}

function marksOf(fills: readonly FillRow[]): readonly PlotMark[] {
  const every = Math.max(Math.ceil(fills.length / MARKS_MAX), 1)
  return fills
    .filter((_, i) => i % every === 0)
    .map((fill) => ({
      timeNanos: fill.timeNanos,
      value: Number(fill.price),
      side: fill.side,
      note: `${fill.side} ${decimal(fill.quantity)} at ${decimal(fill.price)} (${fill.liquidity})`,
    }))
}
