// Room card: fix/batch
// In:    records of FIX events that lie in a ring.
// Out:   `FixBatch`: they in their order, messages as one view over the ring itself.
// Holds: valid until the batch's step is over; a message is copied only by `copy()`.
// Costs: no object a message; one for each other event.
import { codeName, fail, FafnirError, type ErrorFields } from '../errors.js'
import type { Code } from '../generated/codes.js'
import type { OrdersReader } from '../ring/orders-reader.js'
import { FixMessage } from './message.js'
import {
  RECORD_ADMIN,
  RECORD_FAULT,
  RECORD_LOGON,
  RECORD_LOGOUT,
  RECORD_MESSAGE,
  RECORD_RESTART,
  RECORD_RESULT,
  type TextBytes,
  WORD_BYTES,
  WORD_FLAGS,
  WORD_NUMBER,
  WORD_SESSION,
  WORD_SPANS,
  WORD_TICKET,
} from './records.js'
import type { FixMessages, FixSession } from './session.js'

const TWO_32 = 4_294_967_296
const STARTS_FIRST = 256

/** What happens in FIX sessions beside messages. */
export type FixStateEvent<M extends FixMessages = FixMessages> =
  /** It got its number: at the start, in the order of the configuration, or when a template let a peer in. */
  | { readonly kind: 'session'; readonly session: FixSession<M> }
  /** It is open. */
  | { readonly kind: 'logon'; readonly session: FixSession<M> }
  /** Both of its sides have begun at 1 again while it is open, by the peer's wish or ours. */
  | { readonly kind: 'restarted'; readonly session: FixSession<M> }
  /**
   * It is over until the next logon; without a code: in order, by a Logout of either side. `text` is what the peer's
   * Logout says (58), or empty.
   */
  | {
      readonly kind: 'logout'
      readonly session: FixSession<M>
      readonly code: Code | undefined
      readonly text: string
    }
  /** A command could not be carried out (`code`), or was (only with `results`): the number its message got. */
  | {
      readonly kind: 'result'
      readonly session: FixSession<M> | undefined
      readonly ticket: number
      readonly code: Code | undefined
      readonly sequence: number
    }
  /** What a person should know: a store, a connection, the log. */
  | { readonly kind: 'fault'; readonly session: FixSession<M> | undefined; readonly error: FafnirError }

/** A message whose session is of these messages. */
export type FixMessageEvent<M extends FixMessages = FixMessages> = FixMessage & { readonly session: FixSession<M> }
/** An event of a batch: `kind` tells them apart. */
export type FixEvent<M extends FixMessages = FixMessages> = FixMessageEvent<M> | FixStateEvent<M>

/** What a batch asks of its host. */
export interface FixBatchHost<M extends FixMessages> {
  /** The session of a number. */
  session(number: number): FixSession<M> | undefined
  /** A record says that it was made. */
  made(number: number, json: string): FixSession<M>
}

/**
 * Events in the order they happened, of all sessions of a host. Valid until its step is over: until the handler
 * returns, or the loop asks for the next. Messages are one object, pointed anew by each `at` and each turn of a loop;
 * `copy()` of a message keeps it. Costs no object a message.
 */
export class FixBatch<M extends FixMessages = FixMessages> implements Iterable<FixEvent<M>> {
  /** How many events. */
  length: number = 0
  private starts: Int32Array = new Int32Array(STARTS_FIRST)
  private readonly message: FixMessage = new FixMessage()
  private readonly text: TextBytes
  private readonly reader: OrdersReader
  private readonly host: FixBatchHost<M>

  /** Of a host's ring. */
  constructor(reader: OrdersReader, text: TextBytes, host: FixBatchHost<M>) {
    this.reader = reader
    this.text = text
    this.host = host
  }

  /** Takes what is there, at most `max` events; how many. */
  take(max: number): number {
    this.length = 0
    return this.reader.hold((record) => {
      if (this.length === this.starts.length) {
        const grown = new Int32Array(this.length * 2)
        grown.set(this.starts)
        this.starts = grown
      }
      this.starts[this.length] = record.word
      this.length += 1
    }, max)
  }

  /** Its step is over. */
  release(): void {
    this.length = 0
    this.reader.release()
  }

  /**
   * The event at a place. Messages are one object: the next call points it anew.
   * @throws FafnirError ARGUMENT_INVALID when there is no such place
   */
  at(place: number): FixEvent<M> {
    if (!(place >= 0 && place < this.length)) {
      throw fail('ARGUMENT_INVALID', 'no such event in the batch', { place, length: this.length })
    }
    const { i32 } = this.reader
    const word = this.starts[place]!
    const type = i32[word + 1]!
    if (type !== RECORD_MESSAGE && type !== RECORD_ADMIN) return this.state(type, word)
    const session = this.host.session(i32[word + WORD_SESSION]!)
    if (session === undefined) throw fail('RING_CORRUPT', 'a message of no session', { word })
    this.message.point(i32, this.text, word, session as FixSession)
    return this.message as FixMessageEvent<M>
  }

  *[Symbol.iterator](): Iterator<FixEvent<M>> {
    for (let place = 0; place < this.length; place += 1) yield this.at(place)
  }

  /** What the host itself must see, before the batch is shown. */
  settle(): void {
    const { i32 } = this.reader
    for (let place = 0; place < this.length; place += 1) {
      const word = this.starts[place]!
      const type = i32[word + 1]!
      if (type === RECORD_MESSAGE || type === RECORD_ADMIN) continue
      const event = this.state(type, word)
      if (event.kind === 'logon') event.session.open = true
      if (event.kind === 'logout') event.session.open = false
    }
  }

  private state(type: number, word: number): FixStateEvent<M> {
    const { i32 } = this.reader
    const number = i32[word + WORD_SESSION]!
    const session = this.host.session(number)
    const code = codeName(i32[word + WORD_FLAGS]!)
    if (type === RECORD_RESULT) {
      return {
        kind: 'result',
        session,
        ticket: this.wide(word + WORD_TICKET),
        code,
        sequence: this.wide(word + WORD_NUMBER),
      }
    }
    if (type === RECORD_FAULT) {
      const { message, fields } = JSON.parse(this.json(word)) as { message: string; fields: ErrorFields }
      return { kind: 'fault', session, error: new FafnirError(code ?? 'NATIVE_PANICKED', message, fields) }
    }
    if (session !== undefined && type === RECORD_LOGON) return { kind: 'logon', session }
    if (session !== undefined && type === RECORD_RESTART) return { kind: 'restarted', session }
    if (session !== undefined && type === RECORD_LOGOUT) return { kind: 'logout', session, code, text: this.json(word) }
    return { kind: 'session', session: this.host.made(number, this.json(word)) }
  }

  // Text behind the words of a record: JSON, or a reason.
  private json(word: number): string {
    const from = (word + WORD_SPANS) * 4
    return this.text.toString('utf8', from, from + this.reader.i32[word + WORD_BYTES]!)
  }

  private wide(word: number): number {
    const { i32 } = this.reader
    return (i32[word]! >>> 0) + (i32[word + 1]! >>> 0) * TWO_32
  }
}
