// Room card: report/html
// In:    a run: summary, strategy outcome, title.
// Out:   one self-contained HTML page: summary tables, plots of price with quotes and fills, inventory, P&L.
// Holds: no external request, no script; every foreign text is escaped; readable in light and dark.
// Costs: cold path.
import type { BacktestSummary, FillRow, InstrumentSeries } from '../backtest/summary.js'
import type { StrategyOutcome } from '../strategy/host.js'
import { decimal, escapeHtml } from './format.js'
import { drawPlot, type PlotMark } from './plot.js'
import { summaryGroups } from './rows.js'

/** Marks a plot takes; more would hide each other. The table of trades has all. */
const MARKS_MAX = 2_000

/** The page of a run. */
export function reportHtml(title: string, summary: BacktestSummary, strategy?: StrategyOutcome): string {
  const groups = summaryGroups(summary, strategy)
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeHtml(title)}</title><style>${PAGE_STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="hash">effects <code>${escapeHtml(summary.effectsHash)}</code></p>`,
    strategy?.error === undefined
      ? ''
      : `<p class="alarm">The strategy was halted: ${escapeHtml(strategy.error.message)}</p>`,
    ...summary.series.instruments.map((series) => instrumentPlots(series, summary)),
    '<div class="tables">',
    ...groups.map(
      (group) =>
        `<table><caption>${escapeHtml(group.title)}</caption><tbody>` +
        group.rows
          .map(([label, value]) => `<tr><th scope="row">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`)
          .join('') +
        '</tbody></table>',
    ),
    '</div></body></html>',
    '',
  ].join('\n')
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

/** The style of a page, in light and dark. */
export const PAGE_STYLE: string = `
:root{color-scheme:light dark;--text:#1d2330;--soft:#667085;--page:#fff;--rule:#e4e7ec;
--buy:#1d6fd8;--sell:#c2570c;--plain:#344054;--alarm:#b42318}
@media(prefers-color-scheme:dark){:root{--text:#e6e9ef;--soft:#98a2b3;--page:#14171d;--rule:#2a303b;
--buy:#6cb2ff;--sell:#ff9d5c;--plain:#cfd6e1;--alarm:#ff8a80}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);
max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}.hash{color:var(--soft);margin:.2rem 0 1.5rem}.alarm{color:var(--alarm);font-weight:600}
code{font-family:ui-monospace,monospace}figure{margin:0 0 1.5rem}
figcaption{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}
.unit{color:var(--soft)}svg{width:100%;height:auto;display:block}.grid{stroke:var(--rule);stroke-width:1}
.tick{fill:var(--soft);font-size:11px;font-variant-numeric:tabular-nums}.end{text-anchor:end}.middle{text-anchor:middle}
.line{fill:none;stroke-width:1.4;stroke-linejoin:round}.line.market{stroke:var(--soft);stroke-width:1}
.line.buy{stroke:var(--buy)}.line.sell{stroke:var(--sell)}.line.plain{stroke:var(--plain)}
.mark.buy{fill:var(--buy)}.mark.sell{fill:var(--sell)}
polygon.mark{stroke:var(--page);stroke-width:.7}
.key{font-size:.85rem;color:var(--soft)}.key.buy{color:var(--buy)}.key.sell{color:var(--sell)}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:1rem 2rem;align-items:start}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border-top:1px solid var(--rule);padding:.25rem .5rem .25rem 0;text-align:left;vertical-align:top;font-weight:400}
th{color:var(--soft);white-space:nowrap}td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
`.trim()
