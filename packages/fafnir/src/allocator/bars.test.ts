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

  test('dividends are cash on the day: by hand', () => {
    const instruments = ['STK', 'BND'].map((symbol) => ({ symbol, lotSize: '1', tickSize: '0.01' }))
    const bar = (date: string, STK: string, dividends?: Record<string, string>, flow?: string): PriceBar => {
      return { date, prices: { STK, BND: '20.00' }, ...(dividends && { dividends }), ...(flow && { flow }) }
    }
    const paying = [
      bar('2024-01-31', '10.00', { STK: '9' }),
      bar('2024-02-29', '10.00', { STK: '0.255' }),
      bar('2024-03-31', '9.80', { STK: '0.3333', BND: '0.10' }),
      bar('2024-04-30', '9.80', { BND: '0.25' }, '98'),
    ]
    const common = { instruments, bars: paying, startCash: '1000', benchmark: { stocks: 'STK', bonds: 'BND' } }
    const targets = [{ sleeve: 'equity', weight: 1, instrument: 'STK' }]
    const result = backtestAllocation({ ...common, targets })
    const { portfolio, benchmark } = result
    // 100 shares bought at the first bar, after what it pays. 100 x 0.255 = 25.50 buys 2 at 10.00 and leaves 5.50.
    // 102 x 0.3333 = 33.9966, paid as 33.99: 39.49 in cash, 102 x 9.80 = 999.60 in shares; 4 more leave 0.29.
    // 98 paid in buys 10 at 9.80.
    expect(portfolio.values).toEqual(['1000.00', '1025.50', '1039.09', '1137.09'])
    expect(portfolio.dividends).toBe('59.49')
    expect(portfolio.holdings).toMatchObject({ cash: '0.29', positions: { STK: '116' } })
    for (const [i, growth] of [1, 1.0255, 1.03909, 1.03909].entries()) {
      expect(portfolio.growth[i]).toBeCloseTo(growth, 14)
    }
    // 60/40: 60 shares and 20 bonds. 15.30 is less than what a lot of either is short of its target. Then 588.00,
    // 400.00 and 15.30 + 19.99 + 2.00 in cash: 2 shares are bought. Then 20 x 0.25.
    expect(benchmark.values.slice(0, 3)).toEqual(['1000.00', '1015.30', '1025.29'])
    expect(benchmark.dividends).toBe('42.29')
    expect(allocationGroups({ result })[0]!.rows.at(-1)).toEqual(['dividends', '59.49, 60/40 42.29'])
  })

  test('dividends of prices that fall by them are the total return', () => {
    const input = { ...inputOf(bars, '0.000001', '0.000001', '0'), moneyDecimals: 6 }
    const total = backtestAllocation(input)
    // The same market, told as prices that fall by what is paid: a twelfth of 3 % a month for stocks, 4 % for bonds.
    const yields: Record<string, number> = { STK: 0.03 / 12, BND: 0.04 / 12 }
    let level: Record<string, number> = Object.fromEntries(symbols.map((symbol) => [symbol, 1]))
    const paying = bars.map((bar, i): PriceBar => {
      const entries = symbols.map((symbol) => {
        const [full, rate] = [Number(bar.prices[symbol]), i === 0 ? 0 : (yields[symbol] ?? 0)]
        const before = full * level[symbol]!
        level = { ...level, [symbol]: level[symbol]! * (1 - rate) }
        return {
          symbol,
          price: (before * (1 - rate)).toFixed(6),
          paid: before - Number((before * (1 - rate)).toFixed(6)),
        }
      })
      const dividends = entries.filter(({ paid }) => paid > 0.0001).map(({ symbol, paid }) => [symbol, paid.toFixed(9)])
      return {
        date: bar.date,
        prices: Object.fromEntries(entries.map(({ symbol, price }) => [symbol, price])),
        dividends: Object.fromEntries(dividends) as Record<string, string>,
      }
    })
    const told = backtestAllocation({ ...input, bars: paying })
    expect(Number(told.portfolio.dividends)).toBeGreaterThan(1e8)
    for (const [i, growth] of told.portfolio.growth.entries()) {
      expect(Math.abs(growth / total.portfolio.growth[i]! - 1)).toBeLessThan(1e-6)
      expect(Math.abs(told.benchmark.growth[i]! / total.benchmark.growth[i]! - 1)).toBeLessThan(1e-6)
    }
    const correlations = [told, total].map(({ correlation }) => correlation!.whole!)
    expect(correlations[0]).toBeCloseTo(correlations[1]!, 6)
  })

  test('a short position owes what is paid; what cash does not cover is raised', () => {
    const instruments = ['STK', 'OIL'].map((symbol) => ({ symbol, lotSize: '1', tickSize: '0.01', short: true }))
    const prices = { STK: '10.00', OIL: '10.00' }
    const two = ['2024-01-31', '2024-02-29'].map((date): PriceBar => ({ date, prices }))
    const paying = [two[0]!, { ...two[1]!, dividends: { OIL: '1.00525' } }]
    const targets = [
      { sleeve: 'equity', weight: 1.2, instrument: 'STK' },
      { sleeve: 'trend', weight: -0.2, instrument: 'OIL' },
    ]
    const { portfolio } = backtestAllocation({
      instruments,
      targets,
      bars: paying,
      startCash: '1010',
      rules: { bands: { absolute: 1, relative: 1 } },
      benchmark: { stocks: 'STK', bonds: 'OIL' },
    })
    // 121 bought and 20 sold short leave 0 cash; 20 x 1.00525 = 20.105 is owed, 20.11 paid: 3 shares are sold.
    expect(portfolio.dividends).toBe('-20.11')
    expect(portfolio.holdings).toMatchObject({ cash: '9.89', positions: { STK: '118', OIL: '-20' } })
    expect(portfolio.growth[1]).toBeCloseTo(989.89 / 1010, 12)
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
    const odd = (more: object) => bad(bars.map((bar, i) => (i === 5 ? { ...bar, ...more } : bar)))
    for (const [more, code, path] of [
      [{ dividends: { NOPE: '1' } }, 'UNKNOWN_INSTRUMENT', 'bars[5].dividends.NOPE'],
      [{ dividends: { STK: '-1' } }, 'ALLOCATION_INVALID', 'bars[5].dividends.STK'],
      [{ dividends: { STK: 1 } }, 'ALLOCATION_INVALID', 'bars[5].dividends.STK'],
      [{ dividends: null }, 'ALLOCATION_INVALID', 'bars[5].dividends'],
      [{ dividend: {} }, 'ALLOCATION_INVALID', 'bars[5].dividend'],
    ] as const) {
      const fields = expect.objectContaining({ path }) as unknown
      expect(odd(more), path).toThrow(expect.objectContaining({ code, fields }))
    }
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
