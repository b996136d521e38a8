// The record of advice where writers are many and disks are full: real processes, real limits.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { firstPolicy, newSubject, openRecord, profileOf, verifyRecord } from '../src/advice/index.js'

const LONG = process.env['FAFNIR_LONG'] !== undefined
const [WRITERS, TURNS] = LONG ? [8, 80] : [4, 15]
const library = pathToFileURL(join(import.meta.dirname, '../dist/advice.js')).href

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fafnir-shared-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const PERSON = `
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { firstPolicy, newSubject, openRecord, profileOf, verifyRecord } from ${JSON.stringify(library)}
const answers = Object.fromEntries([...'bbbbbbbbbbbbb'].map((choice, n) => [String(n + 1), choice]))
const intake = { horizonYears: 10, liquidityMonths: 6, netWorthYears: 5, debtServiceRatio: 0.2, answers }
const profile = profileOf(firstPolicy(), intake)
const directory = process.argv[1]
const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
`

// Each turn ends as a process ends that is killed: with its lock left behind, in the name of a process that is gone.
const WRITER = `${PERSON}
const [, , turns, gone] = process.argv
while (!existsSync(directory + '/go')) pause()
for (let turn = 0; turn < Number(turns); turn += 1) {
  for (;;) {
    let record
    try {
      record = openRecord({ directory })
    } catch (error) {
      if (error.code !== 'STATE_IN_USE') throw error
      pause()
      continue
    }
    const { record: number, hash } = record.append({ subject: newSubject(), intake, profile })
    console.log(number + ' ' + hash)
    if (turn % 5 === 4) record.close()
    else writeFileSync(directory + '/lock', gone + '\\n')
    break
  }
}
`

function writer(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (part: Buffer) => void (said.out += String(part)))
  child.stderr.on('data', (part: Buffer) => void (said.err += String(part)))
  return new Promise((resolve, reject) => {
    child.once('close', (status) => (status === 0 ? resolve(said.out) : reject(new Error(said.err))))
  })
}

test(`${WRITERS} processes that all find the locks of processes that are gone lose no record`, async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  writeFileSync(join(directory, 'lock'), `${pid}\n`)
  const all = Array.from({ length: WRITERS }, () => writer(String(TURNS), String(pid)))
  writeFileSync(join(directory, 'go'), '')
  const told = (await Promise.all(all)).flatMap((text) => text.trim().split('\n'))
  // Every number was given once, and the chain holds each with the hash that was told.
  const numbers = told.map((line) => Number(line.split(' ')[0])).sort((a, b) => a - b)
  expect(numbers).toEqual(Array.from({ length: WRITERS * TURNS }, (_, n) => n + 1))
  expect(verifyRecord({ directory })).toMatchObject({ ok: true, records: numbers.length, readable: numbers.length })
  const lines = readFileSync(join(directory, 'advice.jsonl'), 'utf8').trim().split('\n').slice(1)
  const held = lines.map((line) => JSON.parse(line) as { readonly seq: number; readonly hash: string })
  expect(held.map(({ seq, hash }) => `${seq} ${hash}`).sort()).toEqual(told.sort())
  openRecord({ directory }).close()
  expect(readdirSync(directory).sort()).toEqual(['advice.jsonl', 'go', 'keys'])
}, 300_000)

// Appends until there is no room: what it was told, what the record says of itself, what comes when there is room.
const FILLER = `${PERSON}
const filler = process.argv[2]
const record = openRecord({ directory })
const told = []
let failed
while (failed === undefined && told.length < 1000) {
  try {
    told.push(record.append({ subject: newSubject(), intake, profile }).hash)
  } catch (error) {
    failed = { code: error.code, errno: error.fields.errno }
  }
}
const again = (() => {
  try {
    return record.append({ subject: newSubject(), intake, profile }).hash
  } catch (error) {
    return error.code
  }
})()
const full = record.verify(told.at(-1))
const whole = readFileSync(directory + '/advice.jsonl', 'utf8').endsWith('}\\n')
if (filler !== undefined) rmSync(filler)
// Shorter than a profile: it fits where that did not.
const subject = newSubject()
const last = filler === undefined ? record.erase(subject) : record.append({ subject, intake, profile })
const after = record.verify(last.hash)
record.close()
console.log(JSON.stringify({ told, failed, again, full, whole, last, after }))
`

interface Filled {
  readonly told: readonly string[]
  readonly failed: { readonly code: string; readonly errno: string }
  readonly again: string
  readonly full: ReturnType<typeof verifyRecord>
  readonly whole: boolean
  readonly last: { readonly record: number; readonly hash: string }
  readonly after: ReturnType<typeof verifyRecord>
}

function expectNothingLost(text: string, errno: string): Filled {
  const found = JSON.parse(text) as Filled
  const { told, failed, again, full, whole, last, after } = found
  expect(told.length).toBeGreaterThan(1)
  expect([failed, again]).toEqual([{ code: 'RECORD_FAILED', errno }, 'RECORD_FAILED'])
  // What could not be written whole was taken back, byte for byte.
  expect(full).toMatchObject({ ok: true, records: told.length, head: told.at(-1), tornBytes: 0, readable: told.length })
  expect([whole, last.record]).toEqual([true, told.length + 1])
  expect(after).toMatchObject({ ok: true, records: told.length + 1, tornBytes: 0, lost: 0 })
  return found
}

test('a file that may not grow any further: nothing is issued, the chain stays whole, the next record fits', () => {
  const answers = Object.fromEntries([...'bbbbbbbbbbbbb'].map((choice, n) => [String(n + 1), choice]))
  const intake = { horizonYears: 10, liquidityMonths: 6, netWorthYears: 5, debtServiceRatio: 0.2, answers }
  const profile = profileOf(firstPolicy(), intake)
  {
    using two = openRecord({ directory: join(directory, 'two') })
    for (let n = 0; n < 2; n += 1) two.append({ subject: newSubject(), intake, profile })
  }
  // Room for two profiles and an erasure, not for three profiles.
  const kibibytes = Math.ceil((statSync(join(directory, 'two', 'advice.jsonl')).size + 2_000) / 1_024)
  const script = `ulimit -f ${kibibytes} && exec "$0" "$@"`
  const args = ['-c', script, process.execPath, '--input-type=module', '-e', FILLER, directory]
  const ran = spawnSync('bash', args, { encoding: 'utf8', timeout: 60_000 })
  expect([ran.stderr, ran.status]).toEqual(['', 0])
  const { last } = expectNothingLost(ran.stdout, 'EFBIG')
  // Elsewhere, without the limit, it goes on.
  using record = openRecord({ directory })
  expect(record.tornBytes).toBe(0)
  const next = record.append({ subject: newSubject(), intake, profile })
  expect(next.record).toBe(last.record + 1)
  expect(record.verify(next.hash).ok).toBe(true)
}, 100_000)

test('a full disk: nothing is issued, the chain stays whole, and it goes on when there is room', ({ skip }) => {
  const disk = join(directory, 'disk')
  mkdirSync(disk)
  // A small disk of its own, in a namespace of its own; the first process's lock is left behind on the full one.
  const script = [
    'mount -t tmpfs -o size=160k tmpfs "$1" 2>/dev/null || exit 77',
    'head -c 40960 /dev/zero > "$1/filler"',
    'exec "$2" --input-type=module -e "$3" "$1/record" "$1/filler"',
  ].join('\n')
  const args = ['-rm', 'bash', '-c', script, 'bash', disk, process.execPath, FILLER]
  const ran = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 })
  if (ran.error !== undefined || ran.status === 77 || /unshare/.test(ran.stderr)) {
    console.log('skipped: no disk can be mounted here')
    skip()
  }
  expect([ran.stderr, ran.status]).toEqual(['', 0])
  expectNothingLost(ran.stdout, 'ENOSPC')
}, 100_000)
