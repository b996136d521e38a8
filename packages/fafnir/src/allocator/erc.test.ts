import { describe, expect, test } from 'vitest'

import { native } from '../native.js'
import { standardErc, type StandardErcOptions } from './erc.js'
import { targetsOf } from './targets.js'
import type { Sleeve } from './variants.js'

const available = (() => {
  try {
    return typeof (native() as { quantCall?: unknown }).quantCall === 'function'
  } catch {
    return false
  }
})()
if (!available) console.log('skipped: the native module here has no quant')

const names: readonly Sleeve[] = ['equity', 'longTreasuries', 'gold', 'commodityTrend', 'longVolatility']
const sizes = [0.04, 0.02, 0.05, 0.03, 0.06]

/** Invented returns with a factor in common. */
function returnsOf(periods: number): Record<string, number[]> {
  return Object.fromEntries(
    names.map((name, k) => [
      name,
      Array.from({ length: periods }, (_, t) => {
        const common = Math.sin(t * 1.3) * (k === 4 ? -0.5 : 0.5)
        return sizes[k]! * (common + Math.cos(t * (0.7 + 0.31 * k) + k))
      }),
    ]),
  )
}

/** Covariance, divisor n - 1, from its definition. */
function covariance(columns: readonly (readonly number[])[]): number[][] {
  const means = columns.map((column) => column.reduce((sum, value) => sum + value, 0) / column.length)
  return columns.map((a, i) =>
    columns.map(
      (b, j) => a.reduce((sum, value, t) => sum + (value - means[i]!) * (b[t]! - means[j]!), 0) / (a.length - 1),
    ),
  )
}

describe.skipIf(!available)('equal risk', () => {
  const returns = returnsOf(120)

  test('each sleeve has a fifth of the variance of the newest window', async () => {
    const found = await standardErc({ returns, estimator: 'sample', window: 60 })
    const matrix = covariance(names.map((name) => returns[name]!.slice(-60)))
    const weights = names.map((name) => found.weights[name]!)
    const risks = weights.map(
      (weight, i) => weight * weights.reduce((sum, other, j) => sum + other * matrix[i]![j]!, 0),
    )
    const variance = risks.reduce((sum, risk) => sum + risk, 0)
    for (const risk of risks) expect(risk / variance).toBeCloseTo(0.2, 10)
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(Object.values(found.percents).reduce((sum, percent) => sum + percent, 0)).toBeCloseTo(100, 9)
    expect(found).toMatchObject({ estimator: 'sample', window: 60 })
    expect(found.residual).toBeLessThan(1e-10)
    const fills = Object.fromEntries(names.map((name) => [name, { instrument: name.toUpperCase() }]))
    expect(targetsOf(found.percents, fills)).toHaveLength(6)
  })

  test('estimator and window matter, and are told', async () => {
    const by = async (more: Partial<StandardErcOptions>) =>
      (await standardErc({ returns, estimator: 'sample', window: 60, ...more })).weights.gold
    const all = [
      await by({}),
      await by({ window: 120 }),
      await by({ estimator: 'ewma' }),
      await by({ estimator: 'ledoitWolf' }),
    ]
    expect(new Set([...all, await by({ estimator: 'oracleApproximating' })]).size).toBe(5)
  })
})

describe('bad input', () => {
  const returns = returnsOf(20)
  const bad: [string, object][] = [
    ['a sleeve missing', { returns: { ...returns, gold: undefined } }],
    ['a sleeve that is none of them', { returns: { ...returns, cash: returns['gold'] } }],
    ['lengths that differ', { returns: { ...returns, gold: returns['gold']!.slice(1) } }],
    ['a NaN', { returns: { ...returns, gold: [...returns['gold']!.slice(1), NaN] } }],
    ['a window of all sleeves', { window: 5 }],
    ['a window longer than the series', { window: 21 }],
    ['an estimator without a name', { estimator: undefined }],
    ['another estimator', { estimator: 'magic' }],
  ]
  test.each(bad)('%s', async (_, change) => {
    const options = { returns, estimator: 'sample', window: 20, ...change } as StandardErcOptions
    await expect(standardErc(options)).rejects.toMatchObject({ code: 'ALLOCATION_INVALID' })
  })
})
