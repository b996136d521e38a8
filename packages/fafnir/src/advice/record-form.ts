// Room card: advice/record-form
// In:    entries of the record of advice, and the lines they are written as.
// Out:   a line with the digest of every field and the hash that chains it; what does not agree, by the field's name.
// Holds: the hash covers place, predecessor and all digests, so that a change of one field names that field.
// Costs: seven SHA-256 a record.
import { canonicalJson, readJson, sha256 } from './json.js'

/** What a record tells: a profile was given, or a client's personal part was erased. */
export type EntryKind = 'profile' | 'erasure'

/** One line of the record. Everything personal is in `sealed`. */
export interface Entry {
  /** 1, 2, 3, … */
  readonly seq: number
  readonly kind: EntryKind
  /** When, in UTC, to the millisecond. */
  readonly at: string
  /** A random number that stands for the client, 32 hexadecimal digits. */
  readonly subject: string
  /** Version and hash of the policy; null for an erasure. */
  readonly policy: { readonly version: string; readonly hash: string } | null
  /** SHA-256 over a random salt and the personal part; the salt is sealed too. Null for an erasure. */
  readonly commitment: string | null
  /** The personal part under the client's own key (AES-256-GCM), base64: nonce, tag, text. Null for an erasure. */
  readonly sealed: string | null
}

/** An entry with its place in the chain. */
export interface ChainedEntry extends Entry {
  /** Hash of the record before; of the header for the first. */
  readonly prev: string
  readonly digests: Readonly<Record<DigestedField, string>>
  readonly hash: string
}

/** Fields with a digest of their own. */
export type DigestedField = 'kind' | 'at' | 'subject' | 'policy' | 'commitment' | 'sealed'

/** What of a record does not agree. `form`: the line is no record; `head`: the end is not the one that was kept. */
export type RecordField = DigestedField | 'form' | 'header' | 'seq' | 'prev' | 'digests' | 'hash' | 'head' | 'content'

/** The first line of a record. */
export interface Header {
  readonly format: 'fafnir-advice-record'
  readonly version: 1
  /** 32 random hexadecimal digits: two records never have the same chain. */
  readonly id: string
}

/** A line longer than this is no record. */
export const LINE_BYTES_MAX = 262_144
export const DIGESTED: readonly DigestedField[] = ['kind', 'at', 'subject', 'policy', 'commitment', 'sealed']

const HEX_32 = /^[0-9a-f]{32}$/
const HEX_64 = /^[0-9a-f]{64}$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Is it the number of a client? Names, mail addresses and account numbers are not. */
export function isSubject(text: unknown): text is string {
  return typeof text === 'string' && HEX_32.test(text)
}

/** The hash that the first record follows. */
export function headerHash(header: Header): string {
  return sha256(canonicalJson(header))
}

/** An entry behind the record with the hash `prev`. */
export function chained(entry: Entry, prev: string): ChainedEntry {
  const digests = digestsOf(entry)
  return { ...entry, prev, digests, hash: hashOf(entry.seq, prev, digests) }
}

function digestsOf(entry: Entry): Record<DigestedField, string> {
  const digests = DIGESTED.map((field) => [field, sha256(canonicalJson({ field, value: entry[field] }))])
  return Object.fromEntries(digests) as Record<DigestedField, string>
}

function hashOf(seq: number, prev: string, digests: ChainedEntry['digests']): string {
  return sha256(canonicalJson({ seq, prev, digests }))
}

/** Reads the first line; undefined when it is no header. */
export function readHeader(line: string): Header | undefined {
  const found = readJson(line)
  if ('problem' in found) return undefined
  const header = found.value as Partial<Header> | null
  const good =
    header?.format === 'fafnir-advice-record' &&
    header.version === 1 &&
    isSubject(header.id) &&
    Object.keys(header).length === 3 &&
    JSON.stringify(header) === line
  return good ? (header as Header) : undefined
}

/** Reads a line that should be the record `seq` behind `prev`; else the name of what does not agree. */
export function readEntry(
  line: string,
  seq: number,
  prev: string,
): { readonly entry: ChainedEntry } | { readonly field: RecordField } {
  const found = readJson(line)
  if ('problem' in found || !isEntry(found.value)) return { field: 'form' }
  // A blank or an escape more says the same, but nothing of ours has written it.
  if (JSON.stringify(found.value) !== line) return { field: 'form' }
  const entry = found.value
  const digests = digestsOf(entry)
  const field = DIGESTED.find((name) => digests[name] !== entry.digests[name])
  const whole = hashOf(entry.seq, entry.prev, entry.digests) === entry.hash
  // Under a hash that covers the digests it is the field that was changed; otherwise a digest was.
  if (field !== undefined) return { field: whole ? field : 'digests' }
  if (entry.seq !== seq) return { field: 'seq' }
  if (entry.prev !== prev) return { field: 'prev' }
  return whole ? { entry } : { field: 'hash' }
}

const KEYS = ['seq', ...DIGESTED, 'prev', 'digests', 'hash'].sort().join()

function isEntry(value: unknown): value is ChainedEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (Object.keys(value).sort().join() !== KEYS) return false
  const { seq, prev, hash, digests } = value as ChainedEntry
  if (!Number.isSafeInteger(seq) || !isHash(prev) || !isHash(hash)) return false
  if (typeof digests !== 'object' || digests === null) return false
  return Object.keys(digests).sort().join() === [...DIGESTED].sort().join() && Object.values(digests).every(isHash)
}

function isHash(text: unknown): boolean {
  return typeof text === 'string' && HEX_64.test(text)
}

/** Is what agrees with its digest also of the right form? Only a writer that is not ours fails here. */
export function isWellFormed(entry: Entry): boolean {
  const { kind, at, subject, policy, commitment, sealed } = entry
  const bare = commitment === null && sealed === null && policy === null
  const full = isHash(commitment) && typeof sealed === 'string' && BASE64.test(sealed) && isHash(policy?.hash)
  const kinds = kind === 'erasure' ? bare : kind === 'profile' && full
  return kinds && isSubject(subject) && typeof at === 'string' && !Number.isNaN(Date.parse(at))
}
