import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { fail } from '../errors.js'
import type { BacktestConfig, QuoterConfig } from '../generated/config.js'
import { native } from '../native.js'
import { avellanedaStoikov } from '../strategy/avellaneda-stoikov.js'
import { defineStrategy } from '../strategy/define.js'
import { backtest } from './backtest.js'
import { replay } from './replay.js'

const available = (() => {
  try {
    native()
    return true
  } catch {
    return false
  }
})()

const quoter: QuoterConfig = {
  instrument: 'BTCUSDT',
  riskAversionPerMoney: 0.05,
  intensityDecayPerPrice: 5,
  horizon: { kind: 'constant', seconds: 1 },
  inventorySpreadTerm: true,
  orderQuantity: '0.010',
  maxInventory: '0.030',
  requoteTicks: 2,
  algoId: 9,
  traderId: 3,
}
const quoters: readonly QuoterConfig[] = [
  quoter,
  { ...quoter, instrument: 'ETHUSDT', orderQuantity: '0.5', maxInventory: '1' },
]

function config(seed: number, more: Partial<BacktestConfig> = {}, withQuoters: boolean = true): BacktestConfig {
  const instrument = { venue: 'v', tickSize: '0.1', lotSize: '0.001', makerFee: '0.0002', takerFee: '0.0005' }
  const steps = [
    { fromPrice: '0', increment: '0.1' },
    { fromPrice: '3000', increment: '0.2' },
  ]
  return {
    engine: {
      venues: [{ name: 'v' }],
      instruments: [
        { symbol: 'BTCUSDT', ...instrument },
        { symbol: 'ETHUSDT', ...instrument, priceIncrements: steps },
      ],
      volatility: { window: 50 },
      ...(withQuoters ? { quoters } : {}),
    },
    sources: [
      { kind: 'generated', instrument: 'BTCUSDT', market: { seed, seconds: 20 } },
      { kind: 'generated', instrument: 'ETHUSDT', market: { seed: seed + 100, seconds: 20, startPrice: '3000' } },
    ],
    ...more,
  }
}

const folder = mkdtempSync(join(tmpdir(), 'fafnir-backtest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Time, connection and bytes of everything sent, out of the canonical effects. */
function sends(path: string): string[] {
  const bytes = readFileSync(path)
  const found: string[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 4)
    if (bytes.readUInt16LE(at) === 1) {
      const text = bytes
        .subarray(at + 16, at + 16 + length)
        .toString('latin1')
        .replaceAll('\u0001', '|')
      found.push(`${bytes.readBigUInt64LE(at + 8)} ${bytes.readUInt16LE(at + 2)} ${text}`)
    }
    at += 16 + Math.ceil(length / 8) * 8
  }
  return found
}

describe.skipIf(!available)('backtest (native)', () => {
  it.each([1, 2, 3])(
    'a strategy with the same rules sends the same bytes as the native quoter, seed %i',
    async (seed) => {
      const [nativeDump, hostedDump] = [join(folder, `native-${seed}`), join(folder, `hosted-${seed}`)]
      const ours = await backtest(config(seed, { output: { dumpEffects: nativeDump } }))
      const strategy = avellanedaStoikov(...quoters)
      const hosted = await backtest(config(seed, { output: { dumpEffects: hostedDump } }, false), { strategy })
      expect(hosted.strategy?.error).toBeUndefined()
      const expected = sends(nativeDump)
      expect(expected.length).toBeGreaterThan(200)
      expect(expected.some((line) => line.includes('|35=F|'))).toBe(true)
      expect(sends(hostedDump)).toEqual(expected)
      expect(ours.summary.instruments.every(({ ledger }) => ledger?.agrees === true)).toBe(true)
      expect(hosted.summary.instruments.map(({ pnl }) => pnl)).toEqual(ours.summary.instruments.map(({ pnl }) => pnl))
    },
  )

  it('is deterministic, also when two runs share one definition and one thread', async () => {
    const strategy = avellanedaStoikov(...quoters)
    const run = (seed: number) => backtest(config(seed, {}, false), { strategy })
    const [a, b, c] = await Promise.all([run(1), run(1), run(2)])
    expect(a.summary.effectsHash).toBe(b.summary.effectsHash)
    expect(a.summary.effectsHash).not.toBe(c.summary.effectsHash)
    const checked = await backtest(config(1, {}, false), { strategy, checkViews: true })
    expect(checked.summary.effectsHash).toBe(a.summary.effectsHash)
  })

  it('replays the journal of a run with a strategy', async () => {
    const journalDir = join(folder, 'journal')
    const ran = await backtest(config(4, { output: { journalDir } }, false), { strategy: avellanedaStoikov(quoter) })
    expect(await replay(journalDir)).toMatchObject({ hash: ran.summary.effectsHash, matches: true })
  })

  it('lets a strategy tune the native quoter', async () => {
    const wider = defineStrategy({
      apiVersion: 1,
      onStart: (ctx) => ctx.setTimer(1, 5_000_000_000),
      onTimer: (_, ctx) => ctx.setQuoter({ ...quoter, intensityDecayPerPrice: 0.5 }),
    })
    const plain = await backtest(config(1))
    const tuned = await backtest(config(1), { strategy: wider })
    expect(tuned.strategy?.error).toBeUndefined()
    expect(tuned.summary.orders.new).toBeGreaterThan(0)
    expect(tuned.summary.instruments[0]?.fills).not.toEqual(plain.summary.instruments[0]?.fills)
  })

  it('goes on natively to the end when a handler throws', async () => {
    let books = 0
    const strategy = defineStrategy({
      apiVersion: 1,
      onBook(book, ctx) {
        books += 1
        if (book.twoSided)
          ctx.place({ instrument: book.instrument, side: 'buy', price: book.bid, quantity: books > 400 ? NaN : 1 })
      },
    })
    const { summary, strategy: outcome } = await backtest(config(1, {}, false), { strategy })
    expect(outcome).toMatchObject({ halted: true, invalidOrders: 1 })
    expect(outcome?.error).toMatchObject({
      code: 'STRATEGY_THREW',
      fields: { handler: 'onBook', cause: 'STRATEGY_INVALID' },
    })
    expect(books).toBe(401)
    expect(BigInt(summary.marketEnd) - BigInt(summary.marketStart)).toBeGreaterThan(19_000_000_000n)
    expect(summary.orders.cancel).toBeGreaterThan(0)
  })

  it('says what is wrong with a configuration', async () => {
    const bad = (more: object) => backtest({ ...config(1), ...more } as BacktestConfig)
    await expect(bad({ latencies: {} })).rejects.toMatchObject({ code: 'CONFIG_INVALID', room: 'types' })
    await expect(bad({ seconds: NaN })).rejects.toMatchObject({ code: 'CONFIG_INVALID', fields: { path: 'seconds' } })
    await expect(bad({ latency: { orderNanos: -1 } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    const sources = [{ kind: 'recording', instrument: 'BTCUSDT', path: join(folder, 'none') }]
    await expect(bad({ sources })).rejects.toMatchObject({ code: 'RECORDING_MISSING' })
    await expect(replay(join(folder, 'none'))).rejects.toMatchObject({ name: 'FafnirError' })
  })

  it('stops when asked, and reports progress', async () => {
    const long = config(
      1,
      { sources: [{ kind: 'generated', instrument: 'BTCUSDT', market: { seconds: 36_000 } }] },
      false,
    )
    for (const strategy of [undefined, defineStrategy({ apiVersion: 1, onBook() {} })]) {
      const stop = new AbortController()
      const seen: number[] = []
      const ran = backtest(long, { strategy, signal: stop.signal, onProgress: (fraction) => void seen.push(fraction) })
      setTimeout(() => stop.abort(fail('ABORTED', 'enough')), 300)
      await expect(ran).rejects.toMatchObject({ code: 'ABORTED' })
      expect(seen.every((fraction) => fraction >= 0 && fraction <= 1)).toBe(true)
    }
    await expect(backtest(config(1), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
