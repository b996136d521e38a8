// Room card: ring/doorbell
// In:    a reader about to sleep; a doorbell that native code rang on the thread that owns the engine.
// Out:   a sleep that ends when there is something to read.
// Holds: no lost wake-up: a reader says that it sleeps, looks once more, and only then sleeps.
// Costs: two atomics before a sleep, none on the hot path of a reader that does not sleep.
//
// Native code cannot wake `Atomics.wait`. It calls back once on the thread that owns the engine, and only when some
// reader said that it sleeps; that thread reads its own rings and passes the doorbell on to readers waiting on other
// threads.
import { WORD_BELL, WORD_SLEEPS } from './layout.js'

/** A reader that can sleep. */
export interface SleepingReader {
  /** Words of its region. */
  readonly i32: Int32Array
  /** Is there nothing to read now? */
  isEmpty(): boolean
}

/** Says that a reader is about to sleep. True: the ring is empty and the next publish rings. False: read first. */
export function maySleep(reader: SleepingReader): boolean {
  // Only the writer clears the word: clearing it here would silence another reader's wish.
  Atomics.store(reader.i32, WORD_SLEEPS, 1)
  return reader.isEmpty()
}

/** The thread that received the doorbell wakes readers of this ring that wait on other threads. How many it woke. */
export function passDoorbellOn(i32: Int32Array): number {
  Atomics.add(i32, WORD_BELL, 1)
  return Atomics.notify(i32, WORD_BELL)
}

/**
 * Blocks a worker until its ring has something to read or the time is up. True when there is something. The region must
 * be a `SharedArrayBuffer`, and somebody must pass the doorbell on.
 */
export function waitForRecords(reader: SleepingReader, timeoutMs: number): boolean {
  const end = performance.now() + timeoutMs
  for (;;) {
    // The count is read first, so that a doorbell between the look at the ring and the wait ends the wait at once.
    const heard = Atomics.load(reader.i32, WORD_BELL)
    if (!maySleep(reader)) return true
    const left = end - performance.now()
    if (left <= 0) return false
    // A doorbell may be the late one of a record already read: then the ring is empty still, and the wait goes on.
    Atomics.wait(reader.i32, WORD_BELL, heard, left)
  }
}
