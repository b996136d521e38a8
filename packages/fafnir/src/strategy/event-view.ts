// Room card: strategy/event-view
// In:    the words of a market event.
// Out:   its fields by name, whatever its kind.
// Holds: one object pointed anew at every event; `copy()` keeps what it shows.
// Costs: a load or two a getter; no allocation but in `copy()` and `…TimeNs()`.
import { codeName } from '../errors.js'
import type { Code } from '../generated/codes.js'
import { flag } from '../generated/layout.js'
import type { PriceTicks, QuantityLots } from '../units.js'
import {
  EXCHANGE_TIME,
  ID,
  KIND_FLAGS_INSTRUMENT,
  PRICE,
  QUANTITY,
  SEQUENCE,
  SIDE_DETAIL_CODE,
  TIME,
  readBigU64,
  readI64,
  readU64,
  sideOf,
  type Side,
} from './decode.js'
import { parameterRefusal, type ParameterRefusal } from './parameter-refusal.js'

/** What a market event means, by its number; see `EventKind` of the core. */
export const MARKET_KINDS = [
  'unknown',
  'trade',
  'touch',
  'depth',
  'level',
  'bookState',
  'volatility',
  'timer',
  'snapshotWanted',
  'conn',
  'trading',
  'fault',
  'quote',
] as const
/** What a market event means. `unknown`: a kind this build does not know. */
export type MarketKind = (typeof MARKET_KINDS)[number]

/** What `MarketEventView.copy()` keeps. */
export interface MarketEventCopy {
  readonly kind: MarketKind
  readonly sequence: number
  readonly instrument: number
  readonly side: Side | undefined
  readonly detail: number
  readonly code: Code | undefined
  readonly price: PriceTicks
  readonly quantity: QuantityLots
  readonly id: number
  readonly last: boolean
  readonly refusal: ParameterRefusal | undefined
}

/** A market event: a trade, one side of the touch, a change of a book's validity, and so on. */
export class MarketEventView {
  private words: Int32Array = NO_WORDS
  private at: number = 0

  /** Points the view at a record. */
  point(words: Int32Array, at: number): this {
    this.words = words
    this.at = at
    return this
  }
  /** What it means. */
  get kind(): MarketKind {
    return MARKET_KINDS[this.words[this.at + KIND_FLAGS_INSTRUMENT]! & 0xff] ?? 'unknown'
  }
  /** Its place in the engine's one sequence. */
  get sequence(): number {
    return readU64(this.words, this.at + SEQUENCE)
  }
  /** Id of the instrument; 0 where the kind has none. */
  get instrument(): number {
    return this.words[this.at + KIND_FLAGS_INSTRUMENT]! >>> 16
  }
  /** Bid or ask of a touch, level or quote (`buy` is the bid); the aggressor of a trade. */
  get side(): Side | undefined {
    return sideOf(this.words[this.at + SIDE_DETAIL_CODE]! & 0xff)
  }
  /** A small number of the kind: validity of a book state (1 valid), state of a connection, trading state. */
  get detail(): number {
    return (this.words[this.at + SIDE_DETAIL_CODE]! >>> 8) & 0xff
  }
  /** Why, of a book state, a trading state or a fault. */
  get code(): Code | undefined {
    return codeName(this.words[this.at + SIDE_DETAIL_CODE]! >>> 16)
  }
  /** Price, ticks. */
  get price(): PriceTicks {
    return readI64(this.words, this.at + PRICE) as PriceTicks
  }
  /** Quantity, lots; levels of a depth message. */
  get quantity(): QuantityLots {
    return readI64(this.words, this.at + QUANTITY) as QuantityLots
  }
  /** Trade id, update id, timer id, connection, or how often a fault was met; exact below 2^53. */
  get id(): number {
    return readU64(this.words, this.at + ID)
  }
  /** The instrument's state is consistent after it. */
  get last(): boolean {
    return ((this.words[this.at + KIND_FLAGS_INSTRUMENT]! >>> 8) & flag.LAST) !== 0
  }
  /** Which parameter was refused and by which limit, of a fault PARAMETER_OUT_OF_RANGE. Allocates. */
  get refusal(): ParameterRefusal | undefined {
    return this.kind === 'fault' ? parameterRefusal(this.words, this.at) : undefined
  }
  /** Engine time, Unix ns. Allocates. */
  timeNs(): bigint {
    return readBigU64(this.words, this.at + TIME)
  }
  /** The exchange's stamp, Unix ns; 0n when it has none. Allocates. */
  exchangeTimeNs(): bigint {
    return readBigU64(this.words, this.at + EXCHANGE_TIME)
  }
  /** An own object with the same values. */
  copy(): MarketEventCopy {
    const { kind, sequence, instrument, side, detail, code, price, quantity, id, last, refusal } = this
    return { kind, sequence, instrument, side, detail, code, price, quantity, id, last, refusal }
  }
}

const NO_WORDS = new Int32Array(16)
