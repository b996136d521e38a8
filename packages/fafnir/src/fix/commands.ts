// Room card: fix/commands
// In:    messages to send and what is to be done with sessions.
// Out:   the same in batches to the native thread, in order.
// Holds: bounded bytes; a command that does not fit is refused whole; fields ascend, members of groups stand in the
//        dictionary's order.
// Costs: one native call a batch; encoding some 100 ns a field.
import { fail } from '../errors.js'
import { guarded, type FixHostNative } from '../native.js'
import type { FixDictionary, FixGroups } from './dictionary.js'
import type { FixDecimal } from './message.js'
import { HEADER_FIELDS, OWN_FIELDS } from './records.js'

/** What a field is sent as. A `Date` is a UTCTimestamp in milliseconds, a boolean Y or N, an array a group. */
export type FixValue = string | number | bigint | boolean | Date | Uint8Array | FixDecimal | readonly FixFields[]

/** Fields by name or tag; in an entry of a group, the first must begin entries. */
export type FixFields = { readonly [field: string]: FixValue | undefined }

const HEADER_WORDS = 5
const COMMAND_BYTES_MIN = 65_536
const SEPARATOR = 1
const EQUALS = 0x3d
const RAW_DATA_LENGTH = 95
const RAW_DATA = 96
/** What a command does. */
export const commandKind = { send: 0, logout: 1, logon: 2, reset: 3, restart: 4, answer: 5 } as const

interface Pair {
  readonly tag: number
  readonly value: FixValue
}

/** Commands on their way to native code. */
export class FixCommands {
  private readonly bytes: Buffer
  private readonly host: FixHostNative
  private used: number = 0
  private at: number = 0
  private tickets: number = 0
  private soon: boolean = false
  private stopped: boolean = false
  private retry: NodeJS.Immediate | undefined

  constructor(host: FixHostNative, bytesMax: number) {
    if (!Number.isInteger(bytesMax) || bytesMax < COMMAND_BYTES_MIN || bytesMax > 1 << 28) {
      const allowed = `${COMMAND_BYTES_MIN} to ${1 << 28}`
      throw fail('ARGUMENT_INVALID', 'commandBytes is out of range', { commandBytes: bytesMax, allowed })
    }
    this.host = host
    this.bytes = Buffer.alloc(bytesMax)
  }

  /** A command without fields: its ticket, or that there is no room. */
  plain(kind: number, session: number, text: string = ''): number | 'FIX_QUEUE_FULL' {
    return this.whole(kind, session, Buffer.from(text), none, none)
  }

  /** A message whose header fields and body are bytes already. */
  whole(
    kind: number,
    session: number,
    type: Uint8Array,
    header: Uint8Array,
    body: Uint8Array,
  ): number | 'FIX_QUEUE_FULL' {
    const start = this.used
    if (start + HEADER_WORDS * 4 + type.length + header.length + body.length > this.bytes.length) return this.full()
    this.at = start + HEADER_WORDS * 4
    for (const part of [type, header, body]) {
      this.bytes.set(part, this.at)
      this.at += part.length
    }
    return this.done(start, kind, session, [type.length, header.length, body.length])
  }

  /** A message of fields. @throws FafnirError FIX_FIELD_INVALID (a field that is none, or cannot be sent) */
  message(session: number, type: string, fields: FixFields, names: FixDictionary): number | 'FIX_QUEUE_FULL' {
    const start = this.used
    const header: Pair[] = []
    const body: Pair[] = []
    for (const name in fields) {
      const value = fields[name]
      if (value === undefined) continue
      const tag = names.tag(name)
      if (OWN_FIELDS.has(tag))
        throw fail('FIX_FIELD_INVALID', 'the session writes this field itself', { field: name, tag })
      ;(HEADER_FIELDS.has(tag) ? header : body).push({ tag, value })
    }
    const groups = names.groups(type)
    this.at = start + HEADER_WORDS * 4
    try {
      const typeBytes = this.text(type)
      const headerBytes = this.pairs(header.sort(byTag), groups, names)
      const bodyBytes = this.pairs(body.sort(byTag), groups, names)
      if (this.at > this.bytes.length) return this.full()
      return this.done(start, commandKind.send, session, [typeBytes, headerBytes, bodyBytes])
    } catch (error) {
      this.at = start
      throw error
    }
  }

  /**
   * The answer to a question about a Logon: its number and what is answered, then fields of our Logon or a text.
   * @throws FafnirError FIX_FIELD_INVALID
   */
  answer(
    session: number,
    question: Uint8Array,
    content: string | FixFields,
    names: FixDictionary,
  ): number | 'FIX_QUEUE_FULL' {
    if (typeof content === 'string') {
      return this.whole(commandKind.answer, session, question, Buffer.from(content), none)
    }
    const body: Pair[] = []
    for (const name in content) {
      const value = content[name]
      if (value === undefined) continue
      const tag = names.tag(name)
      if (HEADER_FIELDS.has(tag))
        throw fail('FIX_FIELD_INVALID', 'a Logon has its header already', { field: name, tag })
      body.push({ tag, value })
    }
    const data = body.find(({ tag }) => tag === RAW_DATA)?.value
    if (data !== undefined && !body.some(({ tag }) => tag === RAW_DATA_LENGTH)) {
      const value = data instanceof Uint8Array ? data.length : Buffer.byteLength(String(data))
      body.push({ tag: RAW_DATA_LENGTH, value })
    }
    const start = this.used
    this.at = start + HEADER_WORDS * 4
    try {
      this.raw(question)
      const bytes = this.pairs(body.sort(byTag), names.groups('A'), names)
      if (this.at > this.bytes.length) return this.full()
      return this.done(start, commandKind.answer, session, [question.length, bytes, 0])
    } catch (error) {
      this.at = start
      throw error
    }
  }

  /** Hands over what waits; what the native queue has no room for waits on. True when something does. */
  flush(): boolean {
    // A program that answers while it closes has no fault.
    if (this.stopped) this.used = 0
    if (this.used === 0) return false
    const taken = guarded(() => this.host.sendBatch(this.bytes.subarray(0, this.used)))
    this.bytes.copyWithin(0, taken, this.used)
    this.used -= taken
    if (this.used > 0) {
      this.retry ??= setImmediate(() => {
        this.retry = undefined
        this.flush()
      })
    }
    return this.used > 0
  }

  /** Hands over what waits and takes nothing more: what comes is dropped. */
  stop(): void {
    this.flush()
    this.stopped = true
    clearImmediate(this.retry)
    this.used = 0
  }

  private full(): 'FIX_QUEUE_FULL' {
    this.flush()
    return 'FIX_QUEUE_FULL'
  }

  private done(start: number, kind: number, session: number, lengths: readonly number[]): number {
    const { bytes } = this
    for (const [place, word] of [kind, session, ...lengths].entries()) bytes.writeUInt32LE(word, start + place * 4)
    this.used = this.at
    this.tickets += 1
    if (!this.soon) {
      this.soon = true
      // What is said in one step goes over in one call.
      queueMicrotask(() => {
        this.soon = false
        this.flush()
      })
    }
    return this.tickets
  }

  private pairs(pairs: readonly Pair[], groups: FixGroups, names: FixDictionary): number {
    const from = this.at
    for (const { tag, value } of pairs) this.field(tag, value, groups, names)
    return this.at - from
  }

  private field(tag: number, value: FixValue, groups: FixGroups, names: FixDictionary): void {
    if (!Array.isArray(value)) return this.scalar(tag, value as Exclude<FixValue, readonly FixFields[]>)
    const group = groups.get(tag)
    if (group === undefined) throw fail('FIX_FIELD_INVALID', 'the message has no such group', { tag })
    this.scalar(tag, value.length)
    for (const entry of value as readonly FixFields[]) {
      const members: Pair[] = []
      for (const name in entry) {
        const member = entry[name]
        if (member !== undefined) members.push({ tag: names.tag(name), value: member })
      }
      members.sort((a, b) => place(group.places, a.tag) - place(group.places, b.tag))
      if (members[0]?.tag !== group.members[0]) {
        throw fail('FIX_FIELD_INVALID', 'an entry lacks the field it begins with', {
          tag,
          first: group.members[0] ?? 0,
        })
      }
      for (const member of members) this.field(member.tag, member.value, group.groups, names)
    }
  }

  private scalar(tag: number, value: Exclude<FixValue, readonly FixFields[]>): void {
    this.text(String(tag))
    this.byte(EQUALS)
    if (value instanceof Uint8Array) {
      this.raw(value)
    } else {
      const text = textOf(value)
      if (text === '' || text.includes('\x01')) {
        throw fail('FIX_FIELD_INVALID', 'a value is not empty and has no separator', { tag, value: text })
      }
      this.text(text)
    }
    this.byte(SEPARATOR)
  }

  private byte(byte: number): void {
    if (this.at < this.bytes.length) this.bytes[this.at] = byte
    this.at += 1
  }

  private raw(bytes: Uint8Array): void {
    if (this.at + bytes.length <= this.bytes.length) this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  // Beyond the end nothing is written, but `at` goes on: the caller sees that it did not fit.
  private text(text: string): number {
    const length = Buffer.byteLength(text)
    if (this.at + length <= this.bytes.length) this.bytes.write(text, this.at)
    this.at += length
    return length
  }
}

const none = new Uint8Array(0)
const byTag = (a: Pair, b: Pair): number => a.tag - b.tag

function place(places: ReadonlyMap<number, number>, tag: number): number {
  const found = places.get(tag)
  if (found === undefined) throw fail('FIX_FIELD_INVALID', 'the group has no such member', { tag })
  return found
}

const two = (value: number): string => String(value).padStart(2, '0')

function textOf(value: string | number | bigint | boolean | Date | FixDecimal): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return value ? 'Y' : 'N'
    case 'bigint':
      return value.toString()
    case 'number': {
      const text = String(value)
      if (/^-?\d+(\.\d+)?$/.test(text)) return text
      throw fail('FIX_FIELD_INVALID', 'FIX writes no such number; give it as text', { value: text })
    }
    default:
      return value instanceof Date ? timestamp(value) : decimalText(value)
  }
}

function timestamp(at: Date): string {
  if (Number.isNaN(at.getTime())) throw fail('FIX_FIELD_INVALID', 'an invalid date cannot be sent')
  const day = `${String(at.getUTCFullYear()).padStart(4, '0')}${two(at.getUTCMonth() + 1)}${two(at.getUTCDate())}`
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  return `${day}-${clock}.${String(at.getUTCMilliseconds()).padStart(3, '0')}`
}

function decimalText({ mantissa, exponent }: FixDecimal): string {
  if (!Number.isSafeInteger(mantissa) || !Number.isInteger(exponent) || exponent < -22 || exponent > 0) {
    throw fail('FIX_FIELD_INVALID', 'a decimal is a safe integer and an exponent of -22 to 0', { mantissa, exponent })
  }
  const digits = String(Math.abs(mantissa)).padStart(1 - exponent, '0')
  const cut = digits.length + exponent
  const text = exponent === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`
  return mantissa < 0 ? `-${text}` : text
}
