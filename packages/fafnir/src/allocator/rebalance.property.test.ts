// Random portfolios: what must hold of every rebalance.
import { expect, test } from 'vitest'

import { FafnirError } from '../errors.js'
import type { AllocationInstrument } from './book.js'
import { rebalance, type Rebalance, type RebalanceInput } from './rebalance.js'

const CASES = process.env['FAFNIR_LONG'] === '1' ? 60_000 : 1_500
const DIGITS = 30

/** SplitMix64. */
function random(seed: bigint): (below: number) => number {
  let state = seed
  return (below) => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
    let z = state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    return Number((z ^ (z >> 31n)) % BigInt(below))
  }
}

/** Decimal text as a whole number of 10^-30: a reader of its own. */
function exact(text: string): bigint {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.')
  const value = BigInt(whole) * 10n ** BigInt(DIGITS) + BigInt(fraction.padEnd(DIGITS, '0'))
  return text.startsWith('-') ? -value : value
}

const times = (a: bigint, b: bigint): bigint => (a * b) / 10n ** BigInt(DIGITS)

function pick<T>(next: (below: number) => number, items: readonly T[]): T {
  return items[next(items.length)]!
}

function instrumentOf(next: (below: number) => number, i: number): AllocationInstrument {
  const lotSize = pick(next, ['1', '1', '0.001', '10', '0.5'])
  const many = pick(next, [1, 1, 5])
  return {
    symbol: `S${i}`,
    tickSize: pick(next, ['0.01', '0.1', '0.25', '1']),
    lotSize,
    multiplier: pick(next, ['1', '1', '1', '50']),
    feeRate: pick(next, ['0', '0.001', '0.0005', '0.02']),
    feePerOrder: pick(next, ['0', '0', '1.99']),
    halfSpreadTicks: pick(next, [0, 0, 1, 3]),
    minOrderQuantity: (Number(lotSize) * many).toFixed(3),
    minOrderValue: pick(next, ['0', '0', '100']),
  }
}

function ruleOf(next: (below: number) => number): object {
  return pick(next, [
    {},
    {},
    { bands: {} },
    { bands: { absolute: 0.02, relative: 0.1 }, to: 'edge' },
    { drift: 0.05 },
    { calendar: 'month' },
    { noTradeRegion: { riskAversion: 3 } },
    { bands: {}, cashFlowsFirst: false },
  ])
}

function inputOf(next: (below: number) => number): RebalanceInput {
  const count = 1 + next(7)
  const instruments = Array.from({ length: count }, (_, i) => instrumentOf(next, i))
  const raw = Array.from({ length: count + 1 }, () => next(5) * next(10))
  const sum = raw.reduce((total, value) => total + value, 0)
  const cashOnly = sum === 0
  const weights = cashOnly ? [...raw.slice(1), 1] : raw.map((value) => value / sum)
  const scale = pick(next, [1, 100, 10_000])
  return {
    instruments,
    targets: [
      ...instruments.map(({ symbol }, i) => ({ sleeve: `sleeve ${i}`, weight: weights[i]!, instrument: symbol })),
      { sleeve: 'cash', weight: weights[count]! },
    ],
    prices: Object.fromEntries(
      instruments.map(({ symbol, tickSize }) => [symbol, ((40 + next(4_000)) * Number(tickSize)).toFixed(2)]),
    ),
    holdings: {
      cash: (next(10_000) * scale + next(100) / 100).toFixed(2),
      positions: Object.fromEntries(
        instruments.map(({ symbol, lotSize }) => [
          symbol,
          (next(3) === 0 ? 0 : next(200) * Number(lotSize)).toFixed(3),
        ]),
      ),
    },
    flow: pick(next, ['0', '0', '0', String(next(5_000)), `-${next(500)}`]),
    date: '2026-11-22',
    rules: ruleOf(next),
  }
}

function check(input: RebalanceInput, result: Rebalance): void {
  const items = new Map(input.instruments.map((item) => [item.symbol, item]))
  let cash = exact(input.holdings.cash) + exact(input.flow ?? '0')
  const held = new Map(Object.entries(input.holdings.positions).map(([symbol, size]) => [symbol, exact(size)]))
  let costs = 0n
  for (const { symbol, side, quantity, lots, price, value, cost } of result.orders) {
    const item = items.get(symbol)!
    const size = exact(quantity)
    expect(lots).toBeGreaterThan(0)
    expect(size).toBe(BigInt(lots) * exact(item.lotSize))
    expect(size).toBeGreaterThanOrEqual(exact(item.minOrderQuantity ?? '0'))
    expect(exact(value)).toBe(times(times(size, exact(input.prices[symbol]!)), exact(item.multiplier ?? '1')))
    expect(exact(value)).toBeGreaterThanOrEqual(exact(item.minOrderValue ?? '0'))
    const traded = times(times(size, exact(price)), exact(item.multiplier ?? '1'))
    const spread = traded > exact(value) ? traded - exact(value) : exact(value) - traded
    const cent = exact('0.01')
    const rate = times(traded, exact(item.feeRate ?? '0'))
    const fee = ((rate + cent - 1n) / cent) * cent + exact(item.feePerOrder ?? '0')
    expect(exact(cost)).toBe(spread + fee)
    costs += spread + fee
    cash += side === 'sell' ? traded - fee : -traded - fee
    held.set(symbol, (held.get(symbol) ?? 0n) + (side === 'buy' ? size : -size))
  }
  expect(exact(result.holdings.cash)).toBe(cash)
  expect(cash).toBeGreaterThanOrEqual(0n)
  for (const [symbol, size] of held) {
    expect(exact(result.holdings.positions[symbol] ?? '0')).toBe(size)
    expect(size).toBeGreaterThanOrEqual(0n)
  }
  expect(exact(result.cost)).toBe(costs)
  expect(exact(result.after.value)).toBe(exact(result.before.value) - costs)
}

test(`${CASES} random portfolios: conserved, whole lots, no debt, nothing to do twice`, () => {
  let [traded, short] = [0, 0]
  for (let seed = 1; seed <= CASES; seed += 1) {
    const input = inputOf(random(BigInt(seed)))
    try {
      const result = rebalance(input)
      check(input, result)
      const again = rebalance({ ...input, holdings: result.holdings, flow: '0' })
      expect(again.orders.map(({ side, quantity, symbol }) => `${side} ${quantity} ${symbol}`)).toEqual([])
      if (result.orders.length > 0) traded += 1
    } catch (error) {
      if (error instanceof FafnirError && error.code === 'CASH_SHORT') short += 1
      else {
        console.log(`seed ${seed}: ${JSON.stringify(input)}`)
        throw error
      }
    }
  }
  expect(traded).toBeGreaterThan(CASES / 4)
  expect(short).toBeLessThan(CASES / 10)
}, 600_000)

/** A portfolio with purchases written down, some of them recent, some with substitutes, and losses taken before. */
function taxedOf(next: (below: number) => number): RebalanceInput {
  const input = inputOf(next)
  const { instruments, targets, prices } = input
  const spare = instruments.map((item) => ({ ...item, symbol: `${item.symbol}B` }))
  const price = (symbol: string): string => (Number(prices[symbol]) * (0.5 + next(120) / 100)).toFixed(4)
  const day = (): string => pick(next, ['2019-03-01', '2024-07-15', '2026-10-22', '2026-10-23', '2026-11-20'])
  const taxLots = instruments.flatMap(({ symbol, lotSize }) => {
    const lots = Math.round(Number(input.holdings.positions[symbol]) / Number(lotSize))
    const first = lots > 1 ? 1 + next(lots - 1) : lots
    return [first, lots - first]
      .filter((part) => part > 0)
      .map((part) => ({ symbol, quantity: (part * Number(lotSize)).toFixed(3), price: price(symbol), date: day() }))
  })
  const lossSales = next(3) === 0 ? [{ symbol: instruments[0]!.symbol, date: '2026-11-01' }] : []
  return {
    ...input,
    instruments: [...instruments, ...spare],
    targets: targets.map((line) =>
      line.instrument === undefined || next(2) === 0 ? line : { ...line, substitute: `${line.instrument}B` },
    ),
    prices: { ...prices, ...Object.fromEntries(instruments.map(({ symbol }) => [`${symbol}B`, prices[symbol]!])) },
    holdings: { ...input.holdings, taxLots, lossSales },
    rules: { ...input.rules, harvest: { minLoss: pick(next, ['0', '50', '500']) } },
  }
}

test(`${CASES} random portfolios with purchases: they add up, gains are theirs, nothing washed is bought`, () => {
  let harvested = 0
  for (let seed = 1; seed <= CASES; seed += 1) {
    const input = taxedOf(random(BigInt(seed) + 1_000_000n))
    try {
      const result = rebalance(input)
      check(input, result)
      const { positions, taxLots = [], lossSales = [] } = result.holdings
      for (const { symbol } of input.instruments) {
        const sum = taxLots.filter((lot) => lot.symbol === symbol).reduce((all, lot) => all + exact(lot.quantity), 0n)
        expect(sum).toBe(exact(positions[symbol] ?? '0'))
      }
      const washed = new Set(lossSales.map(({ symbol }) => symbol))
      for (const { side, symbol } of result.orders) if (side === 'buy') expect(washed.has(symbol)).toBe(false)
      const gains = result.realised!.sales.map(({ symbol, quantity, boughtAt, soldAt, gain }) => {
        const { multiplier = '1' } = input.instruments.find((item) => item.symbol === symbol)!
        expect(exact(gain)).toBe(times(times(exact(quantity), exact(soldAt) - exact(boughtAt)), exact(multiplier)))
        return exact(gain)
      })
      const total = exact(result.realised!.gains) + exact(result.realised!.losses)
      expect(total).toBe(gains.reduce((sum, gain) => sum + gain, 0n))
      if (result.orders.some(({ reason }) => reason === 'harvest')) harvested += 1
      const again = rebalance({ ...input, holdings: result.holdings, flow: '0' })
      expect(again.orders.map(({ side, quantity, symbol }) => `${side} ${quantity} ${symbol}`)).toEqual([])
    } catch (error) {
      if (error instanceof FafnirError && error.code === 'CASH_SHORT') continue
      console.log(`seed ${seed}: ${JSON.stringify(input)}`)
      throw error
    }
  }
  expect(harvested).toBeGreaterThan(CASES / 10)
}, 600_000)
