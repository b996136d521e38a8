// A process that records advice is killed, again and again: what it said was recorded is there, and the chain is whole.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { expect, test } from 'vitest'

import { openRecord, verifyRecord } from '../src/advice/index.js'

const KILLS = process.env['FAFNIR_LONG'] === undefined ? 4 : 100
const library = pathToFileURL(join(import.meta.dirname, '../dist/advice.js')).href

/** Records without end, and prints each record's number and hash when it is on disk. */
const WRITER = `
import { firstPolicy, newSubject, openRecord, profileOf } from ${JSON.stringify(library)}
const answers = Object.fromEntries([...'bbbbbbbbbbbbb'].map((choice, n) => [String(n + 1), choice]))
const intake = { horizonYears: 10, liquidityMonths: 6, netWorthYears: 5, debtServiceRatio: 0.2, answers }
const profile = profileOf(firstPolicy(), intake)
const record = openRecord({ directory: process.argv[1] })
for (;;) {
  const { record: number, hash } = record.append({ subject: newSubject(), intake, profile })
  if (!process.stdout.write(number + ' ' + hash + '\\n')) await new Promise((go) => process.stdout.once('drain', go))
}
`

/** Runs a writer and kills it behind so many of its records; the last one it told of. */
function killed(directory: string, behind: number): Promise<{ readonly number: number; readonly hash: string }> {
  const args = ['--input-type=module', '-e', WRITER, directory]
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  writer.stdout.on('data', (part: Buffer) => {
    text += String(part)
    if (text.split('\n').length > behind) writer.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    writer.once('close', () => {
      const last = /(\d+) (\w{64})\n[^\n]*$/.exec(text)
      if (last === null) reject(new Error('the writer recorded nothing'))
      else resolve({ number: Number(last[1]), hash: last[2]! })
    })
  })
}

test(`a writer that is killed ${KILLS} times loses nothing that it told of`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fafnir-killed-'))
  try {
    for (let n = 0; n < KILLS; n += 1) {
      const { number, hash } = await killed(directory, 3 + (n % 7))
      const found = verifyRecord({ directory, head: hash })
      expect(found).toMatchObject({ ok: true, tampering: null, lost: 0 })
      expect(found.records).toBeGreaterThanOrEqual(number)
      // The next writer takes the lock of the one that is gone.
      using record = openRecord({ directory })
      expect(record.read(number).profile.variant).toBe('A')
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 600_000)
