// Room card: backtest/session
// In:    the journal of a live session, and what only the session knew.
// Out:   the summary a backtest ends in; the session's market data as a recording.
// Holds: a summary exists only of a journal that replays to the hash it recorded.
// Costs: the engine's turns once more, on libuv's pool.
import { guarded, native } from '../native.js'
import { abortable } from './backtest.js'
import { readSummary, type BacktestSummary, type Percentiles } from './summary.js'

/** The venue's own account of an instrument. */
export interface SessionAccount {
  readonly symbol: string
  /** Signed, lots. */
  readonly positionLots: number
  /** Fees paid, smallest units of the settlement currency, decimal text. */
  readonly fees: string
  /** Orders of ours still open there. */
  readonly openOrders: number
}

/** What a session knows and its journal does not. */
export interface SessionFacts {
  /** Points of the report's curves. */
  readonly samples?: number | undefined
  readonly wallSeconds?: number | undefined
  /** From bytes read to the order handed to the socket, ns. */
  readonly tickToOrder?: Percentiles | undefined
  readonly seeds?: readonly number[] | undefined
  readonly accounts?: readonly SessionAccount[] | undefined
}

/** How a long job is watched. */
export interface JobOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/**
 * Replays a session's journal and sums it up.
 * @throws FafnirError REPLAY_MISMATCH when a recorded hash differs; those of `replay`.
 */
export async function summarizeSession(
  journal: string,
  facts: SessionFacts = {},
  options: JobOptions = {},
): Promise<BacktestSummary> {
  const abort = guarded(() => new (native().AbortHandle)())
  const text = await abortable(options.signal, abort, () =>
    native().sessionSummary(journal, JSON.stringify(facts), options.onProgress ?? null, abort),
  )
  return readSummary(text)
}

/** What a journal's market data came to as a recording. */
export interface ExportedRecording {
  /** Lines written. */
  readonly lines: number
  /** Messages left out because they hold a line break. */
  readonly skipped: number
}

/**
 * Writes the market data of a journal as a recording, gzip when the name ends in `.gz`: receive time in ns, a space,
 * the raw message.
 * @throws FafnirError OUTPUT_FAILED, JOURNAL_IO, JOURNAL_FORMAT, ABORTED
 */
export async function exportRecording(
  journal: string,
  path: string,
  options: JobOptions = {},
): Promise<ExportedRecording> {
  const abort = guarded(() => new (native().AbortHandle)())
  const text = await abortable(options.signal, abort, () =>
    native().exportRecording(journal, path, options.onProgress ?? null, abort),
  )
  return JSON.parse(text) as ExportedRecording
}
