// Room card: engine/stats
// In:    what the engine's thread shows of itself, as JSON.
// Out:   `EngineStats`: a moment, at most 50 ms old, all of it of the same moment.
// Holds: prices and quantities are for a display; money is exact decimal text.
// Costs: one native call and one JSON text a look.
import type { Code } from '../generated/codes.js'

/** Percentiles of a latency in nanoseconds; `count` 0 when nothing was measured. */
export interface LatencyStats {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** A native connection. */
export interface ConnectionStats {
  readonly venue: string
  readonly carries: 'market' | 'orders'
  readonly state: 'waiting' | 'connecting' | 'up' | 'blocked'
  /** Connections made. */
  readonly connects: number
  /** Connections lost after they were usable. */
  readonly lost: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Messages of market data; reads of order entry. */
  readonly messages: number
  readonly faults: number
  readonly lastFault: Code | null
}

/** One instrument. */
export interface InstrumentStats {
  readonly symbol: string
  readonly venue: string
  /** Settlement currency. */
  readonly currency: string
  /** The book is valid. */
  readonly valid: boolean
  readonly bid: number | null
  readonly ask: number | null
  /** Of our native quoter. */
  readonly quoteBid: number | null
  readonly quoteAsk: number | null
  /** Signed, in units of the instrument. */
  readonly position: number
  /** Total profit and loss at the mid, exact decimal text; null while it cannot be told. */
  readonly pnl: string | null
  readonly fills: number
  readonly volatility: number | null
}

/** What an engine shows of itself. */
export interface EngineStats {
  /** Engine time, Unix ns, decimal text. */
  readonly timeNs: string
  readonly turns: number
  /** Market-data messages of native links. */
  readonly messages: number
  readonly orders: {
    readonly open: number
    readonly new: number
    readonly cancel: number
    readonly replace: number
    readonly fills: number
  }
  /** Inputs that could not be understood. */
  readonly malformed: number
  /** Order records that found no room in the owner's orders ring. */
  readonly dropped: number
  readonly timersRefused: number
  /** Steps of the wall clock. */
  readonly clockSteps: number
  /** Order-entry messages for connections that were not there. */
  readonly sendsDropped: number
  /** The kill switch is pulled. */
  readonly killed: boolean
  /** Who pulled it in this process. */
  readonly killReason: 'asked' | 'signal' | 'file' | 'deadMan' | null
  /** Why the engine halted by itself. */
  readonly fault: Code | null
  /** From bytes read to order bytes handed to the socket. */
  readonly tickToOrderNanos: LatencyStats
  readonly connections: readonly ConnectionStats[]
  readonly instruments: readonly InstrumentStats[]
}
