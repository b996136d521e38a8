// Room card: strategy/records
// In:    nothing; these are the two shapes the dispatch loop needs of a ring.
// Out:   `RecordSource` (records to consume in place) and `CommandSink` (records to produce in place).
// Holds: a record's words stay as they are from `peek` to `advance`.
// Costs: an interface; each has one implementation in a process, so that calls stay monomorphic.

/** Records to consume, oldest first. */
export interface RecordSource {
  /** The words that `peek` points into. */
  readonly words: Int32Array
  /** Index of the first word of the oldest record not yet consumed; -1 when there is none. Repeatable. */
  peek(): number
  /** Consumes the record `peek` pointed at. */
  advance(): void
  /** Records lost because the reader was behind, so far. */
  readonly missed: number
}

/** A place for records on their way to the engine. */
export interface CommandSink {
  /** The words that `claim` points into. */
  readonly words: Int32Array
  /** The same memory as bytes, for text and frames. */
  readonly bytes: Uint8Array
  /** Room for a record of `length` bytes, header included: the index of its first word, or -1 when there is no room now. */
  claim(type: number, length: number): number
  /** Publishes the claimed record. */
  commit(): void
}
