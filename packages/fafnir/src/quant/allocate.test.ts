// Allocators through the public API, against crates/testkit/fixtures/quant/allocators.json: numpy, SciPy, clarabel.
import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import * as quant from './index.js'
import { refused } from './test-support.js'

interface Fixture {
  readonly rows: number
  readonly assets: number
  readonly returns: number[]
  readonly expected: number[]
  readonly weights: Record<string, number[]>
  readonly beta: number[]
  readonly target: number
  readonly conditionNumber: number
  readonly objective: { minimumVariance: number; maximumSharpe: number }
  readonly views: { portfolios: number[][]; returns: number[]; variances: number[] }
  readonly posterior: { expected: number[]; diagonal: number[] }
}

const file = new URL('../../../../crates/testkit/fixtures/quant/allocators.json', import.meta.url)
const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture & Record<string, number>
const returns: quant.Matrix = {
  values: Float64Array.from(fixture.returns),
  rows: fixture.rows,
  columns: fixture.assets,
}
const { expected } = fixture
const equal = quant.equalWeight(fixture.assets)

function expectWeights(found: Float64Array, key: string, tolerance = 1e-9): void {
  const wanted = fixture.weights[key]!
  expect(found).toHaveLength(wanted.length)
  const off = Math.max(...wanted.map((weight, at) => Math.abs(weight - found[at]!)))
  expect(off, key).toBeLessThanOrEqual(tolerance)
}

describe('optimised weights are those of an independent solver', () => {
  test('minimum variance, long-only, with its objective and condition number', async () => {
    const found = await quant.minimumVariance({ returns, expected })
    expectWeights(found.weights, 'minimumVariance')
    expect(found.objective / fixture.objective.minimumVariance).toBeCloseTo(1, 10)
    expect(found.conditionNumber! / fixture.conditionNumber).toBeCloseTo(1, 9)
    expect(found.residual).toBeLessThanOrEqual(1e-10)
    expect(found.net).toBeCloseTo(1, 12)
    expect(found.volatility ** 2 / found.variance).toBeCloseTo(1, 12)
    expect(found.expectedReturn).toBeCloseTo(
      found.weights.reduce((sum, weight, at) => sum + weight * expected[at]!, 0),
      15,
    )
    expect([found.turnover, found.cost]).toEqual([null, 0])
  })

  test('from returns, from a covariance, from what sampleCovariance returns: the same bits', async () => {
    const covariance = await quant.sampleCovariance(returns)
    const all = await Promise.all([
      quant.minimumVariance({ returns }),
      quant.minimumVariance({ covariance }),
      quant.minimumVariance({ covariance: covariance.matrix }),
    ])
    for (const { weights } of all) expect(weights).toEqual(all[0].weights)
    const quick = await quant.minimumVariance({ covariance, conditionNumber: false })
    expect(quick.conditionNumber).toBeNull()
    const rows = Array.from({ length: fixture.rows }, (_, row) =>
      Array.from({ length: fixture.assets }, (__, column) => quant.columnOf(returns, column)[row]!),
    )
    expect((await quant.minimumVariance({ returns: rows })).weights).toEqual(all[0].weights)
    expect((await quant.minimumVariance({ returns: quant.fromRows(rows) })).weights).toEqual(all[0].weights)
  })

  test('box, group by place and by name, linear row', async () => {
    const group = { name: 'banks', members: [0, 5, 7], upper: 0.28 }
    const linear = [{ name: 'beta', coefficients: fixture.beta, lower: 0.62 }]
    const found = await quant.minimumVariance({ returns, constraints: { upper: 0.3, groups: [group], linear } })
    expectWeights(found.weights, 'minimumVarianceConstrained')
    const assets = Array.from({ length: fixture.assets }, (_, at) => `A${at}`)
    const named = { ...group, members: ['A0', 'A5', 'A7'] }
    const constraints = { assets, upper: Array(fixture.assets).fill(0.3), groups: [named], linear }
    expect((await quant.minimumVariance({ returns, constraints })).weights).toEqual(found.weights)
  })

  test('turnover and costs from previous weights', async () => {
    const turned = await quant.minimumVariance({ returns, constraints: { previous: equal, turnoverMax: 0.4 } })
    expectWeights(turned.weights, 'turnover')
    expect(turned.turnover).toBeCloseTo(0.4, 12)
    const constraints = { previous: equal, buyCost: 2e-6, sellCost: new Float64Array(fixture.assets).fill(1e-6) }
    const paid = await quant.minimumVariance({ returns, constraints })
    expectWeights(paid.weights, 'costs')
    expect(paid.cost / (paid.turnover! * 1.5e-6)).toBeCloseTo(1, 9)
    expect(paid.objective).toBeCloseTo(paid.variance / 2 + paid.cost, 15)
  })

  test('mean-variance by each goal', async () => {
    const averse = await quant.meanVariance({ returns, expected, goal: { riskAversion: 5 } })
    expectWeights(averse.weights, 'riskAversion5')
    expect(averse.objective).toBeCloseTo(averse.expectedReturn! - 2.5 * averse.variance, 15)
    const exact = await quant.meanVariance({ returns, expected, goal: { exactReturn: fixture.target } })
    expectWeights(exact.weights, 'exactReturn')
    const least = await quant.meanVariance({ returns, expected, goal: { targetReturn: 0 } })
    expectWeights(least.weights, 'minimumVariance')
    // The frontier by volatility meets the frontier by return.
    const same = await quant.meanVariance({ returns, expected, goal: { targetVolatility: exact.volatility } })
    expectWeights(same.weights, 'exactReturn', 1e-7)
  })

  test('highest Sharpe and diversification ratios', async () => {
    const sharpe = await quant.maximumSharpe({ returns, expected, riskFree: 1e-4 })
    expectWeights(sharpe.weights, 'maximumSharpe')
    expect(sharpe.objective).toBeCloseTo(fixture.objective.maximumSharpe, 10)
    expectWeights((await quant.maximumDiversification({ returns })).weights, 'maximumDiversification')
  })

  test('Kelly weights, and the stake of one bet', async () => {
    const half = await quant.kellyWeights({ returns, expected, riskFree: 1e-4, fraction: 0.5 })
    expectWeights(half.weights, 'kellyHalf', 1e-8)
    const capped = await quant.kellyWeights({ returns, expected, riskFree: 1e-4, fraction: 0.5, cap: 2, grossMax: 3 })
    expect(capped.gross).toBeCloseTo(3, 12)
    expect(quant.kellyBet({ probability: 0.55, odds: 1, fraction: 0.5 })).toBeCloseTo(0.05, 15)
    expect(quant.kellyBet({ probability: 0.4, odds: 1 })).toBe(0)
    expect(quant.kellyBet({ probability: 0.9, odds: 1, cap: 0.25 })).toBe(0.25)
  })

  test('minimum CVaR', async () => {
    for (const beta of [0.9, 0.95]) {
      const found = await quant.minimumCvar({ returns, beta })
      expectWeights(found.weights, `minimumCvar_${beta}`, 1e-6)
      expect(found.cvar).toBeCloseTo(fixture[`cvar_${beta}`]!, 9)
      expect(found.var).toBeLessThanOrEqual(found.cvar)
    }
    const bound = await quant.minimumCvar({ returns, beta: 0.9, constraints: { upper: 0.2 } })
    expect(Math.max(...bound.weights)).toBeLessThanOrEqual(0.2)
    const reach = await quant.minimumCvar({ returns, expected, targetReturn: fixture.target })
    expect(reach.weights.reduce((sum, weight, at) => sum + weight * expected[at]!, 0)).toBeGreaterThan(
      fixture.target - 1e-12,
    )
  })
})

describe('weights without an optimiser', () => {
  test('inverse volatility and budgets of risk', async () => {
    expectWeights(await quant.inverseVolatility({ returns }), 'inverseVolatility', 1e-12)
    const parity = await quant.riskParity({ returns })
    expectWeights(parity.weights, 'riskParity')
    expect(Math.max(...parity.shares)).toBeCloseTo(1 / fixture.assets, 12)
    expectWeights((await quant.riskParity({ returns, budgets: [1, 2, 3, 4, 5, 6, 7, 8] })).weights, 'riskBudget')
  })

  test('hierarchical risk parity by preset and by parts; its tree', async () => {
    const found = await quant.hierarchicalRiskParity({ returns })
    expectWeights(found.weights, 'hrp_pyPortfolioOpt', 1e-12)
    expect([...found.order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(found.merges).toHaveLength(fixture.assets - 1)
    expect(found.merges.at(-1)!.size).toBe(fixture.assets)
    const twice = await quant.hierarchicalRiskParity({ returns, convention: 'lopezDePrado' })
    expectWeights(twice.weights, 'hrp_lopezDePrado', 1e-12)
    const ward = { linkage: 'ward', distance: 'correlation', leafOrder: 'dendrogram' } as const
    expectWeights((await quant.hierarchicalRiskParity({ returns, convention: ward })).weights, 'hrp_ward', 1e-12)
  })

  test('hierarchical equal risk contribution: as many clusters as assets, or one, are known by hand', async () => {
    const one = await quant.hierarchicalEqualRiskContribution({ returns, clusters: 1 })
    expect(one.clusters).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]])
    const variance = (at: number): number => 1 / fixture.weights['inverseVolatility']![at]! ** 2
    // One cluster: in proportion to the inverse of variance.
    expect((one.weights[0]! * variance(0)) / (one.weights[5]! * variance(5))).toBeCloseTo(1, 10)
    const found = await quant.hierarchicalEqualRiskContribution({ returns })
    expect(found.clusters.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(found.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
  })

  test('a volatility target scales and leaves cash', async () => {
    const covariance = [
      [0.0001, 0],
      [0, 0.0001],
    ]
    const found = await quant.volatilityTarget({ covariance, weights: [0.5, 0.5], target: 0.05 })
    // √(0.00005 × 252) = 0.11225; 0.05 over it.
    expect(found.volatility).toBeCloseTo(Math.sqrt(0.0126), 14)
    expect(found.factor).toBeCloseTo(0.05 / Math.sqrt(0.0126), 14)
    expect(found.cash).toBeCloseTo(1 - found.factor, 14)
    const open = await quant.volatilityTarget({ covariance, weights: [0.5, 0.5], target: 0.5, leverageMax: Infinity })
    expect(open.factor).toBeGreaterThan(4)
  })

  test('whole lots, alone and behind an optimiser', async () => {
    const rounded = quant.roundToLots({ weights: [0.52, 0.48], lot: 0.1 })
    expect([...rounded.lots]).toEqual([5, 5])
    expect(rounded.cash).toBeCloseTo(0, 15)
    const found = await quant.minimumVariance({ returns, constraints: { lot: 0.05 } })
    expect(found.lots!.every((lots) => Number.isInteger(lots))).toBe(true)
    expect(found.weights.reduce((sum, weight) => sum + weight, 0) + found.cash!).toBeCloseTo(1, 12)
  })

  test('Black-Litterman by the variances of its views, and by confidence', async () => {
    const { posterior } = fixture
    const { variances, ...views } = fixture.views
    const prior = { marketWeights: equal, riskAversion: 3, riskFree: 1e-4 }
    const omega = { variances }
    const blend = await quant.blackLitterman({ returns, prior, views, tau: 0.1, omega })
    for (const [at, value] of posterior.expected.entries()) expect(blend.expected[at]).toBeCloseTo(value, 12)
    for (const [at, value] of posterior.diagonal.entries()) {
      expect(quant.columnOf(blend.covariance, at)[at]).toBeCloseTo(value, 14)
    }
    const sure = await quant.blackLitterman({
      returns,
      prior: { returns: expected },
      views,
      omega: { confidence: [1, 1] },
    })
    expect(sure.expected[0]! - sure.expected[3]!).toBeCloseTo(views.returns[0]!, 12)
    const { weights } = await quant.maximumSharpe({ expected: blend.expected, covariance: blend.covariance })
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
  })
})

describe('what cannot be', () => {
  test('names the constraints in conflict', async () => {
    const groups = [
      { name: 'banks', members: [0, 1], lower: 0.6 },
      { name: 'energy', members: [2, 3], lower: 0.6 },
    ]
    const conflict = await refused(() => quant.minimumVariance({ returns, constraints: { groups } }))
    expect(conflict.code).toBe('QUANT_INFEASIBLE')
    for (const name of ['budget', 'group banks', 'group energy']) expect(conflict.fields['constraints']).toContain(name)
    const assets = Array.from({ length: fixture.assets }, (_, at) => `A${at}`)
    const low = await refused(() => quant.maximumSharpe({ returns, expected, constraints: { assets, upper: 0.1 } }))
    expect(low.code).toBe('QUANT_INFEASIBLE')
    expect(low.fields['constraints']).toContain('upper bound of A')
    const far = await refused(() => quant.meanVariance({ returns, expected, goal: { targetReturn: 1 } }))
    expect(far.fields['constraints']).toContain('target return')
    const still = await refused(() =>
      quant.minimumCvar({ returns, constraints: { previous: equal, turnoverMax: 0, lower: 0.2, upper: 1 } }),
    )
    expect(still.code).toBe('QUANT_INFEASIBLE')
  })

  test('is unbounded or undefined by its code', async () => {
    const constraints = { budget: null, lower: -Infinity, upper: Infinity }
    const endless = await refused(() =>
      quant.meanVariance({ returns, expected, goal: { riskAversion: 0 }, constraints }),
    )
    expect(endless.code).toBe('QUANT_UNBOUNDED')
    const losing = expected.map(() => -0.01)
    expect((await refused(() => quant.maximumSharpe({ returns, expected: losing }))).code).toBe('QUANT_UNDEFINED')
    const costs = await refused(() => quant.minimumVariance({ returns, constraints: { turnoverMax: 0.1 } }))
    expect(costs.code).toBe('QUANT_UNDEFINED')
  })
})
