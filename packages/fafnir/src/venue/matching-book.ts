// Room card: venue/matching-book
// In:    orders, cancels, reduces and replaces, written as rows of numbers and executed a batch at a time.
// Out:   `MatchingBook`: trades, pulled orders and the end of each command, as rows of numbers; the book's levels.
// Holds: no object per order; both buffers are bounded; a full one loses nothing: `run` goes on where it stopped.
// Costs: one native call a batch (bench: venue/nodejs-order-book-batches).
import { codeName, fail } from '../errors.js'
import type { Code } from '../generated/codes.js'
import { guarded, native, type MatchingBook as NativeBook } from '../native.js'
import { sideByte, type Side } from '../strategy/decode.js'

/** Numbers of a row, of commands as of reports. */
const ROW_CELLS = 6
const RULES = { limit: 0, postOnly: 1, immediateOrCancel: 2, fillOrKill: 3, market: 4 } as const
const CANCEL = 5
const REDUCE = 6
const REPLACE = 7
const KINDS = ['done', 'trade', 'pulled'] as const

/** How an order takes and rests. */
export type MatchingRule = keyof typeof RULES

/** What a report says: a command ended, a trade, a resting order left because its owner would have taken it. */
export type MatchKind = (typeof KINDS)[number]

/** Bounds of a book; memory is taken for all of them at the start. */
export interface MatchingBookOptions {
  /** Resting orders, 1 to 4,194,304. Default 65,536. */
  readonly ordersMax?: number
  /** Price levels a side, 1 to 65,536. Default 4,096. */
  readonly levelsMax?: number
  /** Commands of a batch, 1 to 1,048,576. Default 1,024. */
  readonly commandsMax?: number
  /** Reports of a `run`, 1 to 1,048,576. Default 4,096. */
  readonly reportsMax?: number
}

const BATCH_MAX = 1_048_576

function bounded(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw fail('ARGUMENT_INVALID', `${name} is out of range`, { name, value, low: 1, high: most })
}

function shared(cells: number): Float64Array {
  // Shared memory cannot be detached while native code holds it.
  return new Float64Array(new SharedArrayBuffer(cells * Float64Array.BYTES_PER_ELEMENT))
}

/**
 * A price-time matching book of one instrument: what an exchange does with orders, without accounts or a clock.
 * Prices are whole ticks, quantities whole lots, ids whole numbers from 1 to 2^53; an id is free again when its order
 * has left. Orders of one `owner` (not 0) never trade with each other: the resting one is pulled.
 *
 * Write commands (`order`, `cancel`, `reduce`, `replace`), then `run` until nothing is pending and read the reports of
 * each run by index. What a command is refused for is a code of its `done` report, never a throw.
 *
 * @example
 * const book = new MatchingBook()
 * book.order('limit', 'sell', 1, 101, 5)
 * book.order('market', 'buy', 2, 0, 3)
 * do {
 *   const reports = book.run()
 *   for (let at = 0; at < reports; at += 1) {
 *     if (book.kind(at) === 'trade') console.log(book.id(at), book.maker(at), book.price(at), book.lots(at))
 *   }
 * } while (book.pending > 0)
 */
export class MatchingBook {
  /** Most commands of a batch. */
  readonly commandsMax: number
  /** Most reports of a `run`. */
  readonly reportsMax: number
  /** Rows of commands: rule, side, id, price, lots, owner. For those who write them themselves: see `commit`. */
  readonly commands: Float64Array
  /** Rows of the last run's reports: kind, then what the readers below say. */
  readonly reports: Float64Array
  readonly #book: NativeBook
  readonly #progress: Uint32Array
  /** Command rows written, and taken by the book. */
  #written = 0
  #taken = 0

  /** @throws FafnirError ARGUMENT_INVALID when a bound is out of its range */
  constructor(options: MatchingBookOptions = {}) {
    const { ordersMax = 65_536, levelsMax = 4_096, commandsMax = 1_024, reportsMax = 4_096 } = options
    bounded('ordersMax', ordersMax, 4_194_304)
    bounded('levelsMax', levelsMax, 65_536)
    this.commandsMax = bounded('commandsMax', commandsMax, BATCH_MAX)
    this.reportsMax = bounded('reportsMax', reportsMax, BATCH_MAX)
    this.commands = shared(commandsMax * ROW_CELLS)
    this.reports = shared(reportsMax * ROW_CELLS)
    this.#progress = new Uint32Array(new SharedArrayBuffer(3 * Uint32Array.BYTES_PER_ELEMENT))
    const { MatchingBook: Native } = native()
    this.#book = guarded(() => new Native(ordersMax, levelsMax, this.commands, this.reports, this.#progress))
  }

  /** Commands not done yet, the order that a full run left in flight included. */
  get pending(): number {
    return this.#written - this.#taken + this.#progress[2]!
  }

  /** Number of resting orders. */
  get resting(): number {
    return guarded(() => this.#book.resting())
  }

  /** Writes an order; false when the batch is full: `run` first. A market order's price is not looked at. */
  order(rule: MatchingRule, side: Side, id: number, priceTicks: number, lots: number, owner = 0): boolean {
    return this.#write(RULES[rule], sideByte(side), id, priceTicks, lots, owner)
  }
  /** Writes the cancel of a resting order; false when the batch is full. */
  cancel(id: number): boolean {
    return this.#write(CANCEL, 0, id, 0, 0, 0)
  }
  /** Writes that an order's open quantity becomes `lots`, no more than now; it keeps its turn. False when full. */
  reduce(id: number, lots: number): boolean {
    return this.#write(REDUCE, 0, id, 0, lots, 0)
  }
  /**
   * Writes an order's new price and open quantity; false when the batch is full. At the same price with no larger
   * quantity it keeps its turn, else it arrives anew and may take.
   */
  replace(id: number, priceTicks: number, lots: number): boolean {
    return this.#write(REPLACE, 0, id, priceTicks, lots, 0)
  }

  /**
   * Says that rows of `commands` were written from the start of an empty batch: the fastest way in.
   * @throws FafnirError ARGUMENT_INVALID when commands are pending or there is no room for so many
   */
  commit(count: number): void {
    const room = this.#written === this.#taken ? this.commandsMax : 0
    if (!Number.isInteger(count) || count < 0 || count > room) {
      throw fail('ARGUMENT_INVALID', 'more rows than the batch has room for', { count, room })
    }
    this.#taken = 0
    this.#written = count
  }

  /**
   * Executes what is pending until all is taken or the reports are full; the number of reports written. They stay until
   * the next run.
   */
  run(): number {
    guarded(() => this.#book.run(this.#taken, this.#written - this.#taken))
    this.#taken += this.#progress[0]!
    if (this.#taken === this.#written) this.#taken = this.#written = 0
    return this.#progress[1]!
  }

  /** What report `at` of the last run says. */
  kind(at: number): MatchKind {
    return KINDS[this.reports[at * ROW_CELLS]!]!
  }
  /** Its order: of a trade or a pulled order the one that takes. */
  id(at: number): number {
    return this.reports[at * ROW_CELLS + 1]!
  }
  /** The order that rested, of `trade` and `pulled`. */
  maker(at: number): number {
    return this.reports[at * ROW_CELLS + 2]!
  }
  /** The resting order's price in ticks, of `trade` and `pulled`. */
  price(at: number): number {
    return this.reports[at * ROW_CELLS + 3]!
  }
  /** Quantity in lots, of `trade` and `pulled`. */
  lots(at: number): number {
    return this.reports[at * ROW_CELLS + 4]!
  }
  /** What the resting order has left, of `trade`; zero: it is gone. */
  makerLeft(at: number): number {
    return this.reports[at * ROW_CELLS + 5]!
  }
  /** Why a `done` command, or the rest of its order (VENUE_FULL), was refused; undefined when it was not. */
  refused(at: number): Code | undefined {
    return codeName(this.reports[at * ROW_CELLS + 2]!)
  }
  /** Quantity that a `done` order took. */
  filled(at: number): number {
    return this.reports[at * ROW_CELLS + 3]!
  }
  /** Quantity of a `done` order that rests now. */
  restingLots(at: number): number {
    return this.reports[at * ROW_CELLS + 4]!
  }
  /** Quantity of a `done` order that neither filled nor rests: expired, cancelled or refused. */
  ended(at: number): number {
    return this.reports[at * ROW_CELLS + 5]!
  }

  /** The best levels of a side, best first: price in ticks, lots, price, lots and so on. A copy. */
  levels(side: Side, most = 65_536): Float64Array {
    return guarded(() => this.#book.levels(sideByte(side), bounded('most', most, 65_536)))
  }

  #write(rule: number, side: number, id: number, priceTicks: number, lots: number, owner: number): boolean {
    if (this.#written === this.commandsMax) return false
    const cells = this.commands
    const at = this.#written * ROW_CELLS
    cells[at] = rule
    cells[at + 1] = side
    cells[at + 2] = id
    cells[at + 3] = priceTicks
    cells[at + 4] = lots
    cells[at + 5] = owner
    this.#written += 1
    return true
  }
}
