import { describe, expect, it } from 'vitest'

import { FafnirError, codeName } from '../errors.js'
import type { PriceTicks, QuantityLots } from '../units.js'
import { L2Book, L2_UPDATE, L3Book, L3_MESSAGE, messageKind } from './index.js'

const ticks = (value: number): PriceTicks => value as PriceTicks
const lots = (value: number): QuantityLots => value as QuantityLots
const thrown = (call: () => unknown): FafnirError => {
  try {
    call()
  } catch (error) {
    if (error instanceof FafnirError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
/** Numbers from a seed, the same every time (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

describe('L2Book', () => {
  it('does what its example says', () => {
    using book = new L2Book()
    expect(book.apply(new Float64Array([1, 1000, 5, 2, 1001, 7]))).toBe(2)
    expect(book.touch()).toEqual({ bid: 1000, bidLots: 5, ask: 1001, askLots: 7 })
    const cost = book.costToTrade('sell', lots(3))
    expect(cost).toEqual({ levels: 1, lots: 3, ticksLots: 3003, worst: 1001, averageTicks: 1001 })
  })

  it('writes into arrays of the caller, and answers about depth', () => {
    using book = new L2Book()
    expect(book.touch()).toEqual({ bid: 0, bidLots: 0, ask: 0, askLots: 0 })
    expect([book.weightedMid(), book.microPrice(), book.costToTrade('buy', lots(1)).averageTicks]).toEqual([
      NaN,
      NaN,
      NaN,
    ])
    book.apply(new Float64Array([1, 99, 4, 1, 98, 6, 1, 95, 10, 2, 101, 12, 2, 102, 8]))
    const pairs = new Float64Array(5)
    expect(book.readTop('buy', pairs)).toBe(2)
    expect([...pairs]).toEqual([99, 4, 98, 6, 0])
    const touch = new Float64Array(4)
    book.readTouch(touch)
    expect([...touch]).toEqual([99, 4, 101, 12])
    expect([book.quantityAt('buy', ticks(98)), book.quantityAt('sell', ticks(98))]).toEqual([6, 0])
    expect([book.weightedMid(), book.microPrice(1)]).toEqual([99.5, 99.5])
    expect(book.microPrice(2)).toBe(99 + 2 * (10 / 30))
    expect(book.depthToPrice('buy', ticks(98))).toMatchObject({ levels: 2, lots: 10, worst: 98 })
    expect(book.depthToQuantity('buy', lots(5))).toMatchObject({ levels: 2, lots: 10 })
    expect(book.costToTrade('buy', lots(15))).toMatchObject({ lots: 15, ticksLots: 99 * 4 + 98 * 6 + 95 * 5 })
    expect([book.levelCount('buy'), book.isCrossed]).toEqual([3, false])
    book.apply(new Float64Array([1, 103, 1]))
    expect(book.isCrossed).toBe(true)
    book.clear()
    expect([book.levelCount('buy'), book.levelCount('sell'), book.isCrossed]).toEqual([0, 0, false])
  })

  it('agrees with maps over random batches', () => {
    using book = new L2Book()
    const next = random(3)
    const maps = [new Map<number, number>(), new Map<number, number>()]
    let centre = -500
    for (let round = 0; round < 300; round += 1) {
      const batch = new Float64Array(L2_UPDATE * (1 + next(50)))
      for (let at = 0; at < batch.length; at += L2_UPDATE) {
        centre += next(21) - 10
        const [side, total] = [1 + next(2), next(3) === 0 ? 0 : 1 + next(2 ** 31)]
        const price = centre + (next(20) === 0 ? next(200_000) - 100_000 : next(60) - 30)
        batch.set([side, price, total], at)
        if (total === 0) maps[side - 1]!.delete(price)
        else maps[side - 1]!.set(price, total)
      }
      expect(book.apply(batch)).toBe(batch.length / L2_UPDATE)
      for (const [index, side] of (['buy', 'sell'] as const).entries()) {
        const sign = side === 'buy' ? -1 : 1
        const want = [...maps[index]!].sort(([a], [b]) => sign * (a - b)).flat()
        const got = new Float64Array(want.length + 2)
        expect(book.readTop(side, got), `seed 3 round ${round}`).toBe(want.length / 2)
        expect([...got.subarray(0, want.length)]).toEqual(want)
      }
    }
  })

  it('refuses a malformed batch whole and tells what the book refused', () => {
    using book = new L2Book()
    for (const bad of [NaN, 0.5, Infinity, 2 ** 53]) {
      const error = thrown(() => book.apply(new Float64Array([1, 10, 1, 1, bad, 1])))
      expect([error.code, error.fields]).toEqual(['ARGUMENT_INVALID', { index: '4', value: expect.any(String) }])
    }
    for (const batch of [
      [1, 10],
      [3, 10, 1],
      [0, 10, 1],
    ]) {
      expect(thrown(() => book.apply(new Float64Array([1, 5, 5, ...batch]))).code).toBe('ARGUMENT_INVALID')
    }
    expect(book.levelCount('buy')).toBe(0)
    const codes = new Uint16Array(3)
    expect(book.apply(new Float64Array([1, 10, 1, 1, 11, -1, 2, 12, 1]), codes)).toBe(2)
    expect([...codes].map((code) => codeName(code))).toEqual([undefined, 'BOOK_NEGATIVE', undefined])
    expect(thrown(() => book.apply(new Float64Array(9), new Uint16Array(2))).code).toBe('ARGUMENT_INVALID')
    const shared = new ArrayBuffer(64)
    expect(thrown(() => book.apply(new Float64Array(shared, 0, 3), new Uint16Array(shared))).code).toBe(
      'ARGUMENT_INVALID',
    )
    expect(thrown(() => book.apply([1, 2, 3] as unknown as Float64Array)).code).toBe('ARGUMENT_INVALID')
    expect(thrown(() => book.readTouch(new Float64Array(3))).code).toBe('ARGUMENT_INVALID')
    expect(thrown(() => book.readTop('buy', new Float32Array(4) as unknown as Float64Array)).code).toBe(
      'ARGUMENT_INVALID',
    )
    for (const levels of [0, -1, 1.5, NaN, 1e9]) {
      expect(thrown(() => book.weightedMid(levels)).code).toBe('ARGUMENT_INVALID')
    }
  })

  it('can be closed twice, and then only that', () => {
    const book = new L2Book()
    book.close()
    book.close()
    expect(thrown(() => book.touch()).code).toBe('ARGUMENT_INVALID')
    expect(thrown(() => book.apply(new Float64Array([1, 1, 1]))).code).toBe('ARGUMENT_INVALID')
  })
})

describe('L3Book', () => {
  const { add, modify, execute, reduce, cancel, replace, watch } = messageKind

  it('does what its example says', () => {
    using book = new L3Book({ ordersMax: 100_000 })
    const taken = book.apply(
      new Float64Array([add, 1, 1, 1000, 5, 0, add, 2, 1, 1000, 3, 0, watch, 2, 0, 0, 0, 0, execute, 1, 0, 0, 4, 0]),
    )
    expect(taken).toBe(4)
    expect(book.order(2)).toEqual({ side: 'buy', price: 1000, lots: 3, quantityAhead: 1 })
    expect(book.order(3)).toBeUndefined()
  })

  for (const ids of ['dense', 'sparse'] as const) {
    it(`keeps queues, counts and codes (${ids})`, () => {
      using book = new L3Book({ ordersMax: 3, ids })
      const codes = new Uint16Array(10)
      const messages = [
        [add, 1, 2, 50, 4, 0],
        [add, 2, 2, 50, 6, 0],
        [add, 2, 2, 51, 6, 0],
        [add, 3, 1, 50, 1, 0],
        [modify, 9, 0, 50, 4, 0],
        [modify, 1, 0, 50, 9, 0],
        [replace, 2, 0, 50, 5, -7],
        [reduce, 1, 0, 0, 2, 0],
        [execute, 1, 0, 0, 8, 0],
        [add, 4, 1, 2 ** 53 - 1, 1, 0],
      ]
      expect(book.apply(new Float64Array(messages.flat()), codes)).toBe(5)
      expect([...codes].map((code) => codeName(code))).toEqual([
        undefined,
        undefined,
        'BOOK_ORDER_DUPLICATE',
        'BOOK_ORDER_CROSSES',
        'BOOK_ORDER_UNKNOWN',
        undefined,
        undefined,
        undefined,
        'BOOK_QUANTITY',
        'BOOK_ORDER_CROSSES',
      ])
      const queue = new Float64Array(6)
      expect(book.readQueue('sell', ticks(50), queue)).toBe(2)
      expect([...queue]).toEqual([1, 7, -7, 5, 0, 0])
      expect([book.level('sell', ticks(50)), book.level('buy', ticks(50))]).toEqual([
        { lots: 12, orders: 2 },
        { lots: 0, orders: 0 },
      ])
      expect(book.order(-7)).toEqual({ side: 'sell', price: 50, lots: 5, quantityAhead: 7 })
      expect(book.counts()).toMatchObject({ added: 2, modified: 1, replaced: 1, reduced: 1, duplicate: 1, crosses: 2 })
      book.allowCrossing(true)
      expect(book.apply(new Float64Array([add, 3, 1, 50, 1, 0, add, 5, 1, 49, 1, 0]), codes)).toBe(1)
      expect([codeName(codes[1]!), book.isCrossed, book.orderCount]).toEqual(['BOOK_ORDERS_FULL', true, 3])
      expect(book.touch()).toEqual({ bid: 50, bidLots: 1, ask: 50, askLots: 12 })
      expect(book.costToTrade('sell', lots(20))).toMatchObject({ lots: 12, worst: 50 })
      expect(book.apply(new Float64Array([cancel, 3, 0, 0, 0, 0]))).toBe(1)
      expect([book.levelCount('buy'), book.levelCount('sell')]).toEqual([0, 1])
      book.clear()
      expect([book.orderCount, book.counts().cleared]).toEqual([0, 2])
    })
  }

  it('keeps the places of its orders over random batches', () => {
    using book = new L3Book({ ordersMax: 200, crossing: true })
    const next = random(11)
    // One queue a price, as lists; half of the orders watched.
    const queues = new Map<number, { id: number; lots: number }[]>()
    const where = new Map<number, number>()
    for (let step = 0; step < 1_000; step += 1) {
      const ids = [...where.keys()]
      const id = ids.length > 0 && next(2) === 0 ? ids[next(ids.length)]! : 1 + next(1_000_000)
      const price = where.get(id)
      if (price === undefined) {
        if (ids.length === 200) continue
        const [at, quantity] = [next(8), 1 + next(50)]
        queues.set(at, [...(queues.get(at) ?? []), { id, lots: quantity }])
        where.set(id, at)
        const batch = [add, id, 1, at, quantity, 0, ...(next(2) === 0 ? [watch, id, 0, 0, 0, 0] : [])]
        expect(book.apply(new Float64Array(batch))).toBe(batch.length / L3_MESSAGE)
      } else {
        const queue = queues.get(price)!
        const order = queue.find((other) => other.id === id)!
        const quantity = 1 + next(order.lots)
        expect(book.apply(new Float64Array([execute, id, 0, 0, quantity, 0]))).toBe(1)
        order.lots -= quantity
        if (order.lots === 0) {
          queue.splice(queue.indexOf(order), 1)
          where.delete(id)
        }
      }
      for (const [at, queue] of queues) {
        let ahead = 0
        for (const order of queue) {
          expect(book.order(order.id)?.quantityAhead, `seed 11 step ${step}`).toBe(ahead)
          ahead += order.lots
        }
        if (step % 50 === 0) expect(book.level('buy', ticks(at))).toEqual({ lots: ahead, orders: queue.length })
      }
    }
  })

  it('refuses what is malformed', () => {
    for (const ordersMax of [0, -1, 1.5, NaN, 2 ** 24 + 1]) {
      expect(thrown(() => new L3Book({ ordersMax })).code).toBe('ARGUMENT_INVALID')
    }
    using book = new L3Book({ ordersMax: 10 })
    for (const bad of [
      [8, 1, 1, 1, 1, 0],
      [0, 1, 1, 1, 1, 0],
      [add, 2, 3, 1, 1, 0],
      [add, 2, 1, NaN, 1, 0],
      [add, 2],
    ]) {
      const error = thrown(() => book.apply(new Float64Array([add, 1, 1, 1, 1, 0, ...bad])))
      expect(error.code).toBe('ARGUMENT_INVALID')
    }
    expect(book.orderCount).toBe(0)
    book.close()
    expect(thrown(() => book.counts()).code).toBe('ARGUMENT_INVALID')
  })
})
