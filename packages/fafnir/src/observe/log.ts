// Room card: observe/log
// In:    what happens in an engine: connections, faults, halts, fills.
// Out:   structured records with codes as fields, in the caller's pino.
// Holds: bounded: so many records of a kind a second, the rest counted and said; nobody has to read a message text.
// Costs: nothing while there is no log; a record is built only when it will be written.
import { fail, type FafnirError } from '../errors.js'

/** The levels an engine writes at. */
type Write = (fields: object, message: string) => void

/** A log: a pino instance, or anything with these methods. */
export interface LogTarget {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

/** Kinds of record, each with a bound of its own. */
export type LogKind = 'connection' | 'fault' | 'halt' | 'fill' | 'gap' | 'state'

const WINDOW_MILLIS = 1_000
/** Records of one kind in a window. */
const RECORDS_PER_WINDOW = 20

/** Writes at most so many records of a kind a second. */
export class EventLog {
  private readonly target: LogTarget
  private readonly now: () => number
  private readonly written: Map<string, { since: number; count: number; suppressed: number }> = new Map()

  constructor(target: LogTarget, now: () => number = () => performance.now()) {
    this.target = target
    this.now = now
  }

  /** Writes a record, or counts it when there were too many; the next one says how many. */
  write(level: keyof LogTarget, kind: LogKind, message: string, fields: () => object): void {
    const now = this.now()
    let window = this.written.get(kind)
    if (window === undefined || now - window.since >= WINDOW_MILLIS) {
      window = { since: now, count: 0, suppressed: window?.suppressed ?? 0 }
      this.written.set(kind, window)
    }
    if (window.count >= RECORDS_PER_WINDOW) {
      window.suppressed += 1
      return
    }
    window.count += 1
    const { suppressed } = window
    window.suppressed = 0
    try {
      this.target[level]({ kind, ...fields(), ...(suppressed > 0 ? { suppressed } : {}) }, message)
    } catch {
      // A log that fails must not stop trading.
    }
  }

  /** A fault, with its code, room and fields. */
  fault(error: FafnirError): void {
    this.write('error', 'fault', error.message, () => ({ code: error.code, room: error.room, ...error.fields }))
  }
}

/** The log an option names. `true` loads pino, which the user installs. @throws FafnirError ARGUMENT_INVALID */
export async function logTarget(log: LogTarget | true | undefined): Promise<LogTarget | undefined> {
  if (log !== true) {
    if (log === undefined || LEVELS.every((level) => typeof log[level] === 'function')) return log
    throw fail('ARGUMENT_INVALID', 'log is a pino instance or true', { allowed: LEVELS.join(' ') })
  }
  try {
    const { pino } = await import('pino')
    const made: LogTarget = pino({ name: 'fafnir' })
    return made
  } catch (cause) {
    throw fail('ARGUMENT_INVALID', 'log: true needs pino, which is not installed: npm install pino', {}, cause)
  }
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
