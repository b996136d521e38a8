// Risk, volatility and cointegration of `fafnir/quant` against plain loops over the returns of
// examples/08-var-backtest.
import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { FafnirError, type Code, type ErrorFields } from '../index.js'
import * as quant from './index.js'

const file = new URL('../../../../examples/08-var-backtest/returns.csv', import.meta.url)
const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1)
const returns = lines.map((line) => Number(line.split(',')[1]))
const n = returns.length

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length
const moment = (k: number): number => mean(returns.map((value) => (value - mean(returns)) ** k))
const sorted = [...returns].sort((a, b) => a - b)
// 5 % and 1 % quantiles of the normal and its density there, to 16 digits (mpmath).
const normal = {
  '0.05': [-1.6448536269514729, 0.10313564037537139],
  '0.01': [-2.3263478740408408, 0.026652142203457676],
}

async function refused(work: () => unknown): Promise<{ code: Code; fields: ErrorFields }> {
  try {
    await work()
  } catch (error) {
    if (error instanceof FafnirError) return { code: error.code, fields: error.fields }
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('value at risk', () => {
  test.each([0.95, 0.99])('at %d is that of plain loops', async (confidence) => {
    const tail = 1 - confidence
    const [z, density] = normal[tail < 0.02 ? '0.01' : '0.05'] as [number, number]
    const place = tail * (n - 1)
    const low = Math.floor(place)
    const quantile = sorted[low]! + (place - low) * (sorted[low + 1]! - sorted[low]!)
    const interpolated = await quant.valueAtRisk(returns, { confidence })
    expect(interpolated.valueAtRisk).toBeCloseTo(-quantile, 14)
    expect(interpolated.expectedShortfall).toBeCloseTo(-mean(returns.filter((value) => value <= quantile)), 14)
    const order = await quant.valueAtRisk(returns, { confidence, method: 'historicalOrderStatistic' })
    expect(order.valueAtRisk).toBe(-sorted[Math.ceil(tail * n) - 1]!)
    const whole = Math.floor(tail * n)
    const beyond = sum(sorted.slice(0, whole)) + (tail * n - whole) * sorted[whole]!
    expect(order.expectedShortfall).toBeCloseTo(-beyond / (tail * n), 14)
    const deviation = Math.sqrt((moment(2) * n) / (n - 1))
    const gaussian = await quant.valueAtRisk(returns, { confidence, method: 'gaussian' })
    expect(gaussian.valueAtRisk).toBeCloseTo(-(mean(returns) + z * deviation), 14)
    expect(gaussian.expectedShortfall).toBeCloseTo(-(mean(returns) - (deviation * density) / tail), 12)
    const [skew, excess] = [moment(3) / moment(2) ** 1.5, moment(4) / moment(2) ** 2 - 3]
    const bent =
      z + ((z * z - 1) * skew) / 6 + ((z ** 3 - 3 * z) * excess) / 24 - ((2 * z ** 3 - 5 * z) * skew ** 2) / 36
    const cornish = await quant.valueAtRisk(returns, { confidence, method: 'cornishFisher' })
    expect(cornish.valueAtRisk).toBeCloseTo(-(mean(returns) + bent * deviation), 14)
    expect(cornish.expectedShortfall).toBeGreaterThan(cornish.valueAtRisk)
    const signed = await quant.valueAtRisk(returns, { confidence, method: 'gaussian', convention: 'signed' })
    expect(signed).toEqual({ valueAtRisk: -gaussian.valueAtRisk, expectedShortfall: -gaussian.expectedShortfall })
    // Chernoff's bound lies above the shortfall and below the worst loss.
    const entropic = await quant.entropicValueAtRisk(returns, { confidence })
    expect(entropic).toBeGreaterThan(order.expectedShortfall)
    expect(entropic).toBeLessThan(-sorted[0]!)
  })

  test('of a fitted Student’s t is that of its density', async () => {
    const fit = await quant.fitStudent(returns)
    expect(fit.degreesOfFreedom).toBeGreaterThan(3)
    expect(fit.degreesOfFreedom).toBeLessThan(8)
    const { valueAtRisk: loss } = await quant.valueAtRisk(returns, { confidence: 0.99, method: 'studentT' })
    // The probability below the quantile, by Simpson's rule over the tail in u = 1/x.
    const nu = fit.degreesOfFreedom
    const edge = (loss + fit.location) / fit.scale
    const kernel = (x: number): number => (1 + (x * x) / nu) ** (-0.5 * (nu + 1))
    const simpson = (f: (x: number) => number, from: number, to: number): number => {
      const steps = 20_000
      const h = (to - from) / steps
      let total = f(from) + f(to)
      for (let i = 1; i < steps; i++) total += (i % 2 === 1 ? 4 : 2) * f(from + i * h)
      return (total * h) / 3
    }
    const outside = (from: number): number => simpson((u) => (u === 0 ? 0 : kernel(1 / u) / u ** 2), 0, 1 / from)
    const half = simpson(kernel, 0, 1) + outside(1)
    expect(outside(edge) / (2 * half)).toBeCloseTo(0.01, 9)
  })

  test('filtered divides each return by the volatility forecast for it', async () => {
    const decay = 0.9
    let variance = mean(returns.map((value) => value * value))
    const standardised = returns.map((value) => {
      const z = value / Math.sqrt(variance)
      variance = decay * variance + (1 - decay) * value * value
      return z
    })
    const found = await quant.filteredValueAtRisk(returns, {
      confidence: 0.99,
      filter: { ewma: { decay } },
      quantile: 'orderStatistic',
      warmUp: 50,
    })
    const kept = standardised.slice(50).sort((a, b) => a - b)
    expect(found.volatility).toBeCloseTo(Math.sqrt(variance), 14)
    expect(found.valueAtRisk).toBeCloseTo(-Math.sqrt(variance) * kept[Math.ceil((1 - 0.99) * kept.length) - 1]!, 13)
    expect(found.standardised).toHaveLength(n - 50)
    const fit = await quant.fitGarch(returns)
    const fitted = await quant.filteredValueAtRisk(returns, { filter: { garch: {} } })
    const given = await quant.filteredValueAtRisk(returns, { filter: { garchGiven: fit.parameters } })
    expect(fitted).toEqual(given)
    expect(fitted.volatility ** 2).toBeCloseTo(fit.forecast[0]!, 14)
  })

  test('is the sum of its components, whose marginals are slopes', async () => {
    const assets = quant.fromColumns([returns.slice(0, 600), returns.slice(600, 1200)])
    const weights = [0.7, 0.3]
    const { matrix: covariance } = await quant.sampleCovariance(assets)
    const means = [mean(returns.slice(0, 600)), mean(returns.slice(600, 1200))]
    const normalParts = await quant.gaussianComponents(weights, means, covariance, { confidence: 0.99 })
    const historical = await quant.historicalComponents(weights, assets, { confidence: 0.99 })
    for (const parts of [normalParts, historical]) {
      expect(sum([...parts.component])).toBeCloseTo(parts.total.valueAtRisk, 14)
      expect(sum([...parts.componentShortfall])).toBeCloseTo(parts.total.expectedShortfall, 14)
      expect(parts.marginal[0]! * weights[0]!).toBeCloseTo(parts.component[0]!, 14)
    }
    const bumped = await quant.gaussianComponents([0.7 + 1e-6, 0.3], means, covariance, { confidence: 0.99 })
    const slope = (bumped.total.valueAtRisk - normalParts.total.valueAtRisk) / 1e-6
    expect(slope).toBeCloseTo(normalParts.marginal[0]!, 6)
    const order = await quant.incrementalRisk(weights, [0.1, -0.1], assets, { method: 'gaussian', confidence: 0.99 })
    const after = await quant.gaussianComponents([0.8, 0.2], means, covariance, { confidence: 0.99 })
    expect(order.before.valueAtRisk).toBeCloseTo(normalParts.total.valueAtRisk, 13)
    expect(order.after.valueAtRisk).toBeCloseTo(after.total.valueAtRisk, 13)
    expect(order.change.valueAtRisk).toBe(order.after.valueAtRisk - order.before.valueAtRisk)
    const linear = 0.1 * (historical.marginal[0]! - historical.marginal[1]!)
    expect(order.linearValueAtRisk).toBeCloseTo(linear, 14)
  })
})

describe('stress', () => {
  const put = { kind: 'put', strike: 95, years: 0.25, rate: 0.02, volatility: 0.3 } as const
  const book: quant.Book = {
    spots: [100, 20],
    quantities: [10, -50],
    options: [{ asset: 0, ...put, quantity: 5, volatilityAsset: 1 }],
  }

  test('values the book before and after', async () => {
    const now = quant.greeks({ ...put, spot: 100 }).price
    expect(await quant.bookValue(book)).toBeCloseTo(1000 - 1000 + 5 * now, 10)
    const shock = { returns: [-0.2, 0.5], volatility: 0.05, rate: -0.01, years: 0.1 }
    const found = await quant.stress(book, shock)
    const then = quant.greeks({ ...put, spot: 80, years: 0.15, rate: 0.01, volatility: 0.3 * 1.5 + 0.05 }).price
    expect([...found.assets]).toEqual([-200, -500])
    expect(found.options[0]).toBeCloseTo(5 * (then - now), 10)
    expect(found.pnl).toBeCloseTo(-700 + 5 * (then - now), 10)
  })

  test('plays a window of the past', async () => {
    const plain = { spots: [100, 20], quantities: [10, -50] }
    const past = quant.fromColumns([
      [0.1, -0.3, 0.2, 0.5],
      [0, 0.1, 0, 0.5],
    ])
    const found = await quant.stressWindow(plain, past, { from: 0, to: 3 })
    const path = [100, 1000 * (1.1 * 0.7 - 1) - 100, 1000 * (1.1 * 0.7 * 1.2 - 1) - 100]
    for (const [at, value] of path.entries()) expect(found.path[at]).toBeCloseTo(value, 10)
    expect([found.worstPeriod, found.worst]).toEqual([1, found.path[1]])
    expect(found.drawdown).toBeCloseTo(path[0]! - path[1]!, 10)
    expect(found.end.pnl).toBe(found.path[2])
    expect(found.end.options).toHaveLength(0)
  })

  test('breaks correlations', async () => {
    const covariance = quant.fromColumns([
      [0.04, 0.01],
      [0.01, 0.09],
    ])
    const found = await quant.correlationStress([1, 1], covariance, { to: 1, blend: 0.5, confidence: 0.95 })
    const [z] = normal['0.05'] as [number, number]
    expect(found.before.valueAtRisk).toBeCloseTo(-z * Math.sqrt(0.04 + 0.09 + 0.02), 14)
    expect(found.covariance.values[1]).toBeCloseTo(0.5 * 0.01 + 0.5 * 0.06, 15)
    expect(found.after.valueAtRisk).toBeCloseTo(-z * Math.sqrt(0.04 + 0.09 + 0.07), 14)
    const scenario = quant.fromColumns([
      [1, -1],
      [-1, 1],
    ])
    const against = await quant.correlationStress([1, 1], covariance, { to: scenario, convention: 'signed' })
    expect(against.after.valueAtRisk).toBeCloseTo(z * 0.1, 14)
  })
})

describe('backtests', () => {
  test('count, and Kupiec’s and Christoffersen’s statistics', async () => {
    // 5 exceptions in 250 days at 1 %: LR 1.9568, p 0.1619 (Kupiec 1995; scipy's chi2.sf).
    const kupiec = quant.kupiec(5, 250, 0.01)
    expect(kupiec.statistic).toBeCloseTo(1.956809788230622, 10)
    expect(kupiec.pValue).toBeCloseTo(0.1618549, 7)
    const days = Array.from({ length: 250 }, (_, day) => day === 10 || day === 11 || day === 100)
    const found = await quant.christoffersen(days, 0.01)
    expect(found.transitions).toEqual([
      [244, 2],
      [2, 1],
    ])
    const ln = (count: number, p: number): number => (count === 0 ? 0 : count * Math.log(p))
    const apart = ln(244, 244 / 246) + ln(2, 2 / 246) + ln(2, 2 / 3) + ln(1, 1 / 3)
    expect(found.independence.statistic).toBeCloseTo(-2 * (ln(246, 246 / 249) + ln(3, 3 / 249) - apart), 10)
    const both = found.independence.statistic + quant.kupiec(3, 250, 0.01).statistic
    expect(found.conditionalCoverage.statistic).toBeCloseTo(both, 10)
    expect(found.conditionalCoverage.pValue).toBeCloseTo(Math.exp(-both / 2), 12)
    expect(await quant.christoffersen(days.map(Number), 0.01)).toEqual(found)
  })

  test('have Basel’s zones', async () => {
    expect([4, 5, 9, 10].map((count) => quant.baselTrafficLight(count).zone)).toEqual([
      'green',
      'yellow',
      'yellow',
      'red',
    ])
    expect([0, 5, 6, 7, 8, 9, 10].map((count) => quant.baselTrafficLight(count).multiplier)).toEqual([
      3, 3.4, 3.5, 3.65, 3.75, 3.85, 4,
    ])
    const [none, one] = await quant.exceptionProbabilities(1, 250, 0.01)
    expect(none).toBeCloseTo(0.99 ** 250, 14)
    expect(one).toBeCloseTo(0.99 ** 250 + 250 * 0.01 * 0.99 ** 249, 14)
  })

  test('roll a forecast as a loop does', async () => {
    const rolled = await quant.backtestHistorical(returns, { window: 250, confidence: 0.99 })
    const forecasts: number[] = []
    for (let day = 250; day < n; day++) {
      const past = returns.slice(day - 250, day).sort((a, b) => a - b)
      forecasts.push(-(past[2]! + (0.01 * 249 - 2) * (past[3]! - past[2]!)))
    }
    const lived = returns.slice(250)
    const beyond = lived.flatMap((value, day) => (value < -forecasts[day]! ? [day] : []))
    expect([...rolled.exceptionDays]).toEqual(beyond)
    expect(rolled.exceptions).toBe(beyond.length)
    expect(rolled.exceptionsLast250).toBe(beyond.filter((day) => day >= lived.length - 250).length)
    expect(await quant.backtestForecasts(lived, forecasts, { confidence: 0.99 })).toEqual(rolled)
    expect((await quant.backtestForecasts(lived, forecasts, { confidence: 0.95 })).basel).toBeNull()
  })

  test('drawdowns at risk', async () => {
    const fall = await quant.drawdownRisk([0.1, -0.5, 0.2, 1], { confidence: 0.5 })
    expect([...fall.episodes]).toEqual([{ peak: 1, trough: 2, recovery: 4, depth: 0.5 }])
    expect([fall.maximum, fall.average]).toEqual([0.5, expect.closeTo((0.5 + 0.4) / 4, 14)])
    expect(fall.conditional).toBeCloseTo(0.45, 14)
    expect(fall.ulcer).toBeCloseTo(Math.sqrt((0.25 + 0.16) / 4), 14)
    const stake = await quant.drawdownRisk([0.1, -0.5, 0.2], { compounding: 'uncompounded' })
    expect([...stake.drawdowns]).toEqual([0, 0.5, expect.closeTo(0.3, 14)])
    expect(stake.episodes.at(0)!.recovery).toBeNull()
  })
})

describe('volatility', () => {
  test('EWMA is its recursion from each start', async () => {
    const run = (start: number): number =>
      returns.reduce((variance, value) => 0.97 * variance + (1 - 0.97) * value * value, start)
    const from = async (start: NonNullable<quant.EwmaVolatilityOptions['start']>): Promise<number> =>
      (await quant.ewmaVolatility(returns, { decay: 0.97, start })).next ** 2
    expect(await from('firstSquare')).toBeCloseTo(run(returns[0]! ** 2), 15)
    expect(await from('meanSquare')).toBeCloseTo(run(mean(returns.map((value) => value ** 2))), 15)
    expect(await from({ variance: 1e-4 })).toBeCloseTo(run(1e-4), 15)
  })

  test('a GARCH has the path of its parameters and the largest likelihood about', async () => {
    const fit = await quant.fitGarch(returns, { horizon: 3 })
    const { mean: mu, omega, alpha, beta } = fit.parameters
    // The backcast of `arch`: 75 squares about the sample's mean with weights 0.94^i.
    const squares = returns.slice(0, 75).map((value) => (value - mean(returns)) ** 2)
    const weights = squares.map((_, i) => 0.94 ** i)
    const backcast = sum(squares.map((square, i) => square * weights[i]!)) / sum(weights)
    const likelihood = (m: number, w: number, a: number, b: number): { total: number; next: number } => {
      let variance = w + (a + b) * backcast
      let total = 0
      for (const value of returns) {
        total -= 0.5 * (Math.log(2 * Math.PI * variance) + (value - m) ** 2 / variance)
        variance = w + a * (value - m) ** 2 + b * variance
      }
      return { total, next: variance }
    }
    const here = likelihood(mu, omega, alpha, beta)
    expect(fit.logLikelihood / here.total).toBeCloseTo(1, 12)
    expect(fit.forecast[0]! / here.next).toBeCloseTo(1, 12)
    expect(fit.forecast[1]! / (omega + (alpha + beta) * here.next)).toBeCloseTo(1, 12)
    for (const step of [-0.02, 0.02]) {
      expect(likelihood(mu + step * 0.001, omega, alpha, beta).total).toBeLessThan(here.total)
      expect(likelihood(mu, omega * (1 + step), alpha, beta).total).toBeLessThan(here.total)
      expect(likelihood(mu, omega, alpha * (1 + step), beta).total).toBeLessThan(here.total)
      expect(likelihood(mu, omega, alpha, beta * (1 + step)).total).toBeLessThan(here.total)
    }
    expect([fit.persistence, fit.longRunVariance]).toEqual([alpha + beta, omega / (1 - (alpha + beta))])
    expect(fit.aic).toBeCloseTo(8 - 2 * here.total, 6)
    const path = await quant.garchPath(returns, fit.parameters, { horizon: 3 })
    expect(path.forecast).toEqual(fit.forecast)
    // The same fit whatever the unit.
    const percent = await quant.fitGarch(returns.map((value) => 100 * value))
    expect(percent.parameters.alpha).toBeCloseTo(alpha, 7)
    expect(percent.parameters.omega / 1e4).toBeCloseTo(omega, 10)
    const heavy = await quant.fitGarch(returns, { model: 'gjr', distribution: 'studentT' })
    expect(heavy.logLikelihood).toBeGreaterThan(fit.logLikelihood)
    expect(heavy.parameters.degreesOfFreedom).toBeGreaterThan(2)
  })
})

test('cointegration: regressions by sums of products', async () => {
  // A walk and a second series around half of it.
  let [level, gap] = [0, 0]
  const walk = returns.map((value) => (level += value))
  const pair = returns.map((_, day) => {
    gap = 0.8 * gap + returns[n - 1 - day]!
    return 0.5 * walk[day]! + gap + 1
  })
  const slopeOf = (y: readonly number[], x: readonly number[]): number => {
    const [my, mx] = [mean(y), mean(x)]
    return sum(y.map((value, i) => (value - my) * (x[i]! - mx))) / sum(x.map((value) => (value - mx) ** 2))
  }
  const ratio = slopeOf(pair, walk)
  expect(await quant.hedgeRatio(pair, walk)).toBeCloseTo(ratio, 12)
  const found = await quant.engleGranger(pair, quant.fromColumns([walk]), { lags: 0 })
  expect(found.hedgeRatios[0]).toBeCloseTo(ratio, 12)
  const constant = mean(pair) - ratio * mean(walk)
  expect(found.constant).toBeCloseTo(constant, 12)
  const spread = pair.map((value, i) => value - constant - ratio * walk[i]!)
  expect(found.spread[7]).toBeCloseTo(spread[7]!, 12)
  const changes = spread.slice(1).map((value, i) => value - spread[i]!)
  const slope = slopeOf(changes, spread.slice(0, -1))
  expect(found.halfLife).toBeCloseTo(-Math.LN2 / slope, 9)
  expect(await quant.halfLife(found.spread)).toBe(found.halfLife)
  expect(found.test.pValue).toBeLessThan(0.01)
  expect(found.test.statistic).toBeLessThan(found.test.criticalValues![0])
  const trending = await quant.dickeyFuller(walk, { terms: 'constantAndTrend', lags: { akaikeUpTo: 3 } })
  expect(trending.lags).toBeLessThanOrEqual(3)
  expect(trending.pValue).toBeGreaterThan(0.01)
  const johansen = await quant.johansen(quant.fromColumns([pair, walk]), { lags: 1 })
  expect(johansen.rank).toBe(1)
  expect(johansen.trace[0]).toBeCloseTo(johansen.largest[0]! + johansen.largest[1]!, 10)
  expect(-johansen.vectors.values[1]! / johansen.vectors.values[0]!).toBeCloseTo(0.5, 1)
})

test('factor model: one factor by sums of products', async () => {
  const [asset, factor] = [returns.slice(0, 500), returns.slice(500, 1000)]
  const model = await quant.factorModel(quant.fromColumns([asset]), quant.fromColumns([factor]))
  const [ma, mf] = [mean(asset), mean(factor)]
  const square = sum(factor.map((value) => (value - mf) ** 2))
  const beta = sum(asset.map((value, i) => (value - ma) * (factor[i]! - mf))) / square
  expect(model.betas.values[0]).toBeCloseTo(beta, 12)
  expect(model.alphas[0]).toBeCloseTo(ma - beta * mf, 14)
  const risk = await quant.factorRisk(model, [2])
  expect(risk.systematicVariance).toBeCloseTo((4 * beta * beta * square) / 499, 14)
  const own = sum(asset.map((value, i) => (value - ma - beta * (factor[i]! - mf)) ** 2)) / 499
  expect(risk.specificVariance).toBeCloseTo(4 * own, 14)
  expect(risk.contributions[0]).toBe(risk.systematicVariance)
  const regression = await quant.vectorAutoregression(quant.fromColumns([asset, factor]))
  expect(regression.coefficients.rows).toBe(2)
  expect(regression.bic).toBeGreaterThan(regression.aic)
})

describe('bad input is a typed error that says what and where', () => {
  const short = [0.01]
  const wrong = [0.01, NaN, 0.02]
  const one = quant.fromColumns([[1, 2, 3]])
  test.each<[string, () => unknown, Code, ErrorFields]>([
    ['no returns', () => quant.valueAtRisk([]), 'QUANT_EMPTY', { what: 'returns' }],
    ['one return', () => quant.valueAtRisk(short), 'QUANT_TOO_FEW', { what: 'returns', have: '1', need: '2' }],
    ['NaN', () => quant.valueAtRisk(wrong), 'QUANT_NOT_FINITE', { what: 'returns', row: '1', column: '0' }],
    ['an infinity', () => quant.drawdownRisk([Infinity]), 'QUANT_NOT_FINITE', { row: '0' }],
    ['a confidence of 1', () => quant.valueAtRisk(returns, { confidence: 1 }), 'QUANT_OUT_OF_RANGE', { value: '1' }],
    [
      'a confidence of NaN',
      () => quant.valueAtRisk(returns, { confidence: NaN }),
      'QUANT_OUT_OF_RANGE',
      { what: 'confidence' },
    ],
    ['no method', () => quant.valueAtRisk(returns, { method: 'guess' as never }), 'ARGUMENT_INVALID', {}],
    ['a text', () => quant.valueAtRisk(returns, { confidence: '0.9' as never }), 'ARGUMENT_INVALID', {}],
    ['a wrong key', () => quant.valueAtRisk(returns, { level: 0.9 } as never), 'ARGUMENT_INVALID', {}],
    ['no variation', () => quant.fitGarch(new Float64Array(50)), 'QUANT_CONSTANT', { what: 'returns' }],
    ['few returns', () => quant.fitGarch(returns.slice(0, 19)), 'QUANT_TOO_FEW', { have: '19', need: '20' }],
    ['a horizon of 0', () => quant.fitGarch(returns, { horizon: 0 }), 'QUANT_TOO_FEW', { what: 'horizon' }],
    ['half a horizon', () => quant.fitGarch(returns, { horizon: 0.5 }), 'ARGUMENT_INVALID', { path: 'horizon' }],
    ['a decay of 1', () => quant.ewmaVolatility(returns, { decay: 1 }), 'QUANT_OUT_OF_RANGE', { what: 'decay' }],
    [
      'a volatility of 0',
      () => quant.filteredValueAtRisk([0, 0.1, 0.2], { filter: { ewma: { start: 'firstSquare' } } }),
      'QUANT_UNDEFINED',
      { what: 'standardised' },
    ],
    ['more exceptions than days', () => quant.kupiec(3, 2, 0.01), 'QUANT_OUT_OF_RANGE', { what: 'exceptions' }],
    ['half an exception', () => quant.kupiec(0.5, 2, 0.01), 'ARGUMENT_INVALID', { path: 'exceptions' }],
    ['no days', () => quant.kupiec(0, 0, 0.01), 'QUANT_EMPTY', { what: 'days' }],
    ['a flag of 2', () => quant.christoffersen([0, 2], 0.01), 'QUANT_OUT_OF_RANGE', { value: '2' }],
    ['251 exceptions', () => quant.baselTrafficLight(251), 'QUANT_OUT_OF_RANGE', { high: '250' }],
    ['a short window', () => quant.backtestHistorical(returns, { window: 1 }), 'QUANT_TOO_FEW', { what: 'window' }],
    [
      'forecasts of other days',
      () => quant.backtestForecasts(returns, short, { confidence: 0.99 }),
      'QUANT_RAGGED',
      { what: 'forecasts' },
    ],
    ['weights of other assets', () => quant.historicalComponents([1, 2], one), 'QUANT_RAGGED', { what: 'weights' }],
    [
      'a covariance that is not square',
      () => quant.gaussianComponents([1], [0], quant.fromColumns([[1, 2]])),
      'QUANT_RAGGED',
      {},
    ],
    ['a loss of everything', () => quant.drawdownRisk([0.1, -1]), 'QUANT_UNDEFINED', { what: 'drawdown' }],
    ['one series', () => quant.johansen(one), 'QUANT_TOO_FEW', { what: 'prices' }],
    ['a constant series', () => quant.dickeyFuller(new Float64Array(50)), 'QUANT_CONSTANT', { what: 'series' }],
    [
      'the same series twice',
      () => quant.engleGranger(returns, quant.fromColumns([returns])),
      'QUANT_UNDEFINED',
      { what: 'spread' },
    ],
    [
      'too many lags',
      () => quant.dickeyFuller(returns, { lags: 10_000 }),
      'QUANT_TOO_LARGE',
      { what: 'lags', have: '10000' },
    ],
    ['no price', () => quant.stress({ spots: [], quantities: [] }, { returns: [] }), 'QUANT_EMPTY', { what: 'spots' }],
    [
      'a fall of everything',
      () => quant.stress({ spots: [1], quantities: [1] }, { returns: [-1] }),
      'QUANT_OUT_OF_RANGE',
      { what: 'returns' },
    ],
    [
      'rows outside',
      () => quant.stressWindow({ spots: [1], quantities: [1] }, one, { from: 1, to: 4 }),
      'QUANT_OUT_OF_RANGE',
      { what: 'to' },
    ],
    [
      'a correlation of 2',
      () => quant.correlationStress([1, 1], quant.fromColumns([[1, 0], [0, 1]]), { to: 2 }), // prettier-ignore
      'QUANT_OUT_OF_RANGE',
      { what: 'correlation' },
    ],
  ])('%s', async (_name, work, code, fields) => {
    const found = await refused(work)
    expect(found).toMatchObject({ code, fields })
  })
})
