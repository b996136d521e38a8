import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { explanationText } from '../cli/explain.js'
import type { BacktestConfig, QuoterConfig } from '../generated/config.js'
import { MicroPrice } from '../signal/index.js'
import { defineStrategy } from '../strategy/define.js'
import { backtest } from './backtest.js'
import { explain } from './explain.js'

let directory: string
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'fafnir-signals-'))))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function config(name: string, members: Partial<QuoterConfig>): BacktestConfig {
  const quoter: QuoterConfig = {
    instrument: 'BTCUSDT',
    riskAversionPerMoney: 0.05,
    intensityDecayPerPrice: 5,
    orderQuantity: '0.010',
    maxInventory: '0.030',
    ...members,
  }
  return {
    engine: {
      venues: [{ name: 'v' }],
      instruments: [{ symbol: 'BTCUSDT', venue: 'v', tickSize: '0.1', lotSize: '0.001' }],
      volatility: { window: 50 },
      quoters: [quoter],
    },
    sources: [{ kind: 'generated', instrument: 'BTCUSDT', market: { seed: 3, seconds: 40 } }],
    output: { journalDir: join(directory, name) },
  }
}

describe('signals of the core in the native quoter', () => {
  it('quotes around a micro-price that was fitted in TypeScript', async () => {
    const touches: number[] = []
    const strategy = defineStrategy({
      apiVersion: 1,
      onBook: (book) => void (book.twoSided && touches.push(book.bid, book.bidLots, book.ask, book.askLots)),
    })
    await backtest(config('sample', { enabled: false }), { strategy })
    const imbalanceBuckets = 2
    const fitted = MicroPrice.fit({ imbalanceBuckets, spreadTicksMax: 6 }, Float64Array.from(touches))
    const adjustmentsTicks = Array.from(fitted.adjustmentsTicks(), (value) => (Number.isNaN(value) ? 0 : value))
    const fairValue = { kind: 'microPrice', imbalanceBuckets, adjustmentsTicks } as const
    const ran = await backtest(config('micro', { fairValue }))
    expect(ran.summary.orders.new).toBeGreaterThan(5)
    const { quote, addingUp, quotes } = await explain(join(directory, 'micro'))
    expect(addingUp).toBe(quotes)
    const [bid, ask] = quote!.touchTicks
    expect(Math.abs(quote!.fairPrice / quote!.tickPrice - (bid! + ask!) / 2)).toBeLessThan(3)
  })

  it('refits A and kappa from the trades, and explain shows those in force', async () => {
    const marketCalibration = { everySeconds: 2, minOrders: 20, levels: 256 }
    const ran = await backtest(config('fitted', { marketCalibration }))
    expect(ran.summary.orders.new).toBeGreaterThan(5)
    const found = await explain(join(directory, 'fitted'))
    expect(found.addingUp).toBe(found.quotes)
    const { intensitySource, refitsAccepted, decayPerPrice, arrivalsPerSecond } = found.quote!
    expect(intensitySource).toBe('market')
    expect(Math.max(...refitsAccepted)).toBeGreaterThan(0)
    expect(decayPerPrice.some((decay) => decay !== 5)).toBe(true)
    expect(arrivalsPerSecond.some((rate) => rate !== null && rate > 0)).toBe(true)
    expect(explanationText(found, found.quote!)).toContain("kappa from the market's trades")
    const plain = config('both', { marketCalibration })
    const given = { arrivalsPerSecond: 1, priorDistancePrice: 1, minPerPrice: 1, maxPerPrice: 9 }
    const both = { ...plain.engine, quoters: [{ ...plain.engine.quoters![0]!, calibration: given }] }
    await expect(backtest({ ...plain, engine: both })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      fields: { path: 'quoters[0].marketCalibration' },
    })
  })
})
