// Room card: cli/sniff
// In:    the path of a recording.
// Out:   feed and symbol, guessed from its first lines.
// Holds: reads at most a named number of bytes; a guess only where nothing else was said.
// Costs: one read of 256 KiB and its inflation.
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'

import { fail } from '../errors.js'
import type { RecordedFeed } from './presets.js'

/** What the first lines say; undefined where they say nothing. */
export interface Sniffed {
  readonly feed: RecordedFeed | undefined
  readonly symbol: string | undefined
}

const FILE_BYTES = 256 * 1024
const TEXT_BYTES = 1024 * 1024
const LINE = /^\d+ (\{.*)$/

/**
 * Looks at the first lines of a recording.
 * @throws FafnirError RECORDING_MISSING, RECORDING_TRUNCATED, RECORDING_FORMAT, each with `path`.
 */
export async function sniffRecording(path: string): Promise<Sniffed> {
  const head = await readHead(path)
  const text = head[0] === 0x1f && head[1] === 0x8b ? await inflateHead(path, head) : head.toString('latin1')
  const messages = text
    .split('\n')
    .map((line) => LINE.exec(line.trimEnd())?.[1])
    .filter((message) => message !== undefined)
  if (messages.length === 0) {
    throw fail('RECORDING_FORMAT', 'no line is a receive time, a space and a message', { path })
  }
  let symbol: string | undefined
  let feed: RecordedFeed | undefined
  for (const message of messages) {
    symbol ??= /"s":"([A-Z0-9_-]{1,32})"/.exec(message)?.[1]
    feed ??= feedOf(message)
    if (symbol !== undefined && feed !== undefined) break
  }
  return { feed, symbol }
}

// Only USD-M diffs carry `pu`, and only USD-M book tickers name their event type.
function feedOf(message: string): RecordedFeed | undefined {
  if (message.includes('"depthUpdate"')) return message.includes('"pu":') ? 'usdm' : 'spot'
  if (message.includes('"e":"bookTicker"')) return 'usdm'
  if (message.includes('@bookTicker"')) return 'spot'
  return undefined
}

async function readHead(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES), 0, FILE_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('RECORDING_MISSING', 'the recording cannot be opened', { path, error }, cause)
  }
}

// Only the head of the file is there, so the stream never ends well; what came out before is what counts.
async function inflateHead(path: string, head: Buffer): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  let broken: unknown
  const gunzip = createGunzip()
  gunzip.end(head)
  try {
    for await (const chunk of gunzip) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).length
      if (bytes >= TEXT_BYTES) break
    }
  } catch (error) {
    broken = error
  }
  if (bytes === 0 && broken !== undefined) {
    throw fail('RECORDING_TRUNCATED', "the recording's gzip stream is damaged", { path }, broken)
  }
  return Buffer.concat(chunks).toString('latin1')
}
