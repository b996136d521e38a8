// Room card: ring/layout
// In:    a view of shared memory that native code, or `formatRing`, made a ring of.
// Out:   where every word stands, and the checked views both sides read and write through.
// Holds: the layout of crates/ring/src/layout.rs, word for word; a fixture written by Rust holds them together.
// Costs: cold path.
import { fail } from '../errors.js'

/** The bytes `FRNG`. */
export const RING_MAGIC = 0x474e_5246
/** Version of the layout. */
export const RING_VERSION = 1
/** Bytes before the ring itself. */
export const CONTROL_BYTES = 640
/** Smallest capacity in bytes. */
export const CAPACITY_BYTES_MIN = 128
/** Largest capacity in bytes. */
export const CAPACITY_BYTES_MAX: number = 1 << 30
/** Checkpoints of a market ring; a record fills at most this part of the capacity. */
export const SEGMENTS = 8
/** Bytes of a record's header: length i32 (negative while being written), type u32. */
export const HEADER_BYTES = 8
/** Record type, read as i32: skip to the next record. */
export const RECORD_PADDING = -1
/** Record type: records were lost; the u64 after the header says how many. */
export const RECORD_GAP = 7

// Words of the control block (32 bits each).
export const WORD_MAGIC = 0
export const WORD_VERSION = 1
export const WORD_KIND = 2
export const WORD_CAPACITY = 3
export const WORD_RECORD_MAX = 4
export const WORD_ORIGIN = 5
export const WORD_TAIL = 32
export const WORD_INTENT = 36
export const WORD_HEAD = 64
export const WORD_SLEEPS = 96
export const WORD_BELL = 97
export const WORD_CHECKPOINTS = 128
export const WORD_DATA: number = CONTROL_BYTES / 4

/** The three rings and the registers beside them, as the control block numbers them. */
export const ringKind = { market: 1, orders: 2, commands: 3, registers: 4 } as const
/** Name of a ring. */
export type RingKind = keyof typeof ringKind

/** What an attached side knows of its ring: checked sizes and views of the whole region. */
export interface RingViews {
  /** Capacity in bytes, a power of two. */
  readonly capacityBytes: number
  /** Largest record in bytes, header included. */
  readonly recordBytesMax: number
  /** The region as 32-bit words; word 160 is the first of the ring. */
  readonly i32: Int32Array
  /** The region as bytes. */
  readonly u8: Uint8Array
  /** The region as 64-bit floats; the float at word w is `f64[w / 2]`. */
  readonly f64: Float64Array
}

/** Bytes to allocate for a ring of a capacity. */
export function regionBytes(capacityBytes: number): number {
  return CONTROL_BYTES + capacityBytes
}

/** Capacity of a region, checked. Throws `ARGUMENT_INVALID`. */
function capacityOf(view: Uint8Array): number {
  const capacityBytes = view.byteLength - CONTROL_BYTES
  const inRange = capacityBytes >= CAPACITY_BYTES_MIN && capacityBytes <= CAPACITY_BYTES_MAX
  if (!inRange || (capacityBytes & (capacityBytes - 1)) !== 0) {
    throw fail('ARGUMENT_INVALID', 'a ring is a control block and a power of two of bytes', {
      bytes: view.byteLength,
      capacityBytesMin: CAPACITY_BYTES_MIN,
      capacityBytesMax: CAPACITY_BYTES_MAX,
    })
  }
  if (view.byteOffset % 8 !== 0) {
    throw fail('ARGUMENT_INVALID', 'a ring starts on a multiple of 8 bytes', { byteOffset: view.byteOffset })
  }
  return capacityBytes
}

function viewsOf(view: Uint8Array, capacityBytes: number): RingViews {
  const { buffer, byteOffset, byteLength } = view
  return {
    capacityBytes,
    recordBytesMax: capacityBytes / SEGMENTS,
    i32: new Int32Array(buffer, byteOffset, byteLength / 4),
    u8: new Uint8Array(buffer, byteOffset, byteLength),
    f64: new Float64Array(buffer, byteOffset, byteLength / 8),
  }
}

/** Checks that the view holds a ring of this kind and layout. Throws `ARGUMENT_INVALID` or `RING_INVALID`. */
export function attachRing(view: Uint8Array, kind: RingKind): RingViews {
  const views = viewsOf(view, capacityOf(view))
  const { i32, capacityBytes, recordBytesMax } = views
  expectWord(i32, WORD_MAGIC, RING_MAGIC, 'magic')
  expectWord(i32, WORD_VERSION, RING_VERSION, 'version')
  expectWord(i32, WORD_KIND, ringKind[kind], 'kind')
  expectWord(i32, WORD_CAPACITY, capacityBytes, 'capacityBytes')
  expectWord(i32, WORD_RECORD_MAX, recordBytesMax, 'recordBytesMax')
  const multipleOf = kind === 'market' ? capacityBytes : HEADER_BYTES
  const originLow = Atomics.load(i32, WORD_ORIGIN)
  if ((originLow & (multipleOf - 1)) !== 0) {
    throw fail('RING_INVALID', 'the first position is not on its boundary', { originLow, multipleOf })
  }
  return views
}

function expectWord(i32: Int32Array, word: number, expected: number, what: string): void {
  const found = Atomics.load(i32, word)
  if (found !== expected) {
    throw fail('RING_INVALID', `the ${what} in the control block is not the one expected`, { what, found, expected })
  }
}

/**
 * Makes the view an empty ring; whatever was there is lost. Native code does this for the rings of an engine;
 * this twin is for rings between two TypeScript threads. Attach both sides afterwards.
 */
export function formatRing(view: Uint8Array, kind: RingKind): void {
  const capacityBytes = capacityOf(view)
  const { i32 } = viewsOf(view, capacityBytes)
  Atomics.store(i32, WORD_MAGIC, 0)
  i32.fill(0, WORD_VERSION, WORD_DATA)
  i32[WORD_VERSION] = RING_VERSION
  i32[WORD_KIND] = ringKind[kind]
  i32[WORD_CAPACITY] = capacityBytes
  i32[WORD_RECORD_MAX] = capacityBytes / SEGMENTS
  Atomics.store(i32, WORD_MAGIC, RING_MAGIC)
}
