// Room card: engine/feed
// In:    anything that can be reached: a socket, a REST poll, another library.
// Out:   `MarketFeed`, the interface by which it joins an engine, and the updates it pushes.
// Holds: prices enter as decimal text or branded ticks, never as bare floats.
// Costs: interfaces.
import type { PriceTicks, QuantityLots } from '../units.js'

/** A price: exact decimal text such as "61800.2", or ticks made by `priceTicks`. */
export type PriceInput = string | PriceTicks
/** A quantity: exact decimal text such as "0.020", or lots made by `quantityLots`. */
export type QuantityInput = string | QuantityLots

/** Best bid and ask. A missing side is left out. */
export interface TouchUpdate {
  readonly kind: 'touch'
  /** Symbol of the instrument. */
  readonly instrument: string
  readonly bid?: PriceInput | undefined
  readonly bidQuantity?: QuantityInput | undefined
  readonly ask?: PriceInput | undefined
  readonly askQuantity?: QuantityInput | undefined
  /** Number that never falls; older updates are skipped. Default: counted by the engine. */
  readonly updateId?: number | undefined
  /** The venue's stamp, Unix ns. */
  readonly venueTimeNs?: bigint | undefined
}

/** A public trade. */
export interface TradeUpdate {
  readonly kind: 'trade'
  /** Symbol of the instrument. */
  readonly instrument: string
  readonly price: PriceInput
  readonly quantity: QuantityInput
  /** Side of the order that took liquidity. */
  readonly aggressor: 'buy' | 'sell'
  /** The venue's trade id. */
  readonly tradeId?: number | undefined
  /** The venue's stamp, Unix ns. */
  readonly venueTimeNs?: bigint | undefined
}

/** The market data of one instrument cannot be trusted until the next touch: its quotes are pulled. */
export interface StaleUpdate {
  readonly kind: 'stale'
  /** Symbol of the instrument. */
  readonly instrument: string
}

/** Normalised market data. */
export type MarketUpdate = TouchUpdate | TradeUpdate | StaleUpdate

/** Where a feed pushes to. Every method can be called at any time until the signal of `start` aborts. */
export interface MarketSink {
  /**
   * Pushes normalised data (venue with feed "normalised"). False when the engine has not yet taken earlier input:
   * nothing was taken, the next update is as good.
   * @throws FafnirError OFF_GRID, UNKNOWN_SYMBOL
   */
  push(update: MarketUpdate): boolean
  /** Pushes a raw frame as received (venue with another feed). False as `push`: a gap follows. */
  frame(bytes: Uint8Array | string): boolean
  /** The connection is there. */
  up(): void
  /** The connection is gone: books become invalid and quotes are pulled. */
  down(): void
}

/**
 * A source of market data for one venue of the configuration.
 *
 * The engine calls `start` once. A feed reconnects by itself, and says `down` and `up` while it does.
 */
export interface MarketFeed {
  /** Name of the venue in the configuration. */
  readonly venue: string
  /** Connects and begins to push. What it throws or rejects with fails `attachFeed`. */
  start(sink: MarketSink, signal: AbortSignal): void | Promise<void>
  /**
   * Fetches a full book snapshot of a symbol, in the venue's own format. Asked for when an L2 book has to join or has a
   * gap; asked again, ever more slowly, when it fails. Feeds of normalised data need none.
   */
  snapshot?(symbol: string, signal: AbortSignal): Promise<Uint8Array | string>
}
