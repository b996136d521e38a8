// Room card: fix/dictionary
// In:    a version of FIX, or the path of a dictionary in QuickFIX's XML form.
// Out:   `FixDictionary`: tags by name, names by tag, message types by name, the groups of a message.
// Holds: read once a process and dictionary from native code; immutable.
// Costs: loading some milliseconds; a lookup one of a `Map`.
import { fail } from '../errors.js'
import { guarded, native } from '../native.js'

/** A repeating group: its members in order, groups inside by the tag of their count. */
export interface FixGroupDef {
  /** Tags of the members, in the order in which they stand in an entry; the first begins it. */
  readonly members: readonly number[]
  /** Place of each member. */
  readonly places: ReadonlyMap<number, number>
  /** Groups inside. */
  readonly groups: FixGroups
}

/** Groups by the tag that counts their entries. */
export type FixGroups = ReadonlyMap<number, FixGroupDef>

type GroupJson = [number, (number | GroupJson)[]]

interface DictionaryJson {
  readonly version: string
  readonly fields: readonly [number, string][]
  readonly messages: readonly [string, string, GroupJson[]][]
  readonly headerGroups: readonly GroupJson[]
}

function groupsOf(described: readonly (number | GroupJson)[]): Map<number, FixGroupDef> {
  const groups = new Map<number, FixGroupDef>()
  for (const member of described) {
    if (typeof member === 'number') continue
    const [count, inside] = member
    const members = inside.map((each) => (typeof each === 'number' ? each : each[0]))
    const places = new Map(members.map((tag, place) => [tag, place] as const))
    groups.set(count, { members, places, groups: groupsOf(inside) })
  }
  return groups
}

const none: FixGroups = new Map()

/** Names and groups of one version of FIX, or of one venue. */
export class FixDictionary {
  /** As the dictionary says it: `FIX.4.4`, `FIX.5.0SP2`. */
  readonly version: string
  private readonly tags: Map<string, number> = new Map()
  private readonly names: Map<number, string> = new Map()
  private readonly types: Map<string, string> = new Map()
  private readonly typeNames: Map<string, string> = new Map()
  private readonly bodies: Map<string, FixGroups> = new Map()

  /** Use `fixDictionary`. */
  constructor(described: DictionaryJson, transport: DictionaryJson | undefined) {
    this.version = described.version
    // What the transport has too, the application's dictionary says last.
    for (const part of transport === undefined ? [described] : [transport, described]) {
      for (const [tag, name] of part.fields) {
        this.tags.set(name, tag)
        this.names.set(tag, name)
      }
      const header = groupsOf(part.headerGroups)
      for (const [type, name, groups] of part.messages) {
        this.types.set(name, type)
        this.typeNames.set(type, name)
        this.bodies.set(type, new Map([...header, ...groupsOf(groups)]))
      }
    }
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

  /** The groups of a message, by MsgType (35). */
  groups(type: string): FixGroups {
    return this.bodies.get(type) ?? none
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
