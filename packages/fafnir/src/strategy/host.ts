// Room card: strategy/host
// In:    the market and orders rings.
// Out:   handlers called in the order of the engine's one sequence; commands that name the last event consumed.
// Holds: one dispatch loop for every driver; state before handlers; a handler that throws is never called again, its
//        quotes are pulled, and the records go on being consumed.
// Costs: some ten loads, the stores of the state and one call a record; no allocation (test: host.alloc).
//
// The merge. Both rings carry parts of one gapless sequence, and the engine writes in order. The market ring leads: a
// record of it that does not follow the last one consumed waits until every order record before it was delivered;
// whatever precedes it was visible before it was. An order record that does not follow waits for one more look at the
// market ring: what is still missing then was overwritten before we read it, and is counted by the reader.
import { FafnirError, fail } from '../errors.js'
import { codeNumber } from '../generated/codes.js'
import { EventKind, OrderEventKind, OrderEventLayout, flag, record as records } from '../generated/layout.js'
import type { RecordCursor } from '../ring/record-cursor.js'
import type { RegistersReader } from '../ring/registers.js'
import type { Instrument } from '../units.js'
import { checkedView, type Step } from './checked-views.js'
import { CommandEncoder, type CommandSink } from './commands.js'
import { StrategyContext, type CoreMath, type QuoterCheck, type SessionStart } from './context.js'
import { ID, KIND_FLAGS_INSTRUMENT, SEQUENCE, SIDE_DETAIL_CODE, TIME, TWO_32, readU64 } from './decode.js'
import { parameterRefusal } from './parameter-refusal.js'
import type { StrategyDefinition } from './define.js'
import { OrderTable } from './order-table.js'
import { MarketState } from './state.js'
import { BookView, OrderEventView, TradeView } from './views.js'

/** A ring as the dispatch loop reads it. */
export interface RecordSource {
  /** Gives up to `max` records to the handler; how many. */
  poll(handler: (record: RecordCursor) => void, max: number): number
}

/** The market ring: it may lose records. */
export interface LossySource extends RecordSource {
  /** Records lost because the reader was behind. */
  readonly missed: number
}

/** Sees records of its own interest before the strategy does: gateways take requests here, feeds snapshot wishes. */
export interface HostTap {
  /** An order event. */
  onOrder(words: Int32Array, at: number, kind: number): void
  /** A record of the full image that follows a gap: an open order as it stands. */
  onImage(words: Int32Array, at: number): void
  /** A market event that is no trade, touch, level or volatility. */
  onEvent(words: Int32Array, at: number, kind: number): void
  /** Order records were lost; a full image follows. */
  onGap(lost: number): void
}

/** What a host is made of. */
export interface HostOptions {
  readonly instruments: readonly Instrument[]
  readonly market: LossySource
  readonly orders: RecordSource
  readonly commands: CommandSink
  readonly math: CoreMath
  /** Checks parameters before they are sent. Default: only the engine does. */
  readonly checkQuoter?: QuoterCheck | undefined
  readonly strategy?: StrategyDefinition | undefined
  readonly tap?: HostTap | undefined
  /** Open orders the strategy may have. Default: 4096. */
  readonly maxOrders?: number | undefined
  /** Number of this thread among those that give the engine commands. Default: 0, the thread that owns the engine. */
  readonly producer?: number | undefined
  /** Where the newest state is taken from after market records were lost. */
  readonly latest?: RegistersReader | undefined
  /** The first record is that of an image: handlers are called once it is complete. Default: false. */
  readonly joining?: boolean | undefined
  /** A view used after its step throws. Allocates at every event. Default: false. */
  readonly checkViews?: boolean | undefined
}

/** Sees every record after the state has taken it in. */
export interface Recorder {
  /** `at` is the record's first word; valid until this returns. */
  record(words: Int32Array, at: number, type: number): void
}

/** How a strategy ended. */
export interface StrategyOutcome {
  /** A handler threw; the rest of the run went on without it. */
  readonly halted: boolean
  /** STRATEGY_THREW with the handler, the moment and the cause (MISSED_REPORT when order records were lost). */
  readonly error: FafnirError | undefined
  /** Records consumed. */
  readonly events: number
  /** Commands sent. */
  readonly commands: number
  /** Orders refused before they were sent because they were no orders. */
  readonly invalidOrders: number
  /** Market records lost because the reader was behind. */
  readonly missed: number
}

/** Delivers records to a strategy. */
export class StrategyHost {
  /** Sequence of the last record consumed. */
  sequence: number = 0
  /** Records consumed. */
  events: number = 0
  /** Order records lost. */
  lost: number = 0
  /** Sees every record. */
  recorder: Recorder | undefined = undefined
  readonly ctx: StrategyContext
  readonly state: MarketState
  readonly table: OrderTable
  readonly commands: CommandEncoder
  private readonly market: LossySource
  private readonly orders: RecordSource
  private readonly tap: HostTap | undefined
  private strategy: StrategyDefinition | undefined
  private begun: boolean = false
  private readonly start: SessionStart = { low: 0, high: 0, known: false }
  private readonly step: Step = { number: 0 }
  private readonly checkViews: boolean
  private readonly book: BookView
  private readonly trade: TradeView = new TradeView()
  private readonly orderEvent: OrderEventView = new OrderEventView()
  private readonly handed: StrategyContext
  private running: string = ''
  private failure: FafnirError | undefined
  private faultUnsaid: boolean = false
  private live: boolean
  /** Orders and positions are whole: there is no gap whose image has not come yet. */
  private whole: boolean
  /** Handlers are called. */
  private handling: boolean
  private gapLost: number = 0
  private missed: number = 0
  private readonly latest: RegistersReader | undefined
  private readonly firstTimerId: number
  private readonly held: Int32Array = new Int32Array(OrderEventLayout.bytes / 4)
  /** Type of the order record held back; 0 when none is. */
  private heldType: number = 0
  private heldGap: boolean = false
  private heldSequence: number = 0

  constructor(options: HostOptions) {
    const { instruments, strategy } = options
    this.market = options.market
    this.orders = options.orders
    this.tap = options.tap
    this.strategy = strategy
    this.live = strategy !== undefined
    this.whole = options.joining !== true
    this.handling = this.live && this.whole
    this.latest = options.latest
    const producer = options.producer ?? 0
    this.firstTimerId = (producer + 1) * TWO_32
    this.checkViews = options.checkViews ?? false
    this.state = new MarketState(instruments.length, producer)
    this.table = new OrderTable(options.maxOrders ?? 4096, producer)
    this.commands = new CommandEncoder(options.commands)
    this.book = new BookView(this.state)
    this.ctx = new StrategyContext({
      params: strategy?.params,
      instruments,
      math: options.math,
      state: this.state,
      table: this.table,
      commands: this.commands,
      start: this.start,
      producer,
      checkQuoter: options.checkQuoter,
    })
    this.handed = this.ctx
    if (this.checkViews) this.handed = checkedContext(this.ctx, this.step)
  }

  /**
   * Delivers what waits in the rings, about `most` records; returns how many.
   * @throws FafnirError RING_CORRUPT when the memory of a ring holds what no writer writes.
   */
  poll(most: number): number {
    const before = this.events
    this.commands.batching = true
    try {
      this.deliverAll(most, before)
      if (this.faultUnsaid) this.sayFault()
    } finally {
      this.commands.batching = false
    }
    return this.events - before
  }

  private deliverAll(most: number, before: number): void {
    this.market.poll(this.onMarket, most)
    while (this.events - before < most && this.holdOrder()) {
      const follows = this.heldGap || this.heldSequence <= this.sequence + 1
      // Something before it is missing: by now it is visible in the market ring, or it is lost.
      if (!follows && this.market.poll(this.onMarket, most) > 0) continue
      this.deliverHeld()
    }
  }

  /**
   * Gives a host that runs without a strategy one; `onStart` comes before the next event.
   * @throws FafnirError STRATEGY_INVALID when it has one
   */
  use(strategy: StrategyDefinition): void {
    if (this.strategy !== undefined) throw fail('STRATEGY_INVALID', 'the engine has a strategy already')
    this.strategy = strategy
    this.ctx.params = strategy.params
    this.live = true
    this.handling = this.whole
  }

  /** The last call of a run: `onStop`, unless a handler threw. */
  stop(): StrategyOutcome {
    try {
      if (this.live && this.begun && this.strategy?.onStop !== undefined) {
        this.running = 'onStop'
        this.strategy.onStop(this.handed)
      }
    } catch (error) {
      this.halt(error)
    }
    this.live = false
    this.handling = false
    return this.outcome()
  }

  /** How it stands. */
  outcome(): StrategyOutcome {
    return {
      halted: this.failure !== undefined,
      error: this.failure,
      events: this.events,
      commands: this.commands.written,
      invalidOrders: this.ctx.invalidOrders,
      missed: this.market.missed,
    }
  }

  // One closure for the whole run; the readers call it for every record.
  private readonly onMarket = (record: RecordCursor): void => {
    const { i32, word } = record
    if (this.market.missed !== this.missed) this.afterMiss()
    const sequence = readU64(i32, word + SEQUENCE)
    if (sequence !== this.sequence + 1) {
      while (this.holdOrder() && (this.heldGap || this.heldSequence < sequence)) this.deliverHeld()
    }
    this.deliver(i32, word, record.type)
  }

  // An order record is kept in memory of our own: its place in the ring is the writer's again after the poll.
  private readonly onOrder = (record: RecordCursor): void => {
    const { i32, word } = record
    const words = Math.min((record.length + 3) >> 2, this.held.length)
    for (let i = 0; i < words; i += 1) this.held[i] = i32[word + i]!
    this.heldType = record.type
    this.heldGap = record.type === records.RECORD_GAP
    this.heldSequence = this.heldGap ? 0 : readU64(this.held, SEQUENCE)
  }

  private afterMiss(): void {
    this.missed = this.market.missed
    if (this.latest !== undefined) this.state.restore(this.latest)
  }

  private holdOrder(): boolean {
    return this.heldType !== 0 || this.orders.poll(this.onOrder, 1) > 0
  }

  private deliverHeld(): void {
    const type = this.heldType
    this.heldType = 0
    this.deliver(this.held, 0, type)
  }

  private deliver(words: Int32Array, at: number, type: number): void {
    this.events += 1
    try {
      this.consume(words, at, type)
    } catch (error) {
      this.halt(error)
    }
    if (this.recorder !== undefined) this.recorder.record(words, at, type)
  }

  private consume(words: Int32Array, at: number, type: number): void {
    if (type === records.RECORD_GAP) {
      this.consumeGap(readU64(words, at + 2))
      return
    }
    // Records of an image, and the cancels of an engine that halted, stand outside the sequence.
    const sequence = readU64(words, at + SEQUENCE)
    if (sequence !== 0) {
      this.sequence = sequence
      this.commands.causeSequence = sequence
    }
    if (!this.start.known) this.setStart(words, at)
    this.ctx.now =
      (words[at + TIME + 1]! - this.start.high) * TWO_32 + ((words[at + TIME]! >>> 0) - (this.start.low >>> 0))
    if (this.handling && !this.begun) this.begin()
    if (type === records.RECORD_EVENT) this.consumeEvent(words, at)
    else if (type === records.RECORD_ORDER) this.consumeOrder(words, at)
    this.step.number += 1
  }

  private consumeGap(lost: number): void {
    this.lost += lost
    this.gapLost += lost
    this.whole = false
    this.handling = false
    this.table.clear()
    this.state.position.fill(0)
    this.tap?.onGap(lost)
    const { strategy } = this
    if (!this.live || strategy === undefined || strategy.onGap !== undefined) return
    if (strategy.onFill === undefined && strategy.onOrder === undefined) return
    // Orders and positions will be whole again, but what the strategy itself has counted is not.
    this.running = 'orders ring'
    throw fail('MISSED_REPORT', 'order records were lost because this thread was behind', { lost })
  }

  private imageEnds(): void {
    if (this.whole) return
    this.whole = true
    this.handling = this.live
    if (!this.handling) return
    const lost = this.gapLost
    this.gapLost = 0
    if (!this.begun) {
      this.begin()
      // What was known before this reader joined.
      if (this.state.dirtyCount > 0) this.deliverBooks()
    } else if (lost > 0 && this.strategy?.onGap !== undefined) {
      this.running = 'onGap'
      this.strategy.onGap(lost, this.handed)
    }
  }

  private setStart(words: Int32Array, at: number): void {
    this.start.low = words[at + TIME]!
    this.start.high = words[at + TIME + 1]!
    this.start.known = true
  }

  private begin(): void {
    this.begun = true
    if (this.strategy?.onStart === undefined) return
    this.running = 'onStart'
    this.strategy.onStart(this.handed)
  }

  private consumeEvent(words: Int32Array, at: number): void {
    const head = words[at + KIND_FLAGS_INSTRUMENT]!
    const kind = head & 0xff
    const instrument = head >>> 16
    const { state } = this
    if (instrument >= state.count) return
    state.applyEvent(words, at, kind, instrument)
    switch (kind) {
      case EventKind.Touch:
      case EventKind.Volatility:
      case EventKind.Depth:
      case EventKind.Level:
        break
      case EventKind.Trade:
        if (this.handling && this.strategy?.onTrade !== undefined) this.deliverTrade(words, at)
        break
      case EventKind.Timer:
        if (this.handling && this.strategy?.onTimer !== undefined) this.deliverTimer(words, at)
        break
      case EventKind.Fault:
        this.tap?.onEvent(words, at, kind)
        if (this.handling && this.strategy?.onQuoterRefused !== undefined) this.deliverRefusal(words, at, instrument)
        break
      default:
        this.tap?.onEvent(words, at, kind)
    }
    if (((head >>> 8) & flag.LAST) !== 0 && state.dirtyCount > 0) this.deliverBooks()
  }

  private deliverTrade(words: Int32Array, at: number): void {
    this.running = 'onTrade'
    const trade = this.trade.point(words, at)
    this.strategy!.onTrade!(this.checkViews ? checkedView(trade, this.step) : trade, this.handed)
  }

  private deliverTimer(words: Int32Array, at: number): void {
    // Smaller ids are the engine's or another producer's, larger ones another producer's.
    const id = readU64(words, at + ID) - this.firstTimerId
    if (id < 0 || id >= TWO_32) return
    this.running = 'onTimer'
    this.strategy!.onTimer!(id, this.handed)
  }

  private deliverRefusal(words: Int32Array, at: number, instrument: number): void {
    const refusal = parameterRefusal(words, at)
    if (refusal === undefined) return
    this.running = 'onQuoterRefused'
    this.strategy!.onQuoterRefused!(refusal, instrument, this.handed)
  }

  private deliverBooks(): void {
    const { state, strategy } = this
    if (this.handling && strategy?.onBook !== undefined) {
      this.running = 'onBook'
      for (let i = 0; i < state.dirtyCount; i += 1) {
        const book = this.book.point(state.dirty[i]!)
        strategy.onBook(this.checkViews ? checkedView(book, this.step) : book, this.handed)
      }
    }
    state.clearDirty()
  }

  private consumeOrder(words: Int32Array, at: number): void {
    const head = words[at + KIND_FLAGS_INSTRUMENT]!
    const kind = head & 0xff
    const instrument = head >>> 16
    const { state, strategy } = this
    if (instrument >= state.count) return
    // A full image after a gap restores what is open; it is no event of the market.
    const outside = readU64(words, at + SEQUENCE) === 0
    const image = ((head >>> 8) & flag.SNAPSHOT) !== 0 || (outside && kind === OrderEventKind.Accepted)
    if (kind === OrderEventKind.Position) {
      if (words[at + SIDE_DETAIL_CODE]! >>> 16 !== codeNumber.POSITION_MISMATCH) {
        state.applyPosition(words, at, instrument)
      }
      if (image && ((head >>> 8) & flag.LAST) !== 0) this.imageEnds()
      if (image) return
    } else if (kind === OrderEventKind.Fill && !image) {
      state.applyFill(words, at, instrument, words[at + SIDE_DETAIL_CODE]! & 0xff)
    }
    this.table.apply(words, at, image)
    if (image) this.tap?.onImage(words, at)
    else this.tap?.onOrder(words, at, kind)
    if (!this.handling || image || strategy === undefined) return
    const handler = kind === OrderEventKind.Fill ? strategy.onFill : strategy.onOrder
    if (handler === undefined) return
    this.running = kind === OrderEventKind.Fill ? 'onFill' : 'onOrder'
    const event = this.orderEvent.point(words, at)
    handler.call(strategy, this.checkViews ? checkedView(event, this.step) : event, this.handed)
  }

  private halt(thrown: unknown): void {
    if (!this.live) throw thrown
    this.live = false
    this.handling = false
    this.step.number += 1
    this.state.clearDirty()
    const what = thrown instanceof Error ? thrown.message : String(thrown)
    this.failure = fail(
      'STRATEGY_THREW',
      `${this.running} threw: ${what}`,
      { handler: this.running, sequence: this.sequence, nowNanos: this.ctx.now, ...causeFields(thrown) },
      thrown,
    )
    this.faultUnsaid = true
  }

  private sayFault(): void {
    this.faultUnsaid = !this.commands.strategyFault()
  }
}

function causeFields(thrown: unknown): Record<string, string> {
  return thrown instanceof FafnirError ? { cause: thrown.code } : {}
}

// The context itself lives as long as the run; only the views it hands out are bound to a step.
function checkedContext(ctx: StrategyContext, step: Step): StrategyContext {
  const views: ReadonlySet<PropertyKey> = new Set(['book', 'volatility', 'orders'])
  return new Proxy(ctx, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (key === 'orders') return checkedView(value as object, step)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args)
        return views.has(key) ? checkedView(result as object, step) : result
      }
    },
  })
}
