import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { explanationText } from '../cli/explain.js'
import type { BacktestConfig, QuoterConfig } from '../generated/config.js'
import type { QuoterSet } from '../strategy/context.js'
import { avellanedaStoikov } from '../strategy/avellaneda-stoikov.js'
import { defineStrategy } from '../strategy/define.js'
import { backtest } from './backtest.js'
import { explain } from './explain.js'

const quoter: QuoterConfig = {
  instrument: 'BTCUSDT',
  riskAversionPerMoney: 0.05,
  intensityDecayPerPrice: 5,
  orderQuantity: '0.010',
  maxInventory: '0.030',
  algoId: 9,
}

function config(members: Partial<QuoterConfig> = {}, more: Partial<BacktestConfig> = {}): BacktestConfig {
  return {
    engine: {
      venues: [{ name: 'v' }],
      instruments: [{ symbol: 'BTCUSDT', venue: 'v', tickSize: '0.1', lotSize: '0.001' }],
      volatility: { window: 50 },
      quoters: [{ ...quoter, ...members }],
    },
    sources: [{ kind: 'generated', instrument: 'BTCUSDT', market: { seed: 3, seconds: 20 } }],
    ...more,
  }
}

let directory: string
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'fafnir-quoter-'))))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('ctx.setQuoter', () => {
  it('says which value is refused, why and what is allowed, and the old set stays', async () => {
    const bad: readonly (readonly [string, Partial<QuoterConfig>])[] = [
      ['riskAversionPerMoney', { riskAversionPerMoney: -1 }],
      ['orderQuantity', { orderQuantity: '0.0105' }],
      ['maxSpreadTicks', { minSpreadTicks: 5, maxSpreadTicks: 4 }],
      ['ladder.levels', { ladder: { levels: 17, spacingTicks: 1 } }],
      ['unwind.toSeconds', { unwind: { fromSeconds: 10, toSeconds: 5 } }],
      ['model.arrivalsPerSecond', { model: { kind: 'glft', arrivalsPerSecond: 0 } }],
      ['toxicity.source.maxAgeMillis', { toxicity: { source: { kind: 'published', maxAgeMillis: 0 }, widening: 1 } }],
    ]
    const answers: QuoterSet[] = []
    const strategy = defineStrategy({
      apiVersion: 1,
      onStart: (ctx) => ctx.setTimer(1, 5_000_000_000),
      onTimer: (_, ctx) => {
        for (const [, members] of bad) answers.push(ctx.setQuoter({ ...quoter, ...members }))
      },
    })
    const plain = await backtest(config())
    const refused = await backtest(config(), { strategy })
    expect(refused.strategy?.commands).toBe(1)
    expect(answers.map((answer) => (answer.ok ? '' : answer.refused.path))).toEqual(bad.map(([path]) => path))
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: false, refused: { code: 'PARAMETER_OUT_OF_RANGE' } })
      if (!answer.ok) expect(answer.refused.allowed).not.toBe('')
    }
    expect(refused.summary.instruments[0]?.fills).toEqual(plain.summary.instruments[0]?.fills)
  })

  it('takes a good set at once', async () => {
    const answers: QuoterSet[] = []
    const strategy = defineStrategy({
      apiVersion: 1,
      onStart: (ctx) => ctx.setTimer(1, 5_000_000_000),
      onTimer: (_, ctx) =>
        void answers.push(ctx.setQuoter({ ...quoter, minSpreadTicks: 40, ladder: { levels: 3, spacingTicks: 10 } })),
    })
    const plain = await backtest(config())
    const tuned = await backtest(config(), { strategy })
    expect(answers).toEqual([{ ok: true }])
    expect(tuned.summary.effectsHash).not.toBe(plain.summary.effectsHash)
    expect(tuned.summary.orders.new).toBeGreaterThan(6)
  })
})

describe('a refusal of the engine', () => {
  it('names the parameter', async () => {
    const seen: unknown[] = []
    const strategy = defineStrategy({
      apiVersion: 1,
      onStart: (ctx) => ctx.setTimer(1, 2_000_000_000),
      onTimer: (_, ctx) => void ctx.setQuoter(quoter),
      onQuoterRefused: (refusal, instrument) => void seen.push([refusal, instrument]),
    })
    const plain = config()
    const ran = await backtest({ ...plain, engine: { ...plain.engine, quoters: [] } }, { strategy })
    expect(ran.strategy?.error).toBeUndefined()
    expect(seen).toEqual([[{ parameter: 'instrument', breach: 'unsound', limit: undefined }, 0]])
  })
})

describe('quotes of a strategy', () => {
  it('go through the native gate, grid and replacing', async () => {
    const strategy = defineStrategy({
      apiVersion: 1,
      onBook(book, ctx) {
        if (!book.twoSided) return
        const mid = (book.mid2 / 2) * 0.1
        ctx.quote(book.instrument, { bidPrice: mid - 0.234, askPrice: mid + 0.234, bidLots: 1000 })
      },
    })
    const journalDir = join(directory, 'quoted')
    const members: Partial<QuoterConfig> = { model: { kind: 'strategy' } }
    const ran = await backtest(config(members, { output: { journalDir } }), { strategy })
    expect(ran.strategy?.error).toBeUndefined()
    expect(ran.summary.orders.new).toBeGreaterThan(10)
    const found = await explain(journalDir)
    expect(found.quotes).toBeGreaterThan(10)
    expect(found).toMatchObject({ addingUp: found.quotes, matches: true, quote: { model: 'strategy', asked: true } })
    expect(Math.max(...found.quote!.sides.map((side) => side.lots))).toBeLessThanOrEqual(60)
    const withoutQuotes = await backtest(config(members), {})
    expect(withoutQuotes.summary.orders.new).toBe(0)
  })

  it('are withdrawn when the strategy fails', async () => {
    let books = 0
    const strategy = defineStrategy({
      apiVersion: 1,
      onBook(book, ctx) {
        books += 1
        if (books > 300) throw new Error('boom')
        if (book.twoSided) ctx.quote(book.instrument, { bidPrice: book.bid * 0.1 })
      },
    })
    const journalDir = join(directory, 'failed')
    const ran = await backtest(config({ model: { kind: 'strategy' } }, { output: { journalDir } }), { strategy })
    expect(ran.strategy?.halted).toBe(true)
    const last = await explain(journalDir)
    const after = await explain(journalDir, { turn: last.quote!.turn + 2000 })
    expect(after.quote === null || after.quote.standing !== 'quoting').toBe(true)
  })

  it('and published values that are none are thrown back', async () => {
    const codes: unknown[] = []
    const strategy = defineStrategy({
      apiVersion: 1,
      onStart: (ctx) => {
        const calls = [
          () => ctx.quote(0, { bidPrice: Number.NaN }),
          () => ctx.quote(0, { bidPrice: 2, askPrice: 1 }),
          () => ctx.quote(0, { bidPrice: 1, bidLots: 0.5 }),
          () => ctx.quote(1, undefined),
          () => ctx.publish(0, { toxicity: 1.5 }),
          () => ctx.publish(0, { fairValuePrice: 0 }),
          () => ctx.publish(0, { driftPricePerSecond: Infinity }),
        ]
        for (const call of calls) {
          try {
            call()
          } catch (error) {
            codes.push((error as { code: string }).code)
          }
        }
      },
    })
    await backtest(config(), { strategy })
    expect(codes).toEqual(Array(7).fill('STRATEGY_INVALID'))
  })

  it('can be a fair value only', async () => {
    const strategy = defineStrategy({
      apiVersion: 1,
      onBook(book, ctx) {
        if (book.twoSided && ctx.now < 15e9) ctx.publish(book.instrument, { fairValuePrice: (book.mid2 / 2) * 0.1 })
      },
    })
    const journalDir = join(directory, 'fair')
    const members: Partial<QuoterConfig> = { fairValue: { kind: 'published', maxAgeMillis: 500 } }
    await backtest(config(members, { output: { journalDir } }), { strategy })
    const found = await explain(journalDir)
    expect(found.addingUp).toBe(found.quotes)
    expect(found.quotes).toBeGreaterThan(5)
  })
})

describe('explain', () => {
  it('prints terms that add up, by turn, time and order', async () => {
    const journalDir = join(directory, 'plain')
    await backtest(config({}, { output: { journalDir } }))
    const found = await explain(journalDir)
    const { turn, timeNs, orders } = found.quote!
    for (const which of [{ turn }, { atNs: timeNs }, { order: orders[0]!.order }]) {
      expect((await explain(journalDir, which)).quote).toEqual(found.quote)
    }
    const text = explanationText(found, found.quote!)
    expect(text).toContain('fair value')
    expect(text).toContain(`${found.quotes} of ${found.quotes} quotes of the run add up`)
    await expect(explain(journalDir, { order: 'x' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(explain(journalDir, { symbol: 'DOGE' })).rejects.toMatchObject({ code: 'UNKNOWN_INSTRUMENT' })
  })
})

describe('the maker in TypeScript', () => {
  it('refuses what only the native quoter does', () => {
    for (const members of [{ coverFees: true }, { horizon: { kind: 'infinite' } }, { ladder: { levels: 2 } }]) {
      expect(() => avellanedaStoikov({ ...quoter, ...members } as QuoterConfig)).toThrow(/native quoter only/)
    }
  })
})
