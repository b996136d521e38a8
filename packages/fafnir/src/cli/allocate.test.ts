import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { firstPolicy } from '../advice/first-policy.js'
import { profileOf } from '../advice/profile.js'
import type { Rebalance } from '../allocator/rebalance.js'
import { native } from '../native.js'
import { runCli } from './program.js'

const available = (() => {
  try {
    native()
    return true
  } catch {
    return false
  }
})()

let directory = ''
let [out, err] = ['', '']
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fafnir-allocate-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function run(args: readonly string[]): Promise<number> {
  ;[out, err] = ['', '']
  return runCli(['allocate', ...args], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    signal: new AbortController().signal,
    packageEntry: join(import.meta.dirname, '../index.ts'),
    command: '',
    version: '1.2.3',
  })
}

function file(name: string, content: unknown): string {
  const path = join(directory, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const symbols = ['STK', 'LTB', 'TIP', 'GLD', 'CMD', 'CTR', 'LVX']
const prices = Object.fromEntries(symbols.map((symbol, i) => [symbol, (50 + 10 * i).toFixed(2)]))
const universe = {
  instruments: symbols.map((symbol) => ({ symbol, tickSize: '0.01', lotSize: '1', feeRate: '0.001' })),
  fills: {
    equity: { instrument: 'STK' },
    longTreasuries: { instrument: 'LTB' },
    tipsShortTerm: { instrument: 'TIP' },
    gold: { instrument: 'GLD' },
    commodities: { instrument: 'CMD' },
    commodityTrend: { instrument: 'CTR' },
    longVolatility: { instrument: 'LVX' },
  },
  limits: { all: { maxOrderValue: '60000' } },
}
const holdings = { cash: '100000', positions: { STK: '100' } }
const files = (more: Record<string, unknown> = {}): string[] =>
  Object.entries({ universe, holdings, prices, ...more }).flatMap(([name, content]) => [
    `--${name}`,
    file(`${name}.json`, content),
  ])

describe.skipIf(!available)('fafnir allocate', () => {
  it('makes orders of a variant, as a table and as JSON', async () => {
    expect(await run(['--variant', 'standard', ...files()])).toBe(0)
    expect(err).toBe('')
    expect(out).toMatch(/equity +20\.0 % +5,000\.00 +4\.8 % +20,\d{3}\.\d\d +(19\.9|20\.0) %/)
    expect(out).toMatch(/buy +\d+ +GLD +at 80\.00/)
    expect(out).toContain('all orders passed the risk gate')
    expect(await run(['--variant', 'standard', ...files(), '--json'])).toBe(0)
    const { orders, after, percents } = JSON.parse(out) as Rebalance & { percents: object }
    expect(percents).toEqual({ equity: 20, longTreasuries: 20, gold: 20, commodityTrend: 20, longVolatility: 20 })
    expect(orders.map(({ side, symbol }) => `${side} ${symbol}`)).toEqual([
      'buy STK',
      'buy LTB',
      'buy GLD',
      'buy CTR',
      'buy LVX',
    ])
    expect(Number(after.value)).toBeLessThan(105_000)
  })

  it('takes a profile, blocked ones excepted; what is filled needs no order', async () => {
    const answers = Object.fromEntries([...'bbbbbbbbbbbbb'].map((choice, n) => [String(n + 1), choice]))
    const person = { horizonYears: 10, liquidityMonths: 6, netWorthYears: 5, debtServiceRatio: 0.2, answers }
    const profile = profileOf(firstPolicy(), person as Parameters<typeof profileOf>[1])
    const path = file('profile.json', profile)
    const next = join(directory, 'next.json')
    expect(await run(['--profile', path, ...files(), '--json', '--holdings-out', next])).toBe(0)
    expect((JSON.parse(out) as { percents: object }).percents).toEqual(profile.weights)
    const after = JSON.parse(readFileSync(next, 'utf8')) as object
    expect(await run(['--profile', path, ...files({ holdings: after })])).toBe(0)
    expect(out).toContain('no orders')
    const blocked = file('blocked.json', { ...profile, variant: null, weights: null, phases: [] })
    expect(await run(['--profile', blocked, ...files(), '--json'])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'ALLOCATION_INVALID', fields: { path: 'profile.variant' } },
    })
    const letter = file('letter.json', { variant: 'D' })
    expect(await run(['--profile', letter, ...files(), '--json'])).toBe(0)
    expect((JSON.parse(out) as { percents: object }).percents).toMatchObject({ tipsShortTerm: 40, cash: 20 })
  })

  it('issues nothing when the gate refuses an order', async () => {
    const next = join(directory, 'next.json')
    const tight = { ...universe, limits: { all: { maxOrderValue: '10000' } } }
    const args = ['--variant', 'standard', ...files({ universe: tight }), '--holdings-out', next, '--json']
    expect(await run(args)).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'GATE_REFUSED', fields: { reason: 'VALUE_ABOVE_MAX' } } })
    expect(existsSync(next)).toBe(false)
  })

  it('counts what is held in the position limit', async () => {
    // A tenth of 100,000 is in STK; the standard variant buys up to a fifth.
    const holdings = { cash: '90000', positions: { STK: '200' } }
    const limited = (maxPosition: string) => ({ holdings, universe: { ...universe, limits: { STK: { maxPosition } } } })
    expect(await run(['--variant', 'standard', ...files(limited('400')), '--json'])).toBe(0)
    const { orders } = JSON.parse(out) as Rebalance
    const bought = orders.find(({ symbol }) => symbol === 'STK')!.lots
    expect(200 + bought).toBeGreaterThan(380)
    expect(await run(['--variant', 'standard', ...files(limited(String(199 + bought))), '--json'])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'GATE_REFUSED', fields: { reason: 'POSITION_ABOVE_MAX', limit: 199 + bought, used: 200 } },
    })
  })

  const bad: [string, Record<string, unknown>, string][] = [
    ['a missing price', { prices: { ...prices, GLD: undefined } }, 'PRICE_MISSING'],
    ['an unknown instrument', { holdings: { cash: '1', positions: { NOPE: '1' } } }, 'UNKNOWN_INSTRUMENT'],
    [
      'a sleeve without a fill',
      { universe: { ...universe, fills: { equity: { instrument: 'STK' } } } },
      'SLEEVE_UNFILLED',
    ],
    ['a number for a price', { prices: { ...prices, GLD: 80 } }, 'ALLOCATION_INVALID'],
    ['a list of holdings', { holdings: [] }, 'ALLOCATION_INVALID'],
    ['no JSON', { prices: '{' }, 'ALLOCATION_INVALID'],
    ['a price of zero', { prices: { ...prices, GLD: '0' } }, 'ALLOCATION_INVALID'],
    ['a price below zero', { prices: { ...prices, GLD: '-80.00' } }, 'ALLOCATION_INVALID'],
    ['a price that is no number', { prices: { ...prices, GLD: 'NaN' } }, 'ALLOCATION_INVALID'],
    ['a price in powers of ten', { prices: { ...prices, GLD: '8e1' } }, 'ALLOCATION_INVALID'],
    ['a price between ticks', { prices: { ...prices, GLD: '80.005' } }, 'OFF_GRID'],
    ['a price given twice', { prices: JSON.stringify(prices).replace('{', '{"GLD":"1.00",') }, 'ALLOCATION_INVALID'],
    ['prices without end', { prices: `${'['.repeat(100_000)}${']'.repeat(100_000)}` }, 'ALLOCATION_INVALID'],
    [
      'limits without end',
      { universe: JSON.stringify(universe).replace('"60000"', `${'['.repeat(9_000)}${']'.repeat(9_000)}`) },
      'ALLOCATION_INVALID',
    ],
    ['a part of a lot', { holdings: { cash: '1', positions: { STK: '0.5' } } }, 'OFF_GRID'],
    ['more than a number holds', { holdings: { cash: '9'.repeat(24), positions: {} } }, 'ALLOCATION_INVALID'],
    ['a debt', { holdings: { cash: '-1', positions: {} } }, 'ALLOCATION_INVALID'],
    ['a short position nobody allowed', { holdings: { cash: '9', positions: { STK: '-1' } } }, 'ALLOCATION_INVALID'],
    [
      'purchases of more than is held',
      { holdings: { ...holdings, taxLots: [{ symbol: 'STK', quantity: '101', price: '1', date: '2026-01-02' }] } },
      'ALLOCATION_INVALID',
    ],
    [
      'a purchase on no day',
      { holdings: { ...holdings, taxLots: [{ symbol: 'STK', quantity: '100', price: '1', date: '2026-02-30' }] } },
      'ALLOCATION_INVALID',
    ],
    ['an unknown rule', { rules: { sometimes: true } }, 'ALLOCATION_INVALID'],
    ['an unknown limit', { universe: { ...universe, limits: { all: { most: '1' } } } }, 'CONFIG_INVALID'],
  ]
  it.each(bad)('%s is one error', async (_, change, code) => {
    const next = join(directory, 'next.json')
    expect(await run(['--variant', 'standard', ...files(change), '--json', '--holdings-out', next])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code } })
    expect(err).toMatch(new RegExp(`^fafnir: ${code}: [^\\n]+\\n$`))
    expect(out.length).toBeLessThan(1_000)
    expect(existsSync(next)).toBe(false)
  })

  it('takes a byte order mark and lines that end CRLF', async () => {
    const windows = (content: object): string => `\ufeff${JSON.stringify(content, null, 1).replaceAll('\n', '\r\n')}`
    const given = files({ universe: windows(universe), holdings: windows(holdings), prices: windows(prices) })
    expect(await run(['--variant', 'standard', ...given, '--json'])).toBe(0)
    expect((JSON.parse(out) as Rebalance).orders).toHaveLength(5)
  })

  it('says how it is used', async () => {
    expect(await run(['--variant', 'bold', ...files()])).toBe(2)
    expect(await run(files())).toBe(2)
    expect(err).toContain('name one of --variant and --profile')
    expect(await run(['--variant', 'standard', '--phase', '1', ...files()])).toBe(2)
    expect(await run(['--variant', 'standard', '--universe', join(directory, 'none'), ...files().slice(2)])).toBe(1)
    expect(err).toContain('FILE_MISSING')
    expect(await run(['--help'])).toBe(0)
    expect(out).toContain('--holdings-out')
  })
})
