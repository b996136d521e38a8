// Room card: strategy/order-table
// In:    orders as the strategy asks for them, order events as they come back.
// Out:   the strategy's own open orders, by client id and as a dense list.
// Holds: columns of a fixed capacity; a full table is ORDERS_FULL; an ended order's place is taken by the last.
// Costs: O(1) a lookup, insertion and removal; no allocation.
import { fail } from '../errors.js'
import { OrderEventKind, OrderState } from '../generated/layout.js'
import {
  ALGO_TRADER,
  CLIENT_ID,
  FILLED,
  KIND_FLAGS_INSTRUMENT,
  ORDER_ID,
  PRICE,
  QUANTITY,
  REFERENCES_PER_PRODUCER,
  SIDE_DETAIL_CODE,
  readI64,
  readU64,
} from './decode.js'

// Load factor at most one half, so that probing stays short.
const INDEX_PER_ORDER = 2

/** Open orders in columns. Index 0 to `size - 1` are in use. */
export class OrderTable {
  size: number = 0
  readonly capacity: number
  readonly clientId: Float64Array
  readonly orderId: Float64Array
  readonly price: Float64Array
  readonly quantity: Float64Array
  readonly filled: Float64Array
  /** Quantity asked for by a replace on its way; 0 when there is none. */
  readonly asked: Float64Array
  /** Price asked for by it. */
  readonly askedPrice: Float64Array
  readonly instrument: Uint16Array
  readonly side: Uint8Array
  readonly state: Uint8Array
  readonly algoId: Uint16Array
  readonly traderId: Uint16Array
  private readonly firstId: number
  private readonly endId: number
  private readonly index: Int32Array
  private readonly mask: number

  /** Room for `capacity` orders of one producer, rounded up to a power of two. */
  constructor(capacity: number, producer: number = 0) {
    this.firstId = producer * REFERENCES_PER_PRODUCER
    this.endId = this.firstId + REFERENCES_PER_PRODUCER
    const rounded = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2)))
    this.capacity = rounded
    this.clientId = new Float64Array(rounded)
    this.orderId = new Float64Array(rounded)
    this.price = new Float64Array(rounded)
    this.quantity = new Float64Array(rounded)
    this.filled = new Float64Array(rounded)
    this.asked = new Float64Array(rounded)
    this.askedPrice = new Float64Array(rounded)
    this.instrument = new Uint16Array(rounded)
    this.side = new Uint8Array(rounded)
    this.state = new Uint8Array(rounded)
    this.algoId = new Uint16Array(rounded)
    this.traderId = new Uint16Array(rounded)
    this.index = new Int32Array(rounded * INDEX_PER_ORDER).fill(-1)
    this.mask = rounded * INDEX_PER_ORDER - 1
  }

  /** Place of an order in the list; -1 when it is not open. */
  find(clientId: number): number {
    let probe = this.home(clientId)
    for (;;) {
      const place = this.index[probe]!
      if (place < 0 || this.clientId[place] === clientId) return place
      probe = (probe + 1) & this.mask
    }
  }

  /** Throws ORDERS_FULL when no order can be added. */
  requireRoom(): void {
    if (this.size === this.capacity) {
      throw fail('ORDERS_FULL', 'the strategy has as many open orders as its table holds', { max: this.capacity })
    }
  }

  /** Adds an order; the caller fills the columns. Throws ORDERS_FULL. */
  insert(clientId: number): number {
    this.requireRoom()
    let probe = this.home(clientId)
    while (this.index[probe]! >= 0) probe = (probe + 1) & this.mask
    const place = this.size
    this.index[probe] = place
    this.size = place + 1
    this.clientId[place] = clientId
    this.orderId[place] = 0
    this.filled[place] = 0
    this.asked[place] = 0
    this.state[place] = OrderState.New
    return place
  }

  /** Lots that could still fill, a replace on its way included. */
  worstOpen(place: number): number {
    return Math.max(this.quantity[place]!, this.asked[place]!) - this.filled[place]!
  }

  /** Removes an order; the last of the list takes its place. */
  remove(place: number): void {
    this.unlink(this.probeOf(this.clientId[place]!))
    const last = this.size - 1
    if (place !== last) {
      this.index[this.probeOf(this.clientId[last]!)] = place
      this.clientId[place] = this.clientId[last]!
      this.orderId[place] = this.orderId[last]!
      this.price[place] = this.price[last]!
      this.quantity[place] = this.quantity[last]!
      this.filled[place] = this.filled[last]!
      this.asked[place] = this.asked[last]!
      this.askedPrice[place] = this.askedPrice[last]!
      this.instrument[place] = this.instrument[last]!
      this.side[place] = this.side[last]!
      this.state[place] = this.state[last]!
      this.algoId[place] = this.algoId[last]!
      this.traderId[place] = this.traderId[last]!
    }
    this.clientId[last] = 0
    this.size = last
  }

  /** Forgets every order; a full image follows a gap. */
  clear(): void {
    this.index.fill(-1)
    this.clientId.fill(0)
    this.size = 0
  }

  /**
   * Takes in an order event, or a record of a full image. Events of native quoters (client id 0) and of other producers
   * are not ours.
   */
  apply(words: Int32Array, at: number, image: boolean): void {
    const clientId = readU64(words, at + CLIENT_ID)
    if (clientId <= this.firstId || clientId >= this.endId) return
    const head = words[at + KIND_FLAGS_INSTRUMENT]!
    const kind = head & 0xff
    const sideStateReason = words[at + SIDE_DETAIL_CODE]!
    const state = (sideStateReason >>> 8) & 0xff
    let place = this.find(clientId)
    if (kind === OrderEventKind.Refused) {
      // Only a refused Place ends an order: refused cancels and replaces leave it as it was.
      if (place < 0) return
      if (this.state[place] === OrderState.New) this.remove(place)
      else if (state !== 0) this.state[place] = state
      return
    }
    if (place < 0) {
      const opens = kind === OrderEventKind.New || image
      if (!opens || state === 0 || state >= OrderState.Filled) return
      place = this.insert(clientId)
      this.describe(words, at, place, head >>> 16, sideStateReason & 0xff)
    }
    if (state >= OrderState.Filled) {
      this.remove(place)
      return
    }
    if (state !== 0) this.state[place] = state
    this.orderId[place] = readU64(words, at + ORDER_ID)
    if (kind === OrderEventKind.New || kind === OrderEventKind.Accepted || kind === OrderEventKind.Replaced) {
      this.price[place] = readI64(words, at + PRICE)
      this.quantity[place] = readI64(words, at + QUANTITY)
      this.asked[place] = 0
    } else if (kind === OrderEventKind.Replace) {
      this.asked[place] = readI64(words, at + QUANTITY)
      this.askedPrice[place] = readI64(words, at + PRICE)
    } else if (kind === OrderEventKind.ReplaceRejected) {
      this.asked[place] = 0
    } else if (kind === OrderEventKind.Fill) {
      this.filled[place] = readI64(words, at + FILLED)
    }
  }

  private describe(words: Int32Array, at: number, place: number, instrument: number, side: number): void {
    const algoTrader = words[at + ALGO_TRADER]!
    this.instrument[place] = instrument
    this.side[place] = side
    this.price[place] = readI64(words, at + PRICE)
    this.quantity[place] = readI64(words, at + QUANTITY)
    this.filled[place] = readI64(words, at + FILLED)
    this.algoId[place] = algoTrader & 0xffff
    this.traderId[place] = algoTrader >>> 16
  }

  // Client ids are small consecutive integers; a multiplication spreads their low 32 bits.
  private home(clientId: number): number {
    return (Math.imul(clientId | 0, 0x9e37_79b1) >>> 7) & this.mask
  }

  private probeOf(clientId: number): number {
    let probe = this.home(clientId)
    while (this.clientId[this.index[probe]!] !== clientId) probe = (probe + 1) & this.mask
    return probe
  }

  // Backward shift: what was pushed past the hole moves into it, so that no marker of removal is needed.
  private unlink(hole: number): void {
    let probe = hole
    for (;;) {
      probe = (probe + 1) & this.mask
      const place = this.index[probe]!
      if (place < 0) break
      const home = this.home(this.clientId[place]!)
      const between = hole <= probe ? home > hole && home <= probe : home > hole || home <= probe
      if (between) continue
      this.index[hole] = place
      hole = probe
    }
    this.index[hole] = -1
  }
}
