import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { correlationMonitor, correlationOf } from './correlation.js'
import { native } from '../native.js'
import { putOverlay, trendExposure, trendSleeve, volatilityOverlay } from './rules.js'

const shared = fileURLToPath(new URL('../../../../../shared/data/dragon/', import.meta.url))
const here = existsSync(`${shared}expected.json`)
if (!here) console.log('skipped: ../shared/data/dragon is not here')

function table(name: string): Map<string, Record<string, number>> {
  const [head = '', ...rows] = readFileSync(`${shared}${name}`, 'utf8').trim().split('\n')
  const names = head.trim().split(',')
  return new Map(
    rows.map((row) => {
      const cells = row.trim().split(',')
      return [cells[0]!, Object.fromEntries(names.slice(1).map((key, i) => [key, Number(cells[i + 1])]))]
    }),
  )
}

describe.skipIf(!here)('the recorded proxies, made anew from raw prices', () => {
  const raw = here ? table('dragon_raw_monthly.csv') : new Map<string, Record<string, number>>()
  const sleeves = here ? table('dragon_sleeves_monthly_returns.csv') : new Map<string, Record<string, number>>()
  const months = [...raw.keys()]

  test('commodity trend', () => {
    const found = trendSleeve(months.map((month) => raw.get(month)!['wti']!))
    const byMonth = new Map(months.slice(months.length - found.length).map((month, i) => [month, found[i]!]))
    for (const [month, row] of sleeves) {
      expect(Math.abs(byMonth.get(month)!.return - row['commodity_trend']!), month).toBeLessThan(1e-14)
    }
  })

  test('long volatility, its cost apart', () => {
    const from = months.filter((month) => raw.get(month)!['vix']! > 0)
    const found = volatilityOverlay(from.map((month) => raw.get(month)!['vix']!))
    const byMonth = new Map(from.slice(1).map((month, i) => [month, found[i]!]))
    for (const [month, row] of sleeves) {
      expect(Math.abs(byMonth.get(month)!.return - row['long_vol']!), month).toBeLessThan(1e-14)
      expect(byMonth.get(month)!.cost).toBe(0.01)
    }
  })

  test('correlations over all months', () => {
    const { corr } = JSON.parse(readFileSync(`${shared}expected.json`, 'utf8')) as { corr: number[][] }
    const names = ['equity', 'treasury10y', 'gold', 'commodity_trend', 'long_vol']
    const series = names.map((name) => [...sleeves.values()].map((row) => row[name]!))
    for (const [i, row] of corr.entries()) {
      for (const [j, expected] of row.entries()) {
        expect(Math.abs(correlationOf(series[i]!, series[j]!)! - expected)).toBeLessThan(1e-12)
      }
    }
    const monitor = correlationMonitor([...sleeves.keys()], series[0]!, series[1]!)
    expect(monitor.points).toHaveLength(395 - 35)
    expect(monitor.whole).toBeCloseTo(corr[0]![1]!, 12)
    expect(monitor.latest.label).toBe('2022-12')
  })
})

describe('trend', () => {
  // Returns of +10 % and -10 % in turn, the last 12 of them: up, then down.
  const prices = (last: number): number[] => {
    const found = [100]
    for (let i = 0; i < 6; i += 1) found.push(found.at(-1)! * (i % 2 === 0 ? 1.1 : 0.9))
    return [...found.slice(0, -1), last]
  }
  const options = { lookback: 3, volatilityWindow: 4, targetVolatility: 0.2, periodsPerYear: 12 }

  test('has the sign of the trend and the size of its risk', () => {
    const up = prices(120)
    const window = up.slice(-5)
    const returns = window.slice(1).map((price, i) => price / window[i]! - 1)
    const mean = (returns[0]! + returns[1]! + returns[2]! + returns[3]!) / 4
    const variance = returns.map((value) => (value - mean) ** 2).reduce((a, b) => a + b, 0) / 3
    expect(trendExposure(up, options)).toBeCloseTo(0.2 / Math.sqrt(12 * variance), 12)
    expect(trendExposure(prices(60), options)).toBeLessThan(0)
    expect(trendExposure(prices(60), { ...options, short: false })).toBe(0)
    expect(trendExposure(up, { ...options, exposureMax: 0.1 })).toBe(0.1)
  })

  test('does not look ahead', () => {
    const long = Array.from({ length: 30 }, (_, i) => 100 + 10 * Math.sin(i))
    const before = trendSleeve(long, options)
    const changed = trendSleeve([...long.slice(0, -1), 1], options)
    expect(changed.map(({ exposure }) => exposure)).toEqual(before.map(({ exposure }) => exposure))
    expect(changed.slice(0, -1)).toEqual(before.slice(0, -1))
  })

  test('refuses what is no price', () => {
    for (const bad of [NaN, 0, -1, Infinity]) {
      expect(() => trendExposure([...prices(100), bad], options)).toThrow(
        expect.objectContaining({ code: 'ALLOCATION_INVALID' }),
      )
    }
    expect(() => trendExposure([100, 101], options)).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
    expect(() => trendExposure(prices(100), { ...options, targetVolatility: NaN })).toThrow('targetVolatility')
  })
})

const available = (() => {
  try {
    native()
    return true
  } catch {
    return false
  }
})()

describe('puts', () => {
  test('pay what is below the strike, for their premium', () => {
    // 2 % buys 4 units at 0.5 %; from 100 to 80 each pays 0.95 - 0.80.
    const [calm, crash] = putOverlay([100, 100, 80], [0.005, 0.005], { moneyness: 0.95, premiumBudget: 0.02 })
    expect(calm).toEqual({ exposure: 4, return: -0.02, cost: 0.02, premium: 0.005, payoff: 0 })
    expect(crash!.payoff).toBeCloseTo(0.15, 12)
    expect(crash!.return).toBeCloseTo(0.58, 12)
    expect(() => putOverlay([100, 90], [0], {})).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
    expect(() => putOverlay([100, 90], [0.1, 0.1], {})).toThrow('premiums.length')
  })

  test.skipIf(!available)('are priced from a stated volatility where none is quoted', () => {
    // Hull, Options, Futures and Other Derivatives, 15.6: S 42, K 40, r 10 %, σ 20 %, half a year: the put is 0.81.
    const hull = { volatility: 0.2, rate: 0.1, periodsPerYear: 2 }
    const [half] = putOverlay([42, 38], hull, { moneyness: 40 / 42, premiumBudget: 0.02 })
    expect(Math.abs(half!.premium * 42 - 0.8086)).toBeLessThan(5e-5)
    expect(half!.exposure).toBe(0.02 / half!.premium)
    expect(half!.payoff * 42).toBeCloseTo(2, 12)
    // At the money and without rates a put is 2 Φ(σ √t / 2) - 1: for σ √t = 0.06 that is 0.023933.
    const volatility = [0.06 * Math.sqrt(12), 0.12 * Math.sqrt(12)]
    const [calm, wild] = putOverlay([100, 100, 90], { volatility }, { moneyness: 1 })
    expect(Math.abs(calm!.premium - 0.023933)).toBeLessThan(1e-6)
    expect(Math.abs(wild!.premium - 0.047844)).toBeLessThan(1e-6)
    expect([calm!.return, calm!.cost]).toEqual([-0.02, 0.02])
    expect(wild!.return).toBeCloseTo((0.02 / wild!.premium) * 0.1 - 0.02, 14)
    // Premiums of the model are those a caller quotes.
    const quoted = [calm!.premium, wild!.premium]
    expect(putOverlay([100, 100, 90], quoted, { moneyness: 1 })).toEqual([calm, wild])
  })

  test.skipIf(!available)('refuse a model with a hole', () => {
    for (const [model, path] of [
      [{}, 'premiums.volatility'],
      [{ volatility: NaN }, 'premiums.volatility[0]'],
      [{ volatility: 0 }, 'premiums.volatility[0]'],
      [{ volatility: [0.2, 0.2] }, 'premiums.volatility.length'],
      [{ volatility: '0.2' }, 'premiums.volatility'],
      [{ volatility: 0.2, periodsPerYear: 0 }, 'premiums.periodsPerYear'],
      [{ volatility: 0.2, rate: Infinity }, 'premiums.rate'],
      [{ volatility: 0.2, years: 1 }, 'premiums.years'],
      // Far below the price, in a month, at 1 %: nothing that could be paid.
      [{ volatility: 0.01 }, 'premiums[0]'],
      [null, 'premiums'],
    ] as const) {
      const fields = expect.objectContaining({ path }) as unknown
      expect(() => putOverlay([100, 90], model as never, { moneyness: 0.8 }), path).toThrow(
        expect.objectContaining({ code: 'ALLOCATION_INVALID', fields }),
      )
    }
  })
})

describe('stock-bond correlation', () => {
  const labels = Array.from({ length: 8 }, (_, i) => `2020-0${i + 1}`)
  const stocks = [0.01, -0.02, 0.03, -0.01, 0.02, -0.02, 0.01, -0.03]

  test('names the state and since when it holds', () => {
    const bonds = stocks.map((value, i) => (i < 4 ? -value : value))
    const monitor = correlationMonitor(labels, stocks, bonds, { window: 4 })
    expect(monitor.points[0]).toEqual({ label: '2020-04', correlation: -1, state: 'hedging' })
    expect(monitor.latest).toMatchObject({ label: '2020-08', state: 'together' })
    const [from] = monitor.points.filter(({ state }) => state === 'together')
    expect(monitor.since).toBe(from!.label)
    expect(monitor.meaning).toMatch(/together/)
  })

  test('has none where nothing moves, and refuses bad input', () => {
    const flat = correlationMonitor(
      labels,
      stocks,
      stocks.map(() => 0.001),
      { window: 4 },
    )
    expect(flat.latest).toEqual({ label: '2020-08', correlation: null, state: null })
    const bad = (change: number[]) => () => correlationMonitor(labels, stocks, change, { window: 4 })
    expect(bad([...stocks.slice(1), NaN])).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
    expect(bad(stocks.slice(1))).toThrow(expect.objectContaining({ code: 'ALLOCATION_INVALID' }))
  })
})
