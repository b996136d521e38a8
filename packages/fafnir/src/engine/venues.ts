// Room card: engine/venues
// In:    feeds and gateways that join venues of the configuration.
// Out:   connection changes, frames, updates and reports in the inlet; requests to the gateways.
// Holds: one feed and one gateway a venue, and neither where the engine has a native link.
// Costs: a look-up by venue an order event.
import { asFault, fail, type FafnirError } from '../errors.js'
import type { EngineConfig } from '../generated/config.js'
import { ConnState } from '../generated/layout.js'
import { KIND_FLAGS_INSTRUMENT } from '../strategy/decode.js'
import type { Instrument } from '../units.js'
import type { MarketFeed, MarketSink } from './feed.js'
import type { ExecutionReport, OrderGateway } from './gateway.js'
import { GatewayLink } from './gateway-link.js'
import type { Inlet } from './inlet.js'
import { SnapshotFetcher } from './snapshots.js'
import type { UpdateWriter } from './updates.js'

/** What the venues need of their engine. */
export interface VenuesHost {
  readonly config: EngineConfig
  readonly instruments: readonly Instrument[]
  readonly inlet: Inlet
  readonly updates: UpdateWriter
  readonly signal: AbortSignal
  readonly fault: (error: FafnirError) => void
}

/** The feeds and gateways of one engine, by venue. */
export class Venues {
  private readonly host: VenuesHost
  private readonly links: Map<number, GatewayLink> = new Map()
  private readonly feeds: Map<number, MarketFeed> = new Map()
  private readonly snapshots: SnapshotFetcher
  /** Venue of each instrument. */
  private readonly venueOf: readonly number[]

  constructor(host: VenuesHost) {
    this.host = host
    const { inlet, signal } = host
    const fault = (message: string, error: unknown): void => host.fault(asFault('BOOK_DISCONNECTED', message, error))
    this.snapshots = new SnapshotFetcher({ inlet, signal, fault })
    this.venueOf = host.instruments.map(({ venue }) => this.id(venue))
  }

  /** Are there orders that go through this thread? */
  get hasGateways(): boolean {
    return this.links.size > 0
  }

  /** Orders open at gateways. */
  get openOrders(): number {
    let open = 0
    for (const link of this.links.values()) open += link.openOrders
    return open
  }

  /** Id of a venue. @throws FafnirError ARGUMENT_INVALID */
  id(name: string): number {
    const { venues } = this.host.config
    const id = venues.findIndex((venue) => venue.name === name)
    if (id >= 0) return id
    throw fail('ARGUMENT_INVALID', `no venue "${name}"`, { venue: name, allowed: venues.map((v) => v.name).join(' ') })
  }

  /** Joins market data of one venue. */
  async attachFeed(feed: MarketFeed): Promise<void> {
    const venue = this.id(feed.venue)
    this.requireNoLink(feed.venue, 'market')
    if (this.feeds.has(venue)) throw fail('ARGUMENT_INVALID', 'the venue has a feed already', { venue: feed.venue })
    this.feeds.set(venue, feed)
    const conn = venue * 2
    const sink: MarketSink = {
      push: (update) => {
        this.requireOpen()
        return this.host.updates.push(update)
      },
      frame: (bytes) => this.frame(feed.venue, bytes),
      up: () => this.conn(conn, ConnState.Up),
      down: () => this.conn(conn, ConnState.Down),
    }
    try {
      await feed.start(sink, this.host.signal)
    } catch (error) {
      this.feeds.delete(venue)
      throw error
    }
  }

  /** Joins the order API of one venue. */
  async attachGateway(gateway: OrderGateway): Promise<void> {
    const venue = this.id(gateway.venue)
    this.requireNoLink(gateway.venue, 'orders')
    if (this.links.has(venue))
      throw fail('ARGUMENT_INVALID', 'the venue has a gateway already', { venue: gateway.venue })
    const { inlet, signal, fault } = this.host
    const link = new GatewayLink(gateway, { inlet, signal, fault })
    this.links.set(venue, link)
    const conn = venue * 2 + 1
    try {
      await gateway.start(
        {
          report: (orderId, report) => {
            this.requireOpen()
            link.report(orderId, report)
          },
          position: (symbol, lots) => {
            this.requireOpen()
            link.position(this.tradedAt(venue, symbol), lots)
          },
          up: () => this.conn(conn, ConnState.Up),
          down: () => this.conn(conn, ConnState.Down),
        },
        signal,
      )
    } catch (error) {
      this.links.delete(venue)
      throw error
    }
    this.conn(conn, ConnState.Up)
  }

  /** A raw frame of a venue. False when there is no room now. */
  frame(venue: string, bytes: Uint8Array | string): boolean {
    this.requireOpen()
    return this.host.inlet.frame(this.id(venue) * 2, typeof bytes === 'string' ? encoder.encode(bytes) : bytes)
  }

  /** A report made by hand. */
  report(orderId: number, report: ExecutionReport): void {
    for (const link of this.links.values()) {
      if (link.knows(orderId)) return link.report(orderId, report)
    }
    throw fail('UNKNOWN_ORDER', 'no gateway of this engine was given that order', { orderId })
  }

  /** An order event out of the ring. */
  onOrder(words: Int32Array, at: number, kind: number): void {
    const instrument = words[at + KIND_FLAGS_INSTRUMENT]! >>> 16
    this.links.get(this.venueOf[instrument]!)?.onOrder(words, at, kind, this.host.instruments[instrument]!)
  }

  /** A record of an image. */
  onImage(words: Int32Array, at: number): void {
    const instrument = words[at + KIND_FLAGS_INSTRUMENT]! >>> 16
    this.links.get(this.venueOf[instrument]!)?.onImage(words, at, this.host.instruments[instrument]!)
  }

  /** The engine wants the full book of an instrument. */
  wantSnapshot(instrumentId: number): void {
    this.snapshots.want(this.host.instruments[instrumentId]!, this.feeds.get(this.venueOf[instrumentId]!))
  }

  /** Waits for the calls of gateways, then closes them. */
  async close(millis: number): Promise<void> {
    for (const link of this.links.values()) {
      // A call that never settles must not keep the engine from closing.
      if (!(await link.settled(millis))) {
        this.host.fault(fail('ACK_TIMEOUT', 'a gateway call had not settled when the engine closed'))
      }
      try {
        await link.gateway.close?.()
      } catch (error) {
        this.host.fault(asFault('VENUE_DOWN', 'a gateway failed to close', error))
      }
    }
  }

  private tradedAt(venue: number, symbol: string): Instrument {
    const found = this.host.instruments.find((item, i) => item.symbol === symbol && this.venueOf[i] === venue)
    if (found === undefined) throw fail('UNKNOWN_INSTRUMENT', 'the venue trades no such instrument', { symbol })
    return found
  }

  private conn(conn: number, state: ConnState): void {
    if (!this.host.signal.aborted) this.host.inlet.conn(conn, state)
  }

  private requireOpen(): void {
    if (this.host.signal.aborted) throw fail('ENGINE_CLOSED', 'the engine is closed')
  }

  private requireNoLink(venue: string, link: 'market' | 'orders'): void {
    const config = this.host.config.venues.find(({ name }) => name === venue)
    // A configuration that was checked has null for what is not there.
    if (config?.[link] === undefined || config[link] === null) return
    throw fail('ARGUMENT_INVALID', `the venue has a native link for its ${link}`, { venue, link })
  }
}

const encoder = new TextEncoder()
