// The standard Dragon portfolio over 20 invented years, month by month, in whole lots, with costs: equities, bonds and
// gold are held, the commodity sleeve follows its trend, long volatility is an overlay whose running cost is shown.
// `node main.mjs DIR` also writes the report there: HTML, JSON, orders as CSV.
import { readFileSync } from 'node:fs'

import {
  allocationGroups,
  allocationOrdersCsv,
  allocationReportHtml,
  backtestAllocation,
  targetsOf,
  trendExposure,
  variants,
  volatilityOverlay,
  writeAllocationReport,
} from 'fafnir/allocator'

const here = (name) => new URL(name, import.meta.url)
const options = JSON.parse(readFileSync(here('input.json'), 'utf8'))
const [head, ...lines] = readFileSync(here('bars.csv'), 'utf8').trim().split('\n')
const names = head.split(',').slice(1)
const rows = lines.map((line) => line.split(','))
const column = (name) => rows.map((row) => Number(row[names.indexOf(name) + 1]))

// What the overlay on the index of volatility comes to, as the price of one unit.
const overlay = volatilityOverlay(column('VIX'), options.volatility)
let price = 100
const volatilityPrices = [price, ...overlay.map((period) => (price *= 1 + period.return))]

// The trend needs a past: the first months are only looked at.
const oil = column('OIL')
const warmUp = Math.max(options.trend.lookback, options.trend.volatilityWindow)
const bars = rows.slice(warmUp).map(([date], i) => ({
  date,
  prices: {
    ...Object.fromEntries(
      ['STK', 'BND', 'GLD', 'OIL'].map((name) => [name, rows[warmUp + i][names.indexOf(name) + 1]]),
    ),
    VOL: volatilityPrices[warmUp + i].toFixed(2),
  },
}))

const { feeRate, halfSpreadTicks, rules, startCash } = options
const common = { tickSize: '0.01', lotSize: '1', feeRate, halfSpreadTicks }
const instruments = ['STK', 'BND', 'GLD', 'OIL', 'VOL'].map((symbol) => ({
  symbol,
  ...common,
  short: symbol === 'OIL',
}))

function targets(seen) {
  const exposure = trendExposure(oil.slice(0, warmUp + seen.length), options.trend)
  return targetsOf(variants.standard.percents, {
    equity: { instrument: 'STK' },
    longTreasuries: { instrument: 'BND' },
    gold: { instrument: 'GLD' },
    commodityTrend: { instrument: 'OIL', exposure },
    longVolatility: { instrument: 'VOL' },
  })
}

const benchmark = { stocks: 'STK', bonds: 'BND' }
const result = backtestAllocation({ instruments, targets, bars, startCash, rules, benchmark })
for (const { title, rows: shown } of allocationGroups({ result, percents: variants.standard.percents })) {
  console.log(`\n${title}`)
  const width = Math.max(...shown.map(([label]) => label.length))
  for (const [label, value] of shown) console.log(`  ${label.padEnd(width)}  ${value}`)
}

const carry = overlay.slice(warmUp).reduce((sum, { cost }) => sum + cost, 0) / (overlay.length - warmUp)
console.log(`\nlong volatility costs ${(carry * 1200).toFixed(1)} % of its sleeve a year to hold`)
const { orders } = result.portfolio.rebalances[1]
console.log(`first rebalance, ${result.portfolio.rebalances[1].date}:`)
for (const { side, quantity, symbol, price: limit, why } of orders)
  console.log(`  ${side} ${quantity} ${symbol} at ${limit}: ${why}`)

const title = 'The standard Dragon portfolio, invented prices'
const report = { title, result, percents: variants.standard.percents }
if (process.argv[2] !== undefined) await writeAllocationReport(process.argv[2], report)
const [panels, rowsOfOrders] = [
  allocationReportHtml(report).split('<g ').length - 1,
  allocationOrdersCsv(result).split('\r\n').length - 2,
]
console.log(`report: ${panels} panels, ${rowsOfOrders} orders`)
