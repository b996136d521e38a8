// Room card: engine/snapshots
// In:    the engine's wishes for full books, the feeds that can fetch them.
// Out:   snapshot bodies in the inlet.
// Holds: one fetch an instrument at a time answers every wish; a failed one is tried again, ever more slowly.
// Costs: cold path.
import type { Instrument } from '../units.js'
import type { MarketFeed } from './feed.js'
import { delay } from './gateway-link.js'
import type { Inlet } from './inlet.js'

const FIRST_MILLIS = 500
const LAST_MILLIS = 30_000
const SNAPSHOT_CONN = 1_024

/** What a fetcher needs of its engine. */
export interface SnapshotHost {
  readonly inlet: Inlet
  readonly signal: AbortSignal
  readonly fault: (message: string, error: unknown) => void
}

/** Fetches snapshots through feeds. */
export class SnapshotFetcher {
  private readonly host: SnapshotHost
  /** Instruments whose snapshot is being fetched. */
  private readonly fetching: Set<number> = new Set()

  constructor(host: SnapshotHost) {
    this.host = host
  }

  /** The engine wants the full book of an instrument. It asks again while it waits. */
  want(instrument: Instrument, feed: MarketFeed | undefined): void {
    if (feed?.snapshot === undefined || this.fetching.has(instrument.id)) return
    this.fetching.add(instrument.id)
    void this.fetch(instrument, feed).finally(() => this.fetching.delete(instrument.id))
  }

  private async fetch(instrument: Instrument, feed: MarketFeed): Promise<void> {
    const { inlet, signal, fault } = this.host
    for (let pause = FIRST_MILLIS; !signal.aborted; pause = Math.min(pause * 2, LAST_MILLIS)) {
      try {
        const body = await feed.snapshot!(instrument.symbol, signal)
        const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
        if (signal.aborted || inlet.frame(SNAPSHOT_CONN + instrument.id, bytes)) return
      } catch (error) {
        fault(`no snapshot of ${instrument.symbol}`, error)
      }
      await delay(pause, signal)
    }
  }
}
