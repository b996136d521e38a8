// Room card: engine/gateway
// In:    requests of the engine: new, cancel, replace, each already past risk and in the journal.
// Out:   `OrderGateway`, the interface by which any order API joins an engine, and the reports it gives back.
// Holds: an order's identity is ours (`orderId`) for its whole life; the gateway maps it to the venue's.
// Costs: interfaces.
//
// When a call fails. An error the venue gave as its answer is thrown as `FafnirError` with a VENUE_ code, and becomes a
// reject. Any other error (a timeout, a broken connection) leaves the outcome unknown: the venue may have the order. It
// is then never reported as rejected by guess; it stays open and counts against every limit, `reconcile` is asked until
// it knows, and the engine's own acknowledgement time-out counts towards the venue's circuit breaker.
import type { Code } from '../generated/codes.js'
import type { Instrument } from '../units.js'
import type { PriceInput, QuantityInput } from './feed.js'

interface RequestBase {
  /** Identity of the order for its whole life. Reports name it. */
  readonly orderId: number
  /** ClOrdID of this request, "session-counter"; never used twice. */
  readonly clOrdId: string
  readonly instrument: Instrument
  readonly side: 'buy' | 'sell'
  /** What `ctx.place` returned; 0 for native quoters. */
  readonly clientId: number
  /** When it was decided, Unix ns. */
  readonly decisionTimeNs: bigint
}

/** A new limit order. */
export interface NewRequest extends RequestBase {
  readonly kind: 'new'
  /** Decimal text, as the venue prints prices. */
  readonly price: string
  readonly priceTicks: number
  /** Decimal text, as the venue prints quantities. */
  readonly quantity: string
  readonly quantityLots: number
  readonly postOnly: boolean
  readonly reduceOnly: boolean
  /** Immediate or cancel. */
  readonly ioc: boolean
  readonly algoId: number
  readonly traderId: number
}

/** Cancel an order. */
export interface CancelRequest extends RequestBase {
  readonly kind: 'cancel'
  /** ClOrdID whose terms are in force. */
  readonly origClOrdId: string
}

/** Give an order a new price and total quantity. */
export interface ReplaceRequest extends RequestBase {
  readonly kind: 'replace'
  /** ClOrdID whose terms are in force. */
  readonly origClOrdId: string
  /** New price, decimal text. */
  readonly price: string
  readonly priceTicks: number
  /** New total quantity, filled part included, decimal text. */
  readonly quantity: string
  readonly quantityLots: number
}

/** A request of the engine. */
export type OrderRequest = NewRequest | CancelRequest | ReplaceRequest

interface ReportBase {
  /** The venue's stamp, Unix ns. */
  readonly venueTimeNs?: bigint | undefined
}

/** What a venue says about an order. */
export type ExecutionReport =
  | (ReportBase & { readonly kind: 'accepted' | 'cancelled' | 'expired' })
  | (ReportBase & { readonly kind: 'replaced'; readonly price?: PriceInput; readonly quantity?: QuantityInput })
  | (ReportBase & {
      readonly kind: 'rejected' | 'cancelRejected' | 'replaceRejected'
      /** Default: VENUE_INVALID. */
      readonly reason?: Code | undefined
    })
  | (ReportBase & {
      readonly kind: 'fill'
      readonly price: PriceInput
      readonly quantity: QuantityInput
      /** Fee in the settlement currency, decimal text, negative for a rebate. Default: by the instrument's rates. */
      readonly fee?: string | undefined
      /** It took liquidity. Default: false. */
      readonly taker?: boolean | undefined
      /** The order's filled quantity after it, when the venue says so: repeated and lost reports show by it. */
      readonly cumulative?: QuantityInput | undefined
    })

/** Where a gateway reports to. */
export interface ReportSink {
  /**
   * Reports about an order. Never lost: a report that finds no room now is kept and sent in order.
   * @throws FafnirError UNKNOWN_ORDER, OFF_GRID
   */
  report(orderId: number, report: ExecutionReport): void
  /**
   * The account's position in an instrument, signed lots: what was held before counts against every limit. Where the
   * engine has traded the instrument and knows another, the difference is named (POSITION_MISMATCH) and the venue's
   * gate shuts; say it before the first order, best in `start`.
   * @throws FafnirError UNKNOWN_INSTRUMENT, ARGUMENT_INVALID
   */
  position(symbol: string, lots: number): void
  /** Orders can be sent. */
  up(): void
  /** Orders cannot be sent: new and replace are refused by risk until `up`; cancels still come and should be kept. */
  down(): void
}

/** What `reconcile` found. */
export type VenueOrder =
  /** The venue has never heard of it. */
  | { readonly state: 'absent' }
  /** It works with these terms. */
  | { readonly state: 'live'; readonly price: PriceInput; readonly quantity: QuantityInput }
  /** It is filled, cancelled or expired; its fills were or will be reported. */
  | { readonly state: 'ended' }

/**
 * An order API of one venue of the configuration. The three calls may be synchronous or not; those of one order are
 * made one after the other, each when the one before has settled. They hand a request over; its fate is reported.
 */
export interface OrderGateway {
  /** Name of the venue in the configuration. */
  readonly venue: string
  /** Connects; when it returns or resolves, orders can be sent. What it throws fails `attachGateway`. */
  start(sink: ReportSink, signal: AbortSignal): void | Promise<void>
  /** Sends a new order. */
  submit(request: NewRequest): void | Promise<void>
  /** Sends a cancel. */
  cancel(request: CancelRequest): void | Promise<void>
  /** Sends a replace. A venue without one cancels and places anew under the same `orderId`, and reports `replaced`. */
  replace(request: ReplaceRequest): void | Promise<void>
  /** Looks up what the venue knows of an order after a call whose outcome is unknown. */
  reconcile?(request: OrderRequest, signal: AbortSignal): Promise<VenueOrder>
  /** Disconnects. Called once, after the last cancel has settled. */
  close?(): void | Promise<void>
}
