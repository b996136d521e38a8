// Splits: plain objects to whoever looks, ranges made once, the same as counting observation by observation.
import { describe, expect, test } from 'vitest'

import * as quant from './index.js'

const options = { folds: 6, testFolds: 2, purge: 1, embargo: 2 }

describe('a split', () => {
  test('is an object like any other: keys, spread, JSON, a structured clone', async () => {
    const { splits } = await quant.combinatorialPurged(24, options)
    const plain = {
      train: [[11, 24]],
      test: [
        [0, 4],
        [4, 8],
      ],
    }
    expect(Object.keys(splits[0]!)).toEqual(['train', 'test'])
    expect(splits[0]).toEqual(plain)
    expect({ ...splits[0] }).toEqual(plain)
    expect(JSON.parse(JSON.stringify(splits[0]))).toEqual(plain)
    expect(structuredClone(splits[0])).toEqual(plain)
    const { train, test: tried } = splits[0]!
    expect([train, tried]).toEqual([plain.train, plain.test])
  })

  test('makes its ranges once', async () => {
    const found = await quant.combinatorialPurged(24, options)
    const [split] = found.splits
    expect(split!.train).toBe(split!.train)
    expect(split!.test).toBe(split!.test)
    expect([found.paths, found.testFolds]).toEqual([found.paths, found.testFolds])
    expect(found.paths).toBe(found.paths)
    expect(found.testFolds).toBe(found.testFolds)
    expect(Object.keys(found).sort()).toEqual(['paths', 'splits', 'testFolds'])
    expect(JSON.parse(JSON.stringify(found))).toEqual({ ...found })
  })
})

/** Folds of `combinatorialPurged`: the last takes what is left over. */
const edge = (observations: number, folds: number, fold: number): number =>
  fold === folds ? observations : fold * Math.floor(observations / folds)

test('combinatorial splits are those of counting each observation', async () => {
  for (const [observations, folds, testFolds, purge, embargo] of [
    [24, 6, 2, 1, 2],
    [50, 7, 3, 0, 0],
    [101, 8, 4, 3, 5],
    [60, 5, 1, 0, 7],
    [64, 9, 8, 2, 1],
  ] as const) {
    const found = await quant.combinatorialPurged(observations, { folds, testFolds, purge, embargo })
    for (const [place, split] of found.splits.entries()) {
      const tried = new Set(found.testFolds[place])
      expect(tried.size).toBe(testFolds)
      const [train, inTest]: [number[], number[]] = [[], []]
      for (let at = 0; at < observations; at++) {
        let free = true
        for (const fold of tried) {
          const [from, to] = [edge(observations, folds, fold), edge(observations, folds, fold + 1)]
          if (at >= from && at < to) inTest.push(at)
          if (at >= from - purge && at < to + purge + embargo) free = false
        }
        if (free) train.push(at)
      }
      expect([...quant.indices(split.train)]).toEqual(train)
      expect([...quant.indices(split.test)]).toEqual(inTest)
    }
    // Every path tries each fold once, and no result is on two paths.
    const used = new Set<string>()
    for (const path of found.paths) {
      expect(path).toHaveLength(folds)
      path.forEach((split, fold) => {
        expect(found.testFolds[split]).toContain(fold)
        used.add(`${split} ${fold}`)
      })
    }
    expect(used.size).toBe(found.paths.length * folds)
    expect(found.paths.length * folds).toBe(found.splits.length * testFolds)
  }
})

test('walk-forward splits follow each other, rolling and expanding', async () => {
  for (const expand of [false, true]) {
    const splits = await quant.walkForward(100, { train: 30, test: 12, purge: 3, expand, keepPartial: true })
    const starts = Array.from({ length: 6 }, (_, at) => 33 + 12 * at)
    expect(splits.map(({ test: tried }) => tried)).toEqual(starts.map((from) => [[from, Math.min(from + 12, 100)]]))
    const trained = starts.map((from) => [[expand ? 0 : from - 33, from - 3]])
    expect(splits.map(({ train }) => train)).toEqual(trained)
  }
})
