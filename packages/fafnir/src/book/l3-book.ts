// Room card: book/l3-book
// In:    order messages of one instrument.
// Out:   `L3Book`: orders by id with their queues.
// Holds: a batch with a malformed value is refused whole; a message the book refuses changes nothing and is counted.
// Costs: 4 MB and about 64 bytes an order, 300 with dense ids; a call about 300 ns; a message in a batch some 20 ns.
import { guarded, native, type NativeL3Book } from '../native.js'
import { sideByte, sideOf, type Side } from '../strategy/decode.js'
import type { PriceTicks, QuantityLots } from '../units.js'
import { applyBatch, depthKind, depthOf, levelCount, touchOf, type BookDepth, type BookTouch } from './answers.js'

/**
 * Values of one message in a batch: kind, id, side (1 bids, 2 asks), price in ticks, quantity in lots, new id. What a
 * kind does not need is 0.
 */
export const L3_MESSAGE = 6

/** The kinds of messages, and what each reads beside the id. */
export const messageKind: {
  /** A new order: side, price, quantity. */
  readonly add: 1
  /** Price and quantity (what is left) change; a new price or a larger quantity goes to the end of the queue. */
  readonly modify: 2
  /** So many lots traded: quantity. */
  readonly execute: 3
  /** So many lots were cancelled: quantity. */
  readonly reduce: 4
  /** The order is gone. */
  readonly cancel: 5
  /** It is gone, and a new id takes over its side: price, quantity, new id. */
  readonly replace: 6
  /** It is ours: its quantity ahead is kept exact from now on. */
  readonly watch: 7
} = { add: 1, modify: 2, execute: 3, reduce: 4, cancel: 5, replace: 6, watch: 7 }

/** What an L3 book is made for. */
export interface L3BookOptions {
  /** Most orders that rest at once: 1 to 16,777,216. */
  readonly ordersMax: number
  /**
   * `dense`: ids count up; `sparse` (default): they may be any. Either takes any safe integer, more or less fast; dense
   * ones take more memory.
   */
  readonly ids?: 'dense' | 'sparse'
  /** May orders rest at or beyond the other side's best price? Default no; see `allowCrossing`. */
  readonly crossing?: boolean
}

/** A resting order. */
export interface L3Order {
  readonly side: Side
  readonly price: PriceTicks
  readonly lots: number
  /** Lots that stand before it in its queue. */
  readonly quantityAhead: number
}

/** How often what happened. Orders resting = added - filled - cancelled - cleared. */
export interface L3Counts {
  readonly added: number
  readonly modified: number
  readonly replaced: number
  readonly executed: number
  readonly filled: number
  readonly reduced: number
  readonly cancelled: number
  readonly cleared: number
  readonly unknown: number
  readonly duplicate: number
  readonly priceRange: number
  readonly quantity: number
  readonly crosses: number
  readonly full: number
  /** Times the window of direct look-ups followed the touch. */
  readonly recentred: number
  /** Levels made or removed outside it. */
  readonly farSets: number
}

/**
 * The full depth of book of one instrument: every order by its id, in the order of its queue.
 *
 * @example
 * const book = new L3Book({ ordersMax: 100_000 })
 * const { add, watch, execute } = messageKind
 * book.apply(new Float64Array([
 *   add, 1, 1, 1000, 5, 0, // a bid of 5 lots at 1000 ticks
 *   add, 2, 1, 1000, 3, 0, // ours, behind it
 *   watch, 2, 0, 0, 0, 0,
 *   execute, 1, 0, 0, 4, 0,
 * ]))
 * book.order(2) // { side: 'buy', price: 1000, lots: 3, quantityAhead: 1 }
 */
export class L3Book {
  readonly #book: NativeL3Book

  /** @throws FafnirError ARGUMENT_INVALID when `ordersMax` is out of range. */
  constructor(options: L3BookOptions) {
    const { ordersMax, ids = 'sparse', crossing = false } = options
    this.#book = guarded(() => new (native().L3Book)(ordersMax, ids === 'dense'))
    if (crossing) this.allowCrossing(true)
  }

  /**
   * Applies messages, `L3_MESSAGE` values each, in their order; returns how many were taken. `codes`, when given, gets
   * 0 for each message taken, else the number of a code: BOOK_ORDER_UNKNOWN, BOOK_ORDER_DUPLICATE, BOOK_PRICE_RANGE,
   * BOOK_QUANTITY, BOOK_ORDER_CROSSES, BOOK_ORDERS_FULL, BOOK_FULL, BOOK_OWN_FULL. A refused message changes nothing.
   * @throws FafnirError ARGUMENT_INVALID for an unknown kind or side or a value that is no safe integer; nothing of the
   * batch is applied then.
   */
  apply(messages: Float64Array, codes?: Uint16Array): number {
    return applyBatch(this.#book, messages, codes)
  }

  /**
   * Says whether orders may cross from now on: before an auction or in a halt, when the feed says so. In continuous
   * trading an order that would cross means a missed message; it is refused, and a new snapshot is the right answer.
   */
  allowCrossing(allowed: boolean): void {
    guarded(() => this.#book.allowCrossing(allowed))
  }

  /** An order by its id; undefined when the book does not hold it. */
  order(id: number): L3Order | undefined {
    const into = new Float64Array(4)
    if (!guarded(() => this.#book.order(id, into))) return undefined
    return { side: sideOf(into[0]!)!, price: into[1]! as PriceTicks, lots: into[2]!, quantityAhead: into[3]! }
  }

  /** The queue at a price into your array, id and lots in turn, first in line first; returns how many orders. */
  readQueue(side: Side, price: PriceTicks, into: Float64Array): number {
    return guarded(() => this.#book.queue(sideByte(side), price, into))
  }

  /** Lots and number of orders at a price. */
  level(side: Side, price: PriceTicks): { readonly lots: number; readonly orders: number } {
    const into = new Float64Array(2)
    guarded(() => this.#book.level(sideByte(side), price, into))
    return { lots: into[0]!, orders: into[1]! }
  }

  /** Best bid and ask. */
  touch(): BookTouch {
    return touchOf(this.#book)
  }

  /** The same into four values of yours: bid, its lots, ask, its lots. */
  readTouch(into: Float64Array): void {
    guarded(() => this.#book.touch(into))
  }

  /** The best levels of a side into your array, price and lots in turn; returns how many, at most half its length. */
  readTop(side: Side, into: Float64Array): number {
    return guarded(() => this.#book.top(sideByte(side), into))
  }

  /** Everything on a side at a price or better. */
  depthToPrice(side: Side, price: PriceTicks): BookDepth {
    return depthOf(this.#book, depthKind.price, side, price)
  }

  /** The levels of a side that hold a quantity, the last one in full. */
  depthToQuantity(side: Side, quantity: QuantityLots): BookDepth {
    return depthOf(this.#book, depthKind.quantity, side, quantity)
  }

  /** What a market order would trade against a side: 'sell' for a buyer, who takes the asks. Fees are not in it. */
  costToTrade(side: Side, quantity: QuantityLots): BookDepth {
    return depthOf(this.#book, depthKind.trade, side, quantity)
  }

  /** As in `L2Book`. */
  weightedMid(levels: number = 1): number {
    return guarded(() => this.#book.weightedMid(levelCount(levels)))
  }

  /** As in `L2Book`. */
  microPrice(levels: number = 1): number {
    return guarded(() => this.#book.microPrice(levelCount(levels)))
  }

  /** Orders resting, both sides. */
  get orderCount(): number {
    return guarded(() => this.#book.orderCount())
  }

  /** Levels of a side. */
  levelCount(side: Side): number {
    return guarded(() => this.#book.levelCount(sideByte(side)))
  }

  /** Is the best bid at or above the best ask? Only ever after crossing was allowed. */
  get isCrossed(): boolean {
    return guarded(() => this.#book.isCrossed())
  }

  /** How often what happened so far. */
  counts(): L3Counts {
    return JSON.parse(guarded(() => this.#book.counts())) as L3Counts
  }

  /** Removes every order; the counts go on. */
  clear(): void {
    guarded(() => this.#book.clear())
  }

  /** Releases the memory; any call but this one throws ARGUMENT_INVALID afterwards. Idempotent. */
  close(): void {
    guarded(() => this.#book.close())
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
