// Room card: fix/host
// In:    a configuration of FIX sessions; what the program sends.
// Out:   `fixAcceptor`, `fixInitiator`: the sessions on a native thread, their events to a handler or a loop.
// Holds: nothing is dropped silently: a program that is too far behind has its peer answered so; closing logs out; no
//        signal handler, no global.
// Costs: busy: one poll of the ring a turn of the event loop. Idle: asleep until the native thread rings.
import { fail } from '../errors.js'
import type { FixAcceptorConfig, FixInitiatorConfig, FixSessionConfig } from '../generated/config.js'
import { PollLoop } from '../engine/poll-loop.js'
import { guarded, guardedAsync, native, type FixHostNative } from '../native.js'
import { maySleep } from '../ring/doorbell.js'
import { regionBytes } from '../ring/layout.js'
import { OrdersReader } from '../ring/orders-reader.js'
import { FixBatch, type FixBatchHost } from './batch.js'
import { FixCommands } from './commands.js'
import { fixDictionary, type FixDictionary } from './dictionary.js'
import { FixLogons, type FixLogonCheck, type FixLogonSigner } from './logon.js'
import { FixSession, type FixMessages, type FixSessionName } from './session.js'

const EVENTS_PER_BATCH = 4_096
const EVENTS_RING_BYTES = 8_388_608
const COMMAND_BYTES = 1_048_576

/** Takes a batch of events. What it is given is valid until it returns; it must not be async. */
export type FixBatchHandler<M extends FixMessages = FixMessages> = (batch: FixBatch<M>) => void

/** What a program says of its side, beside the configuration of the sessions. */
export interface FixOwnOptions<M extends FixMessages = FixMessages> {
  /** Called with the events of every poll. Without it, `batches` or a later `onBatch` reads them. */
  readonly onBatch?: FixBatchHandler<M> | undefined
  /**
   * Messages the program takes, by MsgType (35), beside the refusals 3 and j, which always come. Others are answered
   * "Unsupported Message Type" (BusinessMessageReject 380=3 from FIX.4.2, Reject before). Default: all.
   */
  readonly accepts?: readonly string[] | undefined
  /**
   * Messages of the peers that are not applied are events, too, of kind `admin`: those of the session itself, those
   * that came before, and those behind a gap, which come again in their turn. Default: false.
   */
  readonly adminMessages?: boolean | undefined
  /** Commands that were carried out are events, too. Default: only those that could not be. */
  readonly results?: boolean | undefined
  /** Bytes of the ring of events, a power of two from 1048576 to 2^30. Default: 8388608. */
  readonly eventsRingBytes?: number | undefined
  /** Bytes of commands that wait in this thread, 65536 to 2^28. Default: 1048576. */
  readonly commandBytes?: number | undefined
}

/** An acceptor's configuration and the program's side of it. */
export type FixAcceptorOptions<M extends FixMessages = FixMessages> = FixAcceptorConfig &
  FixOwnOptions<M> & {
    /** Asked of each valid Logon: names, passwords, signatures. Default: all are let in. */
    readonly checkLogon?: FixLogonCheck<M> | undefined
  }
/** An initiator's configuration and the program's side of it. */
export type FixInitiatorOptions<M extends FixMessages = FixMessages> = FixInitiatorConfig &
  FixOwnOptions<M> & {
    /** Asked before each Logon: further fields of it, such as a signature (see `signedLogon`). Default: none. */
    readonly signLogon?: FixLogonSigner<M> | undefined
  }

/**
 * How far a host's events are behind. All 0 while the program keeps up; `refused` says that peers were told
 * "Application Not Available" and have to send again.
 */
export interface FixHostStats {
  /** Bytes of events that wait for room in the ring, 64 MiB at most. */
  readonly waitingBytes: number
  /** Messages that were refused ("Application not available", 380=4) because no room was left. */
  readonly refused: number
  /** Other events that were dropped for the same reason. */
  readonly lost: number
}

/**
 * Many FIX sessions on one port: the side clients connect to. Every session is there when it resolves, its store open
 * and the port listened on.
 *
 * Costs a thread of its own, and of each session some milliseconds for its dictionary at the start. What is supported
 * per version: docs/fix.md; the source is FIX 4.0 to 4.4 and the FIX session layer (FIXT 1.1) with QuickFIX's answers
 * where they leave a choice.
 *
 * @throws FafnirError CONFIG_INVALID (path, what, allowed; dictionaries, time zones and certificates too), PORT_IN_USE,
 * FIX_FIELD_INVALID (what does not fit a session's version), ARGUMENT_INVALID (sizes of ring and commands); of stores
 * STATE_IN_USE (another process has the folder), FIX_STORE_DAMAGED, FIX_STORE_FAILED; of the log OUTPUT_FAILED
 *
 * @example
 * await using acceptor = await fixAcceptor({
 *   port: 9878,
 *   sessions: [{ beginString: 'FIX.4.4', senderCompId: 'DESK', targetCompId: 'CLIENT' }],
 *   onBatch: (batch) => {
 *     for (const event of batch) if (event.kind === 'message') console.log(event.msgType, event.string('ClOrdID'))
 *   },
 * })
 */
export async function fixAcceptor<M extends FixMessages = FixMessages>(
  options: FixAcceptorOptions<M>,
): Promise<FixAcceptor<M>> {
  return new FixAcceptor(options)
}

/**
 * FIX sessions to peers that are connected to: the side that sends orders. Each is made again when it is lost, after
 * waits that grow from 100 ms to 30 s; what failed is a `fault` event. It resolves before anything is connected.
 *
 * Costs as `fixAcceptor` does.
 *
 * @throws FafnirError as `fixAcceptor`, but for PORT_IN_USE
 *
 * @example
 * await using initiator = await fixInitiator({
 *   sessions: [
 *     { beginString: 'FIX.4.4', senderCompId: 'CLIENT', targetCompId: 'DESK', addresses: ['127.0.0.1:9878'] },
 *   ],
 * })
 * for await (const batch of initiator.batches()) {
 *   for (const event of batch) if (event.kind === 'logon') event.session.send('NewOrderSingle', { ClOrdID: '1' })
 * }
 */
export async function fixInitiator<M extends FixMessages = FixMessages>(
  options: FixInitiatorOptions<M>,
): Promise<FixInitiator<M>> {
  return new FixInitiator(options)
}

// Hosts of this thread that nobody has closed yet. Native code is not told of `process.exit` and uncaught exceptions.
const unclosed = new Set<FixHostNative>()

function closeAll(): void {
  for (const host of unclosed) host.closeNow()
}

/** FIX sessions on a native thread. Made by `fixAcceptor` and `fixInitiator`. */
export class FixHost<M extends FixMessages = FixMessages> implements AsyncDisposable {
  /** Its sessions by number, in the order of the configuration; those a template let in follow. */
  readonly sessions: readonly FixSession<M>[]
  protected readonly host: FixHostNative
  private readonly made: FixSession<M>[] = []
  private readonly configs: readonly FixSessionConfig[]
  private readonly templates: readonly FixSessionConfig[]
  private readonly commands: FixCommands
  private readonly logons: FixLogons<M>
  private readonly reader: OrdersReader
  private readonly batch: FixBatch<M>
  private readonly loop: PollLoop
  private handler: FixBatchHandler<M> | undefined
  private pulled: boolean = false
  private taking: boolean = false
  private ended: boolean = false
  private closing: Promise<void> | undefined
  private rung: () => void = () => undefined

  /** Use `fixAcceptor` or `fixInitiator`. */
  constructor(role: 'acceptor' | 'initiator', options: FixAcceptorOptions<M> | FixInitiatorOptions<M>) {
    const { onBatch, accepts, adminMessages, results, eventsRingBytes, commandBytes, ...more } = options
    const { checkLogon, signLogon, ...config } = { checkLogon: undefined, signLogon: undefined, ...more }
    const ring = new Uint8Array(new SharedArrayBuffer(regionBytes(eventsRingBytes ?? EVENTS_RING_BYTES)))
    const [decides, signs] = [checkLogon !== undefined, signLogon !== undefined]
    const own = JSON.stringify({ accepts, admin: adminMessages ?? false, results: results ?? false, decides, signs })
    const bell = (): void => this.wake()
    const asked = (question: Uint8Array): void => this.logons.take(question)
    this.host = guarded(() => new (native().FixHost)(role, JSON.stringify(config), own, ring, bell, asked))
    if (unclosed.size === 0) process.on('exit', closeAll)
    unclosed.add(this.host)
    this.configs = config.sessions ?? []
    this.templates = 'templates' in config ? (config.templates ?? []) : []
    this.commands = new FixCommands(this.host, commandBytes ?? COMMAND_BYTES)
    this.sessions = this.made
    this.logons = new FixLogons({
      commands: this.commands,
      check: checkLogon,
      sign: signLogon,
      session: (number, name) => this.made[number] ?? this.make(number, name),
      ended: () => this.closing !== undefined,
    })
    for (const [number, each] of this.configs.entries()) this.make(number, each)
    this.reader = new OrdersReader(ring)
    const parts: FixBatchHost<M> = {
      session: (number) => this.made[number],
      made: (number, json) => this.made[number] ?? this.make(number, JSON.parse(json) as FixSessionName),
    }
    this.batch = new FixBatch(this.reader, Buffer.from(ring.buffer), parts)
    const [orders, market] = [this.reader, this.reader]
    this.loop = new PollLoop({ poll: () => this.poll(), busy: () => this.host.drained(), orders, market })
    if (onBatch !== undefined) this.onBatch(onBatch)
  }

  /**
   * Calls a handler with the events of every poll: the fastest way to see them. The host then keeps the process alive.
   * @throws FafnirError ARGUMENT_INVALID when the events are read already
   */
  onBatch(handler: FixBatchHandler<M>): void {
    if (this.handler !== undefined || this.pulled) throw fail('ARGUMENT_INVALID', 'the events are read already')
    this.handler = handler
    this.loop.wake()
  }

  /**
   * The events in batches, each valid until the next is asked for. Ends when the signal aborts or the host is closed.
   * @throws FafnirError ARGUMENT_INVALID when the events are read already
   */
  async *batches(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<FixBatch<M>, void, undefined> {
    if (this.handler !== undefined || this.pulled) throw fail('ARGUMENT_INVALID', 'the events are read already')
    this.pulled = true
    const { signal } = options
    try {
      while (signal?.aborted !== true) {
        if (this.take() > 0) {
          try {
            yield this.batch
          } finally {
            this.release()
          }
          // Other work of this thread has its turn between two batches.
          await new Promise((resolve) => setImmediate(resolve))
        } else if (this.ended) return
        else await this.sleep(signal)
      }
    } finally {
      this.pulled = false
    }
  }

  /** How far its events are behind. */
  stats(): FixHostStats {
    return JSON.parse(guarded(() => this.host.stats())) as FixHostStats
  }

  /** Lets the process end while it lives. */
  unref(): void {
    this.loop.unref()
  }

  /**
   * Logs out, waits some seconds for the answers, ends the thread. What happens meanwhile is read; what is sent
   * meanwhile is dropped. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.finish()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async finish(): Promise<void> {
    this.commands.stop()
    try {
      await guardedAsync(() => this.host.close())
    } finally {
      unclosed.delete(this.host)
      if (unclosed.size === 0) process.off('exit', closeAll)
      // A handler that closed from within a batch has the rest later.
      while (this.handler !== undefined && !this.taking && this.poll() > 0) this.host.drained()
      this.ended = true
      this.loop.stop()
      this.rung()
    }
  }

  private make(number: number, name: FixSessionName): FixSession<M> {
    const session = new FixSession<M>(number, name, this.dictionaryOf(number, name), this.commands)
    this.made[number] = session
    return session
  }

  private dictionaryOf(number: number, name: FixSessionName): FixDictionary {
    const fits = (each: FixSessionConfig): boolean =>
      each.beginString === name.beginString && each.senderCompId === name.senderCompId
    const config = this.configs[number] ?? this.templates.find(fits)
    const version = name.beginString === 'FIXT.1.1' ? (config?.application ?? 'FIX.5.0SP2') : name.beginString
    return fixDictionary(version, config?.validation?.dictionaryFile)
  }

  private wake(): void {
    if (this.handler !== undefined) this.loop.wake()
    this.rung()
  }

  private take(): number {
    if (this.taking) return 0
    const taken = this.batch.take(EVENTS_PER_BATCH)
    if (taken > 0) {
      this.taking = true
      this.batch.settle()
    }
    return taken
  }

  private release(): void {
    this.taking = false
    this.batch.release()
    if (!this.ended) this.host.drained()
  }

  private poll(): number {
    const taken = this.take()
    if (taken === 0) return 0
    try {
      this.handler?.(this.batch)
    } catch (error) {
      // The program's own fault ends the process as any uncaught one does, but not the sessions' events.
      queueMicrotask(() => {
        throw error
      })
    } finally {
      this.release()
      if (this.closing === undefined) this.commands.flush()
    }
    return taken
  }

  private sleep(signal: AbortSignal | undefined): Promise<void> {
    if (!maySleep(this.reader) || this.host.drained()) return new Promise((resolve) => setImmediate(resolve))
    return new Promise((resolve) => {
      const keepAlive = setInterval(() => undefined, 2 ** 30)
      this.rung = (): void => {
        clearInterval(keepAlive)
        signal?.removeEventListener('abort', this.rung)
        this.rung = (): void => undefined
        resolve()
      }
      signal?.addEventListener('abort', this.rung, { once: true })
    })
  }
}

/** Many FIX sessions on one port. */
export class FixAcceptor<M extends FixMessages = FixMessages> extends FixHost<M> {
  /** Where it listens, `host:port`. */
  readonly address: string
  /** Port it listens on. */
  readonly port: number

  /** Use `fixAcceptor`. */
  constructor(options: FixAcceptorOptions<M>) {
    super('acceptor', options)
    this.address = guarded(() => this.host.address()) ?? ''
    this.port = Number(this.address.slice(this.address.lastIndexOf(':') + 1))
  }
}

/** FIX sessions to peers that are connected to. */
export class FixInitiator<M extends FixMessages = FixMessages> extends FixHost<M> {
  /** Use `fixInitiator`. */
  constructor(options: FixInitiatorOptions<M>) {
    super('initiator', options)
  }
}
