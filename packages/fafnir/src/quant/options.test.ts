// Options and Monte Carlo of `fafnir/quant`: published prices, closed forms, bits that do not depend on threads.
import { describe, expect, test } from 'vitest'

import { FafnirError, type Code, type ErrorFields } from '../index.js'
import * as quant from './index.js'

async function refused(work: () => unknown): Promise<{ code: Code; fields: ErrorFields }> {
  try {
    await work()
  } catch (error) {
    if (error instanceof FafnirError) return { code: error.code, fields: error.fields }
    throw error
  }
  throw new Error('nothing was thrown')
}

// Hull, "Options, futures, and other derivatives", example 15.6: 4.76 and 0.81.
const hull = { kind: 'call', spot: 42, strike: 40, years: 0.5, rate: 0.1, volatility: 0.2 } as const
const put = { ...hull, kind: 'put' } as const

describe('one option', () => {
  test('has the published price and Greeks that are its slopes', () => {
    const call = quant.greeks(hull)
    expect(call.price).toBeCloseTo(4.759422392871532, 12)
    expect(quant.greeks(put).price).toBeCloseTo(0.8085993729000922, 12)
    const price = (change: Partial<quant.OptionTerms>): number => quant.greeks({ ...hull, ...change }).price
    const slope = (key: 'spot' | 'volatility' | 'rate' | 'years', step: number): number =>
      (price({ [key]: hull[key] + step }) - price({ [key]: hull[key] - step })) / (2 * step)
    expect(call.delta).toBeCloseTo(slope('spot', 1e-4), 8)
    expect(call.vega).toBeCloseTo(slope('volatility', 1e-5) / 100, 8)
    expect(call.rho).toBeCloseTo(slope('rate', 1e-5) / 100, 8)
    expect(call.theta).toBeCloseTo(-slope('years', 1e-5) / 365, 8)
    const delta = (spot: number): number => quant.greeks({ ...hull, spot }).delta
    expect(call.gamma).toBeCloseTo((delta(42 + 1e-4) - delta(42 - 1e-4)) / 2e-4, 8)
  })

  test('keeps parity with a yield, and its limits', () => {
    const terms = { ...hull, dividendYield: 0.03 }
    const parity = quant.greeks(terms).price - quant.greeks({ ...terms, kind: 'put' }).price
    expect(parity).toBeCloseTo(42 * Math.exp(-0.03 * 0.5) - 40 * Math.exp(-0.1 * 0.5), 12)
    expect(quant.greeks({ ...hull, years: 0 })).toMatchObject({ price: 2, delta: 1, gamma: 0, vega: 0 })
    expect(quant.greeks({ ...hull, volatility: 0 }).price).toBeCloseTo(42 - 40 * Math.exp(-0.05), 12)
  })

  test('gives its volatility back', () => {
    for (const volatility of [0.01, 0.2, 3]) {
      for (const strike of [30, 42, 60]) {
        const terms = { ...put, strike, volatility }
        const { price, vega } = quant.greeks(terms)
        // As many digits as the price determines: its rounding over the slope.
        const digits = (4 * Number.EPSILON * strike) / (100 * vega)
        if (digits > 1e-6) continue
        expect(Math.abs(quant.impliedVolatility(terms, price) - volatility)).toBeLessThan(1e-12 + 10 * digits)
      }
    }
  })
})

describe('a batch', () => {
  const rows = 1000
  const column = (low: number, high: number, turn: number): Float64Array =>
    Float64Array.from({ length: rows }, (_, row) => low + (high - low) * (0.5 + 0.5 * Math.sin(turn * row)))
  const columns = {
    isCall: Uint8Array.from({ length: rows }, (_, row) => row % 2),
    spot: column(80, 120, 1),
    strike: column(80, 120, 2),
    years: column(0.1, 2, 3),
    rate: 0.03,
    dividendYield: column(0, 0.05, 4),
    volatility: column(0.1, 0.8, 5),
  }

  test('has the bits of single calls', async () => {
    const batch = await quant.greeksBatch(columns)
    for (let row = 0; row < rows; row++) {
      const single = quant.greeks({
        kind: row % 2 === 1 ? 'call' : 'put',
        spot: columns.spot[row]!,
        strike: columns.strike[row]!,
        years: columns.years[row]!,
        rate: 0.03,
        dividendYield: columns.dividendYield[row]!,
        volatility: columns.volatility[row]!,
      })
      for (const [name, value] of Object.entries(single)) {
        expect(batch[name as keyof quant.GreekColumns][row]).toBe(value)
      }
    }
    const flags = Array.from(columns.isCall, (flag) => flag === 1)
    expect((await quant.greeksBatch({ ...columns, isCall: flags, spot: Array.from(columns.spot) })).price).toEqual(
      batch.price,
    )
    const { volatilities, statuses } = await quant.impliedVolatilityBatch(columns, batch.price)
    expect(statuses.every((status) => status === 0)).toBe(true)
    for (let row = 0; row < rows; row++) {
      if (batch.vega[row]! > 1e-6) expect(volatilities[row]).toBeCloseTo(columns.volatility[row]!, 7)
    }
  })

  test('spans slices, writes where it is told to, and can be cancelled', async () => {
    const many = 20_000
    const wide = (column: Float64Array): Float64Array =>
      Float64Array.from({ length: many }, (_, at) => column[at % rows]!)
    const { isCall, spot, strike, years, rate, dividendYield, volatility } = columns
    const long = {
      isCall: Uint8Array.from({ length: many }, (_, at) => isCall[at % rows]!),
      spot: wide(spot),
      strike: wide(strike),
      years: wide(years),
      rate,
      dividendYield: wide(dividendYield),
      volatility: wide(volatility),
    }
    const short = await quant.greeksBatch(columns)
    const fractions: number[] = []
    const result = await quant.greeksBatch(long, { onProgress: (fraction) => fractions.push(fraction) })
    for (let at = 0; at < many; at += 37) expect(result.theta[at]).toBe(short.theta[at % rows])
    expect(fractions).toEqual([16_384 / many])
    const into = await quant.greeksBatch(long)
    into.price.fill(0)
    expect(await quant.greeksBatch(long, { into })).toBe(into)
    expect(into).toEqual(result)
    expect((await refused(() => quant.greeksBatch(long, { into: short }))).code).toBe('QUANT_RAGGED')
    long.strike[19_999] = NaN
    expect(await refused(() => quant.greeksBatch(long))).toMatchObject({ fields: { what: 'strike', row: '19999' } })
    const stop = new AbortController()
    const run = quant.greeksBatch(long, { signal: stop.signal, onProgress: () => stop.abort() })
    expect((await refused(() => run)).code).toBe('QUANT_CANCELLED')
    expect((await refused(() => quant.greeksBatch(long, { signal: AbortSignal.abort() }))).code).toBe('ABORTED')
  })

  test('marks prices that no volatility has', async () => {
    const chain = { isCall: [1, 1, 1], spot: [100, 100, 100], strike: [90, 90, 90], years: [1, 1, 1] }
    const found = await quant.impliedVolatilityBatch(chain, [15, 9, 101])
    expect(Array.from(found.statuses, (status) => quant.impliedStatuses[status])).toEqual([
      'solved',
      'belowIntrinsic',
      'aboveCeiling',
    ])
    expect([...found.volatilities.slice(1)]).toEqual([0, 0])
  })

  test('refuses what no option has', async () => {
    const few = { isCall: [1, 0], spot: [1, 2], strike: [1, 1], years: [1, 1], volatility: [0.2, 0.2] }
    const cases: [object, Code, ErrorFields][] = [
      [{ spot: [1, NaN] }, 'QUANT_NOT_FINITE', { what: 'spot', row: '1' }],
      [{ strike: [1, -1] }, 'QUANT_OUT_OF_RANGE', { what: 'strike', value: '-1' }],
      [{ volatility: [0.2] }, 'QUANT_RAGGED', { what: 'volatility', have: 1, need: 2 }],
      [{ isCall: [0, 2] }, 'QUANT_OUT_OF_RANGE', { what: 'isCall', value: 2, row: 1 }],
      [{ spot: [1, '2'] }, 'ARGUMENT_INVALID', { path: 'spot[1]' }],
      [{ strike: 5 }, 'ARGUMENT_INVALID', { path: 'strike' }],
      [{ isCall: [1] }, 'QUANT_RAGGED', { what: 'isCall' }],
      [{ rate: -1e300 }, 'QUANT_UNDEFINED', { what: 'greeks' }],
      [{ spot: [], isCall: [] }, 'QUANT_EMPTY', { what: 'spot' }],
    ]
    for (const [change, code, fields] of cases) {
      const found = await refused(() => quant.greeksBatch({ ...few, ...change } as quant.OptionColumns))
      expect(found).toMatchObject({ code, fields })
    }
  })
})

test('one option refuses what no option has', async () => {
  const cases: [object, Code, ErrorFields][] = [
    [{ spot: 0 }, 'QUANT_OUT_OF_RANGE', { what: 'spot', value: '0' }],
    [{ strike: NaN }, 'QUANT_OUT_OF_RANGE', { what: 'strike' }],
    [{ years: -1 }, 'QUANT_OUT_OF_RANGE', { what: 'years', low: '0' }],
    [{ rate: Infinity }, 'QUANT_OUT_OF_RANGE', { what: 'rate' }],
    [{ volatility: '0.2' }, 'ARGUMENT_INVALID', { path: 'volatility' }],
    [{ kind: 'straddle' }, 'ARGUMENT_INVALID', { path: 'kind' }],
    [{ rate: -1e300 }, 'QUANT_UNDEFINED', { what: 'greeks' }],
  ]
  for (const [change, code, fields] of cases) {
    expect(await refused(() => quant.greeks({ ...hull, ...change } as quant.OptionTerms))).toMatchObject({
      code,
      fields,
    })
  }
  expect(await refused(() => quant.impliedVolatility(hull, 43))).toMatchObject({
    code: 'QUANT_OUT_OF_RANGE',
    fields: { what: 'price', value: '43', high: '42' },
  })
})

describe('a book', () => {
  const book: quant.Book = {
    spots: [42, 100],
    quantities: [10, -3],
    options: [
      { asset: 0, ...hull, quantity: -20 },
      { asset: 0, ...put, quantity: 5 },
    ],
  }

  test('has the Greeks of its positions', async () => {
    const [call, other] = [quant.greeks(hull), quant.greeks(put)]
    const { assets, ...total } = await quant.portfolioGreeks(book)
    expect(assets[0]!.delta).toBeCloseTo(10 - 20 * call.delta + 5 * other.delta, 12)
    expect(assets[0]!.gammaOnePercent).toBeCloseTo(((-20 * call.gamma + 5 * other.gamma) * 42 ** 2) / 1e4, 12)
    expect(assets[1]).toMatchObject({ value: -300, delta: -3, gamma: 0, vega: 0, deltaOnePercent: -3 })
    expect(total.value).toBeCloseTo(await quant.bookValue(book), 10)
    expect(total.deltaOnePercent).toBeCloseTo(assets[0]!.deltaOnePercent - 3, 12)
  })

  test('refuses an asset that is not there', async () => {
    const far = { ...book, options: [{ asset: 2, ...hull, quantity: 1 }] }
    expect(await refused(() => quant.portfolioGreeks(far))).toMatchObject({
      code: 'QUANT_OUT_OF_RANGE',
      fields: { what: 'asset', value: '2', high: '1' },
    })
    const half = { ...book, options: [{ asset: 0.5, ...hull, quantity: 1 }] }
    expect((await refused(() => quant.portfolioGreeks(half))).code).toBe('QUANT_OUT_OF_RANGE')
    const text = { ...book, options: [{ asset: 0, ...hull, quantity: '1' as never }] }
    expect((await refused(() => quant.portfolioGreeks(text))).code).toBe('ARGUMENT_INVALID')
  })

  test('is hedged by a budget or to a shortfall', async () => {
    const index = { spot: 100, years: 0.25, rate: 0.02, volatility: 0.2, multiplier: 10 }
    const returns = Float64Array.from({ length: 400 }, (_, at) => 0.12 * Math.sin(at * 1.7) ** 3)
    const pnl = returns.map((value) => 1e5 * value)
    const overlay = quant.putOverlay({ ...index, returns, moneyness: 0.95 })
    const premium = 10 * quant.greeks({ kind: 'put', ...index, strike: 95 }).price
    const bought = await quant.tailHedge(pnl, overlay, { size: { budget: 3.5 * premium } })
    expect([bought.contracts, bought.premium, bought.cost]).toEqual([3, premium, 3 * premium])
    expect(bought.after.expectedShortfall).toBeLessThan(bought.before.expectedShortfall)
    const target = 0.9 * bought.before.expectedShortfall
    const sized = await quant.tailHedge(pnl, overlay, { size: { targetShortfall: target }, wholeContracts: false })
    expect(sized.after.expectedShortfall).toBeCloseTo(target, 4)
    expect(sized.after.expectedShortfall).toBeLessThanOrEqual(target)
    // A call on a future of a volatility index that rises as the market falls.
    const future = { spot: 20, strike: 25, years: 0.1, rate: 0.02, volatility: 0.9, multiplier: 1000 }
    const moves = returns.map((value) => -4 * value)
    const calls = quant.volatilityCallOverlay({ ...future, returns: moves, volatilityChanges: moves.map(() => 0.1) })
    const protectedBook = await quant.tailHedge(pnl, calls, { size: { budget: 500 }, wholeContracts: false })
    expect(protectedBook.cost).toBeCloseTo(500, 9)
    expect(protectedBook.after.expectedShortfall).toBeLessThan(protectedBook.before.expectedShortfall)
    const low = await refused(() => quant.tailHedge(pnl, overlay, { size: { targetShortfall: -1e9 } }))
    expect(low).toMatchObject({ code: 'QUANT_OUT_OF_RANGE', fields: { what: 'target' } })
    expect((await refused(() => quant.tailHedge(pnl, overlay, {} as never))).code).toBe('ARGUMENT_INVALID')
  })
})

describe('Monte Carlo', () => {
  const covariance = quant.fromColumns([
    [0.0004, 0.0001],
    [0.0001, 0.0009],
  ])
  const book: quant.Book = { spots: [100, 50], quantities: [10, 20] }

  test('meets the closed form of a linear book within its errors', async () => {
    const model = await quant.normalModel([0.001, 0], covariance)
    expect(model.marginals).toEqual([
      { distribution: 'normal', mean: 0.001, deviation: 0.02 },
      { distribution: 'normal', mean: 0, deviation: 0.03 },
    ])
    const { tails, mean, deviation } = await quant.monteCarloRisk(book, model, { paths: 200_000, seed: 7 })
    const sigma = 1000 * Math.sqrt(0.0004 + 0.0009 + 0.0002)
    expect(Math.abs(mean - 1)).toBeLessThan((5 * sigma) / Math.sqrt(200_000))
    expect(deviation / sigma).toBeCloseTo(1, 2)
    for (const [at, z, density] of [
      [0, 1.6448536269514729, 0.10313564037537139],
      [1, 2.3263478740408408, 0.026652142203457676],
    ] as const) {
      const tail = tails[at]!
      expect(Math.abs(tail.valueAtRisk - (z * sigma - 1))).toBeLessThan(5 * tail.valueAtRiskError)
      const shortfall = (sigma * density) / (1 - tail.confidence) - 1
      expect(Math.abs(tail.expectedShortfall - shortfall)).toBeLessThan(5 * tail.expectedShortfallError)
      expect(tail.valueAtRiskError).toBeGreaterThan(0)
    }
  })

  test('keeps its paths, whose measure is that of the historical method, on any number of threads', async () => {
    const held: quant.Book = {
      ...book,
      options: [{ asset: 0, kind: 'put', strike: 95, years: 0.1, volatility: 0.3, quantity: 40, volatilityAsset: 1 }],
    }
    const model: quant.ReturnModel = {
      marginals: [
        { distribution: 'studentT', location: 0, scale: 0.015, degreesOfFreedom: 4 },
        { distribution: 'empirical', sample: [-0.08, -0.02, 0, 0.01, 0.02, 0.05] },
      ],
      correlation: quant.fromColumns([
        [1, -0.5],
        [-0.5, 1],
      ]),
      copula: { degreesOfFreedom: 5 },
      returns: 'logarithmic',
    }
    const options = { paths: 10_001, seed: 42, confidences: [0.975], keepPaths: true, horizonYears: 1 / 52 }
    const one = await quant.monteCarloRisk(held, model, { ...options, threads: 1 })
    const three = await quant.monteCarloRisk(held, model, { ...options, threads: 3 })
    expect(three).toEqual(one)
    expect(one.paths).toHaveLength(10_001)
    const method = 'historicalOrderStatistic'
    const measured = await quant.valueAtRisk(one.paths!, { confidence: 0.975, method })
    expect(one.tails[0]!.valueAtRisk).toBe(measured.valueAtRisk)
    expect(one.tails[0]!.expectedShortfall / measured.expectedShortfall).toBeCloseTo(1, 12)
    const signed = await quant.monteCarloRisk(held, model, { ...options, convention: 'signed', keepPaths: false })
    expect([signed.tails[0]!.valueAtRisk, signed.paths]).toEqual([-measured.valueAtRisk, null])
    const other = await quant.monteCarloRisk(held, model, { ...options, seed: 43 })
    expect(other.mean).not.toBe(one.mean)
  })

  test('is cancelled while it runs', async () => {
    const model = await quant.normalModel([0, 0], covariance)
    const stop = new AbortController()
    const fractions: number[] = []
    const run = quant.monteCarloRisk(book, model, {
      paths: 100_000_000,
      signal: stop.signal,
      onProgress: (fraction) => {
        fractions.push(fraction)
        stop.abort()
      },
    })
    expect((await refused(() => run)).code).toBe('QUANT_CANCELLED')
    expect(fractions[0]).toBeLessThan(1)
  })

  test('refuses what it cannot simulate', async () => {
    const model = await quant.normalModel([0, 0], covariance)
    const twisted = quant.fromColumns([
      [1, 2],
      [2, 1],
    ])
    const cases: [() => unknown, Code, ErrorFields][] = [
      [() => quant.monteCarloRisk(book, model, { paths: 99 }), 'QUANT_TOO_FEW', { what: 'paths', need: '100' }],
      [() => quant.monteCarloRisk(book, model, { paths: 1e9 }), 'QUANT_TOO_LARGE', { what: 'paths' }],
      [() => quant.monteCarloRisk(book, model, { seed: -1 }), 'ARGUMENT_INVALID', {}],
      [() => quant.monteCarloRisk(book, model, { confidences: [] }), 'QUANT_TOO_FEW', { what: 'confidences' }],
      [() => quant.monteCarloRisk(book, model, { confidences: [0] }), 'QUANT_OUT_OF_RANGE', { what: 'confidence' }],
      [
        () => quant.monteCarloRisk(book, { ...model, correlation: twisted }),
        'QUANT_NOT_POSITIVE_DEFINITE',
        { what: 'correlation' },
      ],
      [
        () => quant.monteCarloRisk({ spots: [1], quantities: [1] }, model),
        'QUANT_RAGGED',
        { what: 'marginals', have: '2', need: '1' },
      ],
      [
        () => quant.monteCarloRisk(book, { ...model, copula: { degreesOfFreedom: 0 } }),
        'QUANT_OUT_OF_RANGE',
        { what: 'degreesOfFreedom' },
      ],
      [() => quant.normalModel([0], covariance), 'QUANT_RAGGED', { what: 'means' }],
    ]
    for (const [work, code, fields] of cases) expect(await refused(work)).toMatchObject({ code, fields })
  })
})
