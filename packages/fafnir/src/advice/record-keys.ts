// Room card: advice/record-keys
// In:    clients' numbers.
// Out:   a key of 32 bytes for each; sealed and opened personal parts.
// Holds: a key that is gone makes what it sealed unreadable for ever, and the chain stays whole; nothing else erases.
// Costs: a file a client.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

import { canonicalJson } from './json.js'

/** Where clients' keys are: files, or a key service of your own. A key that was destroyed must never come back. */
export interface RecordKeys {
  /** The key of a client, or undefined. */
  get(subject: string): Uint8Array | undefined
  /** Makes and keeps a key; it is on disk when this returns. */
  create(subject: string): Uint8Array
  /** Destroys it; no error when there is none. */
  destroy(subject: string): void
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SALT_BYTES = 32
/** Only the owner reads. */
const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** Keys as files in a folder that only the owner reads. */
export function fileKeys(folder: string): RecordKeys {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER })
  const path = (subject: string): string => join(folder, `${subject}.key`)
  return {
    get(subject) {
      if (!existsSync(path(subject))) return undefined
      const key = Buffer.from(readFileSync(path(subject), 'utf8').trim(), 'hex')
      // All zeros: its destruction had begun when a process ended.
      return key.length === KEY_BYTES && !key.equals(Buffer.alloc(KEY_BYTES)) ? key : undefined
    },
    create(subject) {
      const key = randomBytes(KEY_BYTES)
      // A part of a key, left by a crash while it was made, has sealed nothing: a new one takes its place.
      if (existsSync(path(subject)) && statSync(path(subject)).size < KEY_BYTES * 2) rmSync(path(subject))
      writeWhole(path(subject), `${key.toString('hex')}\n`)
      syncFolder(folder)
      return key
    },
    destroy(subject) {
      if (!existsSync(path(subject))) return
      // Written over first: on a plain disk nothing of it is left in the blocks of the file.
      const file = openSync(path(subject), 'r+')
      try {
        writeAll(file, `${'0'.repeat(KEY_BYTES * 2)}\n`, 0)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      rmSync(path(subject))
      syncFolder(folder)
    },
  }
}

/** A new file that only its owner reads, on disk when this returns; none where it cannot be written whole. */
export function writeWhole(path: string, text: string): void {
  const file = openSync(path, 'wx', PRIVATE_FILE)
  try {
    writeAll(file, text, 0)
    fsyncSync(file)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** Writes all of a text from a place on; a full disk takes a part first, and says so at the next. Bytes written. */
export function writeAll(file: number, text: string, place: number): number {
  const bytes = Buffer.from(text, 'utf8')
  let written = 0
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, place + written)
  }
  return written
}

/** Makes a new or removed name last; systems that cannot open a folder do that themselves. */
export function syncFolder(folder: string): void {
  let file: number
  try {
    file = openSync(folder, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR' && (error as NodeJS.ErrnoException).code !== 'EPERM')
      throw error
  } finally {
    closeSync(file)
  }
}

/** A personal part as it is kept. */
export interface Sealed {
  readonly commitment: string
  readonly sealed: string
}

/** Seals a value under a key, bound to a place in the record. */
export function seal(key: Uint8Array, place: string, value: unknown): Sealed {
  const salt = randomBytes(SALT_BYTES)
  const text = canonicalJson(value)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place, 'utf8'))
  const bytes = Buffer.concat([cipher.update(salt), cipher.update(text, 'utf8'), cipher.final()])
  const sealed = Buffer.concat([nonce, cipher.getAuthTag(), bytes]).toString('base64')
  return { commitment: commit(salt, text), sealed }
}

/** Opens it; `field` names what does not agree. */
export function unseal(
  key: Uint8Array,
  place: string,
  { commitment, sealed }: Sealed,
): { readonly value: unknown } | { readonly field: 'sealed' | 'commitment' } {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length < NONCE_BYTES + TAG_BYTES + SALT_BYTES) return { field: 'sealed' }
  let plain: Buffer
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place, 'utf8'))
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
  } catch {
    return { field: 'sealed' }
  }
  const text = plain.subarray(SALT_BYTES).toString('utf8')
  if (commit(plain.subarray(0, SALT_BYTES), text) !== commitment) return { field: 'commitment' }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return { field: 'sealed' }
  }
}

// The salt keeps anybody from finding a commitment's few possible answers by trying them.
function commit(salt: Buffer, text: string): string {
  return createHash('sha256').update(salt).update(text, 'utf8').digest('hex')
}
