// Room card: engine
// In:    a configuration; feeds, gateways and a strategy that join it; frames, updates and reports pushed by hand.
// Out:   a live engine on a native thread, delivered to this thread through the rings.
// Holds: nothing is sent that risk has not passed; closing cancels first; no signal handler, no global.
// Costs: busy: one poll of the rings a turn of the event loop. Idle: asleep until the native thread rings.
import { jsonOf } from '../backtest/backtest.js'
import { FafnirError, fail } from '../errors.js'
import type { EngineConfig } from '../generated/config.js'
import { ConnState, Control, EventKind } from '../generated/layout.js'
import { guarded, native, type EngineHost } from '../native.js'
import { maySleep } from '../ring/doorbell.js'
import { KIND_FLAGS_INSTRUMENT } from '../strategy/decode.js'
import type { AnyStrategy, StrategyDefinition } from '../strategy/define.js'
import { StrategyHost, type StrategyOutcome } from '../strategy/host.js'
import { coreMath } from '../strategy/math.js'
import { allocateRings, type AttachedRings, type RingSizes } from '../strategy/rings.js'
import type { BookCopy } from '../strategy/views.js'
import { instrumentsOf, type Instrument } from '../units.js'
import type { MarketFeed, MarketSink, MarketUpdate } from './feed.js'
import type { ExecutionReport, OrderGateway } from './gateway.js'
import { GatewayLink, delay } from './gateway-link.js'
import { Inlet } from './inlet.js'
import { UpdateWriter } from './updates.js'

/** How an engine is made: its configuration, and what belongs to this process. */
export interface EngineOptions extends EngineConfig, RingSizes {
  /** Folder of the session's state; a journal in it is replayed first and goes on. Default: none is written. */
  readonly stateDir?: string | undefined
  /** A view used after its step throws. Allocates at every event. Default: false. */
  readonly checkViews?: boolean | undefined
  /** Told of every fault that no call of yours can throw: gateway calls, snapshots, a halted strategy. */
  readonly onFault?: ((error: FafnirError) => void) | undefined
  /** How long `close` waits for cancels to be answered, milliseconds. Default: 5000. */
  readonly closeTimeoutMillis?: number | undefined
}

/** What an engine did, at its end. */
export interface EngineSummary {
  /** XXH3-128 of all effects, 32 lower-case hex digits. */
  readonly effectsHash: string
  readonly turns: number
  /** Inputs the engine could not understand. */
  readonly malformed: number
  /** Order records that found no room in the orders ring. */
  readonly dropped: number
  /** Why the engine halted by itself; undefined when it did not. */
  readonly fault: FafnirError | undefined
  /** How the strategy ended; undefined when there was none. */
  readonly strategy: StrategyOutcome | undefined
  /** Orders still open at the venues: their cancels were not answered in time. */
  readonly openOrders: number
}

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
  const { stateDir, checkViews, onFault, closeTimeoutMillis, ...rest } = options
  const { marketRingBytes, ordersRingBytes, commandRingBytes, ...config } = rest
  const checked = JSON.parse(guarded(() => native().checkConfig('engine', jsonOf(config)))) as EngineConfig
  const sizes = { marketRingBytes, ordersRingBytes, commandRingBytes }
  return new Engine(checked, sizes, { stateDir, checkViews, onFault, closeTimeoutMillis })
}

type OwnOptions = Pick<EngineOptions, 'stateDir' | 'checkViews' | 'onFault' | 'closeTimeoutMillis'>

const RECORDS_PER_POLL = 16_384
// Empty polls before the loop sleeps: each is one turn of the event loop.
const IDLE_POLLS = 16
const CLOSE_TIMEOUT_MILLIS = 5_000
const CLOSE_LOOK_MILLIS = 5
const SNAPSHOT_FIRST_MILLIS = 500
const SNAPSHOT_LAST_MILLIS = 30_000
const SNAPSHOT_CONN = 1_024

/** A live engine. Made by `createEngine`. */
export class Engine implements AsyncDisposable {
  /** The configuration that runs, defaults filled in. */
  readonly config: EngineConfig
  /** The configured instruments, by id. */
  readonly instruments: readonly Instrument[]
  private readonly options: OwnOptions
  private readonly host: EngineHost
  private readonly rings: AttachedRings
  private readonly inlet: Inlet
  private readonly updates: UpdateWriter
  private readonly strategy: StrategyHost
  private readonly links: Map<number, GatewayLink> = new Map()
  private readonly feeds: Map<number, MarketFeed> = new Map()
  /** Instruments whose snapshot is being fetched. */
  private readonly fetching: Set<number> = new Set()
  private readonly stop: AbortController = new AbortController()
  private readonly keepAlive: NodeJS.Timeout
  private used: boolean = false
  private scheduled: NodeJS.Immediate | undefined
  private referenced: boolean = true
  private idle: number = 0
  private gap: boolean = false
  private closing: Promise<EngineSummary> | undefined
  private failed: FafnirError | undefined
  private toldOfHalt: boolean = false

  /** Use `createEngine`. */
  constructor(config: EngineConfig, sizes: RingSizes, options: OwnOptions) {
    this.config = config
    this.options = options
    this.instruments = instrumentsOf(config.instruments)
    const rings = allocateRings(sizes)
    const { market, orders, commands } = rings.memory
    const hostOptions = options.stateDir === undefined ? {} : { stateDir: options.stateDir }
    const text = JSON.stringify(config)
    const bell = (): void => this.schedule()
    this.host = guarded(
      () => new (native().EngineHost)(text, JSON.stringify(hostOptions), market, orders, commands, bell),
    )
    this.rings = rings.attach()
    this.inlet = new Inlet(this.rings.commands, () => this.host.ring())
    this.updates = new UpdateWriter(this.inlet, this.instruments)
    this.strategy = new StrategyHost({
      instruments: this.instruments,
      ...this.rings,
      math: coreMath(),
      maxOrders: config.orders?.maxOrders,
      checkViews: options.checkViews,
      tap: {
        onOrder: (words, at, kind) => {
          const instrument = this.instruments[words[at + KIND_FLAGS_INSTRUMENT]! >>> 16]!
          this.linkOf(instrument)?.onOrder(words, at, kind, instrument)
        },
        onImage: (words, at) => {
          const instrument = this.instruments[words[at + KIND_FLAGS_INSTRUMENT]! >>> 16]!
          this.linkOf(instrument)?.onImage(words, at, instrument)
        },
        onEvent: (words, at, kind) => {
          if (kind === EventKind.SnapshotWanted) this.fetchSnapshot(words[at + KIND_FLAGS_INSTRUMENT]! >>> 16)
        },
        onGap: (lost) => {
          this.gap = true
          this.tell(fail('MISSED_REPORT', 'order records were lost because this thread was behind', { lost }))
        },
      },
    })
    // An engine keeps the process alive, asleep or not, until it is closed or `unref` is called.
    this.keepAlive = setInterval(() => undefined, 2 ** 30)
    this.schedule()
  }

  /** Runs a strategy on this engine. One for the engine's life. @throws FafnirError STRATEGY_INVALID */
  use(strategy: AnyStrategy): void {
    this.requireOpen()
    this.strategy.use(strategy as StrategyDefinition)
    this.used = true
  }

  /** Joins market data of one venue. @throws what the feed's `start` throws; FafnirError ARGUMENT_INVALID */
  async attachFeed(feed: MarketFeed): Promise<void> {
    this.requireOpen()
    const venue = this.venueId(feed.venue)
    if (this.feeds.has(venue)) throw fail('ARGUMENT_INVALID', 'the venue has a feed already', { venue: feed.venue })
    this.feeds.set(venue, feed)
    const conn = venue * 2
    const sink: MarketSink = {
      push: (update) => this.pushEvent(update),
      frame: (bytes) => this.pushFrame(feed.venue, bytes),
      up: () => this.conn(conn, ConnState.Up),
      down: () => this.conn(conn, ConnState.Down),
    }
    try {
      await feed.start(sink, this.stop.signal)
    } catch (error) {
      this.feeds.delete(venue)
      throw error
    }
  }

  /** Joins the order API of one venue. @throws what the gateway's `start` throws; FafnirError ARGUMENT_INVALID */
  async attachGateway(gateway: OrderGateway): Promise<void> {
    this.requireOpen()
    const venue = this.venueId(gateway.venue)
    if (this.links.has(venue))
      throw fail('ARGUMENT_INVALID', 'the venue has a gateway already', { venue: gateway.venue })
    const { inlet, stop } = this
    const link = new GatewayLink(gateway, { inlet, signal: stop.signal, fault: (error) => this.tell(error) })
    this.links.set(venue, link)
    const conn = venue * 2 + 1
    try {
      await gateway.start(
        {
          report: (orderId, report) => this.guardedReport(link, orderId, report),
          up: () => this.conn(conn, ConnState.Up),
          down: () => this.conn(conn, ConnState.Down),
        },
        stop.signal,
      )
    } catch (error) {
      this.links.delete(venue)
      throw error
    }
    this.conn(conn, ConnState.Up)
  }

  /**
   * Pushes a raw frame of a venue's market data, as received.
   * @returns false when the engine has not yet taken earlier input; the frame was not taken.
   * @throws FafnirError INPUT_TOO_LARGE, ARGUMENT_INVALID, ENGINE_CLOSED
   */
  pushFrame(venue: string, bytes: Uint8Array | string): boolean {
    this.requireOpen()
    return this.inlet.frame(this.venueId(venue) * 2, typeof bytes === 'string' ? encoder.encode(bytes) : bytes)
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
    for (const link of this.links.values()) {
      if (link.knows(orderId)) return this.guardedReport(link, orderId, report)
    }
    throw fail('UNKNOWN_ORDER', 'no gateway of this engine was given that order', { orderId })
  }

  /** The touch of a symbol as last delivered to this thread. */
  book(symbol: string): BookCopy {
    return this.strategy.ctx.book(this.updates.instrument(symbol).id).copy()
  }

  /** Signed position of a symbol in lots, from the fills delivered to this thread. */
  position(symbol: string): number {
    return this.strategy.ctx.position(this.updates.instrument(symbol).id)
  }

  /** The kill switch: everything is cancelled, every new order refused. Cancels go on. Idempotent. */
  kill(): void {
    if (this.closing === undefined) guarded(() => this.host.kill())
  }

  /** Lets the process end while the engine lives. */
  unref(): void {
    this.referenced = false
    this.keepAlive.unref()
    this.scheduled?.unref()
  }

  /** Keeps the process alive while the engine lives. The default. */
  ref(): void {
    this.referenced = true
    this.keepAlive.ref()
    this.scheduled?.ref()
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
      } while ((this.openOrders() > 0 || !this.quiet()) && performance.now() < end && this.failed === undefined)
    } catch (error) {
      this.fail(error)
    }
    this.stop.abort()
    clearImmediate(this.scheduled)
    clearInterval(this.keepAlive)
    const ended = guarded(() => this.host.close())
    for (const link of this.links.values()) {
      // A call that never settles must not keep the engine from closing.
      if (!(await link.settled(this.options.closeTimeoutMillis ?? CLOSE_TIMEOUT_MILLIS))) {
        this.tell(fail('ACK_TIMEOUT', 'a gateway call had not settled when the engine closed'))
      }
      try {
        await link.gateway.close?.()
      } catch (error) {
        this.tell(asFault('a gateway failed to close', error))
      }
    }
    return this.summaryOf(ended, outcome)
  }

  private summaryOf(json: string, outcome: StrategyOutcome): EngineSummary {
    const raw = JSON.parse(json) as Record<string, unknown>
    const fault = raw['fault'] as { code: FafnirError['code']; message: string; fields: FafnirError['fields'] } | null
    return {
      effectsHash: String(raw['effectsHash']),
      turns: Number(raw['turns']),
      malformed: Number(raw['malformed']),
      dropped: Number(raw['dropped']),
      fault: fault === null ? this.failed : fail(fault.code, fault.message, fault.fields),
      strategy: this.used ? outcome : undefined,
      openOrders: this.openOrders(),
    }
  }

  private openOrders(): number {
    let open = 0
    for (const link of this.links.values()) open += link.openOrders
    return open
  }

  private quiet(): boolean {
    return this.inlet.flush() === 0 && this.rings.market.isEmpty() && this.rings.orders.isEmpty()
  }

  private schedule(): void {
    if (this.scheduled !== undefined || this.stop.signal.aborted) return
    this.scheduled = setImmediate(() => {
      this.scheduled = undefined
      this.turn()
    })
    if (!this.referenced) this.scheduled.unref()
  }

  private turn(): void {
    if (this.poll() > 0) this.idle = 0
    else this.idle += 1
    if (this.failed !== undefined) return
    if (this.idle < IDLE_POLLS || this.inlet.flush() > 0) return this.schedule()
    // Both rings must be empty after both wishes were made, or the doorbell of one would be missed.
    const market = maySleep(this.rings.market)
    const orders = maySleep(this.rings.orders)
    if (!market || !orders) this.schedule()
    else this.idle = 0
  }

  private poll(): number {
    const written = this.strategy.commands.written
    let seen = 0
    try {
      seen = this.strategy.poll(RECORDS_PER_POLL)
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
    this.failed = asFault('the engine cannot go on', error)
    this.host.kill()
    this.tell(this.failed)
  }

  private tell(error: FafnirError): void {
    this.options.onFault?.(error)
  }

  private conn(conn: number, state: ConnState): void {
    if (!this.stop.signal.aborted) this.inlet.conn(conn, state)
  }

  private guardedReport(link: GatewayLink, orderId: number, report: ExecutionReport): void {
    if (this.stop.signal.aborted) throw fail('ENGINE_CLOSED', 'the engine is closed')
    link.report(orderId, report)
  }

  private linkOf(instrument: Instrument): GatewayLink | undefined {
    return this.links.get(this.venueId(instrument.venue))
  }

  private venueId(name: string): number {
    const id = this.config.venues.findIndex((venue) => venue.name === name)
    if (id >= 0) return id
    const allowed = this.config.venues.map((venue) => venue.name).join(' ')
    throw fail('ARGUMENT_INVALID', `no venue "${name}"`, { venue: name, allowed })
  }

  private fetchSnapshot(instrumentId: number): void {
    const instrument = this.instruments[instrumentId]!
    const feed = this.feeds.get(this.venueId(instrument.venue))
    // The engine asks again while it waits; one fetch at a time answers every ask.
    if (feed?.snapshot === undefined || this.fetching.has(instrumentId)) return
    this.fetching.add(instrumentId)
    const attempt = async (): Promise<void> => {
      const { signal } = this.stop
      for (let pause = SNAPSHOT_FIRST_MILLIS; !signal.aborted; pause = Math.min(pause * 2, SNAPSHOT_LAST_MILLIS)) {
        try {
          const body = await feed.snapshot!(instrument.symbol, signal)
          const bytes = typeof body === 'string' ? encoder.encode(body) : body
          if (signal.aborted || this.inlet.frame(SNAPSHOT_CONN + instrumentId, bytes)) return
        } catch (error) {
          this.tell(asFault(`no snapshot of ${instrument.symbol}`, error))
        }
        await delay(pause, signal)
      }
    }
    void attempt().finally(() => this.fetching.delete(instrumentId))
  }

  private requireOpen(): void {
    if (this.closing !== undefined) throw fail('ENGINE_CLOSED', 'the engine is closed')
  }
}

const encoder = new TextEncoder()

function asFault(message: string, error: unknown): FafnirError {
  if (error instanceof FafnirError) return error
  const text = error instanceof Error ? error.message : String(error)
  return fail('BOOK_DISCONNECTED', message, { error: text }, error)
}
