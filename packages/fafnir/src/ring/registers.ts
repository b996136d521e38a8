// Room card: ring/registers
// In:    a region of registers that one native thread writes and never waits for us.
// Out:   the newest state of one register, copied whole.
// Holds: a copy is one state that was written, never parts of two; reading consumes nothing.
// Costs: some thirty plain loads and three atomics a read; no allocation.
//
// The protocol is that of crates/ring/src/registers.rs: the version is odd while the state is being written.
import { attachRing, WORD_DATA } from './layout.js'

const REGISTER_BYTES = 128
const REGISTER_WORDS = REGISTER_BYTES / 4
/** Words of the version and of zeros before the state. */
const STATE_AT = 2
/** Looks at a register; each fails only while the writer is in it, or was between the two loads. */
const ATTEMPTS = 1_000

/** Bytes behind the control block for a number of registers. */
export function registersCapacityBytes(registers: number): number {
  return REGISTER_BYTES * 2 ** Math.ceil(Math.log2(Math.max(registers, 1)))
}

/** A reader of registers. Any number may read one region. */
export class RegistersReader {
  /** How many there are. */
  readonly count: number
  /** The state read last. */
  readonly words: Int32Array
  private readonly i32: Int32Array
  /** An atomic store here keeps the plain loads of a copy before the atomic load after it. */
  private readonly fence: Int32Array = new Int32Array(new SharedArrayBuffer(4))

  /** Throws `ARGUMENT_INVALID` or `RING_INVALID`. */
  constructor(view: Uint8Array) {
    const { i32, capacityBytes } = attachRing(view, 'registers')
    this.i32 = i32
    this.count = capacityBytes / REGISTER_BYTES
    this.words = new Int32Array(REGISTER_WORDS - STATE_AT)
  }

  /**
   * Copies a register into `words`. False when there is no such register, or when a writer that died in it left it half
   * written; `words` holds nothing of use then.
   */
  read(register: number): boolean {
    if (!(register >= 0 && register < this.count)) return false
    const { i32, words } = this
    const at = WORD_DATA + register * REGISTER_WORDS
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const version = Atomics.load(i32, at)
      if ((version & 1) !== 0) continue
      for (let i = 0; i < words.length; i += 1) words[i] = i32[at + STATE_AT + i]!
      // As in market-reader: plain loads do not sink below this store.
      Atomics.store(this.fence, 0, 0)
      if (Atomics.load(i32, at) === version) return true
    }
    return false
  }
}
