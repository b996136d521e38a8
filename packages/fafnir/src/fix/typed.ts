// Room card: fix/typed
// In:    a message of a batch; the members its dictionary gives it.
// Out:   a reader: a property a field, decoded by its data type when it is read; groups as readers of their entries.
// Holds: one reader a message type, pointed anew by each `read`; a field that must be there and is not, or whose value
//        is none of its type, throws: with the session's validation on (the default) no such message arrives.
// Costs: no object a message, a field or an entry; a property is a scan over the places of the fields (`fix/ts-read`).
import { fail } from '../errors.js'
import { fixShape, type FixDictionary, type FixGroupDef, type FixMember } from './dictionary.js'
import { FixEntry, type FixFieldsView, type FixMessage } from './message.js'
import type { FixBody, FixFieldOf, FixRead, FixReader } from './schema.js'
import type { FixDecimal } from './value.js'

/** What is wrong with a field. */
export interface FixFieldFault {
  /** Its tag. */
  readonly tag: number
  /** Its name. */
  readonly name: string
  /** It must be there and is not, or its value is none of its data type. */
  readonly what: 'missing' | 'malformed'
}

/** What every reader has beside its fields. */
export abstract class FixTyped<S = unknown> {
  /** What is read: for fields the dictionary does not give it. */
  view!: FixFieldsView
  protected readonly own: unknown[] = []
  declare protected readonly members: readonly FixMember[]

  /** The value of a field by tag or name. */
  get<F extends FixFieldOf<S>>(field: F): FixRead<S, F> {
    const isTag = typeof field === 'number'
    const member = this.members.find((each) => (isTag ? each.tag === field : each.name === field))
    if (member === undefined) throw fail('FIX_FIELD_INVALID', 'the message has no such field', { field: String(field) })
    return (this as unknown as Record<string, unknown>)[member.name] as FixRead<S, F>
  }

  /** The first field that is missing or malformed, entries of groups included; for sessions without validation. */
  fault(): FixFieldFault | undefined {
    for (const { tag, name, required, group } of this.members) {
      if (!this.view.locate(tag, true)) {
        if (required) return { tag, name, what: 'missing' }
        continue
      }
      try {
        const value = (this as unknown as Record<string, unknown>)[name]
        if (group === undefined) continue
        for (const entry of value as FixEntries<FixTyped>) {
          const inside = entry.fault()
          if (inside !== undefined) return inside
        }
      } catch (error) {
        if ((error as { code?: string }).code !== 'FIX_FIELD_INVALID') throw error
        return { tag, name, what: 'malformed' }
      }
    }
    return undefined
  }
}

type TypedClass = new () => FixTyped

/** The entries of a repeating group. One reader for all: the next call, or the next turn of a loop, points it anew. */
export class FixEntries<E> implements Iterable<E> {
  private readonly entry: FixEntry = new FixEntry()
  private readonly reader: FixTyped
  private readonly count: number
  private of: FixFieldsView | undefined

  /** A reader makes it. */
  constructor(count: number, type: TypedClass) {
    this.count = count
    this.reader = new type()
    this.reader.view = this.entry
  }

  /** Of another message. */
  point(view: FixFieldsView): this {
    this.of = view
    return this
  }

  /** How many there are; the count the peer wrote is not believed. Moves the reader. */
  get length(): number {
    let length = 0
    for (let entry = this.first(); entry !== undefined; entry = this.next()) length += 1
    return length
  }

  /** The first entry. */
  first(): E | undefined {
    return this.of!.firstEntry(this.count, this.entry) ? (this.reader as E) : undefined
  }

  /** The entry behind the last one. */
  next(): E | undefined {
    return this.entry.next() ? (this.reader as E) : undefined
  }

  *[Symbol.iterator](): Generator<E, void, undefined> {
    for (let entry = this.first(); entry !== undefined; entry = this.next()) yield entry
  }
}

function absent(member: FixMember): undefined {
  if (!member.required) return undefined
  const { tag, name } = member
  throw fail('FIX_FIELD_INVALID', 'the message lacks a field it must have', { tag, name, what: 'missing' })
}

function malformed({ tag, name }: FixMember): never {
  throw fail('FIX_FIELD_INVALID', 'a value is none of its data type', { tag, name, what: 'malformed' })
}

interface Own {
  readonly view: FixFieldsView
  readonly own: unknown[]
}

// The getter of a member. `outside`: its tag stands in entries of groups, too, which are not meant.
function getter(member: FixMember, place: number, outside: boolean): (this: Own) => unknown {
  const { tag, group, shape } = member
  if (group !== undefined) {
    return function (): unknown {
      const entries = (this.own[place] ??= new FixEntries(tag, entryClass(group))) as FixEntries<unknown>
      return entries.point(this.view)
    }
  }
  switch (shape) {
    case fixShape.decimal:
      return function (): unknown {
        if (!this.view.locate(tag, outside)) return absent(member)
        const into = (this.own[place] ??= { mantissa: 0, exponent: 0 }) as FixDecimal
        return this.view.hereDecimal(into) ?? malformed(member)
      }
    case fixShape.int:
      return function (): unknown {
        return this.view.locate(tag, outside) ? (this.view.hereInt() ?? malformed(member)) : absent(member)
      }
    case fixShape.time:
      return function (): unknown {
        return this.view.locate(tag, outside) ? (this.view.hereTime() ?? malformed(member)) : absent(member)
      }
    case fixShape.boolean:
      return function (): unknown {
        return this.view.locate(tag, outside) ? (this.view.hereBoolean() ?? malformed(member)) : absent(member)
      }
    case fixShape.bytes:
      return function (): unknown {
        return this.view.locate(tag, outside) ? this.view.hereBytes() : absent(member)
      }
    default:
      return function (): unknown {
        return this.view.locate(tag, outside) ? this.view.hereText() : absent(member)
      }
  }
}

function tagsInside(members: readonly FixMember[], into: Set<number> = new Set()): Set<number> {
  for (const { group } of members) {
    if (group === undefined) continue
    for (const tag of group.members) into.add(tag)
    // Groups lie in groups at most to the loader's depth.
    tagsInside(group.fields, into)
  }
  return into
}

function classOf(members: readonly FixMember[]): TypedClass {
  const made = class extends FixTyped {}
  const inside = tagsInside(members)
  for (const [place, member] of members.entries()) {
    // A field a dictionary calls as one of the reader's own is read by `view`.
    if (member.name in made.prototype || member.name === 'view') continue
    Object.defineProperty(made.prototype, member.name, {
      get: getter(member, place, inside.has(member.tag)),
      enumerable: true,
    })
  }
  Object.defineProperty(made.prototype, 'members', { value: members })
  return made
}

const entryClasses = new WeakMap<FixGroupDef, TypedClass>()

function entryClass(group: FixGroupDef): TypedClass {
  const known = entryClasses.get(group) ?? classOf(group.fields)
  entryClasses.set(group, known)
  return known
}

/** A message of a dictionary: `NewOrderSingle` of `fafnir/fix/fix44`. For `session.send`, and to read. */
export class FixMessageType<Header = unknown, S = unknown> {
  /** Its name. */
  readonly name: string
  /** Its MsgType (35). */
  readonly type: string
  /** What `send` takes with it; no such property exists. */
  declare readonly body: FixBody<Header, S>
  private dictionary: FixDictionary | undefined
  private reader: FixTyped | undefined
  private readonly readers: Map<FixDictionary, FixTyped> = new Map()

  /** Use `fixMessage`. */
  constructor(name: string, type: string) {
    this.name = name
    this.type = type
  }

  /**
   * The message, typed; undefined when it is of another type. One reader: the next call points it anew, and like the
   * message it is valid until the batch's step is over.
   *
   * @example
   * const order = NewOrderSingle.read(message)
   * if (order !== undefined) book.add(order.ClOrdID, order.Side, order.Price?.mantissa)
   */
  read(message: FixMessage): FixReader<Header & S> | undefined {
    if (!message.isType(this.type)) return undefined
    const { dictionary } = message.session
    if (dictionary !== this.dictionary) this.of(dictionary)
    const reader = this.reader!
    reader.view = message
    return reader as unknown as FixReader<Header & S>
  }

  private of(dictionary: FixDictionary): void {
    const known = this.readers.get(dictionary) ?? new (classOf(dictionary.members(this.type)))()
    this.readers.set(dictionary, known)
    this.dictionary = dictionary
    this.reader = known
  }
}

/** Names a message. Generated modules do. */
export function fixMessage<Header, S>(name: string, type: string): FixMessageType<Header, S> {
  return new FixMessageType(name, type)
}
