// Room card: strategy/context
// In:    state, order table and command writer of one host; the time of the record being delivered.
// Out:   `ctx`: what a strategy sees and what it can ask for.
// Holds: what is no order (NaN, fraction, unknown instrument) is STRATEGY_INVALID, thrown and counted, never sent.
// Costs: getters are loads; an order is the checks and the words of one command.
import { fail } from '../errors.js'
import { flag } from '../generated/layout.js'
import type { QuoterConfig } from '../generated/config.js'
import type { Instrument } from '../units.js'
import type { CommandEncoder } from './commands.js'
import { REFERENCES_PER_PRODUCER, TWO_32, sideByte, type Side } from './decode.js'
import type { OrderTable } from './order-table.js'
import type { MarketState } from './state.js'
import { BookView, OwnOrders, VolatilityView } from './views.js'

/** A limit order to place. */
export interface PlaceOrder {
  /** Id of the instrument. */
  readonly instrument: number
  readonly side: Side
  /** Price, whole ticks; made by `priceTicks` or taken from a view. */
  readonly price: number
  /** Quantity, whole lots. */
  readonly quantity: number
  /** The order must not take liquidity. Default: false. */
  readonly postOnly?: boolean | undefined
  /** The order may only shrink the position. Default: false. */
  readonly reduceOnly?: boolean | undefined
  /** Immediate or cancel. Default: false. */
  readonly ioc?: boolean | undefined
  /** Deciding algorithm, by your numbering, 0 to 65535. Default: 0. */
  readonly algoId?: number | undefined
  /** Trader or desk, by your numbering, 0 to 65535. Default: 0. */
  readonly traderId?: number | undefined
}

/** New terms of an order. */
export interface ReplaceOrder {
  /** Price, whole ticks. */
  readonly price: number
  /** Total quantity, whole lots, filled part included. */
  readonly quantity: number
}

/** The core's own functions: the same bits on every machine, unlike those of `Math`. */
export interface CoreMath {
  log1p(x: number): number
  log(x: number): number
  exp(x: number): number
  sqrt(x: number): number
}

/** Why a set of quoter parameters was refused. */
export interface RefusedParameters {
  readonly code: 'PARAMETER_OUT_OF_RANGE'
  /** Where in the set, such as `unwind.toSeconds`. */
  readonly path: string
  /** What stands there. */
  readonly what: string
  /** What is allowed there. */
  readonly allowed: string
}

/** The answer to `setQuoter`. */
export type QuoterSet = { readonly ok: true } | { readonly ok: false; readonly refused: RefusedParameters }

/** Checks quoter parameters by the one schema; `undefined` when they are good. */
export type QuoterCheck = (instrument: Instrument, json: string) => RefusedParameters | undefined

/** Values for the native quoter. */
export interface PublishedValues {
  /** Fair value in price units, above 0. */
  readonly fairValuePrice?: number | undefined
  /** Expected move, price units per second. */
  readonly driftPricePerSecond?: number | undefined
  /** Toxicity of the flow, 0 to 1. */
  readonly toxicity?: number | undefined
}

/** Quotes wanted of the native quoter; a side left out is not quoted. */
export interface WantedQuotes {
  /** Bid, price units. */
  readonly bidPrice?: number | undefined
  /** Ask, price units, at least the bid. */
  readonly askPrice?: number | undefined
  /** Lots of the bid before the gate. Default: those of the parameters. */
  readonly bidLots?: number | undefined
  /** Lots of the ask before the gate. Default: those of the parameters. */
  readonly askLots?: number | undefined
}

const QUOTER_SET: QuoterSet = Object.freeze({ ok: true })
const NO_QUOTES: WantedQuotes = Object.freeze({})

/** Start of a session as the two halves of its Unix nanoseconds. */
export interface SessionStart {
  low: number
  high: number
  known: boolean
}

/** What a strategy sees and what it can ask for. One object for the whole run. */
export class StrategyContext<Params = unknown> {
  /** What the strategy is tuned with. */
  params: Params
  /** The configured instruments, by id. */
  readonly instruments: readonly Instrument[]
  /** The strategy's own open orders. */
  readonly orders: OwnOrders
  /** The core's functions; results agree with native code bit for bit. */
  readonly math: CoreMath
  /** Session time in nanoseconds: since the first event of the run. A safe integer for 104 days. */
  now: number = 0
  /** Orders refused here because they were no orders. */
  invalidOrders: number = 0
  private readonly state: MarketState
  private readonly table: OrderTable
  private readonly commands: CommandEncoder
  private readonly start: SessionStart
  private readonly bookView: BookView
  private readonly volatilityView: VolatilityView
  private readonly symbols: ReadonlyMap<string, Instrument>
  private readonly firstTimerId: number
  private readonly checkQuoter: QuoterCheck | undefined
  private nextClientId: number

  constructor(parts: {
    readonly params: Params
    readonly instruments: readonly Instrument[]
    readonly math: CoreMath
    readonly state: MarketState
    readonly table: OrderTable
    readonly commands: CommandEncoder
    readonly start: SessionStart
    readonly producer: number
    readonly checkQuoter?: QuoterCheck | undefined
  }) {
    this.checkQuoter = parts.checkQuoter
    this.params = parts.params
    this.instruments = parts.instruments
    this.math = parts.math
    this.state = parts.state
    this.table = parts.table
    this.commands = parts.commands
    this.start = parts.start
    this.nextClientId = parts.producer * REFERENCES_PER_PRODUCER + 1
    this.firstTimerId = (parts.producer + 1) * TWO_32
    this.orders = new OwnOrders(parts.table)
    this.bookView = new BookView(parts.state)
    this.volatilityView = new VolatilityView(parts.state)
    this.symbols = new Map(parts.instruments.map((instrument) => [instrument.symbol, instrument]))
  }

  /** Absolute time, Unix ns. Allocates: cold paths only. */
  timeNs(): bigint {
    const { low, high } = this.start
    return (BigInt(high >>> 0) << 32n) + BigInt(low >>> 0) + BigInt(this.now)
  }

  /** New orders can pass: false once the engine was killed or is closing. */
  get trading(): boolean {
    return this.state.trading
  }

  /** The instrument of a symbol. @throws FafnirError STRATEGY_INVALID when the configuration has none. */
  instrument(symbol: string): Instrument {
    const found = this.symbols.get(symbol)
    if (found === undefined) {
      throw this.refused(`no instrument "${symbol}"`, 'symbol', symbol, [...this.symbols.keys()].join(' '))
    }
    return found
  }

  /** Touch and validity as of this event. The same object every time, valid until the handler returns. */
  book(instrument: number): BookView {
    this.knownInstrument(instrument)
    return this.bookView.point(instrument)
  }

  /** Volatility as of this event. The same object every time, valid until the handler returns. */
  volatility(instrument: number): VolatilityView {
    this.knownInstrument(instrument)
    return this.volatilityView.point(instrument)
  }

  /** Signed position in lots: the sum of the fills seen. */
  position(instrument: number): number {
    this.knownInstrument(instrument)
    return this.state.position[instrument]!
  }

  /**
   * Places a limit order; risk decides next, and its refusal comes as an order event of kind `refused`.
   * @returns the client id that names the order from now on.
   * @throws FafnirError STRATEGY_INVALID (not an order), ORDERS_FULL, COMMAND_RING_FULL; nothing was sent then.
   */
  place(order: PlaceOrder): number {
    const { instrument, price, quantity } = order
    this.knownInstrument(instrument)
    if (order.side !== 'buy' && order.side !== 'sell') {
      throw this.refused('a side is "buy" or "sell"', 'side', order.side, 'buy sell')
    }
    this.wholePositive('price', price)
    this.wholePositive('quantity', quantity)
    const algoId = this.smallId('algoId', order.algoId)
    const traderId = this.smallId('traderId', order.traderId)
    const flags =
      (order.postOnly === true ? flag.POST_ONLY : 0) |
      (order.reduceOnly === true ? flag.REDUCE_ONLY : 0) |
      (order.ioc === true ? flag.IOC : 0)
    const { table } = this
    const side = sideByte(order.side)
    const clientId = this.nextClientId
    table.requireRoom()
    this.commands.place(instrument, side, flags, clientId, price, quantity, algoId, traderId)
    this.nextClientId = clientId + 1
    const place = table.insert(clientId)
    table.instrument[place] = instrument
    table.side[place] = side
    table.price[place] = price
    table.quantity[place] = quantity
    table.algoId[place] = algoId
    table.traderId[place] = traderId
    return clientId
  }

  /**
   * Cancels an order.
   * @returns false when no such order is open.
   * @throws FafnirError COMMAND_RING_FULL
   */
  cancel(clientId: number): boolean {
    const place = this.table.find(clientId)
    if (place < 0) return false
    this.commands.cancel(this.table.instrument[place]!, clientId)
    return true
  }

  /**
   * Gives an order a new price and total quantity.
   * @returns false when no such order is open.
   * @throws FafnirError STRATEGY_INVALID, COMMAND_RING_FULL
   */
  replace(clientId: number, terms: ReplaceOrder): boolean {
    this.wholePositive('price', terms.price)
    this.wholePositive('quantity', terms.quantity)
    const place = this.table.find(clientId)
    if (place < 0) return false
    this.commands.replace(this.table.instrument[place]!, clientId, terms.price, terms.quantity)
    return true
  }

  /** Cancels every open order of an instrument (native quotes too), or of all when none is named. */
  cancelAll(instrument?: number): void {
    if (instrument !== undefined) this.knownInstrument(instrument)
    this.commands.cancelAll(instrument)
  }

  /**
   * Asks for `onTimer(id)` at a session time. A timer of the same id is moved; one in the past fires at once.
   * @throws FafnirError STRATEGY_INVALID when id is not 0 to 2^32 - 1 or the time no safe integer from 0.
   */
  setTimer(id: number, atNs: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= TWO_32) {
      throw this.refused('a timer id is 0 to 4294967295', 'id', id, '0 to 4294967295')
    }
    if (!Number.isSafeInteger(atNs) || atNs < 0) {
      throw this.refused('a timer fires at whole nanoseconds of session time', 'atNs', atNs, '0 to 2^53 - 1')
    }
    const { low, high } = this.start
    const sum = (low >>> 0) + (atNs % TWO_32)
    this.commands.setTimer(this.firstTimerId + id, sum | 0, high + Math.floor(atNs / TWO_32) + (sum >= TWO_32 ? 1 : 0))
  }

  /**
   * Replaces the parameters of an instrument's native quoter, all at once. A set with a value out of its range is not
   * sent: the answer says which value, why and what is allowed, and the old set stays in force.
   * @throws FafnirError STRATEGY_INVALID when the configuration has no such instrument; COMMAND_RING_FULL.
   */
  setQuoter(params: QuoterConfig): QuoterSet {
    const instrument = this.instrument(params.instrument)
    const json = JSON.stringify(params)
    const refused = this.checkQuoter?.(instrument, json)
    if (refused !== undefined) return { ok: false, refused }
    this.commands.setQuoter(instrument.id, json)
    return QUOTER_SET
  }

  /**
   * Publishes values to the native quoter of an instrument, all at once: a fair value (`fairValue: { kind: 'published'
   * }` of its parameters), a drift, a toxicity. What is left out stays as it was; each value grows old by its rule.
   * @throws FafnirError STRATEGY_INVALID when a value is not finite or out of its range; COMMAND_RING_FULL.
   */
  publish(instrument: number, values: PublishedValues): void {
    this.knownInstrument(instrument)
    const { fairValuePrice, driftPricePerSecond, toxicity } = values
    this.finite('fairValuePrice', fairValuePrice, Number.MIN_VALUE, Number.MAX_VALUE)
    this.finite('driftPricePerSecond', driftPricePerSecond, -Number.MAX_VALUE, Number.MAX_VALUE)
    this.finite('toxicity', toxicity, 0, 1)
    this.commands.publish(instrument, fairValuePrice, driftPricePerSecond, toxicity)
  }

  /**
   * Asks the native quoter of an instrument (its parameter `model: { kind: 'strategy' }`) for these quotes from now on,
   * in place of a model's; `undefined` withdraws them. The prices are those of a model: floats of price units, not yet
   * on the grid. Gate, rounding, spread rules, ladder, post-only and cancel/replace are the native quoter's.
   * @throws FafnirError STRATEGY_INVALID when a price is not finite and above zero, the bid is above the ask or lots
   * are not whole; COMMAND_RING_FULL.
   */
  quote(instrument: number, quotes: WantedQuotes | undefined): void {
    this.knownInstrument(instrument)
    const { bidPrice, askPrice, bidLots = 0, askLots = 0 } = quotes ?? NO_QUOTES
    this.finite('bidPrice', bidPrice, Number.MIN_VALUE, Number.MAX_VALUE)
    this.finite('askPrice', askPrice, bidPrice ?? Number.MIN_VALUE, Number.MAX_VALUE)
    if (bidLots !== 0) this.wholePositive('bidLots', bidLots)
    if (askLots !== 0) this.wholePositive('askLots', askLots)
    this.commands.quote(instrument, bidPrice, askPrice, bidLots, askLots)
  }

  private finite(name: string, value: number | undefined, low: number, high: number): void {
    if (value === undefined || (value >= low && value <= high)) return
    throw this.refused(`${name} must be a number in its range`, name, value, `${low} to ${high}`)
  }

  private knownInstrument(instrument: number): void {
    // Written so that NaN and fractions fail, too.
    if (this.instruments[instrument] === undefined) {
      throw this.refused('no such instrument', 'instrument', instrument, `0 to ${this.instruments.length - 1}`)
    }
  }

  private wholePositive(name: string, value: number): void {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw this.refused(`${name} must be a whole number above zero`, name, value, '1 to 2^53 - 1')
    }
  }

  private smallId(name: string, value: number | undefined): number {
    if (value === undefined) return 0
    if (!Number.isInteger(value) || value < 0 || value > 65_535) {
      throw this.refused(`${name} must be a whole number`, name, value, '0 to 65535')
    }
    return value
  }

  private refused(message: string, name: string, value: unknown, allowed: string): Error {
    this.invalidOrders += 1
    return fail('STRATEGY_INVALID', message, { [name]: String(value), allowed })
  }
}
