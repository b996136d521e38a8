import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { simulate, simulatedRules, type SimulateOptions } from './simulate.js'

const shared = fileURLToPath(new URL('../../../../../shared/data/dragon/', import.meta.url))
const folder = existsSync(`${shared}expected.json`) ? shared : undefined
const series = fileURLToPath(new URL('../../../../crates/testkit/fixtures/allocator/', import.meta.url))

/** The series as its columns stand. */
function csv(path: string): { sleeves: string[]; labels: string[]; returns: number[][] } {
  const [head = '', ...rows] = readFileSync(path, 'utf8').trim().split('\n')
  const cells = rows.map((row) => row.trim().split(','))
  return {
    sleeves: head.trim().split(',').slice(1),
    labels: cells.map((row) => row[0]!),
    returns: cells.map((row) => row.slice(1).map(Number)),
  }
}

interface Expected {
  readonly final: number
  readonly cagr: number
  readonly vol: number
  readonly sharpe0: number
  readonly mdd: number
  readonly rebalances: number
  readonly one_way_turnover: number
}

const portfolios: Record<string, number[]> = {
  standard: [0.2, 0.2, 0.2, 0.2, 0.2],
  aggressive_hunter: [0.3, 0.1, 0.2, 0.25, 0.15],
  artemis_24_18_19_18_21: [0.24, 0.18, 0.19, 0.18, 0.21],
}

function comparable(options: SimulateOptions): Expected {
  const {
    final,
    cagr,
    volatility: vol,
    sharpe: sharpe0,
    maxDrawdown: mdd,
    rebalances,
    oneWayTurnover,
  } = simulate(options)
  return { final, cagr, vol, sharpe0, mdd, rebalances: rebalances.length, one_way_turnover: oneWayTurnover }
}

function expectClose(found: Expected, expected: Expected): void {
  for (const key of Object.keys(expected) as (keyof Expected)[]) {
    expect(Math.abs(found[key] - expected[key]), key).toBeLessThanOrEqual(1e-9)
  }
}

describe('the recorded Dragon series', () => {
  if (folder === undefined) console.log('skipped: ../shared/data/dragon is not here')
  test.skipIf(folder === undefined)('all rules, with and without cost, to 1e-9', () => {
    const { sleeves, labels, returns } = csv(`${folder}dragon_sleeves_monthly_returns.csv`)
    const expected = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as Record<
      string,
      Record<string, Expected>
    >
    let compared = 0
    for (const [portfolio, cases] of Object.entries(expected)) {
      if (portfolios[portfolio] === undefined) continue
      for (const [name, want] of Object.entries(cases)) {
        const [rule = '', cost = ''] = name.split(',cost=')
        const weights = portfolios[portfolio]!
        const options = { sleeves, labels, returns, weights, rule: simulatedRules[rule as 'none'], cost: Number(cost) }
        expectClose(comparable(options), want)
        compared += 1
      }
    }
    expect(compared).toBe(24)
  })
})

describe('a small series of our own', () => {
  // expected.json was computed with Python's decimal module at 50 digits by fixture.py beside it.
  const { sleeves, labels, returns } = csv(`${series}series.csv`)
  const cases = JSON.parse(readFileSync(`${series}expected.json`, 'utf8')) as {
    weights: number[]
    rule: SimulateOptions['rule']
    cost: number
    expected: Expected
  }[]
  test.each(cases)('$rule cost $cost', ({ weights, rule, cost, expected }) => {
    expectClose(comparable({ sleeves, labels, returns, weights, rule, cost }), expected)
  })
})

describe('bad input', () => {
  const good: SimulateOptions = {
    sleeves: ['a', 'b'],
    weights: [0.5, 0.5],
    labels: ['2020-01', '2020-02'],
    returns: [
      [0.1, 0],
      [0, 0.1],
    ],
    rule: { kind: 'none' },
  }
  const bad: [string, Partial<SimulateOptions>, string][] = [
    ['weights that do not sum', { weights: [0.5, 0.4] }, 'WEIGHTS_SUM'],
    ['a NaN weight', { weights: [NaN, 0.5] }, 'ALLOCATION_INVALID'],
    [
      'a NaN return',
      {
        returns: [
          [NaN, 0],
          [0, 0],
        ],
      },
      'ALLOCATION_INVALID',
    ],
    [
      'an infinite return',
      {
        returns: [
          [Infinity, 0],
          [0, 0],
        ],
      },
      'ALLOCATION_INVALID',
    ],
    ['a ragged row', { returns: [[0.1], [0, 0]] }, 'ALLOCATION_INVALID'],
    ['no rows', { returns: [], labels: [] }, 'ALLOCATION_INVALID'],
    [
      'all lost',
      {
        returns: [
          [-1, -1],
          [0, 0],
        ],
      },
      'ALLOCATION_INVALID',
    ],
    ['a label that is no month', { labels: ['x', 'y'], rule: { kind: 'months', months: [12] } }, 'ALLOCATION_INVALID'],
    ['an unknown rule', { rule: { kind: 'weekly' } as unknown as SimulateOptions['rule'] }, 'ALLOCATION_INVALID'],
    ['no weights', { weights: undefined as unknown as number[] }, 'ALLOCATION_INVALID'],
    ['no rule', { rule: undefined as unknown as SimulateOptions['rule'] }, 'ALLOCATION_INVALID'],
    ['a row that is none', { returns: [null as unknown as number[], [0, 0]] }, 'ALLOCATION_INVALID'],
    ['a negative cost', { cost: -0.1 }, 'ALLOCATION_INVALID'],
    ['a negative band', { rule: { kind: 'bands', bands: { absolute: -1 } } }, 'ALLOCATION_INVALID'],
  ]
  test.each(bad)('%s', (_, change, code) => {
    expect(() => simulate({ ...good, ...change })).toThrow(expect.objectContaining({ code }))
  })
})
