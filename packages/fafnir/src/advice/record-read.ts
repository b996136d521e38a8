// Room card: advice/record-read
// In:    the file of a record, and the keys that are left.
// Out:   its entries one by one; the first thing that does not agree, by record and field; a torn last line.
// Holds: one line in memory at a time; an unfinished last line is a crash, everything else that differs is a change.
// Costs: reading the file; seven SHA-256 a record.
import { closeSync, openSync, readSync } from 'node:fs'

import { fail, type FafnirError } from '../errors.js'
import { canonicalJson, contentHash } from './json.js'
import {
  LINE_BYTES_MAX,
  headerHash,
  isWellFormed,
  readEntry,
  readHeader,
  type ChainedEntry,
  type RecordField,
} from './record-form.js'
import { unseal, type RecordKeys } from './record-keys.js'

/** What does not agree. */
export interface Tampering {
  /** The record, from 1; 0 is the header. */
  readonly record: number
  readonly field: RecordField
  /** What it means. */
  readonly words: string
}

/** What a record holds, as far as it agrees. */
export interface Verification {
  readonly ok: boolean
  /** Records that agree. */
  readonly records: number
  /** Hash of the last of them: keep it elsewhere, and a shortened or rewritten record is found too. */
  readonly head: string
  readonly tampering: Tampering | null
  /** Bytes of an unfinished last line: a process ended while it wrote. */
  readonly tornBytes: number
  /** Profiles whose personal part can be read. */
  readonly readable: number
  /** Profiles whose personal part was erased, as the record tells. */
  readonly erased: number
  /** Profiles whose key is gone without a recorded erasure. */
  readonly lost: number
}

const CHUNK_BYTES = 65_536

const WORDS: Readonly<Record<RecordField, string>> = {
  header: 'the first line is no header of a record of advice',
  form: 'the line is no record',
  kind: 'its kind was changed',
  at: 'its time was changed',
  subject: "its client's number was changed",
  policy: 'the policy it names was changed',
  commitment: 'its commitment to the personal part was changed, or does not fit it',
  sealed: 'its personal part was changed',
  digests: 'digests of its fields were changed',
  seq: 'a record is missing, doubled or out of order here',
  prev: 'the record before it is not the one it was written behind',
  hash: 'its hash does not fit its fields',
  head: 'the record does not hold the head that was kept: it was shortened, or written anew',
  content: "the profile in its personal part does not have the profile's own hash",
}

/** The error of a tampered record. */
export function tampered(path: string, { record, field, words }: Tampering): FafnirError {
  return fail('RECORD_TAMPERED', words, { path, record, field })
}

/** What the personal part is bound to. */
export function placeOf(entry: Pick<ChainedEntry, 'seq' | 'kind' | 'at' | 'subject' | 'policy' | 'prev'>): string {
  const { seq, kind, at, subject, policy, prev } = entry
  return canonicalJson({ seq, kind, at, subject, policy, prev })
}

/** The lines of a file with their ends in bytes; the last has `whole: false` when no line end follows. */
export function* linesOf(
  path: string,
): Generator<{ readonly text: string; readonly end: number; readonly whole: boolean }> {
  const file = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    let rest = Buffer.alloc(0)
    let start = 0
    for (;;) {
      const read = readSync(file, chunk, 0, CHUNK_BYTES, null)
      if (read === 0) break
      rest = Buffer.concat([rest, chunk.subarray(0, read)])
      for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
        start += at + 1
        yield { text: rest.toString('utf8', 0, at), end: start, whole: true }
        rest = rest.subarray(at + 1)
      }
      // What is longer than a record can be is told as one line, and not gathered any further.
      if (rest.length > LINE_BYTES_MAX) {
        yield { text: '', end: start + rest.length, whole: true }
        return
      }
    }
    if (rest.length > 0) yield { text: rest.toString('utf8'), end: start + rest.length, whole: false }
  } finally {
    closeSync(file)
  }
}

/** Something stands where a record's line end was: a write that was cut leaves the beginning of a line only. */
function isClosed(tail: string): boolean {
  const brace = tail.lastIndexOf('}')
  if (brace < 0 || brace === tail.length - 1) return false
  try {
    JSON.parse(tail.slice(0, brace + 1))
    return true
  } catch {
    return false
  }
}

/** Who wants to see entries while they are verified. */
export interface VerifyOptions {
  /** A head that was kept elsewhere. */
  readonly head?: string | undefined
  readonly keys?: RecordKeys | undefined
  readonly onEntry?: ((entry: ChainedEntry) => void) | undefined
}

/** A verification, and where the last good record ends. */
export interface Scan extends Verification {
  readonly bytes: number
}

/** Reads a record up to its end or to the first thing that does not agree. */
export function scan(path: string, { head: kept, keys, onEntry }: VerifyOptions = {}): Scan {
  let [head, records, bytes, tornBytes, readable] = ['', 0, 0, 0, 0]
  const keyless = new Map<string, number>()
  const erasures = new Set<string>()
  let seen = kept === undefined
  const result = (tampering: Tampering | null): Scan => {
    let [erased, lost] = [0, 0]
    for (const [subject, profiles] of keyless) {
      if (erasures.has(subject)) erased += profiles
      else lost += profiles
    }
    return { ok: tampering === null, records, head, tampering, tornBytes, readable, erased, lost, bytes }
  }
  const at = (record: number, field: RecordField): Scan => result({ record, field, words: WORDS[field] })
  for (const { text, end, whole } of linesOf(path)) {
    if (!whole) {
      if (isClosed(text)) return head === '' ? at(0, 'header') : at(records + 1, 'form')
      tornBytes = end - bytes
      break
    }
    if (head === '') {
      const header = readHeader(text)
      if (header === undefined) return at(0, 'header')
      head = headerHash(header)
    } else {
      const found = readEntry(text, records + 1, head)
      if ('field' in found) return at(records + 1, found.field)
      if (!isWellFormed(found.entry)) return at(records + 1, 'form')
      const opened = keys === undefined ? 'unasked' : openEntry(found.entry, keys)
      if (typeof opened === 'object' && 'field' in opened) return at(records + 1, opened.field)
      const { subject, kind } = found.entry
      if (opened === 'erased') keyless.set(subject, (keyless.get(subject) ?? 0) + 1)
      if (kind === 'erasure') erasures.add(subject)
      if (typeof opened === 'object') readable += 1
      records += 1
      head = found.entry.hash
      onEntry?.(found.entry)
    }
    seen ||= head === kept
    bytes = end
  }
  if (head === '' && tornBytes === 0) return at(0, 'header')
  return seen ? result(null) : at(records, 'head')
}

/** The personal part of an entry; `none` for an erasure, `erased` when its key is gone. */
export function openEntry(
  entry: ChainedEntry,
  keys: RecordKeys,
): { readonly value: Personal } | { readonly field: RecordField } | 'erased' | 'none' {
  const { commitment, sealed } = entry
  if (commitment === null || sealed === null) return 'none'
  const key = keys.get(entry.subject)
  if (key === undefined) return 'erased'
  const opened = unseal(key, placeOf(entry), { commitment, sealed })
  if ('field' in opened) return opened
  const value = opened.value as Personal
  const { contentHash: told, ...words } = value.profile
  return contentHash({ case: value.case, profile: words }) === told ? { value } : { field: 'content' }
}

/** What is sealed. */
export interface Personal {
  readonly case: Readonly<Record<string, unknown>>
  readonly profile: Readonly<Record<string, unknown>> & { readonly contentHash: string }
}
