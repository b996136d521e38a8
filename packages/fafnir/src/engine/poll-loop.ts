// Room card: engine/poll-loop
// In:    the rings of one thread; a doorbell.
// Out:   polls: one a turn of the event loop while there is something to read, none while there is not.
// Holds: no lost wake-up; a loop that was stopped polls no more.
// Costs: busy: one immediate a poll. Idle: asleep until the doorbell rings.
import { maySleep, type SleepingReader } from '../ring/doorbell.js'

// Empty polls before the loop sleeps: each is one turn of the event loop.
const IDLE_POLLS = 16
const FOREVER_MILLIS = 2 ** 30

/** What a loop is made of. */
export interface PollLoopParts {
  /** Delivers what waits; how many records. */
  poll(): number
  /** Is there other work that needs the next turn of the event loop? */
  busy(): boolean
  /** The orders ring: the wish for the doorbell is left there, for both rings. */
  readonly orders: SleepingReader
  readonly market: SleepingReader
}

/** Polls the rings of one thread. It keeps the process alive until `stop` or `unref`. */
export class PollLoop {
  private readonly parts: PollLoopParts
  private keepAlive: NodeJS.Timeout | undefined
  private scheduled: NodeJS.Immediate | undefined
  private referenced: boolean = true
  private stopped: boolean = false
  private idle: number = 0

  constructor(parts: PollLoopParts) {
    this.parts = parts
  }

  /** Begins, or goes on after a sleep: the doorbell. */
  readonly wake = (): void => {
    if (this.scheduled !== undefined || this.stopped) return
    this.hold()
    this.scheduled = setImmediate(() => {
      this.scheduled = undefined
      this.turn()
    })
    if (!this.referenced) this.scheduled.unref()
  }

  /** Lets the process end while the loop lives. */
  unref(): void {
    this.referenced = false
    this.keepAlive?.unref()
    this.scheduled?.unref()
  }

  /** Keeps the process alive while the loop lives. The default. */
  ref(): void {
    this.referenced = true
    this.keepAlive?.ref()
    this.scheduled?.ref()
  }

  /** Polls no more. Idempotent. */
  stop(): void {
    this.stopped = true
    clearImmediate(this.scheduled)
    this.scheduled = undefined
    clearInterval(this.keepAlive)
  }

  // Asleep, nothing of ours would keep the process alive: the doorbell does not.
  private hold(): void {
    if (this.keepAlive !== undefined) return
    this.keepAlive = setInterval(() => undefined, FOREVER_MILLIS)
    if (!this.referenced) this.keepAlive.unref()
  }

  private turn(): void {
    const { parts } = this
    if (parts.poll() > 0) this.idle = 0
    else this.idle += 1
    if (this.stopped) return
    if (this.idle < IDLE_POLLS || parts.busy()) return this.wake()
    if (canSleep(parts.orders, parts.market)) this.idle = 0
    else this.wake()
  }
}

/** Leaves the wish for the doorbell, then looks: true when there is nothing to read and the next publish rings. */
export function canSleep(orders: SleepingReader, market: SleepingReader): boolean {
  return maySleep(orders) && market.isEmpty()
}
