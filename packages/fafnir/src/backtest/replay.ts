// Room card: backtest/replay
// In:    a journal: its folder or one segment.
// Out:   the effects hash of the journalled inputs run again, whether they agree with the record, where it ends.
// Holds: a damaged journal is replayed up to the damage and says where that is; another build says so.
// Costs: native, off this thread.
import { guarded, native } from '../native.js'
import { abortable } from './backtest.js'

/** How a replay runs. */
export interface ReplayOptions {
  /** File for exactly the bytes that the effects hash covers. */
  readonly dumpEffects?: string | undefined
  /** Stops the replay; it then fails with ABORTED. */
  readonly signal?: AbortSignal | undefined
  /** Called some ten times a second with 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/** What a replay found. */
export interface ReplayResult {
  /** XXH3-128 of all effects, 32 lower-case hex digits. */
  readonly hash: string
  readonly turns: number
  /** Every recorded hash agrees with the replayed one; true also when the journal holds none. */
  readonly matches: boolean
  /** Recorded hashes compared. */
  readonly marksChecked: number
  /** Where the journal ends: the segment and the byte behind its last good record. */
  readonly endedAt: { readonly segment: number | string; readonly offset: number }
  /** Why it ends there: "closed", or the code of what is wrong with the next record. */
  readonly reason: string
  /** It ends at damage: what was recorded behind that is not in this replay. */
  readonly damaged: boolean
  /** Build that wrote the journal. */
  readonly build: string
  /** It is this very build. */
  readonly sameBuild: boolean
  /** Records of a kind this build does not know; skipped. */
  readonly unknownRecords: number
}

/**
 * Replays a journal.
 * @throws FafnirError FILE_MISSING or JOURNAL_IO; JOURNAL_FORMAT (no journal, or of a version this build cannot read);
 * ABORTED.
 */
export async function replay(path: string, options: ReplayOptions = {}): Promise<ReplayResult> {
  const abort = guarded(() => new (native().AbortHandle)())
  const text = await abortable(options.signal, abort, () =>
    native().replayJournal(path, options.dumpEffects ?? null, options.onProgress ?? null, abort),
  )
  return JSON.parse(text) as ReplayResult
}
