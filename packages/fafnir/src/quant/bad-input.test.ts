// Bad input through the public API: a typed error that says what and where, never a result, never a TypeError.
import { describe, expect, test } from 'vitest'

import type { Code } from '../index.js'
import * as quant from './index.js'
import { refused } from './test-support.js'

const good = [
  [0.01, -0.02, 0.005],
  [-0.01, 0.015, 0.01],
  [0.02, 0.01, -0.015],
  [0.005, -0.005, 0.002],
  [-0.015, 0.02, 0.012],
]
const column = good.map((row) => row[0]!)
const expected = [0.001, 0.002, 0.0015]
const as = <T>(value: unknown): T => value as T

type Bad = readonly [what: string, value: unknown, code: Code | readonly Code[]]

const matrices: readonly Bad[] = [
  ['NaN', good.map((row, at) => (at === 2 ? [0.02, NaN, 0] : row)), 'QUANT_NOT_FINITE'],
  ['an infinity', good.map((row, at) => (at === 2 ? [0.02, Infinity, 0] : row)), 'QUANT_NOT_FINITE'],
  ['ragged rows', [...good, [0.1, 0.2]], 'QUANT_RAGGED'],
  ['nothing', [], 'QUANT_EMPTY'],
  ['an empty row', [[]], 'QUANT_EMPTY'],
  ['no rows', { values: new Float64Array(0), rows: 0, columns: 3 }, 'QUANT_EMPTY'],
  ['one row', [[0.01, 0.02, 0.03]], 'QUANT_TOO_FEW'],
  ['too few numbers', { values: new Float64Array(5), rows: 2, columns: 3 }, 'QUANT_RAGGED'],
  ['too many numbers', { values: new Float64Array(7), rows: 2, columns: 3 }, 'QUANT_RAGGED'],
  ['a huge shape', { values: new Float64Array(6), rows: 2 ** 31, columns: 2 ** 31 }, 'QUANT_TOO_LARGE'],
  ['half a row', { values: new Float64Array(6), rows: 1.5, columns: 4 }, 'ARGUMENT_INVALID'],
  ['negative columns', { values: new Float64Array(6), rows: 2, columns: -3 }, 'ARGUMENT_INVALID'],
  ['a text', 'returns', 'ARGUMENT_INVALID'],
  ['a number', 42, 'ARGUMENT_INVALID'],
  ['an object', {}, 'ARGUMENT_INVALID'],
  ['null', null, 'ARGUMENT_INVALID'],
  ['nothing at all', undefined, 'ARGUMENT_INVALID'],
  ['texts in rows', good.map((row, at) => (at === 1 ? ['0.1', 0.2, 0.3] : row)), 'ARGUMENT_INVALID'],
  ['null in rows', good.map((row, at) => (at === 1 ? [null, 0.2, 0.3] : row)), 'ARGUMENT_INVALID'],
  ['a hole in rows', good.map((row, at) => (at === 1 ? [, 0.2, 0.3] : row)), 'ARGUMENT_INVALID'],
  [
    'big integers',
    [
      [1n, 2n],
      [3n, 4n],
    ],
    'ARGUMENT_INVALID',
  ],
  ['typed arrays, rows or columns?', [new Float64Array(3), new Float64Array(3)], 'ARGUMENT_INVALID'],
  ['a function', () => good, 'ARGUMENT_INVALID'],
]

const ofReturns: Readonly<Record<string, (returns: never) => unknown>> = {
  sampleCovariance: (returns) => quant.sampleCovariance(returns),
  ledoitWolf: (returns) => quant.ledoitWolf(returns),
  oracleApproximating: (returns) => quant.oracleApproximating(returns),
  minimumVariance: (returns) => quant.minimumVariance({ returns }),
  meanVariance: (returns) => quant.meanVariance({ returns, expected, goal: { riskAversion: 1 } }),
  maximumSharpe: (returns) => quant.maximumSharpe({ returns, expected }),
  maximumDiversification: (returns) => quant.maximumDiversification({ returns }),
  kellyWeights: (returns) => quant.kellyWeights({ returns, expected }),
  hierarchicalRiskParity: (returns) => quant.hierarchicalRiskParity({ returns }),
  hierarchicalEqualRiskContribution: (returns) => quant.hierarchicalEqualRiskContribution({ returns }),
  riskParity: (returns) => quant.riskParity({ returns }),
  inverseVolatility: (returns) => quant.inverseVolatility({ returns }),
}

describe('returns that are none', () => {
  test.each(Object.entries(ofReturns))('%s', async (_, call) => {
    for (const [what, value, code] of matrices) expect((await refused(() => call(as(value)))).code, what).toBe(code)
  })

  test('minimumCvar, for which one row is a scenario', async () => {
    for (const [what, value, code] of matrices) {
      if (what === 'one row') continue
      expect((await refused(() => quant.minimumCvar({ returns: as(value) }))).code, what).toBe(code)
    }
  })

  test('say where', async () => {
    const at = good.map((row, place) => (place === 2 ? [0.02, NaN, 0] : row))
    const found = await refused(() => quant.minimumVariance({ returns: at }))
    expect(found.fields).toEqual({ what: 'returns', row: '2', column: '1' })
    const text = await refused(() => quant.minimumVariance({ returns: as([[0.1, '0.2']]) }))
    expect(text.fields).toEqual({ row: 0, column: 1, type: 'string' })
  })
})

const covariances: readonly Bad[] = [
  [
    'not square',
    [
      [1, 0, 0],
      [0, 1, 0],
    ],
    'QUANT_RAGGED',
  ],
  [
    'not symmetric',
    [
      [1, 0.5],
      [0.1, 1],
    ],
    'QUANT_NOT_SYMMETRIC',
  ],
  [
    'a negative variance',
    [
      [-1, 0],
      [0, 1],
    ],
    'QUANT_NOT_POSITIVE_DEFINITE',
  ],
  [
    'NaN',
    [
      [1, NaN],
      [NaN, 1],
    ],
    'QUANT_NOT_FINITE',
  ],
  ['nothing', [], 'QUANT_EMPTY'],
]

test('covariances that are none', async () => {
  for (const [what, covariance, code] of covariances) {
    const given = { covariance: as<number[][]>(covariance) }
    for (const call of [
      quant.minimumVariance,
      quant.hierarchicalRiskParity,
      quant.riskParity,
      quant.inverseVolatility,
    ]) {
      expect((await refused(() => call(given))).code, `${call.name}: ${what}`).toBe(code)
    }
  }
  const both = await refused(() => quant.minimumVariance({ returns: good, covariance: [[1]] }))
  expect(both.code).toBe('ARGUMENT_INVALID')
  expect((await refused(() => quant.minimumVariance({}))).code).toBe('ARGUMENT_INVALID')
})

const series: readonly Bad[] = [
  ['NaN', [0.1, NaN], 'QUANT_NOT_FINITE'],
  ['nothing', [], 'QUANT_EMPTY'],
  ['one', [0.1], 'QUANT_TOO_FEW'],
  ['below -1', [0.1, -1.5], 'QUANT_OUT_OF_RANGE'],
  ['a text', 'abc', 'ARGUMENT_INVALID'],
  ['texts', ['0.1', '0.2'], 'ARGUMENT_INVALID'],
  ['null', null, 'ARGUMENT_INVALID'],
]

test('series that are none', async () => {
  for (const [what, value, code] of series) {
    expect((await refused(() => quant.performance(as(value)))).code, what).toBe(code)
  }
  expect((await refused(() => quant.relativePerformance(column, column.slice(1)))).code).toBe('QUANT_RAGGED')
  expect((await refused(() => quant.relativePerformance(column, [0, 0, 0, 0, 0]))).code).toBe('QUANT_CONSTANT')
  expect((await refused(() => quant.signalEquity([1, 2], [NaN, 0], [0, 0], { cash: 1, feeRate: 0 }))).code).toBe(
    'QUANT_NOT_FINITE',
  )
})

type Problem = Parameters<typeof quant.minimumVariance>[0]
const options: readonly (readonly [what: string, given: unknown, code: Code])[] = [
  ['an unknown option', { upperBound: 0.1 }, 'ARGUMENT_INVALID'],
  ['an unknown constraint', { constraints: { max: 0.1 } }, 'ARGUMENT_INVALID'],
  ['a text as a budget', { constraints: { budget: '1' } }, 'ARGUMENT_INVALID'],
  ['a text as a bound', { constraints: { upper: '1' } }, 'ARGUMENT_INVALID'],
  ['NaN as a bound', { constraints: { upper: NaN } }, 'QUANT_NOT_FINITE'],
  ['NaN as a budget', { constraints: { budget: NaN } }, 'QUANT_OUT_OF_RANGE'],
  ['bounds of two assets', { constraints: { upper: [0.5, 0.5] } }, 'QUANT_RAGGED'],
  ['lower above upper', { constraints: { lower: 0.5, upper: 0.4 } }, 'QUANT_INFEASIBLE'],
  ['bounds that hold too little', { constraints: { upper: 0.1 } }, 'QUANT_INFEASIBLE'],
  [
    'an asset that is not there',
    { constraints: { groups: [{ name: 'g', members: [3], upper: 1 }] } },
    'QUANT_TOO_LARGE',
  ],
  ['half an asset', { constraints: { groups: [{ name: 'g', members: [0.5], upper: 1 }] } }, 'QUANT_OUT_OF_RANGE'],
  ['a name that is none', { constraints: { groups: [{ name: 'g', members: ['X'], upper: 1 }] } }, 'ARGUMENT_INVALID'],
  ['a group without members', { constraints: { groups: [{ name: 'g' }] } }, 'ARGUMENT_INVALID'],
  [
    'a group with an unknown key',
    { constraints: { groups: [{ name: 'g', members: [0], max: 1 }] } },
    'ARGUMENT_INVALID',
  ],
  ['short coefficients', { constraints: { linear: [{ name: 'l', coefficients: [1], upper: 1 }] } }, 'QUANT_RAGGED'],
  ['no coefficients', { constraints: { linear: [{ name: 'l', upper: 1 }] } }, 'ARGUMENT_INVALID'],
  ['two names', { constraints: { assets: ['A', 'B'] } }, 'QUANT_RAGGED'],
  ['a negative cost', { constraints: { previous: [1, 0, 0], buyCost: -1 } }, 'QUANT_OUT_OF_RANGE'],
  ['a negative turnover', { constraints: { previous: [1, 0, 0], turnoverMax: -1 } }, 'QUANT_OUT_OF_RANGE'],
  ['a negative lot', { constraints: { lot: -0.1 } }, 'QUANT_OUT_OF_RANGE'],
  ['ddof of 2', { ddof: 2 }, 'QUANT_OUT_OF_RANGE'],
  ['constraints of null', { constraints: null }, 'ARGUMENT_INVALID'],
  ['a function', { constraints: { budget: () => 1 } }, 'ARGUMENT_INVALID'],
  ['a big integer', { constraints: { budget: 1n } }, 'ARGUMENT_INVALID'],
  ['expected returns of two', { expected: [1, 2] }, 'QUANT_RAGGED'],
]

test.each(options)('options: %s', async (_, given, code) => {
  expect((await refused(() => quant.minimumVariance({ returns: good, ...(given as Problem) }))).code).toBe(code)
})

test('options of the other allocators', async () => {
  const returns = good
  const calls: readonly (readonly [() => unknown, Code])[] = [
    [() => quant.meanVariance({ returns, expected, goal: as({ risk: 1 }) }), 'ARGUMENT_INVALID'],
    [() => quant.meanVariance({ returns, expected, goal: as(undefined) }), 'ARGUMENT_INVALID'],
    [() => quant.meanVariance({ returns, expected, goal: { riskAversion: -1 } }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.meanVariance({ returns, expected: as(undefined), goal: { riskAversion: 1 } }), 'ARGUMENT_INVALID'],
    [() => quant.maximumSharpe({ returns, expected: [0.1, NaN, 0.1] }), 'QUANT_NOT_FINITE'],
    [() => quant.maximumSharpe({ returns, expected, riskFree: as('0') }), 'ARGUMENT_INVALID'],
    [() => quant.minimumCvar({ returns, beta: 1 }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.minimumCvar({ returns, targetReturn: 0.1 }), 'ARGUMENT_INVALID'],
    [() => quant.hierarchicalRiskParity({ returns, convention: as('hrp') }), 'ARGUMENT_INVALID'],
    [() => quant.hierarchicalRiskParity({ returns, convention: as({ linkage: 'single' }) }), 'ARGUMENT_INVALID'],
    [() => quant.hierarchicalEqualRiskContribution({ returns, clusters: 0 }), 'QUANT_TOO_FEW'],
    [() => quant.hierarchicalEqualRiskContribution({ returns, clusters: 4 }), 'QUANT_TOO_LARGE'],
    [() => quant.hierarchicalEqualRiskContribution({ returns, clusters: 1.5 }), 'ARGUMENT_INVALID'],
    [() => quant.riskParity({ returns, budgets: [1, -1, 1] }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.riskParity({ returns, budgets: [0, 0, 0] }), 'QUANT_UNDEFINED'],
    [() => quant.volatilityTarget({ returns, weights: [1], target: 0.1 }), 'QUANT_RAGGED'],
    [() => quant.volatilityTarget({ returns, weights: [1, 0, 0], target: 0 }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.roundToLots({ weights: [0.5, NaN], lot: 0.1 }), 'QUANT_NOT_FINITE'],
    [() => quant.roundToLots({ weights: [], lot: 0.1 }), 'QUANT_EMPTY'],
    [() => quant.kellyBet({ probability: 1.5, odds: 1 }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.kellyBet({ probability: 0.5, odds: NaN }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.kellyBet(as(null)), 'ARGUMENT_INVALID'],
    [() => quant.equalWeight(0), 'QUANT_TOO_FEW'],
    [() => quant.equalWeight(-1), 'ARGUMENT_INVALID'],
    [() => quant.equalWeight(1e9), 'QUANT_TOO_LARGE'],
    [() => quant.equalWeight(as('3')), 'ARGUMENT_INVALID'],
    [() => quant.blackLitterman({ returns, prior: { returns: [0, 0, 0] }, views: as(undefined) }), 'ARGUMENT_INVALID'],
    [
      () => quant.blackLitterman({ returns, prior: as({}), views: { portfolios: [[1, 0, 0]], returns: [0] } }),
      'ARGUMENT_INVALID',
    ],
    [
      () =>
        quant.blackLitterman({ returns, prior: { returns: [0, 0, 0] }, views: { portfolios: [[1, 0]], returns: [0] } }),
      'QUANT_RAGGED',
    ],
  ]
  for (const [call, code] of calls) expect((await refused(call)).code, call.toString()).toBe(code)
})

test('helpers of data, jobs and sizes', async () => {
  const calls: readonly (readonly [() => unknown, Code])[] = [
    [() => quant.fromColumns(as(null)), 'ARGUMENT_INVALID'],
    [() => quant.fromColumns(as([1, 2])), 'ARGUMENT_INVALID'],
    [() => quant.fromColumns([as([null, 2])]), 'ARGUMENT_INVALID'],
    [() => quant.fromColumns([]), 'QUANT_EMPTY'],
    [() => quant.fromColumns([[1, 2], [3]]), 'QUANT_RAGGED'],
    [() => quant.fromRows([[1, 2], [3]]), 'QUANT_RAGGED'],
    [() => quant.fromRows([as([1n])]), 'ARGUMENT_INVALID'],
    [() => quant.columnOf(quant.fromColumns([[1, 2]]), 1), 'QUANT_OUT_OF_RANGE'],
    [() => quant.simpleReturns([[1]]), 'QUANT_TOO_FEW'],
    [() => quant.simpleReturns([[1, 0, 2]]), 'QUANT_NOT_FINITE'],
    [() => quant.performance(column, { signal: as('now') }), 'ARGUMENT_INVALID'],
    [() => quant.performance(column, { onProgress: as(1) }), 'ARGUMENT_INVALID'],
    [() => quant.performance(column, as(null)), 'ARGUMENT_INVALID'],
    [() => quant.performance(column, { riskFree: as(0.02) }), 'ARGUMENT_INVALID'],
    [() => quant.ledoitWolf(good, as(null)), 'ARGUMENT_INVALID'],
    [() => quant.walkForward(10, as(undefined)), 'ARGUMENT_INVALID'],
    [() => quant.walkForward(as('10'), { train: 4, test: 2 }), 'ARGUMENT_INVALID'],
    [() => quant.combinatorialPurged(10, { folds: 2, testFolds: 2 }), 'QUANT_OUT_OF_RANGE'],
    [() => quant.combinatorialPurged(1e6, { folds: 40, testFolds: 20 }), 'QUANT_TOO_LARGE'],
    [() => quant.sharpeMoments(new Float64Array(600_000)), 'QUANT_TOO_LARGE'],
    [() => quant.size(as(null), { rule: 'fixedFraction', fraction: 0.1 }), 'ARGUMENT_INVALID'],
    [() => quant.size({ equity: 1, price: 1 }, as({ rule: 'all' })), 'ARGUMENT_INVALID'],
    [() => quant.averageTrueRange(as(null)), 'ARGUMENT_INVALID'],
    [() => quant.almgrenChriss(as({})), 'ARGUMENT_INVALID'],
    [() => quant.overfittingProbability(good, { blocks: 3 }), 'QUANT_UNDEFINED'],
  ]
  for (const [call, code] of calls) expect((await refused(call)).code, call.toString()).toBe(code)
})

test('one asset is a portfolio, and losing assets are assets', async () => {
  const one = good.map((row) => [row[0]!])
  expect([...(await quant.minimumVariance({ returns: one })).weights]).toEqual([1])
  expect([...(await quant.hierarchicalRiskParity({ returns: one })).weights]).toEqual([1])
  expect([...(await quant.riskParity({ returns: one })).weights]).toEqual([1])
  expect([...(await quant.minimumCvar({ returns: one })).weights]).toEqual([1])
  const losing = good.map((row) => row.map((value) => -Math.abs(value)))
  const found = await quant.minimumVariance({ returns: losing })
  expect(found.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
  expect((await quant.performance(losing.map((row) => row[0]!))).winRate).toBe(0)
  const constant = good.map(() => [0.01, 0.02])
  expect((await refused(() => quant.riskParity({ returns: constant }))).code).toBe('QUANT_CONSTANT')
})
