import { describe, expect, test } from 'vitest'

import { backtest } from '../backtest/backtest.js'
import { native } from '../native.js'
import { rebalanceStrategy } from './execute.js'
import { engineInstruments, gateOrders, requireGate } from './gate.js'
import { rebalance } from './rebalance.js'

const available = (() => {
  try {
    native()
    return true
  } catch {
    return false
  }
})()

const instruments = ['STK', 'BND', 'COIN'].map((symbol) => ({
  symbol,
  tickSize: '0.01',
  lotSize: symbol === 'COIN' ? '0.001' : '1',
  feeRate: '0.001',
  halfSpreadTicks: 1,
  // What is left of a partial fill must not be too small to be asked for.
  minOrderValue: '100',
}))
const prices = { STK: '100.00', BND: '50.00', COIN: '200.00' }
const targets = [
  { sleeve: 'equity', weight: 0.5, instrument: 'STK' },
  { sleeve: 'bonds', weight: 0.3, instrument: 'BND' },
  { sleeve: 'coin', weight: 0.2, instrument: 'COIN' },
]
const holdings = { cash: '4000', positions: { BND: '120' } }
const { orders } = rebalance({ instruments, targets, prices, holdings })

describe.skipIf(!available)('the gate', () => {
  test('passes what is within the limits', async () => {
    expect(orders.map(({ side, symbol }) => `${side} ${symbol}`)).toEqual(['sell BND', 'buy STK', 'buy COIN'])
    const verdict = await gateOrders(orders, { instruments, prices })
    expect(verdict).toEqual({ ok: true, passed: orders, refused: [] })
    expect(await gateOrders([], { instruments, prices })).toEqual({ ok: true, passed: [], refused: [] })
  })

  test('refuses with the code, the limit and what was asked', async () => {
    const limits = { all: { maxOrderValue: '4000' }, BND: { maxOrderQuantity: '10' } }
    const { ok, passed, refused } = await gateOrders(orders, { instruments, prices, limits })
    expect(ok).toBe(false)
    expect(passed.map(({ symbol }) => symbol)).toEqual(['COIN'])
    const [bonds, stocks] = refused
    expect(bonds).toMatchObject({ code: 'QUANTITY_ABOVE_MAX', limit: 10, asked: orders[0]!.lots })
    expect(stocks).toMatchObject({ code: 'VALUE_ABOVE_MAX', limit: 400_000_000, moneyDecimals: 5 })
    await expect(requireGate(orders, { instruments, prices, limits })).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      fields: { symbol: 'BND', reason: 'QUANTITY_ABOVE_MAX', refused: 2 },
    })
  })

  test('counts every order before it in the position', async () => {
    const twice = [orders[1]!, orders[1]!]
    const limits = { STK: { maxPosition: String(orders[1]!.lots + 1) } }
    const { refused } = await gateOrders(twice, { instruments, prices, limits })
    expect(refused.map(({ code }) => code)).toEqual(['POSITION_ABOVE_MAX'])
  })

  test.each([
    // 40 are held: 10 more make 50, and 11 more 51.
    ['buy', '40', 10, '50', []],
    ['buy', '40', 11, '50', ['POSITION_ABOVE_MAX']],
    // What is above the limit already may shrink, and not grow.
    ['sell', '80', 10, '50', []],
    ['buy', '80', 1, '50', ['POSITION_ABOVE_MAX']],
    // Short: 45 sold after 40 more make -45.
    ['sell', '-5', 40, '45', []],
    ['sell', '-5', 41, '45', ['POSITION_ABOVE_MAX']],
    // Out of 40 long and through zero: the other side counts.
    ['sell', '40', 90, '50', []],
    ['sell', '40', 91, '50', ['POSITION_ABOVE_MAX']],
  ] as const)(
    'counts what is held: %s beside %s, %i lots, at most %s',
    async (side, held, lots, maxPosition, codes) => {
      const own = [{ ...orders[1]!, side, lots }]
      const options = { instruments, prices, limits: { STK: { maxPosition } }, positions: { STK: held, BND: '120' } }
      const { refused } = await gateOrders(own, options)
      expect(refused.map(({ code }) => code)).toEqual(codes)
      const [first] = refused
      const directed = side === 'buy' ? Number(held) : -Number(held)
      if (first !== undefined) expect(first).toMatchObject({ limit: Number(maxPosition), used: directed, asked: lots })
    },
  )

  test('reduce-only lets go of what is held, and no more', async () => {
    const limits = { all: { reduceOnly: true } }
    const sale = (lots: number) => [{ ...orders[0]!, lots }]
    const options = { instruments, prices, limits, positions: { BND: '120' } }
    expect((await gateOrders(sale(120), options)).ok).toBe(true)
    const { refused } = await gateOrders(sale(121), options)
    expect(refused).toMatchObject([{ code: 'REDUCE_ONLY', limit: 120, asked: 121 }])
  })

  test('a position off its lot or of no decimal text is refused', async () => {
    for (const [STK, code] of [
      ['0.5', 'OFF_GRID'],
      ['1e3', 'ALLOCATION_INVALID'],
    ] as const) {
      const options = { instruments, prices, positions: { STK } }
      await expect(gateOrders(orders, options)).rejects.toMatchObject({ code })
    }
  })

  test('holds orders near the price', async () => {
    const far = [{ ...orders[1]!, priceTicks: 10_600 }]
    const { refused } = await gateOrders(far, { instruments, prices })
    expect(refused.map(({ code }) => code)).toEqual(['PRICE_COLLAR'])
  })

  test('without a price nothing is shown to it', async () => {
    await expect(gateOrders(orders, { instruments, prices: {} })).rejects.toMatchObject({ code: 'PRICE_MISSING' })
  })
})

describe.skipIf(!available)('execution in the backtest venue', () => {
  const engine = {
    venues: [{ name: 'SIM' }],
    instruments: engineInstruments({ instruments }, 'SIM'),
  }
  const sources = instruments.map(({ symbol }, i) => ({
    kind: 'generated' as const,
    instrument: symbol,
    market: { seed: i + 1, seconds: 20, startPrice: prices[symbol as 'STK'], referenceVolatilityTicks: 1 },
  }))

  test('sales first, then purchases, to the last lot, at the prices allowed', async () => {
    const execution = rebalanceStrategy(orders)
    const { summary, strategy } = await backtest({ engine, sources }, { strategy: execution.strategy })
    expect(strategy?.error).toBeUndefined()
    expect(execution.done()).toBe(true)
    for (const [i, { state, filledLots, filledTicksLots }] of execution.progress().entries()) {
      expect([state, filledLots]).toEqual(['filled', orders[i]!.lots])
      expect(Math.abs(filledTicksLots / filledLots / orders[i]!.priceTicks - 1)).toBeLessThan(0.01)
    }
    const positions = Object.fromEntries(summary.instruments.map(({ symbol, position }) => [symbol, Number(position)]))
    for (const { symbol, side, quantity } of orders) {
      expect(positions[symbol]).toBe(side === 'buy' ? Number(quantity) : -Number(quantity))
    }
    const sold = summary.fills.filter(({ side }) => side === 'sell').map(({ timeNanos }) => timeNanos)
    const bought = summary.fills.filter(({ side }) => side === 'buy').map(({ timeNanos }) => timeNanos)
    expect(Math.max(...sold)).toBeLessThanOrEqual(Math.min(...bought))
  })

  test('what the gate refuses at sending is not asked again', async () => {
    const limited = engine.instruments.map((item) => ({
      ...item,
      minNotional: '0',
      ...(item.symbol === 'STK' ? { risk: { maxOrderQuantity: '1' } } : {}),
    }))
    const execution = rebalanceStrategy(orders)
    const { summary } = await backtest({ engine: { ...engine, instruments: limited }, sources }, execution)
    const [, stocks] = execution.progress()
    expect(stocks).toMatchObject({ state: 'refused', reason: 'QUANTITY_ABOVE_MAX', filledLots: 0 })
    expect(summary.orders.refused).toBe(1)
    expect(execution.done()).toBe(true)
  })
})
