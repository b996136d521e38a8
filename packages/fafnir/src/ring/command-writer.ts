// Room card: ring/command-writer
// In:    commands of this thread, field by field.
// Out:   whole records in a commands ring that the engine polls.
// Holds: a record is seen by the engine only after `commit`; a full ring refuses with -1 and changes nothing.
// Costs: the zeroing of the record, two atomic stores; no allocation.
import { fail } from '../errors.js'
import { attachRing, HEADER_BYTES, RECORD_PADDING, WORD_DATA, WORD_HEAD, WORD_TAIL } from './layout.js'

/** The one writer of a commands ring. */
export class CommandWriter {
  /** 32-bit words to write fields through. */
  readonly i32: Int32Array
  /** Bytes to write fields through. */
  readonly u8: Uint8Array
  /** 64-bit floats to write fields through; the float at word w is `f64[w / 2]`. */
  readonly f64: Float64Array
  /** Largest payload in bytes. */
  readonly payloadBytesMax: number
  private readonly capacity: number
  private tail: number
  private head: number
  private word = -1
  private length = 0
  private next = 0

  /** Attaches at the ring's tail. Throws `ARGUMENT_INVALID` or `RING_INVALID`. */
  constructor(view: Uint8Array) {
    const { i32, u8, f64, capacityBytes, recordBytesMax } = attachRing(view, 'commands')
    this.i32 = i32
    this.u8 = u8
    this.f64 = f64
    this.payloadBytesMax = recordBytesMax - HEADER_BYTES
    this.capacity = capacityBytes
    this.tail = Atomics.load(i32, WORD_TAIL)
    this.head = (this.tail - capacityBytes) | 0
  }

  /**
   * Starts a record. Returns the word of its header (the payload starts two words later, all zero; byte offset =
   * 4 · word) or -1 when the ring is full: try again after the engine has polled. A record begun and not committed is
   * forgotten by the next `begin`. Throws `ARGUMENT_INVALID` when the payload is too long or the type is none.
   */
  begin(type: number, payloadBytes: number): number {
    const legal = Number.isInteger(payloadBytes) && payloadBytes >= 0 && payloadBytes <= this.payloadBytesMax
    if (!legal || !Number.isInteger(type) || type < 0 || type > 0x7fff_ffff) {
      const fields = { type, payloadBytes, payloadBytesMax: this.payloadBytesMax }
      throw fail('ARGUMENT_INVALID', 'the record is too long or its type is out of range', fields)
    }
    const { i32, capacity } = this
    this.word = -1
    const length = HEADER_BYTES + payloadBytes
    const frame = (length + 7) & -8
    const offset = this.tail & (capacity - 1)
    const room = capacity - offset
    const needed = room < frame ? room + frame : frame
    if (this.free() < needed) {
      this.head = this.soundHead()
      if (this.free() < needed) return -1
    }
    let word = WORD_DATA + (offset >>> 2)
    if (room < frame) {
      i32[word] = room
      i32[word + 1] = RECORD_PADDING
      word = WORD_DATA
    }
    i32[word] = -length
    i32[word + 1] = type
    const end = word + (frame >>> 2)
    for (let i = word + 2; i < end; i += 1) i32[i] = 0
    this.word = word
    this.length = length
    this.next = (this.tail + needed) | 0
    return word
  }

  /** Shows the record begun last to the engine. Throws `ARGUMENT_INVALID` when there is none. */
  commit(): void {
    if (this.word < 0) throw fail('ARGUMENT_INVALID', 'commit without begin')
    this.i32[this.word] = this.length
    this.word = -1
    this.tail = this.next
    Atomics.store(this.i32, WORD_TAIL, this.tail)
  }

  private free(): number {
    return (this.capacity - ((this.tail - this.head) >>> 0)) | 0
  }

  /** The engine's position; the last sound one when the word cannot be. */
  private soundHead(): number {
    const head = Atomics.load(this.i32, WORD_HEAD)
    const used = (this.tail - head) >>> 0
    return used <= this.capacity && (used & 7) === 0 ? head : this.head
  }
}
