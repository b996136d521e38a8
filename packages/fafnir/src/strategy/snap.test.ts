import { expect, it } from 'vitest'

import { incrementAtOrAbove, incrementAtOrBelow, snapOutward } from './snap.js'

const TICK = [{ from: 0, step: 1 }]
const STEPS = [
  { from: 0, step: 5 },
  { from: 100, step: 10 },
  { from: 1000, step: 50 },
]
const touch = { bid: 100, ask: 110, bidLots: 1, askLots: 1 }
const none = { bid: 0, ask: 0, bidLots: 0, askLots: 0 }

function snapped(bid: number, ask: number, increments = TICK, at = none): number[] | undefined {
  const out = new Float64Array(2)
  return snapOutward(bid, ask, increments, at, out) ? [...out] : undefined
}

it('rounds outward, and takes a hair for the grid point itself', () => {
  expect(snapped(99.3, 101.2)).toEqual([99, 102])
  expect(snapped(99 - 1e-10, 101 + 1e-10)).toEqual([99, 101])
  expect(snapped(99.0000001, 101.0000001)).toEqual([99, 102])
  expect(snapped(100, 100)).toEqual([99, 101])
})

it('never crosses the touch', () => {
  expect(snapped(115, 120, TICK, touch)).toEqual([109, 120])
  expect(snapped(90, 95, TICK, touch)).toEqual([90, 101])
  expect(snapped(115, 120, STEPS, touch)).toEqual([100, 120])
})

it('has no price for what is none', () => {
  for (const [bid, ask] of [
    [NaN, 5],
    [5, NaN],
    [0, 5],
    [-1, 5],
    [6, 5],
    [5, 2 ** 46 + 1],
    [0.5, 1],
    [Infinity, Infinity],
  ]) {
    expect(snapped(bid!, ask!)).toBeUndefined()
  }
})

it('agrees with a search over all prices of an increment table', () => {
  const legal = (price: number): boolean => {
    const step = [...STEPS].reverse().find((row) => price >= row.from)!.step
    return price % step === 0
  }
  for (let price = 1; price < 1_300; price += 1) {
    let below = price
    while (!legal(below)) below -= 1
    let above = price
    while (!legal(above)) above += 1
    expect([incrementAtOrBelow(STEPS, price), incrementAtOrAbove(STEPS, price)]).toEqual([below, above])
  }
})
