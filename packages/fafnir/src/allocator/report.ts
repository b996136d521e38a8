// Room card: allocator/report
// In:    what an allocation came to over bars, its percents.
// Out:   one self-contained HTML page, JSON, orders as CSV; rows for the terminal.
// Holds: 60/40, crises and the correlation of stocks and bonds stand in every report; no script, no external request;
//        every foreign text is escaped.
// Costs: cold path.
import { join } from 'node:path'

import { csvCell, decimal, percent } from '../report/format.js'
import { pageHtml } from '../report/page.js'
import type { RowGroup } from '../report/rows.js'
import { writeFilesAtomically } from '../report/write.js'
import { drawXyPlot } from '../report/xy-plot.js'
import type { AllocationBacktest, BarPath } from './bars.js'
import { quadrants, sleeves, sleevesFor, type SleevePercents } from './variants.js'

/** What a report shows. */
export interface AllocationReport {
  readonly title: string
  readonly result: AllocationBacktest
  /** For the table of quadrants. Default: the table is left out. */
  readonly percents?: SleevePercents | undefined
}

/** Where the parts of a report are. */
export interface AllocationReportPaths {
  readonly html: string
  readonly json: string
  readonly orders: string
}

/** The figures of a run in titled groups, for the terminal and the page. */
export function allocationGroups({ result, percents }: Omit<AllocationReport, 'title'>): readonly RowGroup[] {
  const { dates, portfolio, benchmark, crises, correlation } = result
  const both = (show: (path: BarPath) => string): string => `${show(portfolio)}, 60/40 ${show(benchmark)}`
  const paying = [portfolio, benchmark].some(({ dividends }) => Number(dividends) !== 0)
  const groups: RowGroup[] = [
    {
      title: 'Allocation and 60/40',
      rows: [
        ['bars', `${dates.length}, ${dates[0]} to ${dates.at(-1)}`],
        ['value at the end', both(({ values }) => decimal(values.at(-1)!))],
        ['growth a year', both(({ cagr }) => percent(cagr))],
        ['volatility a year', both(({ volatility }) => percent(volatility))],
        ['mean return over volatility', both(({ sharpe }) => sharpe.toFixed(2))],
        ['largest fall', both(({ maxDrawdown }) => percent(maxDrawdown))],
        ['rebalances with orders', both(({ rebalances }) => String(rebalances.length))],
        ['one-way turnover', both(({ oneWayTurnover }) => percent(oneWayTurnover))],
        ['fees and spreads', both(({ cost }) => decimal(cost))],
        ...(paying ? [['dividends', both(({ dividends }) => decimal(dividends))] as const] : []),
      ],
    },
    { title: 'Crises', rows: crisisRows(crises) },
    { title: 'Stocks and bonds', rows: correlationRows(correlation) },
  ]
  return percents === undefined ? groups : [...groups, { title: 'Quadrants', rows: quadrantRows(percents) }]
}

function crisisRows(crises: AllocationBacktest['crises']): RowGroup['rows'] {
  if (crises.length === 0) return [['none', 'the bars cover none of them']]
  return crises.map(({ name, from, to, portfolio, benchmark, portfolioDrawdown, benchmarkDrawdown }) => [
    `${name}, ${from.slice(0, 7)} to ${to.slice(0, 7)}`,
    `${percent(portfolio)} (deepest ${percent(portfolioDrawdown)}), ` +
      `60/40 ${percent(benchmark)} (deepest ${percent(benchmarkDrawdown)})`,
  ])
}

function correlationRows(monitor: AllocationBacktest['correlation']): RowGroup['rows'] {
  if (monitor === null) return [['correlation', 'fewer bars than one window']]
  const { latest, since, whole, window, meaning } = monitor
  const shown = (value: number | null): string => (value === null ? 'none' : value.toFixed(2))
  return [
    [`correlation over ${window} bars`, `${shown(latest.correlation)} (${latest.state ?? 'none'} since ${since})`],
    ['over all bars', shown(whole)],
    ['meaning', meaning],
  ]
}

function quadrantRows(percents: SleevePercents): RowGroup['rows'] {
  return quadrants.map(({ quadrant, label }) => {
    const names = sleevesFor(quadrant, percents).map((sleeve) => {
      const card = sleeves.find((item) => item.sleeve === sleeve)!
      return `${card.label} ${percents[sleeve]} %${card.answers === quadrant ? '' : ' (also)'}`
    })
    return [label, names.join(', ')]
  })
}

/** The page of a run. */
export function allocationReportHtml(report: AllocationReport): string {
  const body = [
    '<p>Past prices, at the costs given. No promise of what comes.</p>',
    `<figure>${allocationPlot(report.result)}</figure>`,
  ]
  return pageHtml(report.title, body, allocationGroups(report))
}

/** Growth of one, fall from the high and rolling correlation, as an SVG file. */
export function allocationPlot({ dates, portfolio, benchmark, correlation }: AllocationBacktest): string {
  const x = dates.map(yearOf)
  const points = correlation?.points ?? []
  return drawXyPlot([
    {
      title: 'Growth of one',
      xUnit: 'year',
      yUnit: 'times',
      log: true,
      series: [
        { name: 'allocation', kind: 'line', colour: 0, x, y: portfolio.growth },
        { name: '60/40', kind: 'line', colour: 1, x, y: benchmark.growth },
      ],
    },
    {
      title: 'Fall from the high',
      xUnit: 'year',
      yUnit: '%',
      series: [
        { name: 'allocation', kind: 'line', colour: 0, x, y: falls(portfolio.growth) },
        { name: '60/40', kind: 'line', colour: 1, x, y: falls(benchmark.growth) },
      ],
    },
    {
      title: 'Correlation of stocks and bonds',
      xUnit: 'year',
      yUnit: 'correlation',
      series: [
        {
          name: 'rolling',
          kind: 'line',
          colour: 2,
          x: points.map(({ label }) => yearOf(label)),
          y: points.map(({ correlation: value }) => value ?? NaN),
        },
      ],
    },
  ])
}

function yearOf(date: string): number {
  const year = Number(date.slice(0, 4))
  const [start, end] = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)]
  return year + (Date.parse(`${date}T00:00:00Z`) - start) / (end - start)
}

function falls(growth: readonly number[]): readonly number[] {
  let high = 0
  return growth.map((value) => {
    high = Math.max(high, value)
    return (value / high - 1) * 100
  })
}

const ORDER_COLUMNS = ['date', 'sleeve', 'symbol', 'side', 'quantity', 'price', 'value', 'cost', 'reason']

/** Every order of a run as CSV (RFC 4180) with a header. */
export function allocationOrdersCsv({ portfolio }: AllocationBacktest): string {
  const lines = portfolio.rebalances.flatMap(({ date, orders }) =>
    orders.map(({ sleeve, symbol, side, quantity, price, value, cost, reason }) =>
      [date, sleeve, symbol, side, quantity, price, value, cost, reason].map(csvCell).join(','),
    ),
  )
  return [ORDER_COLUMNS.join(','), ...lines, ''].join('\r\n')
}

/**
 * Writes `report.html`, `report.json` and `orders.csv` into a folder: all of them or none.
 * @throws FafnirError OUTPUT_FAILED with `path` and `error`
 */
export async function writeAllocationReport(
  directory: string,
  report: AllocationReport,
): Promise<AllocationReportPaths> {
  const paths = {
    html: join(directory, 'report.html'),
    json: join(directory, 'report.json'),
    orders: join(directory, 'orders.csv'),
  }
  await writeFilesAtomically(directory, [
    [paths.orders, allocationOrdersCsv(report.result)],
    [paths.html, allocationReportHtml(report)],
    [paths.json, `${JSON.stringify({ title: report.title, ...report.result }, null, 2)}\n`],
  ])
  return paths
}
