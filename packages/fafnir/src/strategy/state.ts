// Room card: strategy/state
// In:    records, in the order of their sequence.
// Out:   touch, volatility, position per instrument as of the last record applied.
// Holds: columns by instrument, sized once; the engine publishes the touch in force, so the last one published holds.
// Costs: a few typed-array stores a record; no allocation.
import { EventKind } from '../generated/layout.js'
import { LAST_LOTS, PRICE, QUANTITY, SIDE_DETAIL_CODE, readI64 } from './decode.js'

const TRADING_HALTED = 1

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
  /** 1 when the volatility window is full. */
  readonly full: Uint8Array
  /** Signed lots. */
  readonly position: Float64Array
  /** False once the engine was killed or is closing. */
  trading: boolean = true
  /** Instruments whose book changed and for which `onBook` is due, in the order of their first change. */
  readonly dirty: Uint16Array
  dirtyCount: number = 0
  private readonly isDirty: Uint8Array

  constructor(instruments: number) {
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
        this.trading = ((sideDetailCode >>> 8) & 0xff) !== TRADING_HALTED
        return
      default:
    }
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

  /** Takes in a fill. */
  applyFill(words: Int32Array, at: number, instrument: number, side: number): void {
    const lots = readI64(words, at + LAST_LOTS)
    this.position[instrument] = this.position[instrument]! + (side === 1 ? lots : -lots)
  }
}
