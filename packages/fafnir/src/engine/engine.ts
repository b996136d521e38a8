// Room card: engine
// In:    a configuration; feeds, gateways and a strategy that join it; frames, updates and reports pushed by hand.
// Out:   a live engine on a native thread, delivered to this thread through the rings.
// Holds: nothing is sent that risk has not passed; closing cancels first; no signal handler, no global.
// Costs: busy: one poll of the rings a turn of the event loop. Idle: asleep until the native thread rings.
import { jsonOf } from '../backtest/backtest.js'
import { asFault, fail, type FafnirError } from '../errors.js'
import type { EngineConfig } from '../generated/config.js'
import { Control, EventKind } from '../generated/layout.js'
import { guarded, guardedAsync, native, type EngineHost } from '../native.js'
import { logTarget } from '../observe/log.js'
import { Observer, type EngineCounts } from '../observe/observer.js'
import { CONTROL_BYTES } from '../ring/layout.js'
import { KIND_FLAGS_INSTRUMENT } from '../strategy/decode.js'
import type { StrategyContext } from '../strategy/context.js'
import type { AnyStrategy, StrategyDefinition } from '../strategy/define.js'
import { StrategyHost, type StrategyOutcome } from '../strategy/host.js'
import { coreMath } from '../strategy/math.js'
import { quoterCheck } from '../strategy/quoter-check.js'
import { allocateRings, shared, type AttachedRings, type RingMemory, type RingSizes } from '../strategy/rings.js'
import type { BookCopy } from '../strategy/views.js'
import { instrumentsOf, type Instrument } from '../units.js'
import { maxRecordsOf, type BatchHandler, type BatchRecorder, type EventBatch } from './batch.js'
import type { MarketFeed, MarketUpdate } from './feed.js'
import type { ExecutionReport, OrderGateway } from './gateway.js'
import { Inlet } from './inlet.js'
import type { Latest } from './latest.js'
import { partsOf, summaryOf, type EngineOptions, type EngineSummary, type OwnOptions } from './options.js'
import { PollLoop } from './poll-loop.js'
import { addHandler, attach, latestOf, type BatchesOptions, type EnginePort } from './port.js'
import type { EngineStats } from './stats.js'
import { UpdateWriter } from './updates.js'
import { Venues } from './venues.js'

export type { EngineOptions, EngineSummary } from './options.js'

/**
 * Makes and starts an engine.
 *
 * @throws FafnirError CONFIG_INVALID with path, what and allowed; JOURNAL_IO; NATIVE_MISSING.
 *
 * @example
 * await using engine = await createEngine({ venues: [{ name: 'rest', feed: 'normalised' }], instruments: [btc] })
 * await engine.attachGateway(gateway)
 * await engine.attachFeed(feed)
 * engine.use(strategy)
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { config, sizes, own } = partsOf(options)
  const log = await logTarget(options.log)
  const checked = JSON.parse(guarded(() => native().checkConfig('engine', jsonOf(config)))) as EngineConfig
  return new Engine(checked, sizes, { ...own, log })
}

/** Signals that can pull the kill switch. */
export type KillSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2'

/** What a port is made of. */
export interface PortOptions {
  /** It gives commands, too. Default: true. */
  readonly commands?: boolean | undefined
  /** Default: that of the engine. */
  readonly ordersRingBytes?: number | undefined
  /** Default: 65536. */
  readonly commandRingBytes?: number | undefined
}

// Engines of this thread that nobody has closed yet. Native code is not told of `process.exit` and uncaught exceptions.
const unclosed = new Set<EngineHost>()

function closeAll(): void {
  for (const host of unclosed) host.closeNow()
}

function closeAtExit(host: EngineHost): void {
  if (unclosed.size === 0) process.on('exit', closeAll)
  unclosed.add(host)
}

function closed(host: EngineHost): void {
  unclosed.delete(host)
  if (unclosed.size === 0) process.off('exit', closeAll)
}

const RECORDS_PER_POLL = 16_384
const CLOSE_TIMEOUT_MILLIS = 5_000
const CLOSE_LOOK_MILLIS = 5
const PORT_COMMAND_BYTES = 65_536
// Signs of life in the time after which the engine would take this thread for dead.
const SIGNS_PER_DEAD_MAN = 4

/** A live engine. Made by `createEngine`. */
export class Engine implements AsyncDisposable {
  /** The configuration that runs, defaults filled in. */
  readonly config: EngineConfig
  /** The configured instruments, by id. */
  readonly instruments: readonly Instrument[]
  private readonly options: OwnOptions
  private readonly memory: RingMemory
  private readonly host: EngineHost
  private readonly rings: AttachedRings
  private readonly inlet: Inlet
  private readonly updates: UpdateWriter
  private readonly strategy: StrategyHost
  private readonly observer: Observer
  private readonly handlers: Set<BatchRecorder> = new Set()
  private readonly venues: Venues
  private readonly stop: AbortController = new AbortController()
  private readonly loop: PollLoop
  private readonly heart: NodeJS.Timeout | undefined
  private used: boolean = false
  private gap: boolean = false
  private closing: Promise<EngineSummary> | undefined
  private failed: FafnirError | undefined
  private toldOfHalt: boolean = false

  /** Use `createEngine`. */
  constructor(config: EngineConfig, sizes: RingSizes, options: OwnOptions) {
    this.config = config
    this.options = options
    this.instruments = instrumentsOf(config.instruments)
    this.observer = new Observer(this.instruments, config.venues, options.log)
    const rings = allocateRings(sizes, this.instruments.length)
    this.memory = rings.memory
    const text = JSON.stringify(config)
    this.host = guarded(
      () => new (native().EngineHost)(text, JSON.stringify(options.host), this.memory, () => this.loop.wake()),
    )
    closeAtExit(this.host)
    this.rings = rings.attach()
    this.inlet = new Inlet(this.rings.commands, () => this.host.ring())
    this.updates = new UpdateWriter(this.inlet, this.instruments)
    this.venues = new Venues({
      config,
      instruments: this.instruments,
      inlet: this.inlet,
      updates: this.updates,
      signal: this.stop.signal,
      fault: (error) => this.tell(error),
    })
    this.strategy = this.makeHost()
    this.strategy.commands.wake = () => this.host.ring()
    this.loop = new PollLoop({
      poll: () => this.poll(),
      busy: () => this.failed === undefined && this.inlet.flush() > 0,
      ...this.rings,
    })
    // An engine keeps the process alive, asleep or not, until it is closed or `unref` is called.
    this.loop.wake()
    const { deadManMillis } = options.host
    if (deadManMillis !== undefined) {
      this.heart = setInterval(() => this.host.alive(), deadManMillis / SIGNS_PER_DEAD_MAN).unref()
    }
  }

  private makeHost(): StrategyHost {
    return new StrategyHost({
      instruments: this.instruments,
      ...this.rings,
      math: coreMath(),
      checkQuoter: quoterCheck(),
      maxOrders: this.config.orders?.maxOrders,
      checkViews: this.options.checkViews,
      tap: {
        onOrder: (words, at, kind) => {
          this.venues.onOrder(words, at, kind)
          this.observer.order(words, at, kind)
        },
        onImage: (words, at) => this.venues.onImage(words, at),
        onEvent: (words, at, kind) => {
          if (kind === EventKind.SnapshotWanted) this.venues.wantSnapshot(words[at + KIND_FLAGS_INSTRUMENT]! >>> 16)
          this.observer.event(words, at, kind)
        },
        onGap: (lost) => {
          // With gateways here requests may be lost, too; native links lose none.
          this.gap = this.venues.hasGateways
          this.observer.gap(lost)
          this.tell(fail('MISSED_REPORT', 'order records were lost because this thread was behind', { lost }))
        },
      },
    })
  }

  /** Runs a strategy on this engine. One for the engine's life. @throws FafnirError STRATEGY_INVALID */
  use(strategy: AnyStrategy): void {
    this.requireOpen()
    this.strategy.use(strategy as StrategyDefinition)
    this.used = true
  }

  /**
   * Joins market data of one venue.
   * @throws what the feed's `start` throws; FafnirError ARGUMENT_INVALID (the venue has a feed or a native link)
   */
  async attachFeed(feed: MarketFeed): Promise<void> {
    this.requireOpen()
    await this.venues.attachFeed(feed)
  }

  /**
   * Joins the order API of one venue.
   * @throws what the gateway's `start` throws; FafnirError ARGUMENT_INVALID (the venue has a gateway or a native link)
   */
  async attachGateway(gateway: OrderGateway): Promise<void> {
    this.requireOpen()
    await this.venues.attachGateway(gateway)
  }

  /**
   * Pushes a raw frame of a venue's market data, as received.
   * @returns false when the engine has not yet taken earlier input; the frame was not taken.
   * @throws FafnirError INPUT_TOO_LARGE, ARGUMENT_INVALID, ENGINE_CLOSED
   */
  pushFrame(venue: string, bytes: Uint8Array | string): boolean {
    this.requireOpen()
    return this.venues.frame(venue, bytes)
  }

  /**
   * Pushes normalised market data.
   * @returns false when the engine has not yet taken earlier input; the update was not taken.
   * @throws FafnirError OFF_GRID, UNKNOWN_SYMBOL, ENGINE_CLOSED
   */
  pushEvent(update: MarketUpdate): boolean {
    this.requireOpen()
    return this.updates.push(update)
  }

  /**
   * Reports about an order by hand, as a gateway of the instrument's venue would.
   * @throws FafnirError UNKNOWN_ORDER, OFF_GRID, ENGINE_CLOSED
   */
  report(orderId: number, report: ExecutionReport): void {
    this.requireOpen()
    this.venues.report(orderId, report)
  }

  /** What a strategy sees and can ask for; for code that is none. Its views are valid until the event loop goes on. */
  get ctx(): StrategyContext {
    return this.strategy.ctx
  }

  /** Market events this thread lost so far because it was too slow. Exact. */
  get missed(): number {
    return this.rings.market.missed
  }

  /** Order events this thread lost so far because it was too slow. Exact; an image followed each gap. */
  get lost(): number {
    return this.strategy.lost
  }

  /**
   * Calls a handler with the events of every poll, at most `maxRecords` (default 16384) at a time: the fastest way to
   * see them. A handler that throws is taken off, and `onFault` is told.
   * @returns takes the handler off.
   */
  onBatch(handler: BatchHandler, options: { readonly maxRecords?: number | undefined } = {}): () => void {
    this.requireOpen()
    return addHandler(this.handlers, handler, {
      host: this.strategy,
      missed: () => this.rings.market.missed,
      maxRecords: maxRecordsOf(options.maxRecords, RECORDS_PER_POLL),
      checkViews: this.options.checkViews === true,
      fault: (error) => this.tell(error),
    })
  }

  /**
   * Batches of events, each made when it is asked for, from rings of their own: a slow consumer falls behind alone.
   * What it misses is counted exactly in the next batch. A batch is valid until the next is asked for. Ends when the
   * signal aborts or the engine ends.
   * @throws FafnirError ARGUMENT_INVALID when the engine has as many ports as it can have
   */
  async *batches(options: BatchesOptions = {}): AsyncGenerator<EventBatch, void, undefined> {
    const { checkViews } = this.options
    const attached = attach(this.port({ commands: false }), { checkViews })
    try {
      yield* attached.batches(options)
    } finally {
      await attached.close()
    }
  }

  /** The newest state of a symbol as the engine's thread knows it, whether its events were read or not. */
  latest(symbol: string): Latest {
    return latestOf(this.rings.latest, this.instruments, symbol)
  }

  /**
   * A place for one more reader, to be sent to any thread of this process and given to `attach` there, once.
   * @throws FafnirError ARGUMENT_INVALID (a size; as many ports as there can be), ENGINE_CLOSED
   */
  port(options: PortOptions = {}): EnginePort {
    this.requireOpen()
    const orders = shared(options.ordersRingBytes ?? this.memory.orders.byteLength - CONTROL_BYTES)
    const commands = options.commands === false ? null : shared(options.commandRingBytes ?? PORT_COMMAND_BYTES)
    const { producer, bell } = JSON.parse(guarded(() => this.host.addPort(orders, commands))) as {
      readonly producer: number
      readonly bell: number
    }
    const { market, latest } = this.memory
    const port = { config: this.config, producer, bell, market, orders, latest }
    return commands === null ? port : { ...port, commands }
  }

  /** The touch of a symbol as last delivered to this thread. */
  book(symbol: string): BookCopy {
    return this.strategy.ctx.book(this.updates.instrument(symbol).id).copy()
  }

  /** Signed position of a symbol in lots, as last delivered to this thread. */
  position(symbol: string): number {
    return this.strategy.ctx.position(this.updates.instrument(symbol).id)
  }

  /** What the engine's thread shows of itself, at most 50 ms old. @throws FafnirError ENGINE_CLOSED */
  stats(): EngineStats {
    return JSON.parse(guarded(() => this.host.stats())) as EngineStats
  }

  /** How often things happened, as delivered to this thread. */
  counts(): EngineCounts {
    return this.observer.counts()
  }

  /**
   * From now on these signals pull the kill switch, natively: also while the event loop is blocked. For programs; a
   * library leaves signals alone.
   * @throws FafnirError ARGUMENT_INVALID (a name, or a platform without such signals), ENGINE_CLOSED
   */
  killOnSignals(signals: readonly KillSignal[]): void {
    this.requireOpen()
    guarded(() => this.host.killOnSignals([...signals]))
  }

  /** The kill switch: everything is cancelled, every new order refused. Cancels go on. Idempotent. */
  kill(): void {
    if (this.closing === undefined) guarded(() => this.host.kill())
  }

  /** Lets the process end while the engine lives. */
  unref(): void {
    this.loop.unref()
  }

  /** Keeps the process alive while the engine lives. The default. */
  ref(): void {
    this.loop.ref()
  }

  /** Cancels everything, waits for the answers, stops feeds and gateways, joins the native thread. Idempotent. */
  close(): Promise<EngineSummary> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private async shutDown(): Promise<EngineSummary> {
    const outcome = this.strategy.stop()
    try {
      this.inlet.control(Control.Close)
      const end = performance.now() + (this.options.closeTimeoutMillis ?? CLOSE_TIMEOUT_MILLIS)
      // The control takes a moment to come back as cancels; only then does an empty table mean that all is done.
      do {
        await new Promise((resolve) => setTimeout(resolve, CLOSE_LOOK_MILLIS))
        this.poll()
      } while ((this.venues.openOrders > 0 || !this.quiet()) && performance.now() < end && this.failed === undefined)
    } catch (error) {
      this.fail(error)
    }
    this.stop.abort()
    const ended = await guardedAsync(async () => this.host.close())
    closed(this.host)
    // What the last turns published: answers to cancels of native links, the reason of a halt.
    if (this.failed === undefined) this.poll()
    this.loop.stop()
    clearInterval(this.heart)
    await this.venues.close(this.options.closeTimeoutMillis ?? CLOSE_TIMEOUT_MILLIS)
    const strategy = this.used ? outcome : undefined
    return summaryOf(ended, { failed: this.failed, strategy })
  }

  private quiet(): boolean {
    return this.inlet.flush() === 0 && this.rings.market.isEmpty() && this.rings.orders.isEmpty()
  }

  private poll(): number {
    const written = this.strategy.commands.written
    let seen = 0
    try {
      seen = this.strategy.poll(RECORDS_PER_POLL)
      for (const recorder of this.handlers) recorder.flush()
      this.inlet.flush()
      if (this.gap) {
        // Requests may be lost: cancelling everything is the one state that is known to be right.
        this.gap = false
        this.inlet.control(Control.Kill)
      }
    } catch (error) {
      this.fail(error)
    }
    if (this.strategy.commands.written !== written) this.host.ring()
    const { error } = this.strategy.outcome()
    if (error !== undefined && !this.toldOfHalt) {
      this.toldOfHalt = true
      this.tell(error)
    }
    return seen
  }

  // The rings cannot be trusted any more: the native kill switch needs none of them.
  private fail(error: unknown): void {
    if (this.failed !== undefined) return
    this.failed = asFault('RING_CORRUPT', 'the engine cannot go on', error)
    this.host.kill()
    this.tell(this.failed)
  }

  private tell(error: FafnirError): void {
    this.observer.fault(error)
    this.options.onFault?.(error)
  }

  private requireOpen(): void {
    if (this.closing !== undefined) throw fail('ENGINE_CLOSED', 'the engine is closed')
  }
}
