// Room card: engine/gateway-link
// In:    requests out of the orders ring, a venue's gateway, its reports.
// Out:   calls of the gateway, one after the other for each order; report records into the engine.
// Holds: every request reaches the gateway once; an unknown outcome is never turned into a reject by guess.
// Costs: one object and at most one promise a request; the paths of an order API, not of a tick.
import { Decimal } from 'decimal.js'

import { codeNumber, type Code } from '../generated/codes.js'
import { FafnirError, fail } from '../errors.js'
import { OrderEventKind, OrderState, flag } from '../generated/layout.js'
import {
  ALGO_TRADER,
  CLIENT_ID,
  DECISION_TIME,
  FEE,
  FILLED,
  KIND_FLAGS_INSTRUMENT,
  LAST_LOTS,
  LAST_PRICE,
  ORDER_ID,
  PRICE,
  QUANTITY,
  REQUEST,
  SIDE_DETAIL_CODE,
  TIME,
  TWO_32,
  readBigU64,
  readI64,
  readU64,
  writeI64,
} from '../strategy/decode.js'
import { priceText, priceTicks, quantityLots, quantityText, type Instrument } from '../units.js'
import { feeByRate } from './fees.js'
import type { ExecutionReport, OrderGateway, OrderRequest, VenueOrder } from './gateway.js'
import type { Inlet } from './inlet.js'

/** Ended orders remembered, so that a late fill still finds its order. */
const ENDED_MAX = 4_096
const RECONCILE_FIRST_MILLIS = 250
const RECONCILE_LAST_MILLIS = 30_000

interface OpenOrder {
  readonly orderId: number
  readonly instrument: Instrument
  readonly side: 1 | 2
  /** Counter of the ClOrdID whose terms are in force. */
  current: number
  /** Counter of the latest cancel and of the latest replace, and what the replace asked for. */
  cancelRequest: number
  replaceRequest: number
  ended: boolean
  /** Settles when the calls so far have. */
  calls: Promise<void> | undefined
}

/** What a link needs of its engine. */
export interface LinkHost {
  readonly inlet: Inlet
  readonly signal: AbortSignal
  readonly fault: (error: FafnirError) => void
}

/** Joins one gateway to one engine. */
export class GatewayLink {
  readonly gateway: OrderGateway
  private readonly host: LinkHost
  private readonly orders: Map<number, OpenOrder> = new Map()
  private readonly ended: number[] = []
  private readonly calls: Set<Promise<void>> = new Set()

  constructor(gateway: OrderGateway, host: LinkHost) {
    this.gateway = gateway
    this.host = host
  }

  /** Open orders at this venue. */
  get openOrders(): number {
    return this.orders.size - this.ended.length
  }

  /** Was this order sent through here (and is it not long ended)? */
  knows(orderId: number): boolean {
    return this.orders.has(orderId)
  }

  /** Settles when every call made so far has, at the latest after `millis`; true when they all have. */
  async settled(millis: number): Promise<boolean> {
    const late = new AbortController()
    const waited = delay(millis, late.signal)
    const all = async (): Promise<void> => {
      while (this.calls.size > 0) await Promise.all(this.calls)
    }
    await Promise.race([all(), waited])
    late.abort()
    return this.calls.size === 0
  }

  /** An order event of this venue out of the ring. */
  onOrder(words: Int32Array, at: number, kind: number, instrument: Instrument): void {
    const orderId = readU64(words, at + ORDER_ID)
    const sideState = words[at + SIDE_DETAIL_CODE]!
    if (kind === OrderEventKind.Refused || orderId === 0) return
    let order = this.orders.get(orderId)
    if (order === undefined) {
      const request = words[at + REQUEST]! >>> 0
      order = {
        orderId,
        instrument,
        side: (sideState & 0xff) === 2 ? 2 : 1,
        current: request,
        cancelRequest: 0,
        replaceRequest: 0,
        ended: false,
        calls: undefined,
      }
      this.orders.set(orderId, order)
    }
    const request = words[at + REQUEST]! >>> 0
    if (kind === OrderEventKind.Replaced) order.current = request
    if (kind === OrderEventKind.Cancel) order.cancelRequest = request
    if (kind === OrderEventKind.Replace) order.replaceRequest = request
    const isRequest = kind <= OrderEventKind.Replace
    if (isRequest) this.call(order, requestOf(words, at, kind, order))
    if (!isRequest && ((sideState >>> 8) & 0xff) >= OrderState.Filled) this.end(order)
  }

  /**
   * A record of the image that follows a gap. A request that was lost in the gap never reached the gateway: that is
   * certain for an order the link has not seen, and answered as a reject; a cancel or replace that may be lost is
   * refused, so that the order can be cancelled again.
   */
  onImage(words: Int32Array, at: number, instrument: Instrument): void {
    const orderId = readU64(words, at + ORDER_ID)
    const sideState = words[at + SIDE_DETAIL_CODE]!
    const state = (sideState >>> 8) & 0xff
    const known = this.orders.get(orderId)
    if (known === undefined) {
      const current = words[at + REQUEST]! >>> 0
      const side = (sideState & 0xff) === 2 ? 2 : 1
      this.orders.set(orderId, {
        orderId,
        instrument,
        side,
        current,
        cancelRequest: 0,
        replaceRequest: 0,
        ended: false,
        calls: undefined,
      })
      this.report(orderId, { kind: 'rejected', reason: 'VENUE_UNKNOWN_ORDER' })
    } else if (known.calls === undefined) {
      known.cancelRequest = 0
      known.replaceRequest = 0
      if (state === OrderState.PendingCancel) this.report(orderId, { kind: 'cancelRejected' })
      if (state === OrderState.PendingReplace) this.report(orderId, { kind: 'replaceRejected' })
    }
  }

  /** A report of the venue. */
  report(orderId: number, report: ExecutionReport): void {
    const order = this.orders.get(orderId)
    if (order === undefined) {
      throw fail('UNKNOWN_ORDER', 'the report names an order this engine has not sent', { orderId })
    }
    const kind = KIND_OF[report.kind]
    const request = requestCounter(order, report.kind)
    const [price, quantity] = termsOf(order.instrument, report)
    const fill = report.kind === 'fill' ? fillOf(order.instrument, report) : NO_FILL
    const reason = 'reason' in report || REJECTS.has(report.kind) ? codeNumber[reasonOf(report)] : 0
    const time = report.venueTimeNs ?? 0n
    this.host.inlet.report((i32, at) => {
      i32[at + KIND_FLAGS_INSTRUMENT] = kind | ((fill.taker ? flag.TAKER : 0) << 8) | (order.instrument.id << 16)
      i32[at + SIDE_DETAIL_CODE] = order.side | (reason << 16)
      i32[at + REQUEST] = request
      writeI64(i32, at + ORDER_ID, orderId)
      writeI64(i32, at + PRICE, price)
      writeI64(i32, at + QUANTITY, quantity)
      writeI64(i32, at + FILLED, fill.cumulative)
      writeI64(i32, at + LAST_PRICE, fill.price)
      writeI64(i32, at + LAST_LOTS, fill.lots)
      writeI64(i32, at + FEE, fill.fee)
      i32[at + TIME] = Number(BigInt.asIntN(32, time))
      i32[at + TIME + 1] = Number(BigInt.asIntN(32, time >> 32n))
    })
  }

  /** The venue's statement of a position. @throws FafnirError ARGUMENT_INVALID */
  position(instrument: Instrument, lots: number): void {
    if (!Number.isSafeInteger(lots)) {
      throw fail('ARGUMENT_INVALID', 'a position is whole lots', { symbol: instrument.symbol, lots })
    }
    this.host.inlet.report((i32, at) => {
      i32[at + KIND_FLAGS_INSTRUMENT] = OrderEventKind.Position | (instrument.id << 16)
      i32[at + SIDE_DETAIL_CODE] = lots < 0 ? 2 : 1
      writeI64(i32, at + LAST_LOTS, lots)
    })
  }

  private end(order: OpenOrder): void {
    if (order.ended) return
    order.ended = true
    this.ended.push(order.orderId)
    if (this.ended.length > ENDED_MAX) this.orders.delete(this.ended.shift()!)
  }

  // Calls of one order run one after the other: a cancel must not overtake the order it cancels.
  private call(order: OpenOrder, request: OrderRequest): void {
    if (order.calls === undefined) {
      let outcome: void | Promise<void>
      try {
        outcome = this.hand(request)
      } catch (error) {
        outcome = Promise.reject(error as Error)
      }
      if (outcome === undefined) return
      this.track(
        order,
        Promise.resolve(outcome).catch((error: unknown) => this.failed(order, request, error)),
      )
      return
    }
    const next = order.calls
      .then(() => this.hand(request))
      .catch((error: unknown) => this.failed(order, request, error))
    this.track(order, next)
  }

  private track(order: OpenOrder, call: Promise<void>): void {
    // What follows waits for this call; a failure of ours is named, never an unhandled rejection.
    const done: Promise<void> = call
      .catch((error: unknown) => this.host.fault(faultOf('a gateway call could not be followed up', order, error)))
      .finally(() => {
        this.calls.delete(done)
        if (order.calls === done) order.calls = undefined
      })
    order.calls = done
    this.calls.add(done)
  }

  private hand(request: OrderRequest): void | Promise<void> {
    switch (request.kind) {
      case 'new':
        return this.gateway.submit(request)
      case 'cancel':
        return this.gateway.cancel(request)
      case 'replace':
        return this.gateway.replace(request)
    }
  }

  private async failed(order: OpenOrder, request: OrderRequest, error: unknown): Promise<void> {
    if (error instanceof FafnirError && error.code.startsWith('VENUE_')) {
      this.report(order.orderId, { kind: REJECT_OF[request.kind], reason: error.code })
      return
    }
    this.host.fault(faultOf(`the outcome of a ${request.kind} is unknown`, order, error))
    const { gateway, host } = this
    if (gateway.reconcile === undefined) return
    let pause = RECONCILE_FIRST_MILLIS
    while (!host.signal.aborted && !order.ended) {
      try {
        this.settle(order, request, await gateway.reconcile(request, host.signal))
        return
      } catch (again) {
        host.fault(faultOf(`the ${request.kind} could not be reconciled`, order, again))
      }
      await delay(pause, host.signal)
      pause = Math.min(pause * 2, RECONCILE_LAST_MILLIS)
    }
  }

  private settle(order: OpenOrder, request: OrderRequest, found: VenueOrder): void {
    const { orderId } = order
    switch (request.kind) {
      case 'new':
        if (found.state === 'absent') this.report(orderId, { kind: 'rejected', reason: 'VENUE_UNKNOWN_ORDER' })
        else this.report(orderId, { kind: 'accepted' })
        return
      case 'cancel':
        if (found.state === 'live') this.report(orderId, { kind: 'cancelRejected', reason: 'VENUE_INVALID' })
        else this.report(orderId, { kind: 'cancelled' })
        return
      case 'replace': {
        const { instrument } = order
        const taken =
          found.state === 'live' &&
          ticksOf(instrument, found.price) === request.priceTicks &&
          lotsOf(instrument, found.quantity) === request.quantityLots
        if (taken) this.report(orderId, { kind: 'replaced' })
        else this.report(orderId, { kind: 'replaceRejected', reason: 'VENUE_INVALID' })
      }
    }
  }
}

const KIND_OF: Readonly<Record<ExecutionReport['kind'], number>> = {
  accepted: OrderEventKind.Accepted,
  rejected: OrderEventKind.Rejected,
  fill: OrderEventKind.Fill,
  cancelled: OrderEventKind.Cancelled,
  replaced: OrderEventKind.Replaced,
  cancelRejected: OrderEventKind.CancelRejected,
  replaceRejected: OrderEventKind.ReplaceRejected,
  expired: OrderEventKind.Expired,
}
const REJECT_OF = { new: 'rejected', cancel: 'cancelRejected', replace: 'replaceRejected' } as const
const REJECTS: ReadonlySet<string> = new Set(Object.values(REJECT_OF))

function reasonOf(report: ExecutionReport): Code {
  return ('reason' in report ? report.reason : undefined) ?? 'VENUE_INVALID'
}

function requestCounter(order: OpenOrder, kind: ExecutionReport['kind']): number {
  switch (kind) {
    case 'cancelled':
    case 'cancelRejected':
      return order.cancelRequest
    case 'replaced':
    case 'replaceRejected':
      return order.replaceRequest
    default:
      return 0
  }
}

function termsOf(instrument: Instrument, report: ExecutionReport): readonly [price: number, quantity: number] {
  if (report.kind !== 'replaced') return [0, 0]
  const { price, quantity } = report
  return [
    price === undefined ? 0 : ticksOf(instrument, price),
    quantity === undefined ? 0 : lotsOf(instrument, quantity),
  ]
}

const NO_FILL = { price: 0, lots: 0, fee: 0, cumulative: 0, taker: false }

function fillOf(instrument: Instrument, report: Extract<ExecutionReport, { readonly kind: 'fill' }>): typeof NO_FILL {
  const price = ticksOf(instrument, report.price)
  const lots = lotsOf(instrument, report.quantity)
  const taker = report.taker === true
  const fee = report.fee === undefined ? feeByRate(instrument, price, lots, taker) : feeUnits(instrument, report.fee)
  const cumulative = report.cumulative === undefined ? 0 : lotsOf(instrument, report.cumulative)
  return { price, lots, fee, cumulative, taker }
}

function feeUnits(instrument: Instrument, text: string): number {
  const units = /^-?\d+(\.\d+)?$/.test(text)
    ? new Decimal(text).mul(new Decimal(10).pow(instrument.moneyScale))
    : undefined
  if (units === undefined || !units.isInteger() || !Number.isSafeInteger(units.toNumber())) {
    throw fail('OFF_GRID', 'a fee is no whole number of the smallest unit', { fee: text, scale: instrument.moneyScale })
  }
  return units.toNumber()
}

function ticksOf(instrument: Instrument, price: string | number): number {
  return typeof price === 'string' ? priceTicks(instrument, price) : price
}

function lotsOf(instrument: Instrument, quantity: string | number): number {
  return typeof quantity === 'string' ? quantityLots(instrument, quantity) : quantity
}

function clOrdId(orderId: number, counter: number): string {
  return `${Math.floor(orderId / TWO_32)}-${counter}`
}

function requestOf(words: Int32Array, at: number, kind: number, order: OpenOrder): OrderRequest {
  const { orderId, instrument } = order
  const flags = words[at + KIND_FLAGS_INSTRUMENT]! >>> 8
  const algoTrader = words[at + ALGO_TRADER]!
  const base = {
    orderId,
    clOrdId: clOrdId(orderId, words[at + REQUEST]! >>> 0),
    instrument,
    side: order.side === 1 ? ('buy' as const) : ('sell' as const),
    clientId: readU64(words, at + CLIENT_ID),
    decisionTimeNs: readBigU64(words, at + DECISION_TIME),
  }
  const origClOrdId = clOrdId(orderId, order.current)
  if (kind === OrderEventKind.Cancel) return Object.freeze({ ...base, kind: 'cancel' as const, origClOrdId })
  const ticks = readI64(words, at + PRICE)
  const lots = readI64(words, at + QUANTITY)
  const terms = {
    price: priceText(instrument, ticks),
    priceTicks: ticks,
    quantity: quantityText(instrument, lots),
    quantityLots: lots,
  }
  if (kind === OrderEventKind.Replace)
    return Object.freeze({ ...base, ...terms, kind: 'replace' as const, origClOrdId })
  return Object.freeze({
    ...base,
    ...terms,
    kind: 'new' as const,
    postOnly: (flags & flag.POST_ONLY) !== 0,
    reduceOnly: (flags & flag.REDUCE_ONLY) !== 0,
    ioc: (flags & flag.IOC) !== 0,
    algoId: algoTrader & 0xffff,
    traderId: algoTrader >>> 16,
  })
}

function faultOf(message: string, order: OpenOrder, cause: unknown): FafnirError {
  const error = cause instanceof Error ? cause.message : String(cause)
  return fail('ACK_TIMEOUT', message, { orderId: order.orderId, instrument: order.instrument.symbol, error }, cause)
}

/** Waits, or until the signal aborts. */
export function delay(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, millis)
    if (signal.aborted) done()
    else signal.addEventListener('abort', done, { once: true })
  })
}
