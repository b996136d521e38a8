// Room card: ring/market-reader
// In:    a market ring that one native thread writes and never waits for us.
// Out:   its records in order to a handler, and the exact number of those that were overwritten before we read them.
// Holds: a handler never sees a torn record: it is copied, then proved whole, then shown.
// Costs: one copy of each record by atomic loads; no allocation and no BigInt per record.
//
// The protocol is that of crates/ring/src/market.rs, checked there against the memory model. The copy uses `Atomics.load`
// for every word because only atomic accesses keep their order before the load of *intent* that validates them; on x64 such
// a load is an ordinary one. Positions are two signed 32-bit halves: `low` and `high` below.
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

const enough = 0x7fff_ffff
const STEP_RECORD = 0
const STEP_PADDING = 1
const STEP_LAPPED = 2
const STEP_BUSY = 3

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
  private frame = 0
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
   * Gives up to `max` records published before this call to the handler; returns how many. `missed` is up to date before
   * the handler sees the record after a loss. A record whose handler throws counts as read; the throw passes through.
   * Throws `RING_CORRUPT` when the memory holds what no writer writes.
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
      // Ends: every step moves the cursor towards a tail loaded before, or is one of a few rejoins.
      while (seen < max && (this.cursorLow !== tailLow || this.cursorHigh !== tailHigh)) {
        const step = this.step(tailHigh, tailLow)
        if (step === STEP_RECORD) {
          this.advance()
          this.number += 1
          seen += 1
          handler(this.record)
        } else if (step === STEP_PADDING) {
          this.advance()
        } else if (step === STEP_LAPPED && rejoins < REJOIN_ATTEMPTS) {
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

  private advance(): void {
    const low = (this.cursorLow + this.frame) | 0
    if (low >>> 0 < this.frame) this.cursorHigh = (this.cursorHigh + 1) | 0
    this.cursorLow = low
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

  /** Copies the record at the cursor and proves the copy whole. */
  private step(tailHigh: number, tailLow: number): number {
    const { i32, scratch, capacity } = this
    const ahead = distance(tailHigh, tailLow, this.cursorHigh, this.cursorLow)
    if (ahead < 0 || ahead > capacity) return STEP_LAPPED
    const offset = this.cursorLow & (capacity - 1)
    const word = WORD_DATA + (offset >>> 2)
    const length = Atomics.load(i32, word)
    const type = Atomics.load(i32, word + 1)
    const frame = (length + 7) & -8
    const plausible =
      length >= 8 && length <= this.recordBytesMax && frame <= capacity - offset && frame <= ahead
    if (plausible && type !== RECORD_PADDING) {
      const words = frame >>> 2
      for (let i = 2; i < words; i += 1) scratch[i] = Atomics.load(i32, word + i)
    }
    if (!this.load(WORD_INTENT)) return STEP_BUSY
    const lead = distance(this.high, this.low, this.cursorHigh, this.cursorLow)
    if (lead < 0 || lead > capacity) return STEP_LAPPED
    if (!plausible) {
      throw fail('RING_CORRUPT', 'a record has a length no writer writes', { positionLow: this.cursorLow, length })
    }
    this.frame = frame
    if (type === RECORD_PADDING) return STEP_PADDING
    scratch[0] = length
    scratch[1] = type
    this.record.length = length
    this.record.type = type
    return STEP_RECORD
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
