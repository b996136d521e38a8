import { expect, test } from 'vitest'

import { codeNumber, type Code } from '../generated/codes.js'
import { MatchingBook, type MatchingRule } from './index.js'

type Side = 'buy' | 'sell'
interface Resting {
  readonly id: number
  readonly side: Side
  readonly price: number
  readonly owner: number
  readonly postOnly: boolean
  open: number
}
/** A row of a report as the book writes it. */
type Row = readonly [kind: number, id: number, second: number, third: number, fourth: number, fifth: number]

/** The rules once more, as plainly as they can be written: one list in the order of arrival. */
class Plain {
  orders: Resting[] = []
  rows: Row[] = []

  done(id: number, code: Code | undefined, filled: number, resting: number, ended: number): void {
    this.rows.push([0, id, code === undefined ? 0 : codeNumber[code], filled, resting, ended])
  }

  /** What an order of this side and limit meets first. */
  met(side: Side, limit: number): Resting | undefined {
    const sign = side === 'buy' ? 1 : -1
    const others = this.orders.filter((order) => order.side !== side && (limit - order.price) * sign >= 0)
    return others.reduce<Resting | undefined>(
      (best, order) => (best === undefined || (best.price - order.price) * sign > 0 ? order : best),
      undefined,
    )
  }

  leave(order: Resting): void {
    this.orders.splice(this.orders.indexOf(order), 1)
  }

  order(rule: MatchingRule, side: Side, id: number, price: number, lots: number, owner: number): void {
    const limit = rule === 'market' ? (side === 'buy' ? Infinity : -Infinity) : price
    const whole = (value: number): boolean => Number.isSafeInteger(value) && value > 0
    if (!whole(id) || !whole(lots) || lots > 2 ** 40 || (rule !== 'market' && !whole(price))) {
      return this.done(whole(id) ? id : 0, 'VENUE_INVALID', 0, 0, Number.isSafeInteger(lots) ? lots : 0)
    }
    if (this.orders.some((order) => order.id === id)) return this.done(id, 'VENUE_DUPLICATE', 0, 0, lots)
    if (rule === 'postOnly' && this.met(side, limit) !== undefined) return this.done(id, 'VENUE_POST_ONLY', 0, 0, lots)
    if (rule === 'fillOrKill') {
      const sign = side === 'buy' ? 1 : -1
      const there = this.orders
        .filter((order) => order.side !== side && (limit - order.price) * sign >= 0)
        .filter((order) => owner === 0 || order.owner !== owner)
      if (there.reduce((sum, order) => sum + order.open, 0) < lots) return this.done(id, undefined, 0, 0, lots)
    }
    this.enter(rule, side, id, price, limit, lots, owner)
  }

  enter(rule: MatchingRule, side: Side, id: number, price: number, limit: number, lots: number, owner: number): void {
    let left = lots
    for (let maker = this.met(side, limit); left > 0 && maker !== undefined; maker = this.met(side, limit)) {
      if (owner !== 0 && maker.owner === owner) {
        this.leave(maker)
        this.rows.push([2, id, maker.id, maker.price, maker.open, 0])
        continue
      }
      const traded = Math.min(left, maker.open)
      left -= traded
      maker.open -= traded
      if (maker.open === 0) this.leave(maker)
      this.rows.push([1, id, maker.id, maker.price, traded, maker.open])
    }
    const rests = left > 0 && (rule === 'limit' || rule === 'postOnly')
    if (rests) this.orders.push({ id, side, price, owner, postOnly: rule === 'postOnly', open: left })
    this.done(id, undefined, lots - left, rests ? left : 0, rests ? 0 : left)
  }

  change(id: number, price: number | undefined, lots: number): void {
    const order = this.orders.find((resting) => resting.id === id)
    if (order === undefined) return this.done(id, 'VENUE_UNKNOWN_ORDER', 0, 0, 0)
    if (price === undefined) {
      if (lots < 1 || lots > order.open) return this.done(id, 'VENUE_INVALID', 0, 0, 0)
      const ended = order.open - lots
      order.open = lots
      return this.done(id, undefined, 0, lots, ended)
    }
    if (price === order.price && lots <= order.open) {
      order.open = lots
      return this.done(id, undefined, 0, lots, 0)
    }
    if (order.postOnly && this.met(order.side, price) !== undefined) return this.done(id, 'VENUE_POST_ONLY', 0, 0, 0)
    this.leave(order)
    this.enter(order.postOnly ? 'postOnly' : 'limit', order.side, id, price, price, lots, order.owner)
  }

  cancel(id: number): void {
    const order = this.orders.find((resting) => resting.id === id)
    if (order === undefined) return this.done(id, 'VENUE_UNKNOWN_ORDER', 0, 0, 0)
    this.leave(order)
    this.done(id, undefined, 0, 0, order.open)
  }

  levels(side: Side): number[] {
    const sums = new Map<number, number>()
    for (const order of this.orders) {
      if (order.side === side) sums.set(order.price, (sums.get(order.price) ?? 0) + order.open)
    }
    const sign = side === 'buy' ? -1 : 1
    return [...sums].sort(([a], [b]) => (a - b) * sign).flat()
  }
}

/** A small generator with a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const TAKING = ['immediateOrCancel', 'fillOrKill', 'market'] as const
const RULES: readonly MatchingRule[] = ['limit', 'limit', 'limit', 'postOnly', ...TAKING]

/** Writes one random command to both. */
function write(book: MatchingBook, plain: Plain, next: (below: number) => number, step: number): void {
  const some = plain.orders.length > 0 ? plain.orders[next(plain.orders.length)]!.id : 1
  const known = next(20) === 0 ? step + 1_000_000 : some
  const side = next(2) === 0 ? 'buy' : 'sell'
  const [price, lots] = [1_000 + next(40) - 20, 1 + next(9)]
  switch (next(8)) {
    case 0:
    case 1:
      book.cancel(known)
      return plain.cancel(known)
    case 2:
      book.replace(known, price, lots)
      return plain.change(known, price, lots)
    case 3:
      book.reduce(known, lots)
      return plain.change(known, undefined, lots)
    default: {
      const rule = RULES[next(RULES.length)]!
      const id = next(50) === 0 ? [some, 0, 2.5, NaN, Infinity, -4][next(6)]! : step + 1
      const odd = next(50) === 0 ? [0, 1.5, NaN][next(3)]! : lots
      book.order(rule, side, id, price, odd, next(4))
      // The same draw of the owner, read back from the row.
      const written = book.commands.subarray(0, book.pending * 6)
      return plain.order(rule, side, id, price, odd, written[written.length - 1]!)
    }
  }
}

test('batches agree with a plain list of orders, however small the room for reports', () => {
  for (const reportsMax of [1, 3, 512]) {
    const seed = 40 + reportsMax
    const next = random(seed)
    const [book, plain] = [new MatchingBook({ ordersMax: 4_096, commandsMax: 32, reportsMax }), new Plain()]
    for (let step = 0; step < 20_000; ) {
      plain.rows = []
      for (const last = step + 1 + next(32); step < last; step += 1) write(book, plain, next, step)
      const rows: number[][] = []
      do {
        const count = book.run()
        expect(count).toBeLessThanOrEqual(reportsMax)
        for (let at = 0; at < count; at += 1) rows.push([...book.reports.subarray(at * 6, at * 6 + 6)])
      } while (book.pending > 0)
      expect(rows, `seed ${String(seed)} before step ${String(step)}`).toEqual(plain.rows)
      expect(book.resting).toBe(plain.orders.length)
      if (step % 7 === 0) {
        for (const side of ['buy', 'sell'] as const) expect([...book.levels(side)]).toEqual(plain.levels(side))
      }
    }
    expect(plain.orders.length).toBeGreaterThan(0)
  }
})

test('the readers name what a row says', () => {
  const book = new MatchingBook({ commandsMax: 4 })
  expect(book.order('limit', 'sell', 7, 101, 5, 1)).toBe(true)
  book.order('limit', 'buy', 8, 101, 2, 2)
  book.order('limit', 'buy', 9, 101, 4, 1)
  book.cancel(3)
  expect(book.cancel(3)).toBe(false)
  expect(book.pending).toBe(4)
  expect(book.run()).toBe(6)
  expect([0, 1, 2, 3, 4, 5].map((at) => book.kind(at))).toEqual(['done', 'trade', 'done', 'pulled', 'done', 'done'])
  expect([book.id(1), book.maker(1), book.price(1), book.lots(1), book.makerLeft(1)]).toEqual([8, 7, 101, 2, 3])
  expect([book.id(3), book.maker(3), book.price(3), book.lots(3)]).toEqual([9, 7, 101, 3])
  expect([book.id(4), book.filled(4), book.restingLots(4), book.ended(4)]).toEqual([9, 0, 4, 0])
  expect([book.refused(4), book.refused(5)]).toEqual([undefined, 'VENUE_UNKNOWN_ORDER'])
  expect([...book.levels('buy')]).toEqual([101, 4])
  expect(book.pending).toBe(0)
})

test('rows written by hand are taken; nonsense in them is refused by code', () => {
  const book = new MatchingBook({ commandsMax: 3, reportsMax: 8 })
  book.commands.set([0, 1, 1, 100, 5, 0, 0, 3, 2, 100, 5, 0, NaN, NaN, NaN, NaN, NaN, NaN])
  book.commit(3)
  expect(() => book.commit(1)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  expect(book.run()).toBe(3)
  expect([0, 1, 2].map((at) => book.refused(at))).toEqual([undefined, 'COMMAND_MALFORMED', 'COMMAND_MALFORMED'])
  expect(() => book.commit(4)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
})

test('bounds are checked at the door', () => {
  for (const options of [{ ordersMax: 0 }, { levelsMax: 65_537 }, { commandsMax: 1.5 }, { reportsMax: NaN }]) {
    expect(() => new MatchingBook(options)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  }
})
