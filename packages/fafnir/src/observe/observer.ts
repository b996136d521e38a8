// Room card: observe/observer
// In:    the order events, events and faults an engine delivers to its own thread.
// Out:   counts of them, and records in a log where there is one.
// Holds: counts only grow; a fault's count is the engine's own, so that a missed event costs nothing.
// Costs: two additions an order event; nothing per trade or touch.
import { codeName, type FafnirError } from '../errors.js'
import type { Code } from '../generated/codes.js'
import type { VenueConfig } from '../generated/config.js'
import { EventKind, OrderEventKind } from '../generated/layout.js'
import {
  CLIENT_ID,
  ID,
  KIND_FLAGS_INSTRUMENT,
  LAST_LOTS,
  LAST_PRICE,
  ORDER_ID,
  ORDER_KINDS,
  SIDE_DETAIL_CODE,
  readI64,
  readU64,
  sideOf,
  type OrderKind,
} from '../strategy/decode.js'
import { parameterRefusal } from '../strategy/parameter-refusal.js'
import { priceText, quantityText, type Instrument } from '../units.js'
import { EventLog, type LogTarget } from './log.js'

/** How often things happened, as delivered to the engine's own thread. */
export interface EngineCounts {
  /** Order events by kind. */
  readonly orders: Readonly<Partial<Record<OrderKind, number>>>
  /** Refusals of our gate and rejects of venues by code. */
  readonly rejects: Readonly<Partial<Record<Code, number>>>
  /** Faults of the engine by code. */
  readonly faults: Readonly<Partial<Record<Code, number>>>
  /** Fills by symbol. */
  readonly fills: Readonly<Record<string, number>>
}

const CODES = 2_048
const CONN_STATES = ['', 'up', 'down', 'blocked', 'writable'] as const
const HALTED = 1

/** Counts and logs what an engine delivers. */
export class Observer {
  private readonly instruments: readonly Instrument[]
  private readonly venues: readonly VenueConfig[]
  private readonly log: EventLog | undefined
  private readonly orders: Float64Array = new Float64Array(256)
  private readonly rejects: Float64Array = new Float64Array(CODES)
  private readonly faults: Float64Array = new Float64Array(CODES)
  private readonly fills: Float64Array

  constructor(instruments: readonly Instrument[], venues: readonly VenueConfig[], log: LogTarget | undefined) {
    this.instruments = instruments
    this.venues = venues
    this.log = log === undefined ? undefined : new EventLog(log)
    this.fills = new Float64Array(instruments.length)
  }

  /** An order event. */
  order(words: Int32Array, at: number, kind: number): void {
    this.orders[kind] = this.orders[kind]! + 1
    const code = words[at + SIDE_DETAIL_CODE]! >>> 16
    if (code > 0 && code < CODES) this.rejects[code] = this.rejects[code]! + 1
    if (kind === OrderEventKind.Fill) {
      const instrument = words[at + KIND_FLAGS_INSTRUMENT]! >>> 16
      this.fills[instrument] = this.fills[instrument]! + 1
      this.log?.write('info', 'fill', 'fill', () => this.fillFields(words, at))
    } else if (kind === OrderEventKind.Position && code > 0) {
      const position = readI64(words, at + LAST_LOTS)
      this.log?.write('error', 'state', 'the venue states another position', () => ({
        ...this.where(words, at),
        code: codeName(code),
        venuePositionLots: position,
      }))
    }
  }

  /** A market event that is no market data. */
  event(words: Int32Array, at: number, kind: number): void {
    const detailCode = words[at + SIDE_DETAIL_CODE]!
    const code = detailCode >>> 16
    if (kind === EventKind.Fault && code < CODES) this.faults[code] = readU64(words, at + ID)
    if (this.log === undefined) return
    const detail = (detailCode >>> 8) & 0xff
    switch (kind) {
      case EventKind.Fault:
        this.log.write('warn', 'fault', 'an input was refused or a limit was met', () => ({
          ...this.where(words, at),
          code: codeName(code),
          count: readU64(words, at + ID),
          ...parameterRefusal(words, at),
        }))
        return
      case EventKind.Trading:
        this.log.write(detail === HALTED ? 'error' : 'info', 'halt', 'the trading state changed', () => ({
          code: codeName(code),
          halted: detail === HALTED,
          producer: readU64(words, at + ID),
        }))
        return
      case EventKind.Conn:
        this.log.write('info', 'connection', 'a connection changed', () => {
          const conn = readU64(words, at + ID)
          const venue = this.venues[conn >>> 1]?.name
          return { venue, carries: conn % 2 === 0 ? 'market' : 'orders', state: CONN_STATES[detail] }
        })
        return
      case EventKind.BookState:
        this.log.write(detail === 1 ? 'info' : 'warn', 'state', 'a book changed its validity', () => ({
          ...this.where(words, at),
          code: codeName(code),
          valid: detail === 1,
        }))
        return
      default:
    }
  }

  /** Order records were lost. */
  gap(lost: number): void {
    this.log?.write('error', 'gap', 'order records were lost because this thread was behind', () => ({
      code: 'MISSED_REPORT',
      lost,
    }))
  }

  /** A fault the engine's owner is told of. */
  fault(error: FafnirError): void {
    this.log?.fault(error)
  }

  /** The counts so far. */
  counts(): EngineCounts {
    const byCode = (column: Float64Array): Partial<Record<Code, number>> =>
      Object.fromEntries([...column.entries()].filter(([, n]) => n > 0).map(([code, n]) => [codeName(code) ?? code, n]))
    const orders = [...this.orders.entries()].filter(([, n]) => n > 0)
    return {
      orders: Object.fromEntries(orders.map(([kind, n]) => [ORDER_KINDS[kind] ?? 'none', n])),
      rejects: byCode(this.rejects),
      faults: byCode(this.faults),
      fills: Object.fromEntries(this.instruments.map(({ symbol, id }) => [symbol, this.fills[id]!])),
    }
  }

  private where(words: Int32Array, at: number): object {
    return { instrument: this.instruments[words[at + KIND_FLAGS_INSTRUMENT]! >>> 16]?.symbol }
  }

  private fillFields(words: Int32Array, at: number): object {
    const instrument = this.instruments[words[at + KIND_FLAGS_INSTRUMENT]! >>> 16]!
    return {
      instrument: instrument.symbol,
      side: sideOf(words[at + SIDE_DETAIL_CODE]! & 0xff),
      price: priceText(instrument, readI64(words, at + LAST_PRICE)),
      quantity: quantityText(instrument, readI64(words, at + LAST_LOTS)),
      orderId: readU64(words, at + ORDER_ID),
      clientId: readU64(words, at + CLIENT_ID),
    }
  }
}
