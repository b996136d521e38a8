// Room card: ring/record-cursor
// In:    where a reader found a record.
// Out:   views and word number to read its fields from: one object, reused for every record.
// Holds: valid until the handler returns; what a handler keeps it must copy.
// Costs: nothing per record but three stores.

/** A record as a handler sees it. */
export class RecordCursor {
  /** 32-bit words; the record's header is `i32[word]` (length) and `i32[word + 1]` (type). */
  readonly i32: Int32Array
  /** Bytes; the record starts at `byteOffset`. */
  readonly u8: Uint8Array
  /** 64-bit floats; the float at byte `b` of the record (a multiple of 8) is `f64[(byteOffset + b) / 8]`. */
  readonly f64: Float64Array
  /** Word where the record starts; even. */
  word = 0
  /** Record type. */
  type = 0
  /** Bytes of the record, header included. */
  length = 0

  constructor(i32: Int32Array, u8: Uint8Array, f64: Float64Array) {
    this.i32 = i32
    this.u8 = u8
    this.f64 = f64
  }

  /** Byte where the record starts in `u8`; a multiple of 8. */
  get byteOffset(): number {
    return this.word << 2
  }
}

/** What a reader calls for each record. It must not keep the cursor, nor poll the same reader. */
export type RecordHandler = (record: RecordCursor) => void
