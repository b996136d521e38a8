import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { backtestAllocation, type AllocationBacktestInput, type PriceBar } from './bars.js'
import { allocationGroups, allocationReportHtml, writeAllocationReport } from './report.js'
import { simulate, simulatedRules } from './simulate.js'
import { targetsOf } from './targets.js'
import { variants } from './variants.js'

const symbols = ['STK', 'BND', 'GLD']
const weights = [0.5, 0.3, 0.2]

/** Month ends of an invented market. */
function barsOf(months: number, decimals: number, firstYear: number): PriceBar[] {
  const prices = [100, 50, 200]
  return Array.from({ length: months }, (_, i) => {
    if (i > 0) {
      prices[0]! *= 1 + 0.006 + 0.05 * Math.sin(i * 1.7)
      prices[1]! *= 1 + 0.003 + 0.02 * Math.sin(i * 2.3 + 1)
      prices[2]! *= 1 + 0.004 + 0.04 * Math.cos(i * 0.9)
    }
    const date = new Date(Date.UTC(firstYear, i + 1, 0)).toISOString().slice(0, 10)
    return { date, prices: Object.fromEntries(symbols.map((symbol, n) => [symbol, prices[n]!.toFixed(decimals)])) }
  })
}

function inputOf(
  bars: readonly PriceBar[],
  lotSize: string,
  tickSize: string,
  feeRate: string,
): AllocationBacktestInput {
  return {
    instruments: symbols.map((symbol) => ({ symbol, lotSize, tickSize, feeRate })),
    targets: symbols.map((symbol, i) => ({ sleeve: symbol.toLowerCase(), weight: weights[i]!, instrument: symbol })),
    bars,
    startCash: '1000000000',
    benchmark: { stocks: 'STK', bonds: 'BND' },
  }
}

describe('an allocation over bars', () => {
  const bars = barsOf(96, 6, 2015)
  const returns = bars
    .slice(1)
    .map((bar, i) => symbols.map((symbol) => Number(bar.prices[symbol]) / Number(bars[i]!.prices[symbol]) - 1))
  const labels = bars.slice(1).map(({ date }) => date)

  test.each([
    ['each bar', {}, simulatedRules.monthly],
    ['5/25', { bands: {} }, simulatedRules['5/25']],
    [
      'edges',
      { bands: { absolute: 0.02, relative: 0.1 }, to: 'edge' } as const,
      { kind: 'bands', bands: { absolute: 0.02, relative: 0.1 }, to: 'edge' } as const,
    ],
  ])('with the finest lots it is the arithmetic without lots: %s', (_, rules, rule) => {
    for (const cost of [0, 0.001]) {
      const input = { ...inputOf(bars, '0.000001', '0.000001', String(cost)), rules, moneyDecimals: 6 }
      const { portfolio } = backtestAllocation(input)
      const wanted = simulate({ sleeves: symbols, weights, labels, returns, rule, cost })
      for (const [i, value] of wanted.path.slice(0, -1).entries()) {
        expect(Math.abs(portfolio.growth[i + 1]! / portfolio.growth[0]! / value - 1)).toBeLessThan(1e-7)
      }
      expect(portfolio.rebalances.length).toBeGreaterThan(1)
    }
  })

  test('with whole lots it holds what it can, and money adds up', () => {
    const input = { ...inputOf(bars, '1', '0.000001', '0.001'), startCash: '20000', rules: { bands: {} } }
    const { portfolio, benchmark, crises, correlation } = backtestAllocation(input)
    const last = bars.at(-1)!
    const held = Object.entries(portfolio.holdings.positions)
    const worth = held.reduce((sum, [symbol, size]) => sum + Number(size) * Number(last.prices[symbol]), 0)
    expect(worth + Number(portfolio.holdings.cash)).toBeCloseTo(Number(portfolio.values.at(-1)), 6)
    expect(portfolio.growth.at(-1)).toBeCloseTo(Number(portfolio.values.at(-1)) / 20_000, 12)
    const costs = portfolio.rebalances.reduce((sum, { cost }) => sum + Number(cost), 0)
    expect(Number(portfolio.cost)).toBeCloseTo(costs, 9)
    expect(benchmark.rebalances.length).toBeGreaterThan(portfolio.rebalances.length)
    expect(crises.map(({ name }) => name)).toEqual(['pandemic', 'inflation of 2022'])
    const pandemic = crises[0]!
    const at = (date: string) => portfolio.growth[bars.findIndex((bar) => bar.date === date)]!
    expect(pandemic.portfolio).toBeCloseTo(at('2020-03-31') / at('2019-12-31') - 1, 12)
    expect(correlation?.points).toHaveLength(95 - 35)
  })

  test('money paid in is no return', () => {
    const plain = backtestAllocation({ ...inputOf(bars, '0.000001', '0.000001', '0'), moneyDecimals: 6 })
    const paid = bars.map((bar, i) =>
      i === 40 ? { ...bar, flow: '500000000' } : i === 60 ? { ...bar, flow: '-100000000' } : bar,
    )
    const flows = backtestAllocation({ ...inputOf(paid, '0.000001', '0.000001', '0'), moneyDecimals: 6 })
    expect(flows.portfolio.final).toBeCloseTo(plain.portfolio.final, 8)
    expect(Number(flows.portfolio.values.at(-1))).toBeGreaterThan(Number(plain.portfolio.values.at(-1)))
  })

  test('targets of a rule see no bar that is still to come', () => {
    const lengths: number[] = []
    const { portfolio } = backtestAllocation({
      ...inputOf(bars, '1', '0.000001', '0'),
      targets: (seen) => {
        lengths.push(seen.length)
        const up = seen.length < 2 || Number(seen.at(-1)!.prices['STK']) > Number(seen.at(-2)!.prices['STK'])
        return [
          { sleeve: 'trend', weight: up ? 1 : 0, instrument: 'STK' },
          { sleeve: 'cash', weight: up ? 0 : 1 },
        ]
      },
    })
    expect(lengths).toEqual(bars.map((_, i) => i + 1))
    expect(portfolio.rebalances.length).toBeGreaterThan(10)
  })

  test('bad bars are refused with their place', () => {
    const input = inputOf(bars, '1', '0.000001', '0')
    const bad = (change: readonly PriceBar[]) => () => backtestAllocation({ ...input, bars: change })
    const missing = bars.map((bar, i) => (i === 7 ? { ...bar, prices: { STK: '1', BND: '1' } } : bar))
    expect(bad(missing)).toThrow(
      expect.objectContaining({
        code: 'PRICE_MISSING',
        fields: expect.objectContaining({ path: 'bars[7].GLD' }) as unknown,
      }),
    )
    expect(bad([...bars].reverse())).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
    expect(bad(bars.slice(0, 1))).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
    const nan = bars.map((bar, i) => (i === 3 ? { ...bar, prices: { ...bar.prices, STK: 'NaN' } } : bar))
    expect(bad(nan)).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
  })
})

describe('its report', () => {
  const result = backtestAllocation({ ...inputOf(barsOf(96, 2, 2015), '1', '0.01', '0.001'), rules: { bands: {} } })

  test('shows 60/40, crises, the correlation and the quadrants', () => {
    const groups = allocationGroups({ result, percents: variants.standard.percents })
    const titles = groups.map(({ title }) => title)
    expect(titles).toEqual(['Allocation and 60/40', 'Crises', 'Stocks and bonds', 'Quadrants'])
    expect(groups.at(-1)!.rows.map(([label]) => label)).toEqual([
      'secular growth',
      'deflationary bust',
      'inflation',
      'fiat devaluation',
    ])
  })

  test('is one page that asks for nothing and shows foreign text as text', () => {
    const page = allocationReportHtml({ title: '<script>x</script>', result })
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/(src|href)=|@import|url\(/)
    expect(page).not.toMatch(/NaN|undefined/)
    expect(page.match(/<path/g)).toHaveLength(5)
  })

  test('is written whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fafnir-allocation-'))
    try {
      const paths = await writeAllocationReport(join(folder, 'a'), { title: 't', result })
      const rows = (await readFile(paths.orders, 'utf8')).trim().split('\r\n')
      const orders = result.portfolio.rebalances.reduce((sum, item) => sum + item.orders.length, 0)
      expect(rows).toHaveLength(orders + 1)
      expect(JSON.parse(await readFile(paths.json, 'utf8'))).toMatchObject({ title: 't', dates: result.dates })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('targets', () => {
  const fills = {
    equity: { instrument: 'STK' },
    longTreasuries: { instrument: 'BND' },
    gold: { instrument: 'GLD' },
    commodityTrend: { instrument: 'OIL', exposure: -0.5 },
    longVolatility: { instrument: 'VOL' },
  }

  test('what a rule does not use is cash', () => {
    const lines = targetsOf(variants.standard.percents, fills)
    expect(lines.find(({ sleeve }) => sleeve === 'commodityTrend')!.weight).toBeCloseTo(-0.1, 12)
    expect(lines.at(-1)!.sleeve).toBe('cash')
    expect(lines.at(-1)!.weight).toBeCloseTo(0.3, 12)
    expect(lines.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12)
  })

  test('bad percents and empty sleeves are refused', () => {
    const code = (name: string) => expect.objectContaining({ code: name }) as Error
    expect(() => targetsOf({ equity: 50 }, fills)).toThrow(code('WEIGHTS_SUM'))
    expect(() => targetsOf({ equity: NaN, gold: 100 }, fills)).toThrow(code('ALLOCATION_INVALID'))
    expect(() => targetsOf(variants.defensive.percents, fills)).toThrow(code('SLEEVE_UNFILLED'))
    expect(() => targetsOf({ equity: 100, magic: 0 } as object, fills)).toThrow(code('ALLOCATION_INVALID'))
  })
})
