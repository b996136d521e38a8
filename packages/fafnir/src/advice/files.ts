// Room card: advice/files
// In:    a path.
// Out:   the text of the file, or an error that names the path.
// Holds: reads no more than a named bound; what is not UTF-8 is refused.
// Costs: one read.
import { readFileSync, statSync } from 'node:fs'

import { fail } from '../errors.js'
import { JSON_BYTES_MAX } from './json.js'

/**
 * Reads a text file in UTF-8; a byte order mark before it is not part of the text. `what`: how the error calls it. `-`
 * is standard input.
 *
 * @throws FafnirError FILE_MISSING
 */
export function readFileText(path: string, what: string): string {
  try {
    if (path !== '-' && statSync(path).size > JSON_BYTES_MAX) {
      throw Object.assign(new Error('too large'), { code: 'EFBIG' })
    }
    const bytes = readFileSync(path === '-' ? 0 : path)
    // Bytes that are no UTF-8 would become other characters, unseen.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('FILE_MISSING', `${what} cannot be read`, { path, error }, cause)
  }
}
