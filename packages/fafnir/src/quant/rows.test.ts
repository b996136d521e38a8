// Long lists of results: every entry in its place, none made before it is looked at.
import { expect, test } from 'vitest'

import * as quant from './index.js'
import { Rows } from './rows.js'

test('entries are made when they are looked at', () => {
  const made: number[] = []
  const rows = new Rows(1_000_000, (index) => {
    made.push(index)
    return { index }
  })
  expect([rows.length, made]).toEqual([1_000_000, []])
  expect([rows.at(0), rows.at(999_999), rows.at(-1), rows.at(-1_000_000), rows.at(1.9), rows.at(NaN)]).toEqual(
    [0, 999_999, 999_999, 0, 1, 0].map((index) => ({ index })),
  )
  expect([1_000_000, -1_000_001, Infinity, -Infinity].map((index) => rows.at(index))).toEqual(Array(4).fill(undefined))
  made.length = 0
  for (const { index } of rows) if (index === 2) break
  expect(made).toEqual([0, 1, 2])
})

test('all of them: as an array, spread, as JSON', () => {
  const rows = new Rows(3, (index) => ({ index }))
  const all = [{ index: 0 }, { index: 1 }, { index: 2 }]
  expect(rows.toArray()).toEqual(all)
  expect([...rows]).toEqual(all)
  expect(JSON.parse(JSON.stringify({ rows }))).toEqual({ rows: all })
  expect(new Rows(0, () => 1).toArray()).toEqual([])
})

test('drawdowns, episodes and a frontier are such lists', async () => {
  const zigzag = Float64Array.from({ length: 40_001 }, (_, at) => (at % 2 === 0 ? -0.01 : 0.02))
  const falls = await quant.drawdowns(zigzag)
  const { episodes, drawdowns } = await quant.drawdownRisk(zigzag)
  expect([falls.all.length, episodes.length]).toEqual([20_001, 20_001])
  for (const place of [0, 1, 19_999, 20_000]) {
    const recovery = place < 20_000 ? 2 * place + 2 : null
    const places = { peak: 2 * place, trough: 2 * place + 1, recovery }
    expect(falls.all.at(place)).toEqual({ depth: falls.curve[2 * place], ...places })
    expect(episodes.at(place)).toEqual({ depth: drawdowns[2 * place], ...places })
  }
  const parameters = { quantity: 1e6, horizon: 5, intervals: 5, volatility: 0.95 }
  const impacts = { permanentImpact: 2.5e-7, temporaryImpact: 2.5e-6 }
  const frontier = await quant.almgrenChrissFrontier({ ...parameters, ...impacts }, new Float64Array(1_000))
  for (const rows of [falls.all, episodes, frontier]) {
    expect(rows).toBeInstanceOf(Rows)
    expect(rows.at(7)).not.toBe(rows.at(7))
    expect(rows.at(7)).toEqual(rows.at(7))
  }
})
