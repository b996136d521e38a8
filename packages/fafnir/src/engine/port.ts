// Room card: engine/port
// In:    what `engine.port()` gave, sent to any thread of this process.
// Out:   that thread's own reader of the engine: strategy, batches, newest state; its own way to give commands.
// Holds: one reader a port, with a cursor of its own in the market ring and an orders ring of its own; a port that is
//        closed, or whose thread ends however, leaves no order behind.
// Costs: as the engine's own delivery: rings read without a call, asleep until native code rings.
import { FafnirError, asFault, fail } from '../errors.js'
import type { EngineConfig } from '../generated/config.js'
import { guarded, native, type PortLink } from '../native.js'
import { CommandWriter } from '../ring/command-writer.js'
import { MarketReader } from '../ring/market-reader.js'
import { OrdersReader } from '../ring/orders-reader.js'
import { RegistersReader } from '../ring/registers.js'
import type { CommandSink } from '../strategy/commands.js'
import type { StrategyContext } from '../strategy/context.js'
import type { AnyStrategy, StrategyDefinition } from '../strategy/define.js'
import { StrategyHost, type StrategyOutcome } from '../strategy/host.js'
import { coreMath } from '../strategy/math.js'
import { quoterCheck } from '../strategy/quoter-check.js'
import { instrumentsOf, type Instrument } from '../units.js'
import { BatchRecorder, maxRecordsOf, type BatchHandler, type EventBatch } from './batch.js'
import { hasEnded, readLatest, type Latest } from './latest.js'
import { PollLoop, canSleep } from './poll-loop.js'

/**
 * A place at a running engine for one reader, in any thread of this process: send it with `postMessage` or as
 * `workerData`, and give it to `attach` there. Its memory is shared, not copied.
 */
export interface EnginePort {
  /** The configuration that runs. */
  readonly config: EngineConfig
  /** Number of the port: references and timers of its strategy bear it. */
  readonly producer: number
  /** Name of its doorbell in native code. */
  readonly bell: number
  readonly market: Uint8Array
  readonly orders: Uint8Array
  /** Absent where the port only reads. */
  readonly commands?: Uint8Array | undefined
  readonly latest: Uint8Array
}

/** How a port is attached. */
export interface AttachOptions {
  /** A view used after its step throws. Allocates at every event. Default: false. */
  readonly checkViews?: boolean | undefined
  /** Told of every fault that no call of yours can throw: a halted strategy, a handler that threw, lost records. */
  readonly onFault?: ((error: FafnirError) => void) | undefined
}

/** How batches are asked for. */
export interface BatchesOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
  /** Events of a batch, about: order events that precede its last market event are added. Default: 1024. */
  readonly maxRecords?: number | undefined
}

const RECORDS_PER_POLL = 16_384
const BATCH_RECORDS = 1_024

/**
 * Joins an engine of this process through a port, in the thread that calls it.
 *
 * @throws FafnirError ARGUMENT_INVALID when it is no port, was attached before or its engine is closed; RING_INVALID;
 * NATIVE_MISSING.
 *
 * @example
 * // In the worker:
 * await using engine = attach(workerData.port)
 * engine.use(strategy)
 * await engine.closed
 */
export function attach(port: EnginePort, options: AttachOptions = {}): AttachedEngine {
  const views = [port?.market, port?.orders, port?.latest, ...(port?.commands === undefined ? [] : [port.commands])]
  const sound = views.every((view) => view instanceof Uint8Array) && Number.isInteger(port.bell)
  if (!sound || !Array.isArray(port.config?.instruments)) {
    throw fail('ARGUMENT_INVALID', 'this is no port of an engine', { type: typeof port })
  }
  return new AttachedEngine(port, options)
}

type Use = 'nothing' | 'pushed' | 'pulled'

/** A thread's own reader of an engine. Made by `attach`. */
export class AttachedEngine implements AsyncDisposable {
  /** The configuration that runs. */
  readonly config: EngineConfig
  /** The configured instruments, by id. */
  readonly instruments: readonly Instrument[]
  /** Settles when there is nothing more to come: the engine has ended, or this port was closed. */
  readonly closed: Promise<void>
  private readonly options: AttachOptions
  private readonly market: MarketReader
  private readonly orders: OrdersReader
  private readonly registers: RegistersReader
  private readonly host: StrategyHost
  private readonly link: PortLink
  private readonly loop: PollLoop
  private readonly handlers: Set<BatchRecorder> = new Set()
  private readonly settleClosed: () => void
  private reading: Use = 'nothing'
  private bell: (() => void) | undefined
  private referenced: boolean = true
  private ended: boolean = false
  private used: boolean = false
  private toldOfHalt: boolean = false

  /** Use `attach`. */
  constructor(port: EnginePort, options: AttachOptions) {
    this.config = port.config
    this.options = options
    this.instruments = instrumentsOf(port.config.instruments)
    this.market = new MarketReader(port.market, { from: 'newest' })
    // What is older than the registers is in them.
    this.market.poll(() => undefined)
    this.orders = new OrdersReader(port.orders)
    this.registers = new RegistersReader(port.latest)
    this.host = new StrategyHost({
      instruments: this.instruments,
      market: this.market,
      orders: this.orders,
      commands: port.commands === undefined ? NO_COMMANDS : new CommandWriter(port.commands),
      math: coreMath(),
      checkQuoter: quoterCheck(),
      maxOrders: port.config.orders?.maxOrders,
      producer: port.producer,
      latest: this.registers,
      joining: true,
      checkViews: options.checkViews,
      tap: { onOrder: ignore, onImage: ignore, onEvent: ignore, onGap: (lost) => this.gap(lost) },
    })
    this.host.state.restore(this.registers)
    this.loop = new PollLoop({
      poll: () => this.poll(),
      busy: () => false,
      orders: this.orders,
      market: this.market,
    })
    let settle: () => void = ignore
    this.closed = new Promise((resolve) => (settle = resolve))
    this.settleClosed = settle
    this.link = guarded(() => new (native().PortLink)(port.bell, () => this.ring()))
    this.host.commands.wake = () => this.link.ring()
  }

  /** What a strategy sees and can ask for; for code that is none. Its views are valid until the event loop goes on. */
  get ctx(): StrategyContext {
    return this.host.ctx
  }

  /** Market events this reader lost so far because it was too slow. Exact. */
  get missed(): number {
    return this.market.missed
  }

  /** Order events this reader lost so far because it was too slow. Exact; an image followed each gap. */
  get lost(): number {
    return this.host.lost
  }

  /**
   * Runs a strategy here. One for the port's life; its orders are its own, what it fails in is cancelled for it alone.
   * @throws FafnirError STRATEGY_INVALID; ARGUMENT_INVALID while `batches` runs
   */
  use(strategy: AnyStrategy): void {
    this.take('pushed')
    this.host.use(strategy as StrategyDefinition)
    this.used = true
    this.loop.wake()
  }

  /**
   * Calls a handler with the events of every poll, at most `maxRecords` (default 16384) at a time: the fastest way.
   * A handler that throws is taken off, and `onFault` is told.
   * @returns takes the handler off.
   * @throws FafnirError ARGUMENT_INVALID while `batches` runs
   */
  onBatch(handler: BatchHandler, options: { readonly maxRecords?: number | undefined } = {}): () => void {
    const maxRecords = maxRecordsOf(options.maxRecords, RECORDS_PER_POLL)
    this.take('pushed')
    const off = addHandler(this.handlers, handler, {
      host: this.host,
      missed: () => this.market.missed,
      maxRecords,
      checkViews: this.options.checkViews === true,
      fault: (error) => this.options.onFault?.(error),
    })
    this.loop.wake()
    return off
  }

  /**
   * Batches of events, each made when it is asked for. A consumer that is slow falls behind its rings alone:
   * market events beyond them are missed, order events lost, both counted exactly in the next batch. A batch is valid
   * until the next is asked for. Ends when the signal aborts, the engine ends or the port is closed.
   * @throws FafnirError ARGUMENT_INVALID while something else reads this port
   */
  async *batches(options: BatchesOptions = {}): AsyncGenerator<EventBatch, void, undefined> {
    const maxRecords = maxRecordsOf(options.maxRecords, BATCH_RECORDS)
    this.take('pulled')
    const { host, market } = this
    const checkViews = this.options.checkViews === true
    const recorder = new BatchRecorder({ missed: () => market.missed, maxRecords, checkViews })
    host.recorder = recorder
    const { signal } = options
    try {
      while (signal?.aborted !== true && !this.ended) {
        host.poll(maxRecords)
        const batch = recorder.take()
        if (batch === undefined) {
          if (hasEnded(this.registers) && canSleep(this.orders, this.market)) return
          await this.sleep(signal)
          continue
        }
        try {
          yield batch
        } finally {
          recorder.done()
        }
        // Other work of this thread has its turn between two batches.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      host.recorder = undefined
      this.reading = 'nothing'
    }
  }

  /**
   * The newest state of a symbol, whether its events were read or not.
   * @throws FafnirError UNKNOWN_SYMBOL; RING_CORRUPT when the engine's thread died while it wrote it
   */
  latest(symbol: string): Latest {
    return latestOf(this.registers, this.instruments, symbol)
  }

  /** The engine's kill switch: everything of everybody is cancelled, every new order refused. Idempotent. */
  kill(): void {
    this.link.kill()
  }

  /** Lets the process end while the port is attached. */
  unref(): void {
    this.referenced = false
    this.loop.unref()
  }

  /** Keeps the process alive while the port is read. The default. */
  ref(): void {
    this.referenced = true
    this.loop.ref()
  }

  /** Stops reading; what this port's strategy has open is cancelled. How the strategy ended. Idempotent. */
  async close(): Promise<StrategyOutcome | undefined> {
    this.end()
    return this.used ? this.host.outcome() : undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private take(use: 'pushed' | 'pulled'): void {
    if (this.ended) throw fail('ENGINE_CLOSED', 'the port is closed')
    if (this.reading !== 'nothing' && (this.reading !== use || use === 'pulled')) {
      throw fail('ARGUMENT_INVALID', 'a port has one reader: take another port', { use: this.reading })
    }
    this.reading = use
  }

  private ring(): void {
    if (this.reading === 'pushed') this.loop.wake()
    this.bell?.()
  }

  private async sleep(signal: AbortSignal | undefined): Promise<void> {
    let wake: () => void = ignore
    const woken = new Promise<void>((resolve) => (wake = resolve))
    this.bell = wake
    signal?.addEventListener('abort', wake, { once: true })
    // The doorbell alone keeps no process alive.
    const alive = setInterval(ignore, 2 ** 30)
    if (!this.referenced) alive.unref()
    try {
      if (canSleep(this.orders, this.market) && !hasEnded(this.registers) && signal?.aborted !== true) await woken
    } finally {
      clearInterval(alive)
      this.bell = undefined
      signal?.removeEventListener('abort', wake)
    }
  }

  private poll(): number {
    const { host } = this
    const { written } = host.commands
    try {
      const seen = host.poll(RECORDS_PER_POLL)
      for (const recorder of this.handlers) recorder.flush()
      if (host.commands.written !== written) this.link.ring()
      const { error } = host.outcome()
      if (error !== undefined && !this.toldOfHalt) {
        this.toldOfHalt = true
        this.options.onFault?.(error)
      }
      if (seen === 0 && hasEnded(this.registers) && this.orders.isEmpty() && this.market.isEmpty()) this.end()
      return seen
    } catch (error) {
      // The rings cannot be trusted any more, so neither can what a strategy here believes.
      this.end()
      this.options.onFault?.(asFault('RING_CORRUPT', 'the port cannot go on', error))
      return 0
    }
  }

  private gap(lost: number): void {
    this.options.onFault?.(fail('MISSED_REPORT', 'order records were lost because this thread was behind', { lost }))
  }

  private end(): void {
    if (this.ended) return
    this.ended = true
    this.loop.stop()
    this.host.stop()
    this.link.close()
    this.bell?.()
    this.settleClosed()
  }
}

/** The newest state of a symbol. @throws FafnirError UNKNOWN_SYMBOL, RING_CORRUPT */
export function latestOf(registers: RegistersReader, instruments: readonly Instrument[], symbol: string): Latest {
  const instrument = instruments.find((known) => known.symbol === symbol)
  if (instrument === undefined) {
    const allowed = instruments.map((known) => known.symbol).join(' ')
    throw fail('UNKNOWN_SYMBOL', `no instrument "${symbol}"`, { symbol, allowed })
  }
  const latest = readLatest(registers, instrument.id)
  if (latest === undefined) throw fail('RING_CORRUPT', 'a register was left half written', { symbol })
  return latest
}

/** What a batch handler is added with. */
export interface HandlerParts {
  readonly host: StrategyHost
  readonly missed: () => number
  readonly maxRecords: number
  readonly checkViews: boolean
  readonly fault: (error: FafnirError) => void
}

/** Adds a handler to those of one host; the result takes it off. */
export function addHandler(handlers: Set<BatchRecorder>, handler: BatchHandler, parts: HandlerParts): () => void {
  const { host, missed, maxRecords, checkViews, fault } = parts
  const off = (): void => {
    handlers.delete(recorder)
    if (handlers.size === 0) host.recorder = undefined
  }
  const deliver = (batch: EventBatch): void => {
    try {
      handler(batch)
    } catch (error) {
      off()
      fault(asFault('STRATEGY_THREW', 'onBatch threw', error, { handler: 'onBatch' }))
    }
  }
  const recorder = new BatchRecorder({ missed, deliver, maxRecords, checkViews })
  handlers.add(recorder)
  host.recorder = {
    record: (words, at, type) => {
      for (const each of handlers) each.record(words, at, type)
    },
  }
  return off
}

function ignore(): void {
  return undefined
}

// A port that only reads: whoever asks it for an order is told so.
const NO_COMMANDS: CommandSink = {
  i32: new Int32Array(0),
  u8: new Uint8Array(0),
  begin() {
    throw fail('ARGUMENT_INVALID', 'the port only reads: make it with commands')
  },
  commit: ignore,
}
