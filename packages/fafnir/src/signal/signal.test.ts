// Every class of the room against its definition, written again here in plain JavaScript: native code, binding and
// wrapper between the two.
import { describe, expect, test } from 'vitest'

import { FafnirError } from '../errors.js'
import {
  EwmaVolatility,
  KyleLambda,
  MarkOuts,
  MicroPrice,
  OrderFlowImbalance,
  PreAveragedVolatility,
  RealisedVolatility,
  RollingVolatility,
  TradeClusterPin,
  TradeFlowImbalance,
  TradeIntensity,
  TwoScalesVolatility,
  Vpin,
  fitPin,
  queueImbalance,
  vampTicks,
  vampToQuantityTicks,
  weightedMidTicks,
} from './index.js'

/** Numbers 0 to 1 of mulberry32: the same in every run. */
function randoms(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const rows = 600
const random = randoms(7)
const times = new Float64Array(rows)
const mids = new Float64Array(rows)
for (let at = 0, time = 0, mid = 40_000; at < rows; at++) {
  time += 1 + Math.floor(random() * 3e8)
  mid += Math.floor(random() * 41) - 20
  times[at] = time
  mids[at] = mid
}
const tickPrice = 0.2
const prices = Array.from(mids, (mid) => (mid * tickPrice) / 2)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const squares = (values: readonly number[]): number => sum(values.map((value) => value * value))
const steps = (values: readonly number[], lag = 1): number[] =>
  values.slice(lag).map((value, at) => value - values[at]!)
const seconds = (from: number, to: number): number => (times[to]! - times[from]!) / 1e9
const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    if (error instanceof FafnirError) return error.code
    throw error
  }
  return 'nothing thrown'
}

/** A volatility fed by columns, then by calls: both give the same bits. Its last σ. */
function lastOf(make: () => RollingVolatility | EwmaVolatility | RealisedVolatility | TwoScalesVolatility): number {
  const sigmas = new Float64Array(rows)
  make().updateMany(times, mids, sigmas)
  const single = make()
  for (let at = 0; at < rows; at++) {
    const sigma = single.update(times[at]!, mids[at]!)
    expect(Object.is(sigma ?? NaN, sigmas[at])).toBe(true)
  }
  return sigmas[rows - 1]!
}

describe('volatility', () => {
  test('rolling', () => {
    const window = prices.slice(-100)
    const want = Math.sqrt(squares(steps(window)) / seconds(rows - 100, rows - 1))
    expect(lastOf(() => new RollingVolatility({ tickPrice, window: 100, sample: 'everyUpdate' }))).toBeCloseTo(want, 12)
  })

  test('EWMA', () => {
    const decay = Math.LN2 / 5
    let [squared, weight] = [0, 0]
    for (let at = 1; at < rows; at++) {
      const [age, step] = [seconds(at, rows - 1), seconds(at - 1, at)]
      const integral = (Math.exp(-decay * age) - Math.exp(-decay * (age + step))) / decay
      squared += ((prices[at]! - prices[at - 1]!) ** 2 * integral) / step
      weight += integral
    }
    const make = (): EwmaVolatility => new EwmaVolatility({ tickPrice, halfLifeSeconds: 5 })
    expect(lastOf(make)).toBeCloseTo(Math.sqrt(squared / weight), 9)
  })

  test('realised over ten seconds', () => {
    const first = times.findIndex((time) => times[rows - 1]! - time <= 1e10)
    const want = Math.sqrt(squares(steps(prices.slice(first))) / seconds(first, rows - 1))
    const make = (): RealisedVolatility => new RealisedVolatility({ tickPrice, windowNanos: 1e10, eventsMax: 1_000 })
    expect(lastOf(make)).toBeCloseTo(want, 9)
    const volatility = make()
    volatility.updateMany(times, mids)
    const { sigma, standardError, low, high, samples } = volatility.estimate()!
    expect(samples).toBe(rows - first)
    const relative = Math.sqrt((2 / 3) * sum(steps(prices.slice(first)).map((step) => step ** 4)))
    expect(standardError / sigma).toBeCloseTo(relative / squares(steps(prices.slice(first))) / 2, 9)
    expect(low < sigma && sigma < high).toBe(true)
  })

  test('two scales and pre-averaged', () => {
    const n = rows - 1
    const returns = squares(steps(prices)) / n
    const step = (squares(steps(prices, 10)) / (n - 9) - returns) / 9
    const two = (): TwoScalesVolatility => new TwoScalesVolatility({ tickPrice, window: rows, subgrids: 10 })
    expect(lastOf(two)).toBeCloseTo(Math.sqrt((step * n) / seconds(0, n)), 9)

    const h = 7
    const spans = Array.from(
      { length: n - 2 * h + 2 },
      (_, at) => sum(prices.slice(at + h, at + 2 * h)) - sum(prices.slice(at, at + h)),
    )
    const weights = Array.from({ length: 2 * h - 1 }, (_, at) => Math.min(at + 1, 2 * h - at - 1))
    const v = (squares(spans) / spans.length - h * returns) / (squares(weights) - h)
    const pre = (): PreAveragedVolatility => new PreAveragedVolatility({ tickPrice, window: rows, halfSpan: h })
    expect(lastOf(pre)).toBeCloseTo(Math.sqrt((v * n) / seconds(0, n)), 9)
  })

  test('what is out of range is refused with its code', () => {
    expect(codeOf(() => new EwmaVolatility({ tickPrice, halfLifeSeconds: 0 }))).toBe('SIGNAL_PARAMETER')
    expect(codeOf(() => new RollingVolatility({ tickPrice: NaN, window: 5 }))).toBe('ARGUMENT_INVALID')
    expect(codeOf(() => new RollingVolatility({ tickPrice, window: 1 }))).toBe('SIGNAL_PARAMETER')
    const volatility = new EwmaVolatility({ tickPrice, halfLifeSeconds: 1 })
    for (const bad of [NaN, Infinity, 0.5, 2 ** 53]) {
      expect(codeOf(() => volatility.update(1, bad))).toBe('ARGUMENT_INVALID')
      expect(codeOf(() => volatility.update(bad, 1))).toBe('ARGUMENT_INVALID')
    }
    expect(codeOf(() => volatility.update(-1, 1))).toBe('ARGUMENT_INVALID')
    expect(codeOf(() => volatility.updateMany(times, mids.slice(1)))).toBe('ARGUMENT_INVALID')
    expect(codeOf(() => volatility.updateMany(times, mids, new Float64Array(3)))).toBe('ARGUMENT_INVALID')
    const columns = Float64Array.of(1, 2, NaN)
    expect(() => volatility.updateMany(Float64Array.of(1, 2, 3), columns)).toThrowError(
      expect.objectContaining({ fields: expect.objectContaining({ row: '2' }) }) as Error,
    )
    expect(volatility.estimate()?.samples, 'the rows before it').toBe(2)
    volatility.reset()
    expect(volatility.update(1, 5)).toBeUndefined()
  })
})

describe('flow', () => {
  const sides = Float64Array.from({ length: rows }, () => 1 + Math.floor(random() * 2))
  const lots = Float64Array.from({ length: rows }, () => 1 + Math.floor(random() * 30))
  const signed = Array.from(lots, (quantity, at) => (sides[at] === 1 ? quantity : -quantity))

  test('order flow and queue imbalance', () => {
    const flow = new OrderFlowImbalance({ windowNanos: 1e12, eventsMax: 100 })
    expect(flow.update(0, 100, 5, 102, 7)).toBe(0)
    expect(flow.update(1, 100, 8, 102, 7)).toBe(3)
    expect(flow.update(2, 101, 2, 103, 4)).toBe(3 + 2 + 7)
    expect(flow.state()).toEqual({ lots: 12, events: 2, dropped: 0, rejected: 0 })
    flow.forgetTouch()
    expect(flow.update(3, 5, 5, 6, 6)).toBe(12)
    const values = new Float64Array(2)
    const column = (...cells: number[]): Float64Array => Float64Array.from(cells)
    expect(flow.updateMany(column(4, 5), column(5, 5), column(6, -1), column(6, 6), column(6, 6), values)).toBe(1)
    expect([...values]).toEqual([13, 13])
    expect(queueImbalance({ bidTicks: 1, bidLots: 3, askTicks: 2, askLots: 1 })).toBe(0.5)
    expect(queueImbalance({ bidTicks: 2, bidLots: 3, askTicks: 2, askLots: 1 })).toBeUndefined()
  })

  test('trade flow', () => {
    const flow = new TradeFlowImbalance({ windowNanos: 1e15, eventsMax: 50 })
    expect(flow.state().value).toBeNull()
    flow.updateMany(times, sides, lots)
    const last = signed.slice(-50)
    expect(flow.state().value).toBe(sum(last) / sum(last.map(Math.abs)))
    expect(flow.update(1, 'buy', 0)).toBe(flow.state().value)
    expect(flow.state().rejected).toBe(1)
    expect(codeOf(() => flow.updateMany(times, lots, lots))).toBe('ARGUMENT_INVALID')
  })

  test("Kyle's lambda", () => {
    const kyle = new KyleLambda({ tickPrice, intervalNanos: 1e9, window: 500 })
    expect(kyle.estimate()).toBeUndefined()
    const [x, y]: [number[], number[]] = [[], []]
    let mid = 1_000
    kyle.onMid(0, mid)
    for (let at = 0; at < 100; at++) {
      kyle.onTrade(at * 1e9 + 1, signed[at]! > 0 ? 'buy' : 'sell', Math.abs(signed[at]!))
      const change = Math.round(signed[at]! / 3 + (mids[at]! % 5))
      mid += change
      kyle.onMid(at * 1e9 + 2, mid)
      x.push(signed[at]!)
      y.push((change * tickPrice) / 2)
    }
    kyle.onMid(100e9, mid)
    const [mx, my] = [sum(x) / 100, sum(y) / 100]
    const want = sum(x.map((lot, at) => (lot - mx) * (y[at]! - my))) / squares(x.map((lot) => lot - mx))
    const estimate = kyle.estimate()!
    expect(estimate.lambda).toBeCloseTo(want, 12)
    expect(estimate.intervals).toBe(100)
    expect(estimate.covariance / estimate.variance).toBeCloseTo(want, 12)
  })

  test('trade intensity and mark-outs', () => {
    const intensity = new TradeIntensity({ windowNanos: 1e12, eventsMax: 100, depthHalfTicksMax: 10 })
    expect(intensity.ratePerSecond('buy', 0)).toBeUndefined()
    intensity.update(0, 'buy', 103, 202)
    intensity.update(1e9, 'buy', 101, 201)
    intensity.update(1e9, 'sell', 101, 201)
    intensity.advance(2e9)
    expect(intensity.ratePerSecond('buy', 1)).toBe(1)
    expect(intensity.ratePerSecond('buy', 2)).toBe(0.5)
    expect(intensity.state()).toMatchObject({ seconds: 2, inside: 1 })

    const marks = new MarkOuts({ tickPrice: 0.5, lotValue: 0.01, horizonsNanos: [1e9, 5e9] })
    marks.onMid(0, 202)
    marks.onFill(1, 'buy', 100, 4)
    marks.onMid(5e8, 199)
    marks.onMid(2e9, 230)
    marks.updateMany(Float64Array.of(9e9), Float64Array.of(0), Float64Array.of(240), Float64Array.of(0))
    const [buys, sells, later] = marks.state().rows
    expect(buys).toMatchObject({ horizonNanos: 1e9, side: 'buy', fills: 1, lots: 4, ticksPerLot: -0.5 })
    expect(buys!.money).toBeCloseTo(-4 * 0.5 * 0.5 * 0.01, 15)
    expect(sells).toMatchObject({ fills: 0, ticksPerLot: null, moneyPerLot: null })
    expect(later!.ticksPerLot).toBe(15)
    expect(codeOf(() => new MarkOuts({ tickPrice: 1, lotValue: 1, horizonsNanos: [] }))).toBe('SIGNAL_PARAMETER')
  })

  test('VPIN and clusters', () => {
    const vpin = new Vpin({ bucketLots: 100, buckets: 20 })
    const values = new Float64Array(rows)
    expect(vpin.updateMany(sides, lots, values)).toBe(rows)
    const single = signed.flatMap((quantity) => Array<number>(Math.abs(quantity)).fill(Math.sign(quantity)))
    const buckets = Array.from({ length: Math.floor(single.length / 100) }, (_, at) =>
      Math.abs(sum(single.slice(at * 100, at * 100 + 100))),
    )
    expect(vpin.state().value).toBeCloseTo(sum(buckets.slice(-20)) / 2_000, 14)
    expect(vpin.update('sell', 1)).toBeDefined()
    expect(values[0]).toBeNaN()

    const pin = new TradeClusterPin({ trades: 500 })
    expect(codeOf(() => pin.estimate())).toBe('SIGNAL_TOO_FEW')
    for (let at = 0; at < 12; at++) expect(pin.update('buy')).toBeUndefined()
    expect(codeOf(() => pin.estimate())).toBe('SIGNAL_ONE_SIDED')
    pin.updateMany(sides)
    const last = [...sides.slice(-500)]
    const buys = last.filter((side) => side === 1).length
    const changes = last.filter((side, at) => at > 0 && side !== last[at - 1]).length
    const want = 1 - (changes * 500) / (2 * buys * (500 - buys))
    expect(pin.estimate()).toMatchObject({ clusters: changes + 1, trades: 500 })
    expect(pin.estimate().persistence).toBeCloseTo(want, 14)
  })
})

test('PIN', () => {
  const day = (at: number): [number, number] => (at % 5 === 0 ? [80, 45] : at % 7 === 0 ? [50, 75] : [50, 45])
  const days = Array.from({ length: 60 }, (_, at) => day(at).map((count) => count + (at % 4) - 1))
  const fit = fitPin(
    Float64Array.from(days, (each) => each[0]!),
    Float64Array.from(days, (each) => each[1]!),
  )
  // Twelve days of 30 more buys, seven of 30 more sells: α = 19/60, μ near 30.
  expect(fit.parameters.informedDays).toBeCloseTo(19 / 60, 2)
  expect(Math.abs(fit.parameters.informedTrades - 30)).toBeLessThan(2)
  expect(fit.standardError).toBeGreaterThan(0)
  const { informedDays: a, informedTrades: m, uninformedBuys: b, uninformedSells: s } = fit.parameters
  expect(fit.pin).toBeCloseTo((a * m) / (a * m + b + s), 12)
  expect(codeOf(() => fitPin(new Float64Array(5), new Float64Array(5)))).toBe('SIGNAL_TOO_FEW')
  expect(codeOf(() => fitPin(new Float64Array(20), new Float64Array(20).fill(3)))).toBe('SIGNAL_ONE_SIDED')
  expect(codeOf(() => fitPin(new Float64Array(20).fill(-1), new Float64Array(20)))).toBe('ARGUMENT_INVALID')
})

test('fair prices', () => {
  const [bids, asks] = [Float64Array.of(100, 2, 99, 6), Float64Array.of(102, 4, 105, 4)]
  const touch = { bidTicks: 100, bidLots: 2, askTicks: 102, askLots: 4 }
  expect(weightedMidTicks(touch)).toBeCloseTo((100 * 4 + 102 * 2) / 6, 12)
  expect(vampTicks(bids, asks, 1)).toBe(weightedMidTicks(touch))
  expect(vampTicks(bids, asks, 2)).toBeCloseTo(101.875, 12)
  expect(vampTicks(bids, asks, 3)).toBeUndefined()
  expect(vampToQuantityTicks(bids, asks, 5)).toBeCloseTo(101, 12)
  expect(codeOf(() => vampTicks(bids.slice(1), asks, 1))).toBe('ARGUMENT_INVALID')

  // Up one tick after a heavy bid, down after a heavy ask: the micro-price is the mid of what comes.
  const sample: number[] = []
  for (let at = 0, bid = 100; at < 400; at++) {
    const heavy = random() < 0.5
    sample.push(bid, 50, bid + 1, 51, bid, heavy ? 90 : 10, bid + 1, heavy ? 10 : 90)
    bid += heavy ? 1 : -1
  }
  const micro = MicroPrice.fit({ imbalanceBuckets: 3, spreadTicksMax: 1 }, Float64Array.from(sample))
  expect([...micro.adjustmentsTicks()].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([-1, 0, 1])
  expect(micro.priceTicks({ bidTicks: 7, bidLots: 9, askTicks: 8, askLots: 1 })).toBeCloseTo(8.5, 9)
  expect(micro.priceTicks({ bidTicks: 7, bidLots: 9, askTicks: 9, askLots: 1 })).toBeUndefined()
  expect(codeOf(() => MicroPrice.fit({ imbalanceBuckets: 3, spreadTicksMax: 1 }, new Float64Array(0)))).toBe(
    'SIGNAL_TOO_FEW',
  )
})
