// Room card: strategy/state
// In:    records, in the order of their sequence.
// Out:   touch, volatility, position per instrument as of the last record applied.
// Holds: columns by instrument, sized once; the engine publishes the touch in force, so the last one published holds.
// Costs: a few typed-array stores a record; no allocation.
import { codeNumber } from '../generated/codes.js'
import { EventKind, LatestLayout } from '../generated/layout.js'
import type { RegistersReader } from '../ring/registers.js'
import { ID, LAST_LOTS, PRICE, QUANTITY, SIDE_DETAIL_CODE, readI64, readU64 } from './decode.js'

const TRADING_HALTED = 1
const LATEST_BID = LatestLayout.bid / 4
const LATEST_BID_LOTS = LatestLayout.bidLots / 4
const LATEST_ASK = LatestLayout.ask / 4
const LATEST_ASK_LOTS = LatestLayout.askLots / 4
const LATEST_SIGMA = LatestLayout.sigmaBits / 4
const LATEST_TIME = LatestLayout.time / 4
const LATEST_SAMPLES = LatestLayout.samples / 4
/** valid, full, side of the last trade, trading: a byte each. */
const LATEST_VALID_FULL = LatestLayout.valid / 4

/** What a strategy can know about its instruments, in columns. */
export class MarketState {
  readonly count: number
  readonly bid: Float64Array
  readonly ask: Float64Array
  readonly bidLots: Float64Array
  readonly askLots: Float64Array
  /** 1 when the L2 is valid. */
  readonly valid: Uint8Array
  readonly sigma: Float64Array
  private readonly sigmaWords: Int32Array
  readonly samples: Float64Array
  /** 1 when σ is in force. */
  readonly full: Uint8Array
  /** Signed lots. */
  readonly position: Float64Array
  /** False once the engine was killed or is closing, or the strategy of this producer failed. */
  trading: boolean = true
  private readonly producer: number
  private failed: boolean = false
  /** Instruments whose book changed and for which `onBook` is due, in the order of their first change. */
  readonly dirty: Uint16Array
  dirtyCount: number = 0
  private readonly isDirty: Uint8Array

  constructor(instruments: number, producer: number = 0) {
    this.producer = producer
    const column = (): Float64Array => new Float64Array(instruments)
    this.count = instruments
    this.bid = column()
    this.ask = column()
    this.bidLots = column()
    this.askLots = column()
    this.valid = new Uint8Array(instruments)
    this.sigma = column()
    this.sigmaWords = new Int32Array(this.sigma.buffer)
    this.samples = column()
    this.full = new Uint8Array(instruments)
    this.position = column()
    this.dirty = new Uint16Array(instruments)
    this.isDirty = new Uint8Array(instruments)
  }

  /** Takes in a market event that can change the book or the volatility; other kinds are none of its business. */
  applyEvent(words: Int32Array, at: number, kind: number, instrument: number): void {
    const sideDetailCode = words[at + SIDE_DETAIL_CODE]!
    switch (kind) {
      case EventKind.Touch:
        this.applyTouch(words, at, instrument, sideDetailCode & 0xff)
        return
      case EventKind.Depth:
        this.mark(instrument)
        return
      case EventKind.BookState:
        this.valid[instrument] = (sideDetailCode >>> 8) & 0xff
        this.mark(instrument)
        return
      case EventKind.Volatility:
        // As words: a function that returns a double boxes it wherever the compiler does not inline the call.
        this.sigmaWords[2 * instrument] = words[at + PRICE]!
        this.sigmaWords[2 * instrument + 1] = words[at + PRICE + 1]!
        this.samples[instrument] = readI64(words, at + QUANTITY)
        this.full[instrument] = (sideDetailCode >>> 8) & 0xff
        this.mark(instrument)
        return
      case EventKind.Trading:
        this.applyTrading(words, at, sideDetailCode)
        return
      default:
    }
  }

  private applyTrading(words: Int32Array, at: number, sideDetailCode: number): void {
    const halted = ((sideDetailCode >>> 8) & 0xff) === TRADING_HALTED
    if (sideDetailCode >>> 16 !== codeNumber.STRATEGY_HALTED) this.trading = !halted && !this.failed
    // Strategies of other threads fail alone.
    else if (readU64(words, at + ID) === this.producer) {
      this.failed = true
      this.trading = false
    }
  }

  /**
   * Takes the newest state out of the registers: after records were lost, so that nothing in here is older than the
   * next record. What changes again before the state's own moment is shown early, then as its records say.
   */
  restore(latest: RegistersReader): void {
    for (let i = 0; i < this.count; i += 1) {
      if (!latest.read(i + 1)) continue
      const { words } = latest
      this.bid[i] = readI64(words, LATEST_BID)
      this.bidLots[i] = readI64(words, LATEST_BID_LOTS)
      this.ask[i] = readI64(words, LATEST_ASK)
      this.askLots[i] = readI64(words, LATEST_ASK_LOTS)
      this.valid[i] = words[LATEST_VALID_FULL]! & 0xff
      this.full[i] = (words[LATEST_VALID_FULL]! >>> 8) & 0xff
      this.sigmaWords[2 * i] = words[LATEST_SIGMA]!
      this.sigmaWords[2 * i + 1] = words[LATEST_SIGMA + 1]!
      this.samples[i] = readU64(words, LATEST_SAMPLES)
      if (readU64(words, LATEST_TIME) > 0) this.mark(i)
    }
    if (latest.read(0)) this.trading = latest.words[LATEST_VALID_FULL]! >>> 24 !== TRADING_HALTED && !this.failed
  }

  private applyTouch(words: Int32Array, at: number, instrument: number, side: number): void {
    const price = readI64(words, at + PRICE)
    const lots = readI64(words, at + QUANTITY)
    if (side === 1) {
      this.bid[instrument] = price
      this.bidLots[instrument] = lots
    } else {
      this.ask[instrument] = price
      this.askLots[instrument] = lots
    }
    this.mark(instrument)
  }

  private mark(instrument: number): void {
    if (this.isDirty[instrument] === 1) return
    this.isDirty[instrument] = 1
    this.dirty[this.dirtyCount] = instrument
    this.dirtyCount += 1
  }

  /** Every due `onBook` has been called. */
  clearDirty(): void {
    for (let i = 0; i < this.dirtyCount; i += 1) this.isDirty[this.dirty[i]!] = 0
    this.dirtyCount = 0
  }

  /** Takes in a statement of the position. */
  applyPosition(words: Int32Array, at: number, instrument: number): void {
    this.position[instrument] = readI64(words, at + LAST_LOTS)
  }

  /** Takes in a fill. */
  applyFill(words: Int32Array, at: number, instrument: number, side: number): void {
    const lots = readI64(words, at + LAST_LOTS)
    this.position[instrument] = this.position[instrument]! + (side === 1 ? lots : -lots)
  }
}
