// Room card: advice/files
// In:    a path.
// Out:   the text of the file, or an error that names the path.
// Holds: reads no more than a named bound.
// Costs: one read.
import { readFileSync, statSync } from 'node:fs'

import { fail } from '../errors.js'
import { JSON_BYTES_MAX } from './json.js'

/** Reads a text file. `what`: how the error calls it. `-` is standard input. */
export function readFileText(path: string, what: string): string {
  try {
    if (path !== '-' && statSync(path).size > JSON_BYTES_MAX) {
      throw Object.assign(new Error('too large'), { code: 'EFBIG' })
    }
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('FILE_MISSING', `${what} cannot be read`, { path, error }, cause)
  }
}
