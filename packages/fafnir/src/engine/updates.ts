// Room card: engine/updates
// In:    normalised market updates with decimal text or branded units.
// Out:   event records in the inlet.
// Holds: a touch enters as both of its sides, the second with LAST: the state in between is never shown.
// Costs: decimal.js where text is given; branded units cost a check.
import { fail } from '../errors.js'
import { EventKind, flag } from '../generated/layout.js'
import {
  EXCHANGE_TIME,
  ID,
  KIND_FLAGS_INSTRUMENT,
  PRICE,
  QUANTITY,
  SIDE_DETAIL_CODE,
  sideByte,
  writeI64,
} from '../strategy/decode.js'
import { priceTicks, quantityLots, type Instrument } from '../units.js'
import type { MarketUpdate, PriceInput, QuantityInput, TouchUpdate } from './feed.js'
import type { Inlet } from './inlet.js'

/** Writes updates of the instruments of one engine. */
export class UpdateWriter {
  private readonly inlet: Inlet
  private readonly instruments: ReadonlyMap<string, Instrument>
  private readonly touchIds: Float64Array

  constructor(inlet: Inlet, instruments: readonly Instrument[]) {
    this.inlet = inlet
    this.instruments = new Map(instruments.map((instrument) => [instrument.symbol, instrument]))
    this.touchIds = new Float64Array(instruments.length)
  }

  /** The instrument of a symbol. @throws FafnirError UNKNOWN_SYMBOL */
  instrument(symbol: string): Instrument {
    const found = this.instruments.get(symbol)
    if (found === undefined) {
      throw fail('UNKNOWN_SYMBOL', `no instrument "${symbol}"`, {
        symbol,
        allowed: [...this.instruments.keys()].join(' '),
      })
    }
    return found
  }

  /** Writes an update; false when there is no room now. */
  push(update: MarketUpdate): boolean {
    const instrument = this.instrument(update.instrument)
    switch (update.kind) {
      case 'touch':
        return this.touch(instrument, update)
      case 'trade': {
        const price = ticksIn(instrument, update.price)
        const lots = lotsIn(instrument, update.quantity)
        const { tradeId = 0, venueTimeNs = 0n } = update
        return this.event(EventKind.Trade, instrument, sideByte(update.aggressor), price, lots, tradeId, venueTimeNs, 0)
      }
      case 'stale':
        return this.event(EventKind.BookState, instrument, 0, 0, 0, 0, 0n, 0)
    }
  }

  private touch(instrument: Instrument, update: TouchUpdate): boolean {
    const id = this.touchId(instrument, update.updateId)
    const { bid, bidQuantity, ask, askQuantity, venueTimeNs = 0n } = update
    const bidTicks = bid === undefined ? 0 : ticksIn(instrument, bid)
    const askTicks = ask === undefined ? 0 : ticksIn(instrument, ask)
    const bidLots = bid === undefined ? 0 : lotsIn(instrument, required(bidQuantity, 'bidQuantity'))
    const askLots = ask === undefined ? 0 : lotsIn(instrument, required(askQuantity, 'askQuantity'))
    const kind = EventKind.Touch
    return (
      this.event(kind, instrument, 1, bidTicks, bidLots, id, venueTimeNs, 0) &&
      this.event(kind, instrument, 2, askTicks, askLots, id, venueTimeNs, flag.LAST)
    )
  }

  private touchId(instrument: Instrument, given: number | undefined): number {
    const id = given ?? this.touchIds[instrument.id]! + 1
    if (!Number.isSafeInteger(id) || id < 0) {
      throw fail('ARGUMENT_INVALID', 'an update id is a whole number', { updateId: id, allowed: '0 to 2^53 - 1' })
    }
    this.touchIds[instrument.id] = Math.max(id, this.touchIds[instrument.id]!)
    return id
  }

  private event(
    kind: number,
    instrument: Instrument,
    side: number,
    price: number,
    lots: number,
    id: number,
    time: bigint,
    flags: number,
  ): boolean {
    return this.inlet.event((i32, at) => {
      i32[at + KIND_FLAGS_INSTRUMENT] = kind | (flags << 8) | (instrument.id << 16)
      // A pushed touch stands where an L1 feed would.
      i32[at + SIDE_DETAIL_CODE] = side | ((kind === EventKind.Touch ? 1 : 0) << 8)
      writeI64(i32, at + PRICE, price)
      writeI64(i32, at + QUANTITY, lots)
      writeI64(i32, at + ID, id)
      i32[at + EXCHANGE_TIME] = Number(BigInt.asIntN(32, time))
      i32[at + EXCHANGE_TIME + 1] = Number(BigInt.asIntN(32, time >> 32n))
    })
  }
}

function ticksIn(instrument: Instrument, price: PriceInput): number {
  return typeof price === 'string' ? priceTicks(instrument, price) : whole(price, 'price')
}

function lotsIn(instrument: Instrument, quantity: QuantityInput): number {
  return typeof quantity === 'string' ? quantityLots(instrument, quantity) : whole(quantity, 'quantity')
}

function whole(value: number, name: string): number {
  if (!Number.isSafeInteger(value)) {
    throw fail('OFF_GRID', `${name} is no whole number of steps`, { [name]: value, allowed: 'text, ticks or lots' })
  }
  return value
}

function required(quantity: QuantityInput | undefined, name: string): QuantityInput {
  if (quantity === undefined)
    throw fail('ARGUMENT_INVALID', `a side of the touch needs its quantity`, { missing: name })
  return quantity
}
