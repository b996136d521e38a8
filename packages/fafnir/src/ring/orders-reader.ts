// Room card: ring/orders-reader
// In:    an orders ring: every record of our own orders while it fits, else a gap record with the count of the lost.
// Out:   each record once and in order to a handler, gap records included.
// Holds: the native writer overwrites nothing that was not read; records are read in place, without a copy.
// Costs: one atomic load and one atomic store per poll; no allocation.
import { fail } from '../errors.js'
import { attachRing, RECORD_GAP, RECORD_PADDING, WORD_DATA, WORD_HEAD, WORD_TAIL } from './layout.js'
import { RecordCursor, type RecordHandler } from './record-cursor.js'

const enough = 0x7fff_ffff

/** The reader of an orders ring. One at a time. */
export class OrdersReader {
  /** Words of the region, for the doorbell. */
  readonly i32: Int32Array
  /** Largest record in bytes, header included. */
  readonly recordBytesMax: number
  private readonly capacity: number
  private readonly record: RecordCursor
  private head: number
  private lostCount = 0
  private polling = false
  private holding = false

  /** Attaches after the last record a reader took. Throws `ARGUMENT_INVALID` or `RING_INVALID`. */
  constructor(view: Uint8Array) {
    const { i32, u8, f64, capacityBytes, recordBytesMax } = attachRing(view, 'orders')
    this.i32 = i32
    this.recordBytesMax = recordBytesMax
    this.capacity = capacityBytes
    this.record = new RecordCursor(i32, u8, f64)
    this.head = Atomics.load(i32, WORD_HEAD) & -8
  }

  /** Records the writer dropped because we were behind, as its gap records said so far. */
  get lost(): number {
    return this.lostCount
  }

  /** Is there nothing to read now? */
  isEmpty(): boolean {
    return Atomics.load(this.i32, WORD_TAIL) === this.head
  }

  /**
   * Gives up to `max` records published before this call to the handler; returns how many. The room of all of them is
   * returned to the writer at the end. A record whose handler throws counts as read; the throw passes through.
   * Throws `RING_CORRUPT` when the memory holds what no writer writes.
   */
  poll(handler: RecordHandler, max: number = enough): number {
    if (this.polling) throw fail('ARGUMENT_INVALID', 'a handler must not poll the reader that calls it')
    const { i32, capacity, record } = this
    const tail = Atomics.load(i32, WORD_TAIL)
    let used = (tail - this.head) >>> 0
    if (used > capacity || (used & 7) !== 0) {
      throw fail('RING_CORRUPT', 'the tail is not one a writer stores', { tailLow: tail, headLow: this.head })
    }
    const start = this.head
    let seen = 0
    this.polling = true
    try {
      while (seen < max && used > 0) {
        const offset = this.head & (capacity - 1)
        const word = WORD_DATA + (offset >>> 2)
        const length = i32[word]!
        const frame = (length + 7) & -8
        if (length < 8 || length > this.recordBytesMax || frame > capacity - offset || frame > used) {
          throw fail('RING_CORRUPT', 'a record has a length no writer writes', { positionLow: this.head, length })
        }
        used -= frame
        this.head = (this.head + frame) | 0
        const type = i32[word + 1]!
        if (type === RECORD_PADDING) continue
        if (type === RECORD_GAP && length >= 16) {
          this.lostCount += (i32[word + 2]! >>> 0) + i32[word + 3]! * 4_294_967_296
        }
        record.word = word
        record.type = type
        record.length = length
        seen += 1
        handler(record)
      }
    } finally {
      this.polling = false
      if (this.head !== start && !this.holding) Atomics.store(i32, WORD_HEAD, this.head)
    }
    return seen
  }

  /** As `poll`, but the room stays taken until `release`: what was shown can be read in place until then. */
  hold(handler: RecordHandler, max: number = enough): number {
    this.holding = true
    try {
      return this.poll(handler, max)
    } finally {
      this.holding = false
    }
  }

  /** Returns the room of what `hold` showed. */
  release(): void {
    Atomics.store(this.i32, WORD_HEAD, this.head)
  }
}
