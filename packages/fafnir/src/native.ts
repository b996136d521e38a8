// Room card: native
// In:    nothing; the platform, architecture and C library of this process.
// Out:   the native module of the matching package, loaded once, on first use.
// Holds: the one place that opens the native module; a missing package is NATIVE_MISSING with what was looked for.
// Costs: one `require`; later calls return the same object.
import { createRequire } from 'node:module'

import { fail, fromNative } from './errors.js'

/** Stops a long native call: the call then fails with ABORTED. */
export interface AbortHandle {
  /** Asks the call to stop at its next check. Idempotent. */
  abort(): void
}

/** A backtest whose strategy runs in the caller's thread. */
export interface BacktestSession {
  /**
   * The step of this session, a raw function: called again and again until it returns 0 or less.
   * 0 done, 1 woke (records wait in the rings), 2 call again, below 0 failed (`finish` throws why).
   */
  stepFunction(): () => number
  /** How much of the sources has been read, 0 to 1. */
  progress(): number
  /** The summary as JSON; throws the failure when there was one. */
  finish(): string
  /** Releases everything. Idempotent. */
  close(): void
}

/** The native thread of a live engine; it runs from construction to `close`. */
export interface EngineHost {
  /** The kill switch: cancels everything, refuses every new order. */
  kill(): void
  /** Cancels everything, ends the session, joins the thread; the summary as JSON. */
  close(): Promise<string>
  /** The same at once, and the caller waits: for a process that ends without having closed. Idempotent. */
  closeNow(): void
  /** Makes a port of this memory: its number and that of its bell, as JSON {"producer", "bell"}. */
  addPort(orders: Uint8Array, commands: Uint8Array | null): string
  /** Tells a waiting thread that commands are in the ring. */
  ring(): void
  /** A sign of life, for the dead-man timer. */
  alive(): void
  /** The newest state as JSON, at most 50 ms old. */
  stats(): string
  /** From now on these signals pull the kill switch, also while the event loop is blocked. For commands only. */
  killOnSignals(signals: string[]): void
}

/** An exchange on a native thread; it runs from construction to `close`. */
export interface ExchangeHost {
  /** `{ market, orders }`: the ports it listens on, as JSON. */
  ports(): string
  /** What it has done so far, as JSON. */
  stats(): string
  /** Ends it and joins the thread; its last word about itself, as JSON. */
  close(): string
}

/** FIX sessions on a native thread; they run from construction to `close`. */
export interface FixHostNative {
  /** Where an acceptor listens, `host:port`. */
  address(): string | null
  /** Queues commands; how many bytes of them were taken: less than all when the queue is full. */
  sendBatch(batch: Uint8Array): number
  /** Room was made in the ring. True when events still wait for it. */
  drained(): boolean
  /** How far the events are behind, as JSON. */
  stats(): string
  /** Logs out, waits for the answers, joins the thread. */
  close(): Promise<string>
  /** The same at once, and the caller waits. Idempotent. */
  closeNow(): void
}

/** Memory of an engine's rings and registers. */
export interface EngineMemory {
  readonly market: Uint8Array
  readonly orders: Uint8Array
  readonly commands: Uint8Array
  readonly latest: Uint8Array
}

/** This environment's end of a port. */
export interface PortLink {
  /** Tells the engine's thread that commands are in the ring. */
  ring(): void
  /** The kill switch. */
  kill(): void
  /** Lets the port go: its last commands are taken, its open orders cancelled. Idempotent. */
  close(): void
}

/** A matching book over views bound at its start. */
export interface MatchingBook {
  /** Executes command rows `from` to `from + count - 1`; taken, written and in flight go to the progress view. */
  run(from: number, count: number): void
  /** Number of resting orders. */
  resting(): number
  /** Best levels of a side (1 bids, 2 asks): price, lots, price, lots and so on. */
  levels(side: number, most: number): Float64Array
}

/** One streaming signal; its columns are listed in bindings/node/src/signal/stream.rs. */
export interface SignalStreamNative {
  /** One update; the value after it, NaN where there is none. */
  push(a: number, b: number, c: number, d: number, e: number): number
  /** One update a row; how many the signal took. */
  update(columns: Float64Array[], values: Float64Array | null): number
  /** The state as JSON. */
  read(): string
  reset(): void
}

/** A fitted micro-price. */
export interface SignalMicroPriceNative {
  /** The micro-price, ticks; NaN outside the fitted states. */
  price(bid: number, bidLots: number, ask: number, askLots: number): number
  /** Adjustments in ticks; NaN where the sample never was. */
  adjustments(): Float64Array
}

/** What the books of both kinds have; arrays are written in place. */
export interface NativeBook {
  apply(batch: Float64Array, codes: Uint16Array): number
  touch(into: Float64Array): void
  top(side: number, into: Float64Array): number
  depth(kind: number, side: number, value: number, into: Float64Array): void
  weightedMid(levels: number): number
  microPrice(levels: number): number
  levelCount(side: number): number
  isCrossed(): boolean
  clear(): void
  close(): void
}

/** An L2 of one instrument. */
export interface NativeL2Book extends NativeBook {
  quantityAt(side: number, price: number): number
}

/** Orders by id of one instrument. */
export interface NativeL3Book extends NativeBook {
  allowCrossing(allowed: boolean): void
  level(side: number, price: number, into: Float64Array): void
  queue(side: number, price: number, into: Float64Array): number
  order(id: number, into: Float64Array): boolean
  orderCount(): number
  counts(): string
}

/** The arrays of a call of the quant room, column after column. */
export interface QuantArrays {
  /** Begins the next array. */
  begin(rows: number, columns: number): void
  /** The next numbers of the array that was begun last. */
  append(values: Float64Array): void
}

/** What a function of the quant room returned. */
export interface QuantAnswer {
  /** Numbers as JSON. */
  readonly json: string
  /** Series and matrices, column after column. */
  readonly arrays: readonly Float64Array[]
}

/** What the native module exports. Every error it throws carries JSON and passes through `fromNative`. */
export interface Native {
  buildInfo(): string
  checkConfig(kind: 'engine' | 'backtest', json: string): string
  /** "" when the parameters are good, else {code, path, what, allowed} as JSON. */
  checkQuoter(instrumentJson: string, quoterJson: string): string
  /** The binding's naming rule puts a capital after a digit. */
  log1P(x: number): number
  log(x: number): number
  exp(x: number): number
  sqrt(x: number): number
  reservationPrice(mid: number, inventory: number, gamma: number, sigma: number, horizon: number): number
  intensitySpread(gamma: number, kappa: number): number
  inventorySpread(gamma: number, sigma: number, horizon: number): number
  stationaryPrices(params: string): string
  glftQuote(params: string): string
  fitMarketDepths(depths: Float64Array, params: string): string
  fitOwnFills(distancesHalfTicks: Float64Array, seconds: Float64Array, fills: Float64Array, params: string): string
  paperExperiment(params: string): string
  calibrateRecording(
    configJson: string,
    optionsJson: string,
    progress: ((fraction: number) => void) | null,
    abort: AbortHandle,
  ): Promise<string>
  runBacktest(configJson: string, progress: ((fraction: number) => void) | null, abort: AbortHandle): Promise<string>
  replayJournal(
    path: string,
    dumpEffects: string | null,
    progress: ((fraction: number) => void) | null,
    abort: AbortHandle,
  ): Promise<string>
  explainQuote(
    path: string,
    whichJson: string,
    progress: ((fraction: number) => void) | null,
    abort: AbortHandle,
  ): Promise<string>
  sessionSummary(
    journal: string,
    factsJson: string,
    progress: ((fraction: number) => void) | null,
    abort: AbortHandle,
  ): Promise<string>
  exportRecording(
    journal: string,
    path: string,
    progress: ((fraction: number) => void) | null,
    abort: AbortHandle,
  ): Promise<string>
  QuantArrays: new () => QuantArrays
  quantCall(
    name: string,
    optionsJson: string,
    arrays: QuantArrays,
    progress: ((fraction: number) => void) | null,
    abort: AbortHandle,
  ): Promise<QuantAnswer>
  quantGreeks(isCall: Uint8Array, columns: Float64Array, rows: number, first: number): void
  quantOptionGreeks(slots: Float64Array): void
  quantOptionVolatility(slots: Float64Array): number
  quantCallNow(name: string, optionsJson: string, arrays: Float64Array[], shapes: number[]): QuantAnswer
  signalVamp(bids: Float64Array, asks: Float64Array, count: number): number
  signalVampToQuantity(bids: Float64Array, asks: Float64Array, lots: number): number
  signalFitPin(buys: Float64Array, sells: Float64Array): string
  SignalStream: new (paramsJson: string) => SignalStreamNative
  SignalMicroPrice: new (
    imbalanceBuckets: number,
    spreadTicksMax: number,
    jumpHalfTicksMax: number,
    touches: Float64Array,
  ) => SignalMicroPriceNative
  /** Names and groups of a dictionary as JSON. */
  fixDictionary(version: string, file?: string): string
  fixTypes(file: string): string
  FixHost: new (
    role: 'acceptor' | 'initiator',
    configJson: string,
    optionsJson: string,
    events: Uint8Array,
    doorbell: () => void,
    asked: (question: Uint8Array) => void,
  ) => FixHostNative
  AbortHandle: new () => AbortHandle
  ExchangeHost: new (configJson: string) => ExchangeHost
  BacktestSession: new (
    configJson: string,
    market: Uint8Array,
    orders: Uint8Array,
    commands: Uint8Array,
  ) => BacktestSession
  EngineHost: new (configJson: string, optionsJson: string, memory: EngineMemory, doorbell: () => void) => EngineHost
  MatchingBook: new (
    ordersMax: number,
    levelsMax: number,
    commands: Float64Array,
    reports: Float64Array,
    progress: Uint32Array,
  ) => MatchingBook
  L2Book: new () => NativeL2Book
  L3Book: new (ordersMax: number, dense: boolean) => NativeL3Book
  PortLink: new (bell: number, doorbell: () => void) => PortLink
}

/** The name of the package that holds the native module for a platform. */
export function nativePackageName(
  platform: string = process.platform,
  arch: string = process.arch,
  libc: 'gnu' | 'musl' | null = platform === 'linux' ? runningLibc() : null,
): string {
  const suffix = libc === null ? (platform === 'win32' ? '-msvc' : '') : `-${libc}`
  return `@fafnir/native-${platform}-${arch}${suffix}`
}

function runningLibc(): 'gnu' | 'musl' {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return typeof report?.header?.glibcVersionRuntime === 'string' ? 'gnu' : 'musl'
}

let loaded: Native | undefined

/**
 * The native module.
 * @throws FafnirError NATIVE_MISSING when no package for this platform is installed or it cannot be loaded.
 */
export function native(): Native {
  loaded ??= load(nativePackageName())
  return loaded
}

// CommonJS has `__filename`, an ES module has `import.meta.url`; one source serves both builds.
const here: string = typeof __filename === 'string' ? __filename : import.meta.url

function load(packageName: string): Native {
  try {
    return createRequire(here)(packageName) as Native
  } catch (cause) {
    const { platform, arch } = process
    throw fail(
      'NATIVE_MISSING',
      `the native package ${packageName} is not installed or cannot be loaded`,
      { package: packageName, platform, arch, node: process.version },
      cause,
    )
  }
}

/** Calls into native code and turns what it throws into the one error class. */
export function guarded<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw fromNative(error)
  }
}

/** The same for a promise of native code. */
export async function guardedAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw fromNative(error)
  }
}
