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

const TWO_32 = 4_294_967_296
const ZERO = 0x30
const POINT = 0x2e
const MINUS = 0x2d
const YES = 0x59

/** An exact decimal: mantissa × 10^exponent, both whole. */
export interface FixDecimal {
  /** A safe integer. */
  mantissa: number
  /** 0 or less. */
  exponent: number
}

/** A field: its tag, or its name in the session's dictionary. */
export type FixField = number | string

/** Fields of a message, or of an entry of a group. Where a tag stands more than once, the first is meant. */
export class FixFieldsView {
  protected i32: Int32Array = new Int32Array(0)
  protected text: Buffer = Buffer.alloc(0)
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
    // The text of one character costs no allocation.
    if (this.end === this.start + 1 && this.text[this.start]! < 0x80) return String.fromCharCode(this.text[this.start]!)
    return this.text.toString('utf8', this.start, this.end)
  }

  /** Is the field there? */
  has(field: FixField): boolean {
    return this.find(field) >= 0
  }

  /** Its value as text (UTF-8). */
  string(field: FixField): string | undefined {
    return this.find(field) < 0 ? undefined : this.text.toString('utf8', this.start, this.end)
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
   * Its value as a number; undefined when it is not there or is none. For prices that must be exact: `decimal`.
   */
  number(field: FixField): number | undefined {
    const read = this.decimal(field, this.reused)
    if (read === undefined) return undefined
    // A power of ten up to 22 is exact, so that the division rounds once, as reading the text would.
    return read.exponent === 0 ? read.mantissa : read.mantissa / 10 ** -read.exponent
  }

  /**
   * Its value exactly; undefined when it is not there, is no decimal, or its digits are beyond 2^53 (`string` has
   * them). Without `into`, the object is reused by the next call.
   */
  decimal(field: FixField, into: FixDecimal = this.reused): FixDecimal | undefined {
    if (this.find(field) < 0) return undefined
    const { text, end } = this
    const negative = text[this.start] === MINUS
    let [mantissa, point, digits] = [0, -1, 0]
    for (let at = negative ? this.start + 1 : this.start; at < end; at += 1) {
      const digit = text[at]! - ZERO
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit
        digits += 1
      } else if (text[at] === POINT && point < 0) point = at
      else return undefined
    }
    if (digits === 0 || mantissa > Number.MAX_SAFE_INTEGER || (point >= 0 && end - point > 23)) return undefined
    into.mantissa = negative ? -mantissa : mantissa
    into.exponent = point < 0 ? 0 : point + 1 - end
    return into
  }

  /** A UTCTimestamp as Unix milliseconds, finer parts as a fraction; undefined when it is not there or is none. */
  time(field: FixField): number | undefined {
    if (this.find(field) < 0) return undefined
    const value = this.text.toString('latin1', this.start, this.end)
    const parts = /^(\d{4})(\d\d)(\d\d)-(\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?$/.exec(value)
    if (parts === null) return undefined
    const [, year, month, day, hour, minute, second, fraction] = parts
    const whole = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
    return fraction === undefined ? whole : whole + Number(`0.${fraction}`) * 1_000
  }

  /** Its bytes, a view of the message. */
  bytes(field: FixField): Uint8Array | undefined {
    return this.find(field) < 0 ? undefined : this.text.subarray(this.start, this.end)
  }

  /** The entries of a repeating group, by the field that counts them; none when it is not there. One view for all. */
  *group(count: FixField): Generator<FixEntry, void, undefined> {
    const at = this.find(count)
    const group = at < 0 ? undefined : this.groupsHere?.get(this.i32[this.spans + at * SPAN_WORDS]!)
    if (group === undefined) return
    const entry = new FixEntry()
    let next = at + 1
    for (;;) {
      const after = this.entryEnd(group, next)
      if (after === next) return
      entry.pointInto(this, next, after, group.groups)
      yield entry
      next = after
    }
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
    for (let after = this.entryEnd(group, at); after > at; after = this.entryEnd(group, at)) at = after
    return at
  }

  // Where an entry that begins at `from` ends: before a member it has already, or what is no member. The count is not
  // believed.
  private entryEnd(group: FixGroupDef, from: number): number {
    const seen = new Set<number>()
    let at = from
    while (at < this.to) {
      const tag = this.i32[this.spans + at * SPAN_WORDS]!
      const place = group.places.get(tag)
      if (place === undefined || seen.has(tag) || (place === 0 && at > from)) return at
      seen.add(tag)
      at += 1
      const inner = group.groups.get(tag)
      if (inner === undefined) continue
      for (let after = this.entryEnd(inner, at); after > at; after = this.entryEnd(inner, at)) at = after
    }
    return at
  }

  private find(field: FixField): number {
    const tag = typeof field === 'number' ? field : this.tagOf(field)
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

  private tagOf(name: string): number {
    return this.names === undefined ? Number(name) : this.names.tag(name)
  }
}

/** An entry of a repeating group. Valid until the next one is asked for. */
export class FixEntry extends FixFieldsView {
  /** Points it at fields of a message. */
  pointInto(view: FixFieldsView, from: number, to: number, groups: FixGroups): void {
    FixEntry.prototype.share.call(view, this)
    this.from = from
    this.to = to
    this.groupsHere = groups
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
  point(i32: Int32Array, text: Buffer, word: number, session: FixSession): void {
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

  override *group(count: FixField): Generator<FixEntry, void, undefined> {
    this.groupsHere ??= this.names?.groups(this.msgType)
    yield* super.group(count)
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
