// Room card: ring/market-reader
// In:    a market ring that one native thread writes and never waits for us.
// Out:   its records in order to a handler, and the exact number of those that were overwritten before we read them.
// Holds: a handler never sees a torn record: it is copied, then proved whole, then shown.
// Costs: one copy of the bytes by plain loads, a few atomics per batch of 4 KiB; no allocation, no BigInt.
//
// The protocol is that of crates/ring/src/market.rs, checked there against the memory model, with one difference: a
// batch of records is copied and proved whole at once, because an atomic load from JavaScript costs as much as copying
// ten words. Positions are two signed 32-bit halves: `low` and `high` below.
import { fail } from '../errors.js'
import {
  attachRing,
  RECORD_PADDING,
  SEGMENTS,
  WORD_CHECKPOINTS,
  WORD_DATA,
  WORD_INTENT,
  WORD_ORIGIN,
  WORD_TAIL,
} from './layout.js'
import { RecordCursor, type RecordHandler } from './record-cursor.js'

const TWO_32 = 4_294_967_296
/** Eighths of the ring between the tail and the place where a lapped reader continues. */
const REJOIN_SEGMENTS = SEGMENTS / 2
/** Tries to find the place again in one poll; each fails only when the writer wrote half a ring meanwhile. */
const REJOIN_ATTEMPTS = 4
/** Loads of a position; each fails only while the writer moves its high half, once in 4 GiB. */
const LOAD_ATTEMPTS = 4

/** Bytes copied at once, unless one record is longer. */
const BATCH_BYTES = 4096

const enough = 0x7fff_ffff
/** Results of `copy` that are no number of bytes. */
const LAPPED = 0
const BUSY = -1

/** Where a reader of a market ring starts. */
export interface MarketReaderOptions {
  /** `start` (default): records already overwritten count as missed. `newest`: an eighth of the ring back at most. */
  readonly from?: 'start' | 'newest'
}

/** a - b of two positions in halves, exact while they are less than 2^53 apart. */
function distance(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return ((aHigh - bHigh) | 0) * TWO_32 + ((aLow >>> 0) - (bLow >>> 0))
}

/** A reader of a market ring. Any number may read one ring. */
export class MarketReader {
  /** Words of the region, for the doorbell. */
  readonly i32: Int32Array
  /** Largest record in bytes, header included. */
  readonly recordBytesMax: number
  private readonly capacity: number
  private readonly segmentBytes: number
  private readonly scratch: Int32Array
  private readonly record: RecordCursor
  private cursorLow: number
  private cursorHigh: number
  private number = 0
  private missedCount = 0
  /** Bytes asked for by the last `copy`; a record may be cut off there. */
  private wanted = 0
  /** An atomic store here keeps the plain loads of a copy before the atomic load after it. */
  private readonly fence = new Int32Array(new SharedArrayBuffer(4))
  private polling = false
  /** Result of `load`. */
  private low = 0
  private high = 0

  /** Throws `ARGUMENT_INVALID` or `RING_INVALID`. */
  constructor(view: Uint8Array, options: MarketReaderOptions = {}) {
    const { i32, capacityBytes, recordBytesMax } = attachRing(view, 'market')
    this.i32 = i32
    this.recordBytesMax = recordBytesMax
    this.capacity = capacityBytes
    this.segmentBytes = capacityBytes / SEGMENTS
    const copy = new ArrayBuffer(recordBytesMax)
    this.scratch = new Int32Array(copy)
    this.record = new RecordCursor(this.scratch, new Uint8Array(copy), new Float64Array(copy))
    this.cursorLow = Atomics.load(i32, WORD_ORIGIN)
    this.cursorHigh = Atomics.load(i32, WORD_ORIGIN + 1)
    if (options.from === 'newest') {
      for (let attempt = 0; attempt < REJOIN_ATTEMPTS && !this.rejoin(1); attempt += 1);
      this.missedCount = 0
    }
  }

  /** Records this reader has lost since it attached. */
  get missed(): number {
    return this.missedCount
  }

  /** Is there nothing to read now? */
  isEmpty(): boolean {
    return this.load(WORD_TAIL) && this.low === this.cursorLow && this.high === this.cursorHigh
  }

  /**
   * Gives up to `max` records published before this call to the handler; returns how many. `missed` is up to date
   * before the handler sees the record after a loss. A record whose handler throws counts as read; the throw
   * passes through. Throws `RING_CORRUPT` when the memory holds what no writer writes.
   */
  poll(handler: RecordHandler, max: number = enough): number {
    if (this.polling) throw fail('ARGUMENT_INVALID', 'a handler must not poll the reader that calls it')
    if (!this.load(WORD_TAIL)) return 0
    let tailLow = this.low
    let tailHigh = this.high
    let seen = 0
    let rejoins = 0
    this.polling = true
    try {
      // Ends: every batch moves the cursor towards a tail loaded before, or is one of a few rejoins.
      while (seen < max && (this.cursorLow !== tailLow || this.cursorHigh !== tailHigh)) {
        const bytes = this.copy(tailHigh, tailLow)
        if (bytes > 0) {
          seen += this.deliver(handler, bytes, max - seen)
        } else if (bytes === LAPPED && rejoins < REJOIN_ATTEMPTS) {
          rejoins += 1
          if (this.rejoin(REJOIN_SEGMENTS)) {
            tailLow = this.low
            tailHigh = this.high
          }
        } else {
          break
        }
      }
    } finally {
      this.polling = false
    }
    return seen
  }

  /** Shows the records of a copy of `bytes` bytes at the cursor. */
  private deliver(handler: RecordHandler, bytes: number, max: number): number {
    const { scratch, record } = this
    let at = 0
    let seen = 0
    while (at < bytes && seen < max) {
      const word = at >>> 2
      const length = scratch[word]!
      const frame = (length + 7) & -8
      if (length < 8 || length > this.recordBytesMax || frame > bytes - at) {
        // Cut off by the size of the batch: the next one starts with it.
        if (at > 0 && bytes === this.wanted && length >= 8 && length <= this.recordBytesMax) break
        throw fail('RING_CORRUPT', 'a record has a length no writer writes', { positionLow: this.cursorLow, length })
      }
      at += frame
      const low = (this.cursorLow + frame) | 0
      if (low >>> 0 < frame) this.cursorHigh = (this.cursorHigh + 1) | 0
      this.cursorLow = low
      const type = scratch[word + 1]!
      if (type === RECORD_PADDING) continue
      this.number += 1
      seen += 1
      record.word = word
      record.type = type
      record.length = length
      handler(record)
    }
    return seen
  }

  /** Loads the position at a word into `low` and `high`; false when the writer is just moving the high half. */
  private load(word: number): boolean {
    const { i32 } = this
    for (let attempt = 0; attempt < LOAD_ATTEMPTS; attempt += 1) {
      const high = Atomics.load(i32, word + 1)
      this.low = Atomics.load(i32, word)
      if (Atomics.load(i32, word + 2) === high) {
        this.high = high
        return true
      }
    }
    return false
  }

  /** Copies a batch at the cursor and proves the copy whole. Its bytes, `LAPPED` or `BUSY`. */
  private copy(tailHigh: number, tailLow: number): number {
    const { i32, scratch, capacity } = this
    const ahead = distance(tailHigh, tailLow, this.cursorHigh, this.cursorLow)
    if (ahead < 0 || ahead > capacity) return LAPPED
    const offset = this.cursorLow & (capacity - 1)
    const word = WORD_DATA + (offset >>> 2)
    const first = i32[word]!
    this.wanted = first > BATCH_BYTES && first <= this.recordBytesMax ? (first + 7) & -8 : BATCH_BYTES
    const bytes = Math.min(this.wanted, ahead, capacity - offset, this.recordBytesMax)
    if (bytes === this.recordBytesMax) this.wanted = bytes
    const words = bytes >>> 2
    for (let i = 0; i < words; i += 1) scratch[i] = i32[word + i]!
    // Plain loads may not sink below a sequentially consistent store, nor the next such load rise above it
    // (arm64: STLR before LDAR; x64: a full barrier).
    Atomics.store(this.fence, 0, 0)
    if (!this.load(WORD_INTENT)) return BUSY
    const lead = distance(this.high, this.low, this.cursorHigh, this.cursorLow)
    return lead < 0 || lead > capacity ? LAPPED : bytes
  }

  /** Continues `back` eighths behind the tail and counts what lies between; the tail is then in `low` and `high`. */
  private rejoin(back: number): boolean {
    const { i32, segmentBytes } = this
    if (!this.load(WORD_TAIL)) return false
    const tailLow = this.low
    const tailHigh = this.high
    const backBytes = back * segmentBytes
    const originHigh = Atomics.load(i32, WORD_ORIGIN + 1)
    if (distance(tailHigh, tailLow, originHigh, Atomics.load(i32, WORD_ORIGIN)) < backBytes) return false
    const segmentLow = tailLow & -segmentBytes
    const startLow = (segmentLow - backBytes) | 0
    const startHigh = segmentLow >>> 0 < backBytes ? (tailHigh - 1) | 0 : tailHigh
    const index = ((startLow >>> 0) / segmentBytes) & (SEGMENTS - 1)
    const slot = WORD_CHECKPOINTS + 4 * index
    const atLow = Atomics.load(i32, slot)
    const atHigh = Atomics.load(i32, slot + 1)
    const number = (Atomics.load(i32, slot + 2) >>> 0) + (Atomics.load(i32, slot + 3) >>> 0) * TWO_32
    if (!this.load(WORD_INTENT)) return false
    if (distance(this.high, this.low, startHigh, startLow) > this.capacity) return false
    const inside = distance(atHigh, atLow, startHigh, startLow)
    const forward = distance(atHigh, atLow, this.cursorHigh, this.cursorLow)
    const missed = number - this.number
    const placed = inside >= 0 && inside < segmentBytes && (atLow & 7) === 0
    if (!placed || forward < 0 || missed < 0 || missed > forward / 8) {
      throw fail('RING_CORRUPT', 'a checkpoint does not belong to its part of the ring', { positionLow: atLow })
    }
    this.missedCount += missed
    this.number = number
    this.cursorLow = atLow
    this.cursorHigh = atHigh
    this.low = tailLow
    this.high = tailHigh
    return true
  }
}
