// `fafnir/quant`: shapes, conventions and errors across the border; the numbers themselves are tested in Rust.
import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import * as quant from './index.js'
import { refused } from './test-support.js'

interface Base {
  readonly rows: number
  readonly assets: number
  readonly returns: number[]
  readonly sample: number[][]
  readonly condition_number: number
  readonly identity: { shrinkage: number; matrix: number[][] }
  readonly single_factor: { shrinkage: number }
  readonly constant_correlation: { shrinkage: number }
  readonly performance: Record<string, number>
  readonly probabilistic_sharpe: number
}

const file = new URL('../../../../crates/quant/tests/reference/base.json', import.meta.url)
const base = JSON.parse(readFileSync(file, 'utf8')) as Base
const returns: quant.Matrix = { values: Float64Array.from(base.returns), rows: base.rows, columns: base.assets }
const last = quant.columnOf(returns, base.assets - 1)

describe('covariance', () => {
  test('is numpy’s, with its condition number', async () => {
    const found = await quant.sampleCovariance(returns)
    for (const [row, line] of base.sample.entries()) {
      for (const [column, value] of line.entries())
        expect(quant.columnOf(found.matrix, column)[row]).toBeCloseTo(value, 15)
    }
    expect(found.conditionNumber / base.condition_number).toBeCloseTo(1, 10)
    expect(found.shrinkage).toBe(0)
  })

  test('is shrunk by the targets of Ledoit and Wolf', async () => {
    expect((await quant.ledoitWolf(returns)).shrinkage).toBeCloseTo(base.identity.shrinkage, 12)
    const factor = await quant.ledoitWolf(returns, { target: 'singleFactor' })
    expect(factor.shrinkage).toBeCloseTo(base.single_factor.shrinkage, 12)
    const level = await quant.ledoitWolf(returns, { target: 'constantCorrelation', ddof: 1 })
    expect(level.shrinkage).toBeCloseTo(base.constant_correlation.shrinkage, 12)
  })

  test('is infinite in its condition where an asset stands twice', async () => {
    const twice = quant.fromColumns([last, last])
    expect((await quant.sampleCovariance(twice)).conditionNumber).toBeGreaterThan(1e15)
    const cleaned = await quant.denoise((await quant.sampleCovariance(returns)).matrix, {
      observations: base.rows,
      noise: { fitted: { bandwidth: 0.01 } },
    })
    expect(cleaned.factors).toBeGreaterThanOrEqual(1)
    const nearest = await quant.nearestCorrelation(
      quant.fromColumns([
        [1, 1, 0],
        [1, 1, 1],
        [0, 1, 1],
      ]),
    )
    expect(nearest.values[1]).toBeCloseTo(0.7607, 4)
  })
})

describe('performance', () => {
  test('is numpy’s and scipy’s', async () => {
    const found = await quant.performance(last, { riskFree: { value: 1e-4, period: 'period' } })
    expect(found.sharpe).toBeCloseTo(base.performance['sharpe_rf_1bp']!, 12)
    expect(found.totalReturn).toBeCloseTo(base.performance['total_return']!, 12)
    const against = await quant.relativePerformance(last, quant.columnOf(returns, 0))
    expect(against.beta).toBeCloseTo(base.performance['beta']!, 12)
    expect(against.informationRatio).toBeCloseTo(base.performance['information_ratio']!, 12)
    const falls = await quant.drawdowns([0.1, -0.5, 0.2])
    expect(falls.deepest).toEqual({ depth: -0.5, peak: 1, trough: 2, recovery: null })
    expect(falls.curve).toHaveLength(3)
  })

  test('has null where a ratio has no denominator', async () => {
    const found = await quant.performance([0.1, 0.2])
    expect([found.omega, found.sortinoAll, found.maxDrawdown]).toEqual([null, null, 0])
    const held = await quant.signalEquity([8, 16], [1, 0], [0, 1], { cash: 100, feeRate: 0 })
    expect([held.finalValue, held.trades, [...held.equity]]).toEqual([200, 1, [100, 200]])
  })
})

describe('validation', () => {
  test('splits are ranges', async () => {
    const [split] = await quant.walkForward(10, { train: 4, test: 2, purge: 1 })
    expect(split).toEqual({ train: [[0, 4]], test: [[5, 7]] })
    expect([...quant.indices(split!.test)]).toEqual([5, 6])
    const combined = await quant.combinatorialPurged(8, { folds: 4, testFolds: 2 })
    expect(combined.splits).toHaveLength(6)
    expect(combined.paths).toHaveLength(3)
    const spans = await quant.walkForward(6, { train: 4, test: 2, labelEnds: [0, 4, 2, 3, 4, 5] })
    expect(spans[0]!.train).toEqual([
      [0, 1],
      [2, 4],
    ])
  })

  test('Sharpe probabilities, overfitting, decay', async () => {
    const moments = quant.sharpeMoments(last)
    expect(quant.probabilisticSharpe(moments, 0.01)).toBeCloseTo(base.probabilistic_sharpe, 12)
    // Bailey and López de Prado (2014): an annual Sharpe of 2.5 after 100 trials.
    const paper = { sharpe: 2.5 / Math.sqrt(250), observations: 1250, skewness: -3, kurtosis: 10 }
    const deflated = quant.deflatedSharpe(paper, 0.5 / 250, 100)
    expect(deflated.expectedMaximum).toBeCloseTo(0.1132, 4)
    expect(deflated.probability).toBeCloseTo(0.9004, 4)
    const found = await quant.overfittingProbability(returns, { blocks: 8 })
    expect(found.logits).toHaveLength(70)
    const decay = await quant.alphaDecay(returns, returns, { lags: 3 })
    expect(decay.curve.map((point) => point.lag)).toEqual([1, 2, 3])
  })
})

test('sizes and schedules', async () => {
  const account = { equity: 100_000, price: 50, lot: 10, leverageMax: 2 }
  const rule = { rule: 'percentRisk', risk: 0.01, averageTrueRange: 1.5, stopAtr: 2 } as const
  expect(quant.size(account, rule)).toEqual({ quantity: 330, notional: 16_500, capped: false })
  expect([...quant.quantities(1000, [0.5, -0.25], [7, 3], [1, 0.5])]).toEqual([71, -83])
  const bars = { high: [10, 12, 11], low: [8, 10, 8], close: [9, 12, 9] }
  expect(quant.averageTrueRange(bars, 2)).toBe(3.25)
  const parameters = {
    quantity: 1e6,
    horizon: 5,
    intervals: 5,
    volatility: 0.95,
    permanentImpact: 2.5e-7,
    temporaryImpact: 2.5e-6,
  }
  const path = await quant.almgrenChriss({ ...parameters, riskAversion: 1e-6 })
  expect(path.kappa).toBeCloseTo(0.607076163247, 12)
  expect(path.holdings[1]).toBeCloseTo(541955.554374, 6)
  const frontier = await quant.almgrenChrissFrontier(parameters, [0, 1e-6])
  expect(frontier.at(0)!.halfLife).toBe(Infinity)
  expect(frontier.at(1)!.expectedCost).toBeGreaterThan(frontier.at(0)!.expectedCost)
})

describe('bad input is a typed error that says what and where', () => {
  test('in arrays', async () => {
    const wrong = quant.fromColumns([
      [1, 2, 3],
      [4, NaN, 6],
    ])
    expect(await refused(() => quant.sampleCovariance(wrong))).toMatchObject({
      code: 'QUANT_NOT_FINITE',
      fields: { what: 'returns', row: '1', column: '1' },
    })
    expect((await refused(() => quant.fromColumns([[1, 2], [3]]))).code).toBe('QUANT_RAGGED')
    const short = { values: new Float64Array(5), rows: 2, columns: 3 }
    expect((await refused(() => quant.sampleCovariance(short))).code).toBe('QUANT_RAGGED')
    expect((await refused(() => quant.performance([]))).code).toBe('QUANT_EMPTY')
    expect((await refused(() => quant.performance([0.1]))).code).toBe('QUANT_TOO_FEW')
    expect(
      (await refused(() => quant.walkForward(6, { train: 4, test: 2, labelEnds: [0, 1, 2, 3, 4, 0.5] }))).code,
    ).toBe('QUANT_OUT_OF_RANGE')
  })

  test('in options', async () => {
    expect(await refused(() => quant.ewmaCovariance(returns, { decay: 1 }))).toMatchObject({
      code: 'QUANT_OUT_OF_RANGE',
      fields: { what: 'decay', value: '1' },
    })
    expect((await refused(() => quant.ewmaCovariance(returns, { decay: NaN }))).code).toBe('QUANT_OUT_OF_RANGE')
    const unknown = { lambda: 0.9 } as quant.EwmaOptions
    expect((await refused(() => quant.ewmaCovariance(returns, unknown))).code).toBe('ARGUMENT_INVALID')
  })

  test('in options that hold what belongs in an argument', async () => {
    const days = (exceptions: unknown): quant.LikelihoodRatio => quant.kupiec(exceptions as number, 250, 0.01)
    expect(await refused(() => days(new Float64Array(1_000_000)))).toMatchObject({
      code: 'ARGUMENT_INVALID',
      fields: { path: 'exceptions' },
    })
    const bound = { what: 'exceptions', max: 32_768 }
    expect(await refused(() => days(Array(1_000_000).fill(0)))).toMatchObject({
      code: 'QUANT_TOO_LARGE',
      fields: bound,
    })
    const nested = Array.from({ length: 1_000 }, () => Array(40).fill(0))
    expect((await refused(() => days(nested))).code).toBe('QUANT_TOO_LARGE')
    expect((await refused(() => days(nested.slice(0, 500)))).code).toBe('ARGUMENT_INVALID')
  })
})
