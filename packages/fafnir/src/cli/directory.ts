// Room card: cli/directory
// In:    the folder a user named, or none.
// Out:   the folder of one run.
// Holds: a run never writes into the folder of another.
// Costs: a few system calls.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { fail } from '../errors.js'

/** The folder of a run. */
export interface RunDirectory {
  readonly path: string
  /** The topmost folder this run made; undefined when all were there. */
  readonly created: string | undefined
}

/** Makes the folder of a run. @throws FafnirError USAGE_INVALID, OUTPUT_FAILED */
export async function makeRunDirectory(out: string | undefined): Promise<RunDirectory> {
  if (out === '') throw fail('USAGE_INVALID', '--out needs a folder')
  const path = resolve(out ?? freshName())
  if (existsSync(join(path, 'journal'))) {
    throw fail('OUTPUT_FAILED', 'the folder holds a run already', { path, error: 'journal exists' })
  }
  try {
    return { path, created: await mkdir(path, { recursive: true }) }
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('OUTPUT_FAILED', 'the folder for the run cannot be made', { path, error }, cause)
  }
}

/** `runs/20240808-235415`, with a number behind it when that one is taken. */
function freshName(): string {
  const [day = '', time = ''] = new Date().toISOString().split('T')
  const stamp = `${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`
  const base = join('runs', stamp)
  let name = base
  for (let n = 2; existsSync(name); n += 1) name = `${base}-${n}`
  return name
}

/** The folder a path is in must exist before a long run starts, not after it. */
export function requireParent(path: string | undefined): void {
  if (path === undefined || existsSync(dirname(resolve(path)))) return
  throw fail('OUTPUT_FAILED', 'the folder of the output file does not exist', { path, error: 'ENOENT' })
}
