// Room card: advice/record
// In:    profiles as they are given, erasures.
// Out:   an append-only file of them, each chained to the one before by its hash; what it holds, and whether it agrees.
// Holds: a profile is on disk when `append` returns; one writer at a time; personal parts are sealed under a key a
//        client, so that they can be erased without touching the chain; logs see numbers of records only.
// Costs: two syncs a record.
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'

import { asFault, fail, type FafnirError } from '../errors.js'
import type { LogTarget } from '../observe/log.js'
import type { IntakeCase } from './case.js'
import type { Profile } from './profile.js'
import {
  LINE_BYTES_MAX,
  chained,
  headerHash,
  isSubject,
  type ChainedEntry,
  type Entry,
  type Header,
} from './record-form.js'
import { fileKeys, seal, syncFolder, writeAll, type RecordKeys } from './record-keys.js'
import { takeLock, type FileLock } from './record-lock.js'
import { openEntry, placeOf, scan, tampered, type Personal, type Verification } from './record-read.js'

/** How a record is opened. */
export interface RecordOptions {
  /** Its folder; made when it is not there. Only the owner can read it. */
  readonly directory: string
  /** Keys of clients elsewhere than in its folder. */
  readonly keys?: RecordKeys | undefined
  /** Told of every record, without anything personal. */
  readonly log?: LogTarget | undefined
  /** Milliseconds since 1970. Default: the machine's clock. */
  readonly now?: (() => number) | undefined
}

/** A profile that was recorded. */
export interface Recorded {
  readonly record: number
  readonly subject: string
  /** Hash of the record: kept elsewhere, it proves what the record held. */
  readonly hash: string
}

/** A profile read back. */
export interface RecordedProfile extends Recorded {
  readonly at: string
  readonly case: IntakeCase
  readonly profile: Profile
}

const FILE = 'advice.jsonl'
const LOCK = 'lock'
const SUBJECT_BYTES = 16
const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** A new number for a client. Keep whom it stands for with your own client data, not here. */
export function newSubject(): string {
  return randomBytes(SUBJECT_BYTES).toString('hex')
}

/**
 * Verifies a record without changing it: the chain, and every personal part whose key is there.
 *
 * @param options.head a head that was kept elsewhere: with it, a record that was cut or written anew is found too
 * @throws FafnirError FILE_MISSING when there is none
 */
export function verifyRecord(options: {
  readonly directory: string
  readonly head?: string | undefined
}): Verification {
  const path = join(options.directory, FILE)
  if (!existsSync(path)) throw fail('FILE_MISSING', 'there is no record of advice', { path, error: 'ENOENT' })
  const keys = existsSync(join(options.directory, 'keys')) ? fileKeys(join(options.directory, 'keys')) : undefined
  const { bytes: _, ...verification } = scan(path, { head: options.head, keys: keys ?? noKeys })
  return verification
}

const noKeys: RecordKeys = {
  get: () => undefined,
  create: () => {
    throw fail('ARGUMENT_INVALID', 'a record that is verified makes no keys')
  },
  destroy: () => undefined,
}

/**
 * Opens a record of advice for writing. The chain is verified; an unfinished last line, left by a process that ended
 * while it wrote, is cut and told by `tornBytes`.
 *
 * @throws FafnirError RECORD_TAMPERED (record, field), STATE_IN_USE, RECORD_FAILED
 *
 * @example
 * using record = openRecord({ directory: 'advice' })
 * const { record: number, hash } = record.append({ subject: newSubject(), intake, profile })
 */
export function openRecord(options: RecordOptions): AdviceRecord {
  const { directory } = options
  let lock: FileLock
  try {
    mkdirSync(directory, { recursive: true, mode: PRIVATE_FOLDER })
    lock = takeLock(join(directory, LOCK))
  } catch (error) {
    throw failed(directory, error)
  }
  try {
    return new AdviceRecord(options, lock)
  } catch (error) {
    lock.release()
    throw failed(join(directory, FILE), error)
  }
}

function failed(path: string, error: unknown): FafnirError {
  const code = (error as NodeJS.ErrnoException).code
  return asFault('RECORD_FAILED', 'the record of advice cannot be written or read', error, {
    path,
    ...(code === undefined ? {} : { errno: code }),
  })
}

/** A record of advice, open for writing. */
export class AdviceRecord implements Disposable {
  /** Bytes of an unfinished last line that were cut when it was opened. */
  readonly tornBytes: number
  private readonly path: string
  // One writer at a time: two would each continue the chain, and break it.
  private readonly lock: FileLock
  private readonly keys: RecordKeys
  private readonly options: RecordOptions
  private readonly erasedSubjects: Set<string> = new Set()
  private file: number | undefined
  private bytes: number
  private last: { readonly seq: number; readonly hash: string }

  /** Use `openRecord`. */
  constructor(options: RecordOptions, lock: FileLock) {
    this.options = options
    this.path = join(options.directory, FILE)
    this.lock = lock
    this.keys = options.keys ?? fileKeys(join(options.directory, 'keys'))
    const fresh = !existsSync(this.path)
    const found = fresh ? undefined : scan(this.path, { onEntry: (entry) => this.note(entry) })
    if (found?.tampering != null) throw tampered(this.path, found.tampering)
    this.tornBytes = found?.tornBytes ?? 0
    this.file = openSync(this.path, fresh ? 'wx' : 'r+', PRIVATE_FILE)
    this.bytes = found?.bytes ?? 0
    this.last = { seq: found?.records ?? 0, hash: found?.head ?? '' }
    try {
      this.mend()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** How many records it has. */
  get records(): number {
    return this.last.seq
  }

  /** Hash of the last record. */
  get head(): string {
    return this.last.hash
  }

  /**
   * Records a profile; it is on disk when this returns.
   *
   * @throws FafnirError RECORD_FAILED, RECORD_ERASED (this client's part was erased: a new number is needed),
   * ARGUMENT_INVALID (no number of a client)
   */
  append(given: { readonly subject: string; readonly intake: IntakeCase; readonly profile: Profile }): Recorded {
    const { subject, intake, profile } = given
    if (!isSubject(subject)) {
      // Whatever was given may be a name: it is not repeated.
      throw fail('ARGUMENT_INVALID', 'a client is a random number, never a name', { allowed: '32 hexadecimal digits' })
    }
    if (this.erasedSubjects.has(subject)) {
      throw fail('RECORD_ERASED', "this client's part was erased; a new number is needed", { subject })
    }
    try {
      const key = this.keys.get(subject) ?? this.keys.create(subject)
      const place = { ...this.next('profile', subject), policy: profile.policy }
      const sealed = seal(key, placeOf({ ...place, prev: this.last.hash }), { case: intake, profile })
      const entry = this.write({ ...place, ...sealed })
      const { version } = profile.policy
      this.options.log?.info({ record: entry.seq, kind: entry.kind, subject, policy: version }, 'profile recorded')
      return { record: entry.seq, subject, hash: entry.hash }
    } catch (error) {
      throw failed(this.path, error)
    }
  }

  /**
   * Erases a client's personal parts: the erasure is recorded, then the client's key destroyed. The chain stays whole.
   * Copies of the keys elsewhere (backups) have to be destroyed there.
   *
   * @throws FafnirError RECORD_FAILED, ARGUMENT_INVALID
   */
  erase(subject: string): Recorded {
    if (!isSubject(subject)) {
      throw fail('ARGUMENT_INVALID', 'a client is a random number', { allowed: '32 hexadecimal digits' })
    }
    try {
      const entry = this.write({ ...this.next('erasure', subject), policy: null, commitment: null, sealed: null })
      this.erasedSubjects.add(subject)
      this.keys.destroy(subject)
      this.options.log?.info({ record: entry.seq, kind: entry.kind, subject }, 'personal part erased')
      return { record: entry.seq, subject, hash: entry.hash }
    } catch (error) {
      throw failed(this.path, error)
    }
  }

  /**
   * Reads a profile back.
   *
   * @throws FafnirError RECORD_ERASED, RECORD_TAMPERED, ARGUMENT_INVALID (no such record, or an erasure)
   */
  read(record: number): RecordedProfile {
    const entry = this.entries(record)
    if (entry === undefined) {
      throw fail('ARGUMENT_INVALID', 'there is no such record', { record, allowed: `1 to ${this.last.seq}` })
    }
    const opened = openEntry(entry, this.keys)
    const { subject, at, hash } = entry
    if (opened === 'erased') throw fail('RECORD_ERASED', 'the personal part was erased', { record, subject })
    if (opened === 'none') throw fail('ARGUMENT_INVALID', 'the record is of an erasure', { record, subject })
    if ('field' in opened) {
      const words = 'the personal part does not open under the key of its client'
      throw tampered(this.path, { record, field: opened.field, words })
    }
    const value = opened.value as Personal & { readonly case: IntakeCase; readonly profile: Profile }
    return { record, subject, at, hash, case: value.case, profile: value.profile }
  }

  /** Verifies it again, as `verifyRecord`. */
  verify(head?: string): Verification {
    const { bytes: _, ...verification } = scan(this.path, { head, keys: this.keys })
    return verification
  }

  /** Ends writing. Idempotent. */
  close(): void {
    if (this.file === undefined) return
    closeSync(this.file)
    this.file = undefined
    this.lock.release()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  // What a process that ended left half done; the header, where there is none.
  private mend(): void {
    if (this.tornBytes > 0) {
      ftruncateSync(this.file!, this.bytes)
      fsyncSync(this.file!)
      this.options.log?.warn({ tornBytes: this.tornBytes, records: this.records }, 'an unfinished record was cut')
    }
    if (this.bytes === 0) this.begin()
    // An erasure that was recorded but not carried out.
    for (const subject of this.erasedSubjects) this.keys.destroy(subject)
  }

  private note(entry: ChainedEntry): void {
    if (entry.kind === 'erasure') this.erasedSubjects.add(entry.subject)
  }

  private entries(record: number): ChainedEntry | undefined {
    let found: ChainedEntry | undefined
    const { tampering } = scan(this.path, {
      onEntry: (entry) => {
        if (entry.seq === record) found = entry
      },
    })
    if (tampering !== null && (found === undefined || tampering.record <= record)) throw tampered(this.path, tampering)
    return found
  }

  private begin(): void {
    const header: Header = { format: 'fafnir-advice-record', version: 1, id: newSubject() }
    this.put(`${JSON.stringify(header)}\n`)
    syncFolder(this.options.directory)
    this.last = { seq: 0, hash: headerHash(header) }
  }

  private next(kind: Entry['kind'], subject: string): Pick<Entry, 'seq' | 'kind' | 'at' | 'subject'> {
    const at = new Date((this.options.now ?? Date.now)()).toISOString()
    return { seq: this.last.seq + 1, kind, at, subject }
  }

  private write(entry: Entry): ChainedEntry {
    const whole = chained(entry, this.last.hash)
    const line = `${JSON.stringify(whole)}\n`
    if (Buffer.byteLength(line) > LINE_BYTES_MAX) {
      throw fail('RECORD_FAILED', 'a record is longer than the named bound', {
        path: this.path,
        bytesMax: LINE_BYTES_MAX,
      })
    }
    this.put(line)
    this.last = { seq: whole.seq, hash: whole.hash }
    return whole
  }

  // A line that is only partly written is taken back; if even that fails, nothing more is written here, and the next
  // opening finds it torn.
  private put(line: string): void {
    if (this.file === undefined) throw fail('RECORD_FAILED', 'the record of advice is closed', { path: this.path })
    try {
      const written = writeAll(this.file, line, this.bytes)
      fsyncSync(this.file)
      this.bytes += written
    } catch (error) {
      try {
        ftruncateSync(this.file, this.bytes)
      } catch {
        this.close()
      }
      throw error
    }
  }
}
