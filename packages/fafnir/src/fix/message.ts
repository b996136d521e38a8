// Room card: fix/message
// In:    a record of a FIX message: places of its fields, and its bytes.
// Out:   `FixMessage`: fields by tag or name, decoded when they are asked for; groups as views.
// Holds: valid until the batch's step is over; nothing is decoded that was not asked for; `copy()` keeps.
// Costs: a scan over the places for a field, no object a message; a string allocates itself.
import type { FixDictionary, FixGroupDef, FixGroups } from './dictionary.js'
import {
  FLAG_POSS_DUP,
  FLAG_POSS_RESEND,
  RECORD_ADMIN,
  SPAN_WORDS,
  type TextBytes,
  WORD_BYTES,
  WORD_FIELDS,
  WORD_FLAGS,
  WORD_HEADER,
  WORD_NUMBER,
  WORD_SPANS,
  WORD_TIME,
  WORD_TRAILER,
} from './records.js'
import type { FixSession } from './session.js'
import { fixNumber, readTimestamp, textOf, timestamp, type FixDecimal } from './value.js'

export type { FixDecimal } from './value.js'

const TWO_32 = 4_294_967_296
const ZERO = 0x30
const POINT = 0x2e
const MINUS = 0x2d
const YES = 0x59
const NO = 0x4e

/**
 * A field: its tag, or its name in the session's dictionary. A name the dictionary does not have throws FafnirError
 * FIX_FIELD_INVALID wherever a field is asked for; a tag is taken as it is.
 */
export type FixField = number | string

/**
 * Fields of a message, or of an entry of a group, as the peer wrote them: nothing is decoded before it is asked for.
 * Where a tag stands more than once, the first is meant.
 *
 * A field that is not there, and a value that is none of the type asked for, is undefined; what must be there was
 * checked by the session's `validation`. Each call scans the places of the fields: some nanoseconds a field before the
 * one asked for, and one lookup more by name than by tag. Data types: FIX 4.4 volume 1, "FIX Field Types".
 */
export class FixFieldsView {
  protected i32: Int32Array = new Int32Array(0)
  protected text: TextBytes = Buffer.alloc(0)
  protected spans: number = 0
  protected bytesAt: number = 0
  protected from: number = 0
  protected to: number = 0
  protected names: FixDictionary | undefined
  protected groupsHere: FixGroups | undefined
  private readonly reused: FixDecimal = { mantissa: 0, exponent: 0 }
  private start: number = 0
  private end: number = 0

  /** How many fields. */
  get length(): number {
    return this.to - this.from
  }

  /** The tag at a place, 0 to `length` - 1; 0 where there is none. */
  tagAt(place: number): number {
    return place >= 0 && place < this.length ? this.i32[this.spans + (this.from + place) * SPAN_WORDS]! : 0
  }

  /** The value at a place as text; undefined where there is none. */
  stringAt(place: number): string | undefined {
    if (!(place >= 0 && place < this.length)) return undefined
    this.pointAt(this.from + place)
    return this.hereText()
  }

  /**
   * Finds a field, which the `here` calls then decode; `outside` leaves out the entries of groups. False: not there.
   */
  locate(tag: number, outside: boolean = false): boolean {
    return (outside ? this.findOutside(tag) : this.findTag(tag)) >= 0
  }

  /** Is the field there? */
  has(field: FixField): boolean {
    return this.find(field) >= 0
  }

  /** Its value as text (UTF-8): the way to every digit of a number, and to values of any type. Allocates the text. */
  string(field: FixField): string | undefined {
    return this.find(field) < 0 ? undefined : this.hereText()
  }

  /** Its first byte as a character. */
  char(field: FixField): string | undefined {
    return this.find(field) < 0 || this.start === this.end ? undefined : String.fromCharCode(this.text[this.start]!)
  }

  /** `Y` is true, all else false; undefined when it is not there. */
  boolean(field: FixField): boolean | undefined {
    return this.find(field) < 0 ? undefined : this.text[this.start] === YES && this.end === this.start + 1
  }

  /**
   * Its value as a number, the nearest there is; undefined when it is not there or is none. For quantities and counts;
   * for prices that must be exact: `decimal`. Allocates nothing.
   */
  number(field: FixField): number | undefined {
    const read = this.decimal(field, this.reused)
    return read === undefined ? undefined : fixNumber(read)
  }

  /**
   * Its value exactly, for prices and amounts: `101.250` is 101250 × 10^-3. Undefined when it is not there, is no
   * decimal, or its digits are beyond 2^53 (`string` has them). Without `into`, the object is reused by the next call.
   */
  decimal(field: FixField, into: FixDecimal = this.reused): FixDecimal | undefined {
    return this.find(field) < 0 ? undefined : this.hereDecimal(into)
  }

  /** A UTCTimestamp as Unix milliseconds, finer parts as a fraction; undefined when it is not there or is none. */
  time(field: FixField): number | undefined {
    return this.find(field) < 0 ? undefined : this.hereTime()
  }

  /** A UTCTimestamp as Unix nanoseconds, exactly; finer parts are cut. Undefined when it is not there or is none. */
  timeNs(field: FixField): bigint | undefined {
    if (this.find(field) < 0) return undefined
    return readTimestamp(this.text, this.start, this.end)
      ? BigInt(timestamp.seconds) * 1_000_000_000n + BigInt(Math.floor(timestamp.nanos))
      : undefined
  }

  /** Its bytes, a view of the message: for data fields, whose values may hold separators. Valid as the message is. */
  bytes(field: FixField): Uint8Array | undefined {
    return this.find(field) < 0 ? undefined : this.hereBytes()
  }

  /** The located field as text (UTF-8). */
  hereText(): string {
    return textOf(this.text, this.start, this.end)
  }

  /** The located field as bytes, a view of the message. */
  hereBytes(): Uint8Array {
    return this.text.subarray(this.start, this.end)
  }

  /** The located field as true or false; undefined when it is neither `Y` nor `N`. */
  hereBoolean(): boolean | undefined {
    const byte = this.end === this.start + 1 ? this.text[this.start] : 0
    return byte === YES ? true : byte === NO ? false : undefined
  }

  /** The located field as `time` has it. */
  hereTime(): number | undefined {
    return readTimestamp(this.text, this.start, this.end)
      ? timestamp.seconds * 1_000 + timestamp.nanos / 1e6
      : undefined
  }

  /** The located field as a whole number; undefined when it is none, or beyond 2^53. */
  hereInt(): number | undefined {
    const read = this.hereDecimal(this.reused)
    return read === undefined || read.exponent !== 0 ? undefined : read.mantissa
  }

  /** The located field as `decimal` has it. */
  hereDecimal(into: FixDecimal): FixDecimal | undefined {
    const { text, start, end } = this
    const negative = text[start] === MINUS
    let mantissa = 0
    let point = -1
    const first = negative ? start + 1 : start
    for (let at = first; at < end; at += 1) {
      const digit = text[at]! - ZERO
      if (digit >>> 0 <= 9) mantissa = mantissa * 10 + digit
      else if (text[at] === POINT && point < 0) point = at
      else return undefined
    }
    const digits = end - first - (point < 0 ? 0 : 1)
    if (digits <= 0 || mantissa > Number.MAX_SAFE_INTEGER || (point >= 0 && end - point > 23)) return undefined
    into.mantissa = negative ? -mantissa : mantissa
    into.exponent = point < 0 ? 0 : point + 1 - end
    return into
  }

  /** The entries of a repeating group, by the field that counts them; none when it is not there. One view for all. */
  *group(count: FixField): Generator<FixEntry, void, undefined> {
    const entry = new FixEntry()
    for (let there = this.firstEntry(count, entry); there; there = entry.next()) yield entry
  }

  /** Points an entry at the first of a group, by the field that counts them. False: it has none. */
  firstEntry(count: FixField, entry: FixEntry): boolean {
    const tag = typeof count === 'number' ? count : this.tagOf(count)
    const at = this.findOutside(tag)
    const group = at < 0 ? undefined : this.groupsHere?.get(tag)
    return group !== undefined && entry.begin(this, group, at + 1, this.to)
  }

  /** What an entry shares with its message. */
  protected share(other: FixFieldsView): void {
    other.i32 = this.i32
    other.text = this.text
    other.spans = this.spans
    other.bytesAt = this.bytesAt
    other.names = this.names
  }

  protected pointAt(place: number): void {
    const word = this.spans + place * SPAN_WORDS
    this.start = this.bytesAt + this.i32[word + 1]!
    this.end = this.bytesAt + this.i32[word + 2]!
  }

  /** Where a field ends, a group with all of its entries. */
  protected fieldEnd(from: number): number {
    const group = this.groupsHere?.get(this.i32[this.spans + from * SPAN_WORDS]!)
    let at = from + 1
    if (group === undefined) return at
    for (let after = this.entryEnd(group, at, this.to); after > at; after = this.entryEnd(group, at, this.to))
      at = after
    return at
  }

  /**
   * Where an entry that begins at `from` ends: before a member it has already, what is no member, or `limit`. The
   * count is not believed.
   */
  protected entryEnd(group: FixGroupDef, from: number, limit: number): number {
    let at = from
    while (at < limit) {
      const tag = this.i32[this.spans + at * SPAN_WORDS]!
      const place = group.places.get(tag)
      if (place === undefined || (at > from && (place === 0 || this.stands(tag, from, at)))) return at
      at += 1
      const inner = group.groups.get(tag)
      if (inner === undefined) continue
      for (let after = this.entryEnd(inner, at, limit); after > at; after = this.entryEnd(inner, at, limit)) at = after
    }
    return at
  }

  // Does a tag stand in fields `from` to `to`? An entry has few: no set is made.
  private stands(tag: number, from: number, to: number): boolean {
    for (let at = from; at < to; at += 1) if (this.i32[this.spans + at * SPAN_WORDS] === tag) return true
    return false
  }

  private find(field: FixField): number {
    return this.findTag(typeof field === 'number' ? field : this.tagOf(field))
  }

  private findTag(tag: number): number {
    const { i32, spans } = this
    const end = spans + this.to * SPAN_WORDS
    for (let word = spans + this.from * SPAN_WORDS; word < end; word += SPAN_WORDS) {
      if (i32[word] === tag) {
        this.start = this.bytesAt + i32[word + 1]!
        this.end = this.bytesAt + i32[word + 2]!
        return (word - spans) / SPAN_WORDS
      }
    }
    return -1
  }

  private findOutside(tag: number): number {
    for (let at = this.from; at < this.to; at = this.fieldEnd(at)) {
      if (this.i32[this.spans + at * SPAN_WORDS] !== tag) continue
      this.pointAt(at)
      return at
    }
    return -1
  }

  private tagOf(name: string): number {
    return this.names === undefined ? Number(name) : this.names.tag(name)
  }
}

/** An entry of a repeating group. Valid until the next one is asked for. */
export class FixEntry extends FixFieldsView {
  private of: FixGroupDef | undefined
  private limit: number = 0

  /** Points it at the entry that begins at a field of a message; false when there is none. */
  begin(view: FixFieldsView, group: FixGroupDef, from: number, limit: number): boolean {
    FixEntry.prototype.share.call(view, this)
    this.of = group
    this.groupsHere = group.groups
    this.to = from
    this.limit = limit
    return this.next()
  }

  /** Moves on to the entry behind; false when there is none. */
  next(): boolean {
    if (this.of === undefined) return false
    this.from = this.to
    this.to = this.entryEnd(this.of, this.from, this.limit)
    return this.to > this.from
  }
}

/** A message of the peer. One view for all of a batch: valid until the next is asked for; `copy()` keeps. */
export class FixMessage extends FixFieldsView {
  /** An application message, or (if asked for) one of the session. */
  kind: 'message' | 'admin' = 'message'
  /** The session it came in. */
  session!: FixSession
  private word: number = 0

  /** Points it at a record. */
  point(i32: Int32Array, text: TextBytes, word: number, session: FixSession): void {
    this.i32 = i32
    this.text = text
    this.word = word
    this.session = session
    this.spans = word + WORD_SPANS
    this.from = 0
    this.to = i32[word + WORD_FIELDS]!
    this.bytesAt = (this.spans + this.to * SPAN_WORDS) * 4
    this.kind = i32[word + 1] === RECORD_ADMIN ? 'admin' : 'message'
    this.names = session.dictionary
    this.groupsHere = undefined
  }

  /** MsgType (35). */
  get msgType(): string {
    return this.stringAt(2)!
  }

  /** MsgSeqNum (34). */
  get sequence(): number {
    return this.half(WORD_NUMBER)
  }

  /** PossDupFlag (43): sent before under the same number. */
  get possDup(): boolean {
    return (this.i32[this.word + WORD_FLAGS]! & FLAG_POSS_DUP) !== 0
  }

  /** PossResend (97): its content was sent before under another number. */
  get possResend(): boolean {
    return (this.i32[this.word + WORD_FLAGS]! & FLAG_POSS_RESEND) !== 0
  }

  /** When it was read from the connection, Unix milliseconds with a fraction. */
  get receivedMillis(): number {
    return this.half(WORD_TIME) / 1e6
  }

  /** The whole message, a view. */
  get raw(): Uint8Array {
    return this.text.subarray(this.bytesAt, this.bytesAt + this.i32[this.word + WORD_BYTES]!)
  }

  /** The bytes of its body, a view. */
  get body(): Uint8Array {
    return this.between(this.i32[this.word + WORD_HEADER]!, this.i32[this.word + WORD_TRAILER]!)
  }

  /** The same fields, tags ascending, groups whole behind their counts: as FIX messages of this library are written. */
  bodyAscending(): Uint8Array {
    this.groupsHere ??= this.names?.groups(this.msgType)
    const parts: { tag: number; from: number; to: number }[] = []
    const end = this.i32[this.word + WORD_TRAILER]!
    let ascending = true
    for (let from = this.headerLength; from < end;) {
      const tag = this.tagAt(from)
      const to = this.fieldEnd(from)
      ascending &&= tag >= (parts.at(-1)?.tag ?? 0)
      parts.push({ tag, from, to })
      from = to
    }
    if (ascending) return this.body
    return Buffer.concat(parts.sort((a, b) => a.tag - b.tag).map(({ from, to }) => this.between(from, to)))
  }

  /** How many of the first fields are of the header. */
  get headerLength(): number {
    return this.i32[this.word + WORD_HEADER]!
  }

  /** Is its MsgType (35) this one? Costs no text. */
  isType(type: string): boolean {
    const word = this.spans + 2 * SPAN_WORDS
    const start = this.bytesAt + this.i32[word + 1]!
    if (this.i32[word + 2]! - this.i32[word + 1]! !== type.length) return false
    for (let at = 0; at < type.length; at += 1) if (this.text[start + at] !== type.charCodeAt(at)) return false
    return true
  }

  override locate(tag: number, outside: boolean = false): boolean {
    if (outside) this.groupsHere ??= this.names?.groups(this.msgType)
    return super.locate(tag, outside)
  }

  override firstEntry(count: FixField, entry: FixEntry): boolean {
    this.groupsHere ??= this.names?.groups(this.msgType)
    return super.firstEntry(count, entry)
  }

  /** The same message in memory of its own. */
  copy(): FixMessage {
    const from = this.word * 4
    const bytes = Buffer.alloc((this.i32[this.word]! + 7) & -8)
    this.text.copy(bytes, 0, from, from + this.i32[this.word]!)
    const copied = new Uint8Array(bytes)
    const own = new FixMessage()
    own.point(new Int32Array(copied.buffer), Buffer.from(copied.buffer), 0, this.session)
    return own
  }

  /** The message as it stands, `|` for the separators. */
  override toString(): string {
    return Buffer.from(this.raw).toString('utf8').replaceAll('\x01', '|')
  }

  // Fields `from` to `to`, the last one's separator included.
  private between(from: number, to: number): Uint8Array {
    const starts = (place: number): number => {
      const word = this.spans + place * SPAN_WORDS
      return this.bytesAt + this.i32[word + 1]! - String(this.i32[word]!).length - 1
    }
    return from >= to ? this.text.subarray(0, 0) : this.text.subarray(starts(from), starts(to))
  }

  private half(word: number): number {
    const { i32 } = this
    return (i32[this.word + word]! >>> 0) + (i32[this.word + word + 1]! >>> 0) * TWO_32
  }
}
