// Room card: strategy/decode
// In:    32-bit words of an event (64 bytes) or order event (128 bytes), little-endian, as the rings carry them.
// Out:   word offsets of the fields, and 64-bit fields as safe integers.
// Holds: one layout for Rust, journal and TypeScript; beyond 2^53 a value loses low bits here: cold paths read bigint.
// Costs: two loads, a multiplication and an addition a field; no allocation.
import { EventLayout, OrderEventLayout } from '../generated/layout.js'

/** 2^32. */
export const TWO_32 = 4_294_967_296

// Words of a record, counted from its first; the same for both layouts up to `QUANTITY`.
export const RECORD_TYPE: number = EventLayout.record / 4
export const SEQUENCE: number = EventLayout.sequence / 4
export const TIME: number = EventLayout.time / 4
/** kind u8, flags u8, instrument u16. */
export const KIND_FLAGS_INSTRUMENT: number = EventLayout.kind / 4
/** side u8, detail u8 (event) or state u8 (order event), code or reason u16. */
export const SIDE_DETAIL_CODE: number = EventLayout.side / 4
export const PRICE: number = EventLayout.price / 4
export const QUANTITY: number = EventLayout.quantity / 4

// Event.
export const ID: number = EventLayout.id / 4
export const EXCHANGE_TIME: number = EventLayout.exchangeTime / 4

// Order event.
export const ORDER_ID: number = OrderEventLayout.orderId / 4
export const CLIENT_ID: number = OrderEventLayout.clientId / 4
/** algo id u16, trader id u16. */
export const ALGO_TRADER: number = OrderEventLayout.algoId / 4
export const REQUEST: number = OrderEventLayout.request / 4
export const FILLED: number = OrderEventLayout.filled / 4
export const LAST_PRICE: number = OrderEventLayout.lastPrice / 4
export const LAST_LOTS: number = OrderEventLayout.lastLots / 4
export const DECISION_TIME: number = OrderEventLayout.decisionTime / 4
export const SUBMISSION_TIME: number = OrderEventLayout.submissionTime / 4
export const VENUE_ACK_TIME: number = OrderEventLayout.venueAckTime / 4
export const FEE: number = OrderEventLayout.fee / 4

/** References of one producer: from `producer * REFERENCES_PER_PRODUCER` up to the next. */
export const REFERENCES_PER_PRODUCER: number = 2 ** 40

/** A signed 64-bit field; exact within ±2^53. */
export function readI64(words: Int32Array, at: number): number {
  return words[at + 1]! * TWO_32 + (words[at]! >>> 0)
}

/** An unsigned 64-bit field; exact below 2^53. */
export function readU64(words: Int32Array, at: number): number {
  return (words[at + 1]! >>> 0) * TWO_32 + (words[at]! >>> 0)
}

/** An unsigned 64-bit field whatever its size. Allocates: cold paths only. */
export function readBigU64(words: Int32Array, at: number): bigint {
  return (BigInt(words[at + 1]! >>> 0) << 32n) | BigInt(words[at]! >>> 0)
}

/** A safe integer, signed, into two words. */
export function writeI64(words: Int32Array, at: number, value: number): void {
  // ToInt32 reduces modulo 2^32 exactly, also below zero; the floor is the matching high half.
  words[at] = value | 0
  words[at + 1] = Math.floor(value / TWO_32)
}

/** A side as records carry it. */
export type Side = 'buy' | 'sell'

/** The side of a record; undefined for a byte that is none. */
export function sideOf(byte: number): Side | undefined {
  return byte === 1 ? 'buy' : byte === 2 ? 'sell' : undefined
}

/** The byte of a side. */
export function sideByte(side: Side): 1 | 2 {
  return side === 'buy' ? 1 : 2
}

/** What an order event means, by its number. */
export const ORDER_KINDS = [
  'none',
  'new',
  'cancel',
  'replace',
  'accepted',
  'rejected',
  'fill',
  'cancelled',
  'replaced',
  'cancelRejected',
  'replaceRejected',
  'expired',
  'refused',
  'ackTimeout',
  'status',
  'position',
] as const
/** What an order event means. `none` never reaches a handler. */
export type OrderKind = (typeof ORDER_KINDS)[number]

/** The states of an order, by number. */
export const ORDER_STATES = [
  'none',
  'new',
  'pendingNew',
  'live',
  'partiallyFilled',
  'pendingCancel',
  'pendingReplace',
  'filled',
  'cancelled',
  'rejected',
  'expired',
] as const
/** The state of an order. */
export type OrderState = (typeof ORDER_STATES)[number]
