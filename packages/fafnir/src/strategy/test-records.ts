// Room card: strategy/test-records
// In:    fields by name.
// Out:   records in plain memory, with the shapes the dispatch loop reads and writes. For tests only.
// Holds: an encoder of its own (DataView by byte offset), so that a wrong word in the decoder shows.
// Costs: tests only.
import { EventLayout, OrderEventLayout, record } from '../generated/layout.js'
import { RecordCursor, type RecordHandler } from '../ring/record-cursor.js'
import type { CommandSink } from './commands.js'
import type { LossySource } from './host.js'

type Fields<Layout> = { readonly [Key in keyof Layout]?: number | bigint }

const BYTES_OF_FIELD: Readonly<Record<string, 1 | 2 | 4>> = {
  length: 4,
  record: 4,
  kind: 1,
  flags: 1,
  instrument: 2,
  side: 1,
  detail: 1,
  code: 2,
  state: 1,
  reason: 2,
  algoId: 2,
  traderId: 2,
  request: 4,
}

function encode(layout: Readonly<Record<string, number>>, fields: Readonly<Record<string, unknown>>): Uint8Array {
  const bytes = new Uint8Array(layout['bytes']!)
  const view = new DataView(bytes.buffer)
  for (const [name, value] of Object.entries(fields)) {
    const at = layout[name]!
    const size = BYTES_OF_FIELD[name] ?? 8
    if (size === 8) view.setBigInt64(at, BigInt.asIntN(64, BigInt(value as number)), true)
    else if (size === 4) view.setUint32(at, Number(value), true)
    else if (size === 2) view.setUint16(at, Number(value), true)
    else view.setUint8(at, Number(value))
  }
  return bytes
}

/** An `Event` record. */
export function eventRecord(fields: Fields<Omit<typeof EventLayout, 'bytes'>>): Uint8Array {
  return encode(EventLayout, { length: 64, record: record.RECORD_EVENT, ...fields })
}

/** An `OrderEvent` record. */
export function orderRecord(fields: Fields<Omit<typeof OrderEventLayout, 'bytes'>>): Uint8Array {
  return encode(OrderEventLayout, { length: 128, record: record.RECORD_ORDER, ...fields })
}

/** A record that says how many were lost. */
export function gapRecord(lost: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 16, true)
  view.setUint32(4, record.RECORD_GAP, true)
  view.setBigUint64(8, BigInt(lost), true)
  return bytes
}

/** The bits of a float as a 64-bit field. */
export function floatBits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value, true)
  return view.getBigInt64(0, true)
}

/** Records to consume, in plain memory. */
export class ListSource implements LossySource {
  readonly missed: number = 0
  private readonly cursor: RecordCursor
  private readonly starts: number[] = []
  private next: number = 0
  private used: number = 0

  constructor(bytes: number = 1 << 20) {
    const memory = new ArrayBuffer(bytes)
    this.cursor = new RecordCursor(new Int32Array(memory), new Uint8Array(memory), new Float64Array(memory))
  }
  /** Adds a record behind the last. */
  push(bytes: Uint8Array): void {
    this.cursor.u8.set(bytes, this.used)
    this.starts.push(this.used / 4)
    this.used += bytes.length
  }
  poll(handler: RecordHandler, max: number): number {
    const { cursor, starts } = this
    let seen = 0
    while (seen < max && this.next < starts.length) {
      const word = starts[this.next]!
      this.next += 1
      seen += 1
      cursor.word = word
      cursor.length = cursor.i32[word]!
      cursor.type = cursor.i32[word + 1]!
      handler(cursor)
    }
    return seen
  }
  /** Starts again with the same records. */
  rewind(): void {
    this.next = 0
  }
}

/** A command as it was written. */
export interface SeenCommand {
  readonly type: number
  readonly cause: number
  readonly kind: number
  readonly flags: number
  readonly instrument: number
  readonly side: number
  readonly clientId: number
  readonly price: number
  readonly quantity: number
  readonly algoId: number
  readonly traderId: number
  readonly at: bigint
  readonly id: number
  readonly text: string
}

/** A place for commands that remembers them. */
export class ListSink implements CommandSink {
  readonly i32: Int32Array = new Int32Array(2048)
  readonly u8: Uint8Array = new Uint8Array(this.i32.buffer)
  readonly seen: SeenCommand[] = []
  /** Refuse everything, like a full ring. */
  full: boolean = false
  private length: number = 0

  begin(type: number, payloadBytes: number): number {
    if (this.full) return -1
    this.u8.fill(0)
    this.length = payloadBytes + 8
    this.i32[0] = this.length
    this.i32[1] = type
    return 0
  }
  commit(): void {
    const view = new DataView(this.u8.buffer)
    const big = (at: number): bigint => view.getBigInt64(at, true)
    this.seen.push({
      type: view.getUint32(4, true),
      cause: Number(big(8)),
      kind: view.getUint8(16),
      flags: view.getUint8(17),
      instrument: view.getUint16(18, true),
      side: view.getUint8(20),
      clientId: Number(big(24)),
      price: Number(big(32)),
      quantity: Number(big(40)),
      algoId: view.getUint16(48, true),
      traderId: view.getUint16(50, true),
      at: view.getBigUint64(56, true),
      id: Number(big(64)),
      text: new TextDecoder().decode(this.u8.subarray(80, this.length)),
    })
  }
}
