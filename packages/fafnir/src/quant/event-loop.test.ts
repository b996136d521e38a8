// Long calls leave the event loop alone, and a signal really ends them.
import { afterEach, describe, expect, test, vi } from 'vitest'

import { native, type QuantArrays } from '../native.js'
import * as quant from './index.js'
import { refused } from './test-support.js'

/** Turns of the event loop while `work` lasts. The longest gap is printed, not judged: a busy machine makes it, too. */
async function turnsDuring<T>(name: string, work: () => Promise<T>): Promise<{ turns: number; found: T }> {
  let [turns, longest, seen, over] = [0, 0, performance.now(), false]
  const turn = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - seen)
    seen = now
    turns++
    if (!over) setImmediate(turn)
  }
  setImmediate(turn)
  const begun = performance.now()
  const found = await work()
  over = true
  const whole = performance.now() - begun
  console.log(`${name}: ${turns} turns in ${whole.toFixed(0)} ms, the longest gap ${longest.toFixed(1)} ms`)
  return { turns, found }
}

function noise(rows: number, columns: number): quant.Matrix {
  const values = new Float64Array(rows * columns)
  for (let at = 0; at < values.length; at++) values[at] = 0.01 * Math.sin(at * 12.9898 + (at % 97) * 78.233)
  return { values, rows, columns }
}

describe('the event loop goes on', () => {
  test('while a large problem is solved: 300 assets, 1,000 days', async () => {
    const returns = noise(1000, 300)
    const { turns, found } = await turnsDuring('minimum variance', () => quant.minimumVariance({ returns }))
    expect(found.weights).toHaveLength(300)
    expect(turns).toBeGreaterThan(20)
  })

  test('while a large argument is copied: 8 MiB go in slices', async () => {
    // The copy alone: the call fails at its end, where the last number is found to be none.
    const returns = noise(1 << 18, 4)
    returns.values[returns.values.length - 1] = NaN
    const { turns, found } = await turnsDuring('copy', () => refused(() => quant.sampleCovariance(returns)))
    expect(found).toMatchObject({ code: 'QUANT_NOT_FINITE', fields: { row: String((1 << 18) - 1), column: '3' } })
    expect(turns).toBeGreaterThanOrEqual(7)
  })

  test('while many results become objects: 12,870 splits', async () => {
    const options = { folds: 16, testFolds: 8 }
    const { turns, found } = await turnsDuring('splits', () => quant.combinatorialPurged(16_000, options))
    expect([found.splits.length, found.paths.length]).toEqual([12_870, 6_435])
    expect(turns).toBeGreaterThan(4)
  })

  test('while an answer has half a million entries: a million returns fall every other time', async () => {
    const zigzag = Float64Array.from({ length: 1_000_000 }, (_, at) => (at % 2 === 0 ? -0.01 : 0.010102))
    const falls = await turnsDuring('drawdowns', () => quant.drawdowns(zigzag))
    const risk = await turnsDuring('drawdown risk', () => quant.drawdownRisk(zigzag))
    expect([falls.found.all.length, risk.found.episodes.length]).toEqual([500_000, 500_000])
    // The copy of the argument alone: 32,768 numbers between two turns.
    for (const { turns } of [falls, risk]) expect(turns).toBeGreaterThan(7)
  })
})

const same = (one: Float64Array, other: Float64Array): boolean =>
  one.length === other.length && one.every((value, at) => value === other[at])

/** The most numbers that are handed to native code between two turns of the event loop, and all of them. */
async function handedOver(work: () => Promise<unknown>): Promise<{ atOnce: number; all: number }> {
  const prototype = native().QuantArrays.prototype as QuantArrays
  const { append } = prototype
  let [turns, seen, atOnce, since, all, over] = [0, 0, 0, 0, 0, false]
  const turn = (): void => {
    turns++
    if (!over) setImmediate(turn)
  }
  const spy = vi.spyOn(prototype, 'append').mockImplementation(function (this: QuantArrays, values: Float64Array) {
    since = turns === seen ? since + values.length : values.length
    seen = turns
    atOnce = Math.max(atOnce, since)
    all += values.length
    append.call(this, values)
  })
  setImmediate(turn)
  await work().finally(() => {
    over = true
    spy.mockRestore()
  })
  return { atOnce, all }
}

describe('what is done between two turns is bounded', () => {
  afterEach(() => vi.restoreAllMocks())
  const [rows, columns] = [5030, 100]
  const given = noise(rows, columns)
  const series = Array.from({ length: columns }, (_, at) => quant.columnOf(given, at))
  const days = Array.from({ length: rows }, (_, row) => series.map((column) => column[row]!))
  const cells = rows * columns
  const first = async (work: () => Promise<{ matrix: quant.Matrix }>): Promise<number> =>
    (await work()).matrix.values[0]!

  test('numbers of typed arrays', async () => {
    const { atOnce, all } = await handedOver(() => quant.sampleCovariance(given))
    expect(all).toBe(cells)
    expect(atOnce).toBeLessThanOrEqual(131_072)
  })

  test('numbers that are looked at one by one: rows, plain series, booleans, options', async () => {
    const flags = Array.from({ length: 200_000 }, (_, at) => at % 100 === 0)
    const option = { asset: 0, kind: 'put', strike: 90, years: 1, volatility: 0.2, quantity: 1 } as const
    const book = { spots: [100], quantities: [1], options: Array<typeof option>(20_000).fill(option) }
    for (const [work, least] of [
      [() => quant.sampleCovariance(days), cells],
      [() => quant.sampleCovariance(quant.fromRows(days)), cells],
      [() => quant.sampleCovariance(quant.fromColumns(series.map((column) => Array.from(column)))), cells],
      [() => quant.sampleCovariance(quant.simpleReturns(series.map((s) => s.map((r) => 1 + r)))), cells - columns],
      [() => quant.christoffersen(flags, 0.01), flags.length],
      [() => quant.bookValue(book), 9 * book.options.length + 2],
    ] as const) {
      const { atOnce, all } = await handedOver(work)
      expect(all).toBe(least)
      expect(atOnce).toBeLessThanOrEqual(32_768 + 2)
    }
  })

  test('a large matrix of series is copied when it is used, with the numbers that it has at once', async () => {
    const large = quant.fromColumns(series)
    const described = Object.getOwnPropertyDescriptor(large, 'values')
    expect(described?.get).toBeDefined()
    expect(same(quant.columnOf(large, 7), series[7]!)).toBe(true)
    const whole = await first(() => quant.sampleCovariance(given))
    expect(await first(() => quant.sampleCovariance(large))).toBe(whole)
    expect(await first(() => quant.sampleCovariance(quant.fromRows(days)))).toBe(whole)
    expect([large.rows, large.columns, same(large.values, given.values)]).toEqual([rows, columns, true])
    expect(Object.keys(large)).toEqual(['values', 'rows', 'columns'])
    expect(quant.columnOf(large, 7).buffer).toBe(large.values.buffer)
    // Used twice at the same time, and looked at in between.
    const shared = quant.fromRows(days)
    const both = [first(() => quant.sampleCovariance(shared)), first(() => quant.sampleCovariance(shared))]
    expect(same(shared.values, given.values)).toBe(true)
    expect(await Promise.all(both)).toEqual([whole, whole])
  })

  test('a bad number of a large matrix is told by what uses it', async () => {
    const wrong = series.map((column) => Array.from(column))
    wrong[60]![17] = '0.1' as unknown as number
    const fields = { row: 17, column: 60, type: 'string' }
    expect((await refused(() => quant.sampleCovariance(quant.fromColumns(wrong)))).fields).toEqual(fields)
    expect((await refused(() => quant.fromColumns(wrong).values)).fields).toEqual(fields)
    const prices = series.map((column) => column.map((r) => 1 + r))
    prices[60]![16] = 0
    const broken = await refused(() => quant.inverseVolatility({ returns: quant.simpleReturns(prices) }))
    expect(broken).toMatchObject({ code: 'QUANT_NOT_FINITE', fields: { row: 17, column: 60 } })
    const lines = Array.from({ length: 70_000 }, () => [0.1, 0.2, 0.3, 0.4])
    lines[69_000] = [0.1]
    const ragged = await refused(() => quant.sampleCovariance(quant.fromRows(lines)))
    expect(ragged).toMatchObject({ code: 'QUANT_RAGGED', fields: { row: 69_000, have: 1, need: 4 } })
    expect((await refused(() => quant.fromRows(lines).values)).code).toBe('QUANT_RAGGED')
    expect((await refused(() => quant.sampleCovariance(lines))).code).toBe('QUANT_RAGGED')
  })

  test('ranges of splits are made when they are looked at', async () => {
    const { splits } = await quant.combinatorialPurged(100, { folds: 5, testFolds: 2 })
    const own = Object.getOwnPropertyDescriptor(splits[0], 'train')
    expect(own?.get).toBeDefined()
    expect(splits[0]).toEqual({
      train: [[40, 100]],
      test: [
        [0, 20],
        [20, 40],
      ],
    })
    expect(splits[0]!.train).toBe(splits[0]!.train)
  })

  test('small problems are solved at once, with the weights of the pool', async () => {
    const returns = noise(40, 20)
    const pool = vi.spyOn(native(), 'quantCall')
    const atOnce = await quant.minimumVariance({ returns })
    expect(pool).not.toHaveBeenCalled()
    const onPool = await quant.minimumVariance({ returns, onProgress: () => undefined })
    expect(pool).toHaveBeenCalledOnce()
    expect(atOnce).toEqual(onPool)
    expect((await refused(() => quant.minimumVariance({ returns, signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    const turnover = { turnoverMax: 0.5, previous: new Float64Array(20).fill(0.05) }
    await quant.minimumVariance({ returns, constraints: turnover })
    expect(pool).toHaveBeenCalledTimes(2)
  })
})

describe('a signal', () => {
  test('ends the work in Rust at its next look', async () => {
    const stop = new AbortController()
    const fractions: number[] = []
    const work = quant.overfittingProbability(noise(2000, 400), {
      blocks: 20,
      signal: stop.signal,
      onProgress: (fraction) => {
        fractions.push(fraction)
        if (fractions.length === 3) stop.abort()
      },
    })
    expect((await refused(() => work)).code).toBe('QUANT_CANCELLED')
    expect(fractions.every((fraction, at) => fraction >= (fractions[at - 1] ?? 0) && fraction < 1)).toBe(true)
  })

  test('ends an allocator, and the pool is free again', async () => {
    // More long calls than the pool has threads: were they not ended, the small one behind them would wait for all.
    const returns = noise(900, 700)
    const stop = new AbortController()
    const convention = { linkage: 'average', distance: 'distanceOfDistances', leafOrder: 'optimal' } as const
    const options = { returns, convention, signal: stop.signal, onProgress: () => stop.abort() }
    const long = Array.from({ length: 8 }, () => refused(() => quant.hierarchicalRiskParity(options)))
    const codes = new Set((await Promise.all(long)).map(({ code }) => code))
    // Those whose arguments were still being copied had not begun.
    expect(codes).toContain('QUANT_CANCELLED')
    expect([...codes].filter((code) => code !== 'QUANT_CANCELLED' && code !== 'ABORTED')).toEqual([])
    expect((await quant.performance([0.1, 0.2])).periods).toBe(2)
  })

  test('ends the searches of tail risk', async () => {
    const long = noise(1_000_000, 1).values
    for (const work of [
      (signal: AbortSignal) => quant.fitStudent(long, { signal, search: 'scipy' }),
      (signal: AbortSignal) => quant.valueAtRisk(long, { signal, method: 'studentT', studentSearch: 'scipy' }),
      (signal: AbortSignal) => quant.entropicValueAtRisk(long, { signal }),
      (signal: AbortSignal) => quant.drawdownRisk(long, { signal }),
    ]) {
      const stop = new AbortController()
      const refusal = refused(() => work(stop.signal))
      setTimeout(() => stop.abort(), 30)
      expect(['QUANT_CANCELLED', 'ABORTED']).toContain((await refusal).code)
    }
  })

  test('that was set before ends a call before it begins', async () => {
    const signal = AbortSignal.abort()
    expect((await refused(() => quant.performance([0.1, 0.2], { signal }))).code).toBe('ABORTED')
    expect((await refused(() => quant.minimumVariance({ returns: noise(10, 2), signal }))).code).toBe('ABORTED')
  })
})
