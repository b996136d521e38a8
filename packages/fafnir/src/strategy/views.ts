// Room card: strategy/views
// In:    the state columns, the order table, the words of the record being delivered.
// Out:   what handlers see: book, volatility, trade, fill, order event, own orders.
// Holds: one object of each kind for the whole run, pointed anew at every event; `copy()` keeps what it shows.
// Costs: a load or two a getter; no allocation but in `copy()` and `…TimeNs()`.
import {
  ALGO_TRADER,
  CLIENT_ID,
  DECISION_TIME,
  EXCHANGE_TIME,
  FEE,
  FILLED,
  ID,
  KIND_FLAGS_INSTRUMENT,
  LAST_LOTS,
  LAST_PRICE,
  ORDER_ID,
  ORDER_KINDS,
  ORDER_STATES,
  PRICE,
  QUANTITY,
  REQUEST,
  SEQUENCE,
  SIDE_DETAIL_CODE,
  SUBMISSION_TIME,
  TIME,
  VENUE_ACK_TIME,
  readBigU64,
  readI64,
  readU64,
  sideOf,
  type OrderKind,
  type OrderState,
  type Side,
} from './decode.js'
import { codeName } from '../errors.js'
import type { Code } from '../generated/codes.js'
import { flag } from '../generated/layout.js'
import type { PriceTicks, QuantityLots } from '../units.js'
import type { OrderTable } from './order-table.js'
import type { MarketState } from './state.js'

/** What `BookView.copy()` keeps. */
export interface BookCopy {
  readonly instrument: number
  readonly bid: PriceTicks
  readonly ask: PriceTicks
  readonly bidLots: QuantityLots
  readonly askLots: QuantityLots
  readonly mid2: number
  readonly valid: boolean
  readonly twoSided: boolean
}

/** The touch of one instrument as of the event being delivered. A missing side has quantity 0. */
export class BookView {
  private readonly state: MarketState
  private at: number = 0

  constructor(state: MarketState) {
    this.state = state
  }
  /** Points the view at an instrument. */
  point(instrument: number): this {
    this.at = instrument
    return this
  }
  /** Id of the instrument. */
  get instrument(): number {
    return this.at
  }
  /** Best bid, ticks. */
  get bid(): PriceTicks {
    return this.state.bid[this.at]! as PriceTicks
  }
  /** Best ask, ticks. */
  get ask(): PriceTicks {
    return this.state.ask[this.at]! as PriceTicks
  }
  /** Displayed at the best bid, lots; 0 when there is no bid. */
  get bidLots(): QuantityLots {
    return this.state.bidLots[this.at]! as QuantityLots
  }
  /** Displayed at the best ask, lots; 0 when there is no ask. */
  get askLots(): QuantityLots {
    return this.state.askLots[this.at]! as QuantityLots
  }
  /** Both sides are there and do not cross or lock. */
  get twoSided(): boolean {
    const { state, at } = this
    return state.bidLots[at]! > 0 && state.askLots[at]! > 0 && state.bid[at]! < state.ask[at]!
  }
  /** Twice the mid in ticks (bid + ask): exact where the mid is half a tick. Meaningless unless `twoSided`. */
  get mid2(): number {
    return this.state.bid[this.at]! + this.state.ask[this.at]!
  }
  /** The L2 is joined and without a gap. */
  get valid(): boolean {
    return this.state.valid[this.at] === 1
  }
  /** An own object with the same values. */
  copy(): BookCopy {
    const { instrument, bid, ask, bidLots, askLots, mid2, valid, twoSided } = this
    return { instrument, bid, ask, bidLots, askLots, mid2, valid, twoSided }
  }
}

/** What `VolatilityView.copy()` keeps. */
export interface VolatilityCopy {
  readonly instrument: number
  readonly sigma: number
  readonly samples: number
  readonly full: boolean
}

/** Volatility of one instrument: σ = sqrt(Σ Δmid² / elapsed seconds) over the configured window. */
export class VolatilityView {
  private readonly state: MarketState
  private at: number = 0

  constructor(state: MarketState) {
    this.state = state
  }
  /** Points the view at an instrument. */
  point(instrument: number): this {
    this.at = instrument
    return this
  }
  /** Id of the instrument. */
  get instrument(): number {
    return this.at
  }
  /** σ in price units per √second. */
  get sigma(): number {
    return this.state.sigma[this.at]!
  }
  /** Samples in the window. */
  get samples(): number {
    return this.state.samples[this.at]!
  }
  /** σ is in force: `volatility.minObservations` mids are there; before that it is not to be traded on. */
  get full(): boolean {
    return this.state.full[this.at] === 1
  }
  /** An own object with the same values. */
  copy(): VolatilityCopy {
    const { instrument, sigma, samples, full } = this
    return { instrument, sigma, samples, full }
  }
}

/** What `TradeView.copy()` keeps. */
export interface TradeCopy {
  readonly instrument: number
  readonly aggressor: Side | undefined
  readonly price: PriceTicks
  readonly quantity: QuantityLots
  readonly tradeId: number
}

/** A public trade. */
export class TradeView {
  private words: Int32Array = NO_WORDS
  private at: number = 0

  /** Points the view at a record. */
  point(words: Int32Array, at: number): this {
    this.words = words
    this.at = at
    return this
  }
  /** Id of the instrument. */
  get instrument(): number {
    return this.words[this.at + KIND_FLAGS_INSTRUMENT]! >>> 16
  }
  /** Side of the order that took liquidity. */
  get aggressor(): Side | undefined {
    return sideOf(this.words[this.at + SIDE_DETAIL_CODE]! & 0xff)
  }
  /** Price, ticks. */
  get price(): PriceTicks {
    return readI64(this.words, this.at + PRICE) as PriceTicks
  }
  /** Quantity, lots. */
  get quantity(): QuantityLots {
    return readI64(this.words, this.at + QUANTITY) as QuantityLots
  }
  /** The venue's trade id; exact below 2^53. */
  get tradeId(): number {
    return readU64(this.words, this.at + ID)
  }
  /** The exchange's stamp, Unix ns; 0n when it has none. Allocates. */
  exchangeTimeNs(): bigint {
    return readBigU64(this.words, this.at + EXCHANGE_TIME)
  }
  /** An own object with the same values. */
  copy(): TradeCopy {
    const { instrument, aggressor, price, quantity, tradeId } = this
    return { instrument, aggressor, price, quantity, tradeId }
  }
}

/** What `OrderEventView.copy()` keeps. */
export interface OrderEventCopy {
  readonly kind: OrderKind
  readonly instrument: number
  readonly side: Side | undefined
  readonly state: OrderState
  readonly reason: Code | undefined
  readonly orderId: number
  readonly clientId: number
  readonly request: number
  readonly price: PriceTicks
  readonly quantity: QuantityLots
  readonly filled: QuantityLots
  readonly lastPrice: PriceTicks
  readonly lastQuantity: QuantityLots
  readonly fee: number
  readonly taker: boolean
  readonly algoId: number
  readonly traderId: number
}

/** An order event: a request that left, a venue's report, or a refusal of our own gate. Fills come as this, too. */
export class OrderEventView {
  private words: Int32Array = NO_WORDS
  private at: number = 0

  /** Points the view at a record. */
  point(words: Int32Array, at: number): this {
    this.words = words
    this.at = at
    return this
  }
  /** What it means. */
  get kind(): OrderKind {
    return ORDER_KINDS[this.words[this.at + KIND_FLAGS_INSTRUMENT]! & 0xff] ?? 'none'
  }
  /** Id of the instrument. */
  get instrument(): number {
    return this.words[this.at + KIND_FLAGS_INSTRUMENT]! >>> 16
  }
  /** Side of the order. */
  get side(): Side | undefined {
    return sideOf(this.words[this.at + SIDE_DETAIL_CODE]! & 0xff)
  }
  /** State of the order after this event. */
  get state(): OrderState {
    return ORDER_STATES[(this.words[this.at + SIDE_DETAIL_CODE]! >>> 8) & 0xff] ?? 'none'
  }
  /** Why it was refused; undefined when it was not. */
  get reason(): Code | undefined {
    return codeName(this.words[this.at + SIDE_DETAIL_CODE]! >>> 16)
  }
  /** Identity of the order for its whole life. */
  get orderId(): number {
    return readU64(this.words, this.at + ORDER_ID)
  }
  /** What `place` returned; 0 for orders of a native quoter. */
  get clientId(): number {
    return readU64(this.words, this.at + CLIENT_ID)
  }
  /** Counter of the ClOrdID of the request this event is or answers. */
  get request(): number {
    return this.words[this.at + REQUEST]! >>> 0
  }
  /** Order price, ticks; of a replace the price asked for. */
  get price(): PriceTicks {
    return readI64(this.words, this.at + PRICE) as PriceTicks
  }
  /** Order quantity, lots, filled part included; of a replace the quantity asked for. */
  get quantity(): QuantityLots {
    return readI64(this.words, this.at + QUANTITY) as QuantityLots
  }
  /** Filled so far, lots. */
  get filled(): QuantityLots {
    return readI64(this.words, this.at + FILLED) as QuantityLots
  }
  /** Fill: its price in ticks. Refused: the limit, in the unit of the code. */
  get lastPrice(): PriceTicks {
    return readI64(this.words, this.at + LAST_PRICE) as PriceTicks
  }
  /** Fill: its quantity in lots. Refused: how much of the limit is used. */
  get lastQuantity(): QuantityLots {
    return readI64(this.words, this.at + LAST_LOTS) as QuantityLots
  }
  /** Fill: fee in the smallest unit of the settlement currency, negative for a rebate. Refused: how much was asked. */
  get fee(): number {
    return readI64(this.words, this.at + FEE)
  }
  /** The fill took liquidity. */
  get taker(): boolean {
    return ((this.words[this.at + KIND_FLAGS_INSTRUMENT]! >>> 8) & flag.TAKER) !== 0
  }
  /** Deciding algorithm, by your numbering. */
  get algoId(): number {
    return this.words[this.at + ALGO_TRADER]! & 0xffff
  }
  /** Trader or desk, by your numbering. */
  get traderId(): number {
    return this.words[this.at + ALGO_TRADER]! >>> 16
  }
  /** It is part of an image: what stands, not what happened. */
  get snapshot(): boolean {
    return ((this.words[this.at + KIND_FLAGS_INSTRUMENT]! >>> 8) & flag.SNAPSHOT) !== 0
  }
  /** Its place in the engine's one sequence; 0 in an image. */
  get sequence(): number {
    return readU64(this.words, this.at + SEQUENCE)
  }
  /** Engine time, Unix ns. Allocates. */
  timeNs(): bigint {
    return readBigU64(this.words, this.at + TIME)
  }
  /** When it was decided, Unix ns. Allocates. */
  decisionTimeNs(): bigint {
    return readBigU64(this.words, this.at + DECISION_TIME)
  }
  /** When it was handed to the wire, Unix ns. Allocates. */
  submissionTimeNs(): bigint {
    return readBigU64(this.words, this.at + SUBMISSION_TIME)
  }
  /** When the venue acknowledged it, by the venue's clock, Unix ns. Allocates. */
  venueAckTimeNs(): bigint {
    return readBigU64(this.words, this.at + VENUE_ACK_TIME)
  }
  /** An own object with the same values. */
  copy(): OrderEventCopy {
    const { kind, instrument, side, state, reason, orderId, clientId, request, price, quantity, filled } = this
    const { lastPrice, lastQuantity, fee, taker, algoId, traderId } = this
    return {
      kind,
      instrument,
      side,
      state,
      reason,
      orderId,
      clientId,
      request,
      price,
      quantity,
      filled,
      lastPrice,
      lastQuantity,
      fee,
      taker,
      algoId,
      traderId,
    }
  }
}

const NO_WORDS = new Int32Array(32)

/** What `OrderView.copy()` keeps. */
export interface OrderCopy {
  readonly clientId: number
  readonly orderId: number
  readonly instrument: number
  readonly side: Side
  readonly state: OrderState
  readonly price: PriceTicks
  readonly quantity: QuantityLots
  readonly filled: QuantityLots
}

/** One of the strategy's open orders. */
export class OrderView {
  private readonly table: OrderTable
  private at: number = 0

  constructor(table: OrderTable) {
    this.table = table
  }
  /** Points the view at a place of the table. */
  point(place: number): this {
    this.at = place
    return this
  }
  /** What `place` returned. */
  get clientId(): number {
    return this.table.clientId[this.at]!
  }
  /** Identity of the order for its whole life; 0 until the engine has created it. */
  get orderId(): number {
    return this.table.orderId[this.at]!
  }
  /** Id of the instrument. */
  get instrument(): number {
    return this.table.instrument[this.at]!
  }
  /** Side. */
  get side(): Side {
    return this.table.side[this.at] === 1 ? 'buy' : 'sell'
  }
  /** `new` from `place` until the engine's first answer. */
  get state(): OrderState {
    return ORDER_STATES[this.table.state[this.at]!] ?? 'none'
  }
  /** Price in force, ticks. */
  get price(): PriceTicks {
    return this.table.price[this.at]! as PriceTicks
  }
  /** Quantity in force, lots, filled part included. */
  get quantity(): QuantityLots {
    return this.table.quantity[this.at]! as QuantityLots
  }
  /** Filled so far, lots. */
  get filled(): QuantityLots {
    return this.table.filled[this.at]! as QuantityLots
  }
  /** Price that holds or will: the one asked for while a replace is on its way, ticks. */
  get askedPrice(): PriceTicks {
    const { table, at } = this
    return (table.asked[at]! > 0 ? table.askedPrice[at]! : table.price[at]!) as PriceTicks
  }
  /** Lots that can still fill at worst: while a replace is on its way, the larger of old and asked. */
  get openLots(): QuantityLots {
    return this.table.worstOpen(this.at) as QuantityLots
  }
  /** An own object with the same values. */
  copy(): OrderCopy {
    const { clientId, orderId, instrument, side, state, price, quantity, filled } = this
    return { clientId, orderId, instrument, side, state, price, quantity, filled }
  }
}

/** The strategy's own open orders. The list's order is not stable: an ended order's place is taken by the last. */
export class OwnOrders {
  private readonly table: OrderTable
  private readonly view: OrderView

  constructor(table: OrderTable) {
    this.table = table
    this.view = new OrderView(table)
  }
  /** How many are open. */
  get size(): number {
    return this.table.size
  }
  /** The order at a place of the list; undefined beyond its end. The same object every time. */
  at(index: number): OrderView | undefined {
    return index >= 0 && index < this.table.size ? this.view.point(index) : undefined
  }
  /** The order of a client id; undefined when it is not open. The same object every time. */
  get(clientId: number): OrderView | undefined {
    const place = this.table.find(clientId)
    return place < 0 ? undefined : this.view.point(place)
  }
}
