// Room card: cli/venues
// In:    the name of a public venue and a symbol, or the ports of an exchange of ours.
// Out:   its addresses, feed and the configuration of its links.
// Holds: the only place with addresses of public venues; each can be overridden on the command line.
// Costs: cold path.
import type { MarketLinkConfig } from '../generated/config.js'
import type { RecordedFeed } from './presets.js'

/** Public venues the command knows. */
export type PublicVenue = 'binance-usdm' | 'binance-spot'

/** Their names, for the command line. */
export const PUBLIC_VENUES: readonly PublicVenue[] = ['binance-usdm', 'binance-spot']

interface Addresses {
  readonly feed: RecordedFeed
  readonly stream: string
  readonly snapshot: string
  readonly depth: string
}

// Binance, developers' documentation of the market streams and of the depth endpoint, 2024-08.
const ADDRESSES: Readonly<Record<PublicVenue, Addresses>> = {
  'binance-usdm': {
    feed: 'usdm',
    stream: 'wss://fstream.binance.com/stream?streams=',
    snapshot: 'https://fapi.binance.com/fapi/v1/depth?symbol={symbol}&limit=1000',
    depth: 'depth@0ms',
  },
  'binance-spot': {
    feed: 'spot',
    stream: 'wss://stream.binance.com:9443/stream?streams=',
    snapshot: 'https://api.binance.com/api/v3/depth?symbol={symbol}&limit=5000',
    depth: 'depth@100ms',
  },
}

/** Rules of a venue's feed. */
export function feedOf(venue: PublicVenue): RecordedFeed {
  return ADDRESSES[venue].feed
}

/** What the command line can say about a link. */
export interface LinkFlags {
  readonly url?: string
  readonly snapshotUrl?: string
  readonly caFile?: string
}

/** Market data of a public venue for one symbol. */
export function publicLink(venue: PublicVenue, symbol: string, flags: LinkFlags): MarketLinkConfig {
  const { stream, snapshot, depth } = ADDRESSES[venue]
  const name = symbol.toLowerCase()
  const streams = [depth, 'bookTicker', 'trade'].map((kind) => `${name}@${kind}`).join('/')
  return {
    url: flags.url ?? stream + streams,
    snapshotUrl: flags.snapshotUrl ?? snapshot,
    caFile: flags.caFile,
  }
}

/** Market data of an exchange of ours on this machine; its pings carry the clock. */
export function localLink(port: number, symbol: string): MarketLinkConfig {
  const name = symbol.toLowerCase()
  const streams = ['depth@0ms', 'bookTicker', 'trade'].map((kind) => `${name}@${kind}`).join('/')
  return {
    url: `ws://127.0.0.1:${port}/stream?streams=${streams}`,
    snapshotUrl: `http://127.0.0.1:${port}/fapi/v1/depth?symbol={symbol}&limit=1000`,
    followClock: true,
  }
}
