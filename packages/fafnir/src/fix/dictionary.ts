// Room card: fix/dictionary
// In:    a version of FIX, or the path of a dictionary in QuickFIX's XML form.
// Out:   `FixDictionary`: tags by name, names by tag, message types by name, the members and groups of a message.
// Holds: read once a process and dictionary from native code; immutable.
// Costs: loading some milliseconds; a lookup one of a `Map`; members of a message are listed when first asked for.
import { fail } from '../errors.js'
import { guarded, native } from '../native.js'

/** What a value is to a program; the number is the native side's. */
export const fixShape = { text: 0, words: 1, int: 2, decimal: 3, boolean: 4, time: 5, bytes: 6 } as const
/** One of them. */
export type FixShape = (typeof fixShape)[keyof typeof fixShape]

/** A member of a message, its header, or a group. */
export interface FixMember {
  /** Its tag; of a group, that of its count. */
  readonly tag: number
  /** Its name. */
  readonly name: string
  /** What its value is. */
  readonly shape: FixShape
  /** Must it be there? Of a group's member: in each entry. */
  readonly required: boolean
  /** The group it counts. */
  readonly group: FixGroupDef | undefined
}

/** A repeating group: its members in order, groups inside by the tag of their count. */
export interface FixGroupDef {
  /** Tags of the members, in the order in which they stand in an entry; the first begins it. */
  readonly members: readonly number[]
  /** Place of each member. */
  readonly places: ReadonlyMap<number, number>
  /** Groups inside. */
  readonly groups: FixGroups
  /** The members as the dictionary has them. */
  readonly fields: readonly FixMember[]
}

/** Groups by the tag that counts their entries. */
export type FixGroups = ReadonlyMap<number, FixGroupDef>

/** A tag, negative when it must be there; of a group with the group's number. */
type MemberJson = number | readonly [number, number]

interface DictionaryJson {
  readonly version: string
  readonly fields: readonly (readonly [number, string, FixShape])[]
  readonly messages: readonly (readonly [string, string, readonly MemberJson[]])[]
  readonly groups: readonly (readonly MemberJson[])[]
  readonly header: readonly MemberJson[]
}

function groupsOf(members: readonly FixMember[]): FixGroups {
  const groups = new Map<number, FixGroupDef>()
  for (const { tag, group } of members) if (group !== undefined) groups.set(tag, group)
  return groups
}

/** One native dictionary: the application's, or the transport's of FIXT. */
class Part {
  readonly described: DictionaryJson
  private readonly fields: Map<number, readonly [number, string, FixShape]>
  private readonly groups: (FixGroupDef | undefined)[] = []

  constructor(described: DictionaryJson) {
    this.described = described
    this.fields = new Map(described.fields.map((field) => [field[0], field]))
  }

  members(listed: readonly MemberJson[]): FixMember[] {
    return listed.map((each) => {
      const [signed, number] = typeof each === 'number' ? [each, undefined] : each
      const tag = Math.abs(signed)
      const [, name, shape] = this.fields.get(tag)!
      return { tag, name, shape, required: signed < 0, group: number === undefined ? undefined : this.group(number) }
    })
  }

  // Groups lie in groups at most to the loader's depth.
  private group(number: number): FixGroupDef {
    const known = this.groups[number]
    if (known !== undefined) return known
    const fields = this.members(this.described.groups[number]!)
    const members = fields.map((member) => member.tag)
    const places = new Map(members.map((tag, place) => [tag, place] as const))
    const made = { members, places, groups: groupsOf(fields), fields }
    this.groups[number] = made
    return made
  }
}

/** Names, members and groups of one version of FIX, or of one venue. */
export class FixDictionary {
  /** As the dictionary says it: `FIX.4.4`, `FIX.5.0SP2`. */
  readonly version: string
  private readonly tags: Map<string, number> = new Map()
  private readonly names: Map<number, string> = new Map()
  private readonly types: Map<string, string> = new Map()
  private readonly typeNames: Map<string, string> = new Map()
  private readonly listed: Map<string, { part: Part; members: readonly MemberJson[] }> = new Map()
  private readonly bodies: Map<string, { members: readonly FixMember[]; groups: FixGroups }> = new Map()
  private readonly header: readonly FixMember[]

  /** Use `fixDictionary`. */
  constructor(described: DictionaryJson, transport: DictionaryJson | undefined) {
    this.version = described.version
    const parts = (transport === undefined ? [described] : [transport, described]).map((each) => new Part(each))
    // What the transport has too, the application's dictionary says last.
    for (const part of parts) {
      for (const [tag, name] of part.described.fields) {
        this.tags.set(name, tag)
        this.names.set(tag, name)
      }
      for (const [type, name, members] of part.described.messages) {
        this.types.set(name, type)
        this.typeNames.set(type, name)
        this.listed.set(type, { part, members })
      }
    }
    this.header = parts[0]!.members(parts[0]!.described.header)
  }

  /** The tag of a name, or of a tag given as text. @throws FafnirError FIX_FIELD_INVALID when there is none */
  tag(field: string | number): number {
    const tag = typeof field === 'number' ? field : (this.tags.get(field) ?? Number(field))
    if (Number.isInteger(tag) && tag > 0) return tag
    throw fail('FIX_FIELD_INVALID', 'the dictionary has no such field', { field, version: this.version })
  }

  /** The name of a tag. */
  name(tag: number): string | undefined {
    return this.names.get(tag)
  }

  /** The MsgType (35) of a message's name; what is no name is taken for a type. */
  messageType(message: string): string {
    return this.types.get(message) ?? message
  }

  /** The name of a MsgType (35). */
  messageName(type: string): string | undefined {
    return this.typeNames.get(type)
  }

  /** The members of a message by MsgType (35), those of the header first; the header's alone when it has none such. */
  members(type: string): readonly FixMember[] {
    return this.body(type).members
  }

  /** The groups of a message, by MsgType (35), those of the header with them. */
  groups(type: string): FixGroups {
    return this.body(type).groups
  }

  private body(type: string): { members: readonly FixMember[]; groups: FixGroups } {
    const known = this.bodies.get(type)
    if (known !== undefined) return known
    const listed = this.listed.get(type)
    const members = listed === undefined ? this.header : [...this.header, ...listed.part.members(listed.members)]
    const made = { members, groups: groupsOf(members) }
    // A type a peer made up is not kept.
    if (listed !== undefined) this.bodies.set(type, made)
    return made
  }
}

const loaded = new Map<string, FixDictionary>()

function described(version: string, file: string | undefined): DictionaryJson {
  return JSON.parse(guarded(() => native().fixDictionary(version, file))) as DictionaryJson
}

/**
 * The dictionary of a version: `FIX.4.0` to `FIX.4.4`, `FIX.5.0` to `FIX.5.0SP2`, or of a file in QuickFIX's XML form.
 *
 * @throws FafnirError ARGUMENT_INVALID (no such version), CONFIG_INVALID (the file)
 */
export function fixDictionary(version: string, file?: string): FixDictionary {
  const key = file === undefined ? version : `${version} ${file}`
  const known = loaded.get(key)
  if (known !== undefined) return known
  const short = version.replaceAll('.', '')
  const transport = short.startsWith('FIX5') ? described('FIXT11', undefined) : undefined
  const dictionary = new FixDictionary(described(short, file), transport)
  loaded.set(key, dictionary)
  return dictionary
}

/**
 * Typed messages of a dictionary file in QuickFIX's XML form, as the text of a TypeScript module: `fafnir fix-types`.
 *
 * @throws FafnirError CONFIG_INVALID
 */
export function fixTypes(file: string): string {
  return guarded(() => native().fixTypes(file))
}
