// Room card: engine/batch
// In:    records in the order of the engine's one sequence.
// Out:   batches of them: to a handler at once, or to a loop that asks for the next.
// Holds: a batch and its views are valid until its step is over; what was lost before it is in it, exactly.
// Costs: one copy of a record; no allocation but where a batch grows for the first time.
import { fail } from '../errors.js'
import { record as records } from '../generated/layout.js'
import { checkedView, type Step } from '../strategy/checked-views.js'
import { readU64 } from '../strategy/decode.js'
import { MarketEventView, type MarketEventCopy } from '../strategy/event-view.js'
import type { Recorder } from '../strategy/host.js'
import { OrderEventView, type OrderEventCopy } from '../strategy/views.js'

/** An event of a batch: `kind` tells the two apart. */
export type EventView = MarketEventView | OrderEventView
/** What `copy()` of an event keeps. */
export type EventCopy = MarketEventCopy | OrderEventCopy

/** Takes a batch of events. What it is given is valid until it returns; it must not be async. */
export type BatchHandler = (batch: EventBatch) => void

const RECORD_WORDS_MAX = 32
const RECORDS_FIRST = 256

/** Market and order events in the order they happened. Valid until its step is over; `copy()` keeps. */
export class EventBatch implements Iterable<EventView> {
  /** How many events. */
  length: number = 0
  /** Market events lost since the batch before this one: this thread was too slow for the market ring. Exact. */
  missed: number = 0
  /** Order events lost since the batch before this one. Exact. The image that follows them says what stands. */
  lost: number = 0
  private words: Int32Array = new Int32Array(RECORDS_FIRST * RECORD_WORDS_MAX)
  private starts: Int32Array = new Int32Array(RECORDS_FIRST)
  private used: number = 0
  private readonly market: MarketEventView = new MarketEventView()
  private readonly order: OrderEventView = new OrderEventView()
  private readonly step: Step | undefined

  /** With a step, a view used after it throws. */
  constructor(step?: Step) {
    this.step = step
  }

  /**
   * The event at a place. One object of each class for all places: the next call points it anew.
   * @throws FafnirError ARGUMENT_INVALID when there is no such place
   */
  at(index: number): EventView {
    if (!(index >= 0 && index < this.length)) {
      throw fail('ARGUMENT_INVALID', 'no such event in the batch', { index, length: this.length })
    }
    const { words, step } = this
    const start = this.starts[index]!
    const view = words[start + 1] === records.RECORD_ORDER ? this.order : this.market
    view.point(words, start)
    return step === undefined ? view : checkedView(view, step)
  }

  /** The events in order. */
  *[Symbol.iterator](): Iterator<EventView> {
    for (let i = 0; i < this.length; i += 1) yield this.at(i)
  }

  /** Own objects with the same values. */
  copy(): EventCopy[] {
    return Array.from({ length: this.length }, (_, i) => this.at(i).copy())
  }

  /** Adds a record. Used by who fills the batch. */
  add(words: Int32Array, at: number, type: number): void {
    if (type === records.RECORD_GAP) {
      this.lost += readU64(words, at + 2)
      return
    }
    const count = type === records.RECORD_ORDER ? RECORD_WORDS_MAX : RECORD_WORDS_MAX / 2
    if (this.length === this.starts.length || this.used + count > this.words.length) this.grow()
    const { used } = this
    for (let i = 0; i < count; i += 1) this.words[used + i] = words[at + i]!
    this.starts[this.length] = used
    this.used = used + count
    this.length += 1
  }

  /** Empties it. Used by who fills the batch. */
  clear(): void {
    this.length = 0
    this.used = 0
    this.missed = 0
    this.lost = 0
  }

  private grow(): void {
    const words = new Int32Array(this.words.length * 2)
    words.set(this.words)
    const starts = new Int32Array(this.starts.length * 2)
    starts.set(this.starts)
    this.words = words
    this.starts = starts
  }
}

/** What a recorder is made of. */
export interface BatchRecorderOptions {
  /** Market records lost so far. */
  readonly missed: () => number
  /** Called with every full batch, and by `flush`; without it the batch grows until it is taken. */
  readonly deliver?: BatchHandler | undefined
  /** Events of a batch at most. */
  readonly maxRecords: number
  readonly checkViews: boolean
}

/** Fills batches. */
export class BatchRecorder implements Recorder {
  private readonly options: BatchRecorderOptions
  private readonly step: Step = { number: 0 }
  private readonly batch: EventBatch
  private missed: number

  constructor(options: BatchRecorderOptions) {
    this.options = options
    this.batch = new EventBatch(options.checkViews ? this.step : undefined)
    this.missed = options.missed()
  }

  record(words: Int32Array, at: number, type: number): void {
    this.batch.add(words, at, type)
    if (this.options.deliver !== undefined && this.batch.length >= this.options.maxRecords) this.flush()
  }

  /** Delivers what there is. */
  flush(): void {
    const batch = this.take()
    if (batch === undefined) return
    try {
      this.options.deliver?.(batch)
    } finally {
      this.done()
    }
  }

  /** The batch, when there is something in it. `done` ends its step. */
  take(): EventBatch | undefined {
    const { batch } = this
    const missed = this.options.missed()
    batch.missed = missed - this.missed
    if (batch.length === 0 && batch.missed === 0 && batch.lost === 0) return undefined
    this.missed = missed
    return this.options.checkViews ? checkedView(batch, this.step) : batch
  }

  /** The batch taken last is over. */
  done(): void {
    this.batch.clear()
    this.step.number += 1
  }
}

/** `maxRecords` of an option, checked. */
export function maxRecordsOf(value: number | undefined, standard: number): number {
  const max = value ?? standard
  if (!Number.isInteger(max) || max < 1 || max > MAX_RECORDS) {
    throw fail('ARGUMENT_INVALID', 'maxRecords is a whole number', { maxRecords: max, allowed: `1 to ${MAX_RECORDS}` })
  }
  return max
}

const MAX_RECORDS = 65_536
