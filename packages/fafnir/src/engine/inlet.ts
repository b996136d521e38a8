// Room card: engine/inlet
// In:    frames, normalised events, reports, connection changes of this thread.
// Out:   records in the command ring, the engine's one way in.
// Holds: frames and events that find no room are refused; reports and connection changes are kept in order, to a bound.
// Costs: the words of one record; text and frames are copied once.
import { fail } from '../errors.js'
import { type ConnState, EventLayout, OrderEventLayout, limits, record as records } from '../generated/layout.js'
import type { CommandWriter } from '../ring/command-writer.js'

/** Words of a record's header. */
const RECORD_HEADER = 2
/** Reports kept while the ring is full. */
const KEPT_MAX = 65_536

/** Fills in the words of a record; `at` is its first word. */
export type Fill = (i32: Int32Array, at: number) => void

/** Writes inputs. */
export class Inlet {
  private readonly ring: CommandWriter
  private readonly wake: () => void
  private readonly kept: { readonly type: number; readonly payloadBytes: number; readonly fill: Fill }[] = []

  constructor(ring: CommandWriter, wake: () => void) {
    this.ring = ring
    this.wake = wake
  }

  /** Bytes as read from a connection. False when there is no room now. @throws INPUT_TOO_LARGE */
  frame(conn: number, bytes: Uint8Array): boolean {
    const payloadBytes = PREFIX_BYTES + bytes.length
    const max = Math.min(this.ring.payloadBytesMax - PREFIX_BYTES, limits.INPUT_BYTES_MAX)
    if (bytes.length > max) {
      throw fail('INPUT_TOO_LARGE', 'a frame is longer than a record of the command ring', { bytes: bytes.length, max })
    }
    const at = this.ring.begin(records.RECORD_BYTES, payloadBytes)
    if (at < 0) return false
    this.ring.i32[at + RECORD_HEADER] = conn
    this.ring.u8.set(bytes, (at + RECORD_HEADER) * 4 + PREFIX_BYTES)
    this.ring.commit()
    this.wake()
    return true
  }

  /** A normalised event. False when there is no room now. */
  event(fill: Fill): boolean {
    if (!this.write(records.RECORD_EVENT, EventLayout.bytes - RECORD_HEADER * 4, fill)) return false
    this.wake()
    return true
  }

  /** A report; kept when there is no room now. @throws COMMAND_RING_FULL when as many are kept as may be */
  report(fill: Fill): void {
    this.keepOrWrite(records.RECORD_ORDER, OrderEventLayout.bytes - RECORD_HEADER * 4, fill)
  }

  /** A connection changed; kept like a report. */
  conn(conn: number, state: ConnState): void {
    this.keepOrWrite(records.RECORD_CONN, PREFIX_BYTES, (i32, at) => {
      i32[at + RECORD_HEADER] = conn | (state << 16)
    })
  }

  /** A control; kept like a report. */
  control(control: number): void {
    this.keepOrWrite(records.RECORD_CONTROL, PREFIX_BYTES, (i32, at) => {
      i32[at + RECORD_HEADER] = control
    })
  }

  /** Writes what was kept, as far as there is room; how many are left. */
  flush(): number {
    let written = 0
    for (const { type, payloadBytes, fill } of this.kept) {
      if (!this.write(type, payloadBytes, fill)) break
      written += 1
    }
    if (written > 0) {
      this.kept.splice(0, written)
      this.wake()
    }
    return this.kept.length
  }

  private keepOrWrite(type: number, payloadBytes: number, fill: Fill): void {
    if (this.kept.length === 0 && this.write(type, payloadBytes, fill)) {
      this.wake()
      return
    }
    if (this.kept.length >= KEPT_MAX) {
      throw fail('COMMAND_RING_FULL', 'the engine takes no reports any more', { kept: this.kept.length, max: KEPT_MAX })
    }
    this.kept.push({ type, payloadBytes, fill })
  }

  private write(type: number, payloadBytes: number, fill: Fill): boolean {
    const at = this.ring.begin(type, payloadBytes)
    if (at < 0) return false
    fill(this.ring.i32, at)
    this.ring.commit()
    return true
  }
}

/** Connection or control and zeros, before what follows. */
const PREFIX_BYTES = 8
