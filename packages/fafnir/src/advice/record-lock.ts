// Room card: advice/record-lock
// In:    the path of a lock file.
// Out:   the lock, or who has it.
// Holds: a lock appears whole, with its owner in it, and belongs to one process at a time; one that a process left is
//        taken away by exactly one of those that find it, whatever they do at once.
// Costs: two small files and a link; cold path.
import { createHash, randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync } from 'node:fs'

import { fail } from '../errors.js'
import { writeWhole } from './record-keys.js'

/** A lock that was taken. */
export interface FileLock {
  /** Gives it back; nothing happens where it is somebody else's by now. */
  release(): void
}

/** Milliseconds between two looks at a lock that is being taken away, and how many looks. */
const PAUSE_MILLIS = 2
const LOOKS_MAX = 2_000
const NAME_DIGITS = 16

/**
 * Takes a lock. A file of another process that runs is STATE_IN_USE; one that a process left behind is taken away.
 *
 * A process that finds such a file may be late: what it read may be gone, and the file at that path a new owner's. So a
 * file is taken away under a lock of its own, named after its content, and only if it still has that content; a content
 * is never used twice.
 *
 * @throws FafnirError STATE_IN_USE with `owner`; errors of the file system
 */
export function takeLock(path: string): FileLock {
  const own = `${process.pid} ${startOf(process.pid) ?? '-'} ${randomBytes(NAME_DIGITS / 2).toString('hex')}\n`
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (putWhole(path, own)) return { release: () => void removeIf(path, own) }
    const found = contentOf(path)
    if (found === undefined) continue
    const owner = ownerOf(found)
    if (owner !== undefined) throw fail('STATE_IN_USE', 'another process writes this record of advice', { path, owner })
    if (!takeAway(path, found)) pause()
  }
  throw fail('STATE_IN_USE', 'the lock changes hands without end', { path })
}

// False where another process is at it.
function takeAway(path: string, content: string): boolean {
  const name = createHash('sha256').update(content, 'utf8').digest('hex').slice(0, NAME_DIGITS)
  let claim: FileLock
  try {
    claim = takeLock(`${path}.${name}`)
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'STATE_IN_USE') return false
    throw error
  }
  try {
    removeIf(path, content)
  } finally {
    claim.release()
  }
  return true
}

// A link appears at once, with everything that is in the file; false where the name is taken.
function putWhole(path: string, content: string): boolean {
  const made = `${path}.${randomBytes(NAME_DIGITS / 2).toString('hex')}.new`
  writeWhole(made, content)
  try {
    linkSync(made, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(made, { force: true })
  }
}

function removeIf(path: string, content: string): void {
  if (contentOf(path) === content) rmSync(path, { force: true })
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The process that has a lock; undefined when it is gone. */
function ownerOf(content: string): number | undefined {
  const [pid, start] = content.trim().split(' ')
  const owner = Number(pid)
  if (!Number.isSafeInteger(owner) || owner <= 0 || !isAlive(owner)) return undefined
  // Numbers of processes come again, after a restart of the machine soon.
  const now = startOf(owner)
  return start === undefined || start === '-' || now === undefined || start === now ? owner : undefined
}

function isAlive(owner: number): boolean {
  try {
    process.kill(owner, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process began, in ticks since the machine did; undefined where the system does not say. */
function startOf(owner: number): string | undefined {
  try {
    // The second field is a name in brackets, which may hold blanks; the start is field 22.
    const fields = readFileSync(`/proc/${owner}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return /^\d+$/.test(fields[19] ?? '') ? fields[19] : undefined
  } catch {
    return undefined
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLIS)
}
