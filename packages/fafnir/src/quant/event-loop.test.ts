// Long calls leave the event loop alone, and a signal really ends them.
import { describe, expect, test } from 'vitest'

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

  test('while many results become objects: 12,870 splits, 20,000 drawdowns', async () => {
    const options = { folds: 16, testFolds: 8 }
    const { turns, found } = await turnsDuring('splits', () => quant.combinatorialPurged(16_000, options))
    expect([found.splits.length, found.paths.length]).toEqual([12_870, 6_435])
    expect(turns).toBeGreaterThan(4)
    const zigzag = Float64Array.from({ length: 40_000 }, (_, at) => (at % 2 === 0 ? -0.01 : 0.02))
    const falls = await turnsDuring('drawdowns', () => quant.drawdowns(zigzag))
    expect(falls.found.all).toHaveLength(20_000)
    expect(falls.turns).toBeGreaterThan(1)
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

  test('that was set before ends a call before it begins', async () => {
    const signal = AbortSignal.abort()
    expect((await refused(() => quant.performance([0.1, 0.2], { signal }))).code).toBe('ABORTED')
    expect((await refused(() => quant.minimumVariance({ returns: noise(10, 2), signal }))).code).toBe('ABORTED')
  })
})
