// Room card: book/l2-book
// In:    new totals of price levels.
// Out:   `L2Book`, an L2 of one instrument.
// Holds: a batch with a malformed value is refused whole; an update the book refuses changes nothing.
// Costs: 1.3 MB; a call about 300 ns; an update in a batch some nanoseconds.
import { guarded, native, type NativeL2Book } from '../native.js'
import { sideByte, type Side } from '../strategy/decode.js'
import type { PriceTicks, QuantityLots } from '../units.js'
import { applyBatch, depthKind, depthOf, levelCount, touchOf, type BookDepth, type BookTouch } from './answers.js'

/** Values of one update in a batch: side (1 bids, 2 asks), price in ticks, new total in lots (0 removes the level). */
export const L2_UPDATE = 3

/**
 * The depth ladder of one instrument: the total displayed at every price, in whole ticks and lots. No price range to
 * choose: levels far from the touch are kept in an overflow, and the window follows the touch.
 *
 * Numbers are safe integers. It does not watch sequence numbers; an engine does.
 *
 * @example
 * const book = new L2Book()
 * book.apply(new Float64Array([1, 1000, 5, 2, 1001, 7])) // bid 5 lots at 1000 ticks, ask 7 lots at 1001
 * book.touch() // { bid: 1000, bidLots: 5, ask: 1001, askLots: 7 }
 * book.costToTrade('sell', quantityLots(btc, '0.003')).averageTicks // 1001: what buying 3 lots would pay
 */
export class L2Book {
  readonly #book: NativeL2Book

  constructor() {
    this.#book = guarded(() => new (native().L2Book)())
  }

  /**
   * Sets totals, `L2_UPDATE` values each, in their order; returns how many were taken. `codes`, when given, gets 0 for
   * each update taken, else the number of a code: BOOK_NEGATIVE (a negative total), BOOK_FULL (more than 32,768 levels
   * on a side).
   * @throws FafnirError ARGUMENT_INVALID with `index` and `value` for a side that is not 1 or 2 or a value that is no
   * safe integer; nothing of the batch is applied then.
   */
  apply(updates: Float64Array, codes?: Uint16Array): number {
    return applyBatch(this.#book, updates, codes)
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

  /** Lots at a price; 0 when there is no level. */
  quantityAt(side: Side, price: PriceTicks): number {
    return guarded(() => this.#book.quantityAt(sideByte(side), price))
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

  /**
   * (P_bid Q_ask + P_ask Q_bid) / (Q_bid + Q_ask) in ticks: Q the lots of the best levels of a side, P their average
   * price. NaN when a side is empty.
   */
  weightedMid(levels: number = 1): number {
    return guarded(() => this.#book.weightedMid(levelCount(levels)))
  }

  /** The same with the best prices for P: it lies within the touch. NaN when a side is empty. */
  microPrice(levels: number = 1): number {
    return guarded(() => this.#book.microPrice(levelCount(levels)))
  }

  /** Levels of a side. */
  levelCount(side: Side): number {
    return guarded(() => this.#book.levelCount(sideByte(side)))
  }

  /** Is the best bid at or above the best ask? In the middle of a message it may be. */
  get isCrossed(): boolean {
    return guarded(() => this.#book.isCrossed())
  }

  /** Removes every level. */
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
