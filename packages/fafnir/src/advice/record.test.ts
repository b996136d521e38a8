import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'

import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'

import { FafnirError } from '../errors.js'
import type { IntakeCase } from './case.js'
import { firstPolicy } from './first-policy.js'

import { profileOf } from './profile.js'
import { chained, type ChainedEntry, type DigestedField, type Entry } from './record-form.js'
import { fileKeys, seal, unseal } from './record-keys.js'
import { newSubject, openRecord, verifyRecord } from './record.js'

const policy = firstPolicy()
const intake: IntakeCase = {
  horizonYears: 12.25,
  liquidityMonths: 7,
  netWorthYears: 4,
  debtServiceRatio: 0.15,
  answers: Object.fromEntries([...'bbbbbbbbbbbbb'].map((choice, n) => [String(n + 1), choice])),
  behaviour: 'held',
}
const profile = profileOf(policy, intake)

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fafnir-advice-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const file = (): string => join(directory, 'advice.jsonl')
const lines = (): string[] => readFileSync(file(), 'utf8').trimEnd().split('\n')
const put = (all: readonly string[]): void => writeFileSync(file(), `${all.join('\n')}\n`)
const verify = (head?: string): ReturnType<typeof verifyRecord> => verifyRecord({ directory, head })

function code(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error instanceof FafnirError ? error.code : error
  }
  return 'accepted'
}

/** A record of so many profiles; the clients' numbers. */
function recorded(count: number): string[] {
  using record = openRecord({ directory, now: () => Date.UTC(2026, 10, 22) })
  return Array.from({ length: count }, () => record.append({ subject: newSubject(), intake, profile }).subject)
}

describe('a record', () => {
  it('gives back what was put in, after reopening too', () => {
    const [subject] = recorded(2)
    using record = openRecord({ directory })
    expect(record.records).toBe(2)
    expect(record.read(1)).toMatchObject({ record: 1, subject, at: '2026-11-22T00:00:00.000Z', case: intake })
    expect(record.read(1).profile).toEqual(JSON.parse(JSON.stringify(profile)))
    const third = record.append({ subject: subject!, intake, profile })
    expect(third.record).toBe(3)
    expect(record.verify(third.hash)).toMatchObject({ ok: true, records: 3, head: third.hash, readable: 3, lost: 0 })
    expect(code(() => record.read(4))).toBe('ARGUMENT_INVALID')
  })

  it('has nothing personal in the open, and only its owner reads it', () => {
    recorded(3)
    const text = readFileSync(file(), 'utf8')
    const words = ['horizon', '12.25', 'answers', 'held', 'capacity', 'tolerance', 'variant', profile.contentHash]
    for (const word of words) expect(text).not.toContain(word)
    const first = JSON.parse(lines()[1]!) as ChainedEntry
    expect(Object.keys(first)).toEqual([
      ...['seq', 'kind', 'at', 'subject', 'policy', 'commitment', 'sealed', 'prev', 'digests', 'hash'],
    ])
    expect(first.policy).toEqual({ version: '2026-11-1', hash: policy.hash })
    // Two clients with the same answers look unlike: salt, nonce and key differ.
    const second = JSON.parse(lines()[2]!) as ChainedEntry
    expect(second.commitment).not.toBe(first.commitment)
    expect(second.sealed).not.toBe(first.sealed)
    if (process.platform !== 'win32') {
      expect(statSync(file()).mode & 0o077).toBe(0)
      expect(statSync(join(directory, 'keys')).mode & 0o077).toBe(0)
      for (const name of readdirSync(join(directory, 'keys'))) {
        expect(statSync(join(directory, 'keys', name)).mode & 0o077).toBe(0)
      }
    }
  })

  it('takes no name for a client, and does not repeat it', () => {
    using record = openRecord({ directory })
    try {
      record.append({ subject: 'ann@example.org', intake, profile })
      expect.unreachable()
    } catch (error) {
      expect((error as FafnirError).code).toBe('ARGUMENT_INVALID')
      expect(JSON.stringify(error)).not.toContain('ann')
    }
    expect(record.records).toBe(0)
  })

  it('tells a log numbers only; a profile that is printed shows nothing personal', () => {
    const said: unknown[] = []
    const write = (fields: object, message: string): void => void said.push(fields, message)
    using record = openRecord({ directory, log: { debug: write, info: write, warn: write, error: write } })
    const { subject } = record.append({ subject: newSubject(), intake, profile })
    record.erase(subject)
    expect(said).toEqual([
      { record: 1, kind: 'profile', subject, policy: '2026-11-1' },
      'profile recorded',
      { record: 2, kind: 'erasure', subject },
      'personal part erased',
    ])
    expect(inspect(profile)).toBe("{ status: 'issued', policy: '2026-11-1' }")
    expect(inspect({ profile: [profile] }, { depth: 9 })).not.toMatch(/capacity|variant/)
  })
})

describe('tampering is found and named by record and field', () => {
  const other: Readonly<Record<DigestedField, unknown>> = {
    kind: 'erasure',
    at: '2020-01-01T00:00:00.000Z',
    subject: '0'.repeat(32),
    policy: { version: 'another', hash: '0'.repeat(64) },
    commitment: '1'.repeat(64),
    sealed: 'AAAA',
  }
  const change = (record: number, edit: (entry: Record<string, unknown>) => void): void => {
    const all = lines()
    const entry = JSON.parse(all[record]!) as Record<string, unknown>
    edit(entry)
    all[record] = JSON.stringify(entry)
    put(all)
  }

  it('a blank, a line end or an escape more: nothing of ours has written the line', () => {
    recorded(3)
    const whole = lines()
    for (const edit of [
      (line: string) => `${line} `,
      (line: string) => `${line}\r`,
      (line: string) => line.replace(':', ': '),
      (line: string) => line.replace('seq', '\\u0073eq'),
    ]) {
      put(whole.map((line, n) => (n === 2 ? edit(line) : line)))
      expect(verify().tampering).toMatchObject({ record: 2, field: 'form' })
    }
    put(whole.map((line, n) => (n === 0 ? `${line} ` : line)))
    expect(verify().tampering).toMatchObject({ record: 0, field: 'header' })
  })

  it('another character where the last line ended: a write that was cut would not have left it', () => {
    recorded(3)
    const whole = readFileSync(file())
    for (const other of [0, 11, 32, 138]) {
      writeFileSync(file(), Buffer.concat([whole.subarray(0, -1), Buffer.from([other])]))
      expect(verify()).toMatchObject({ ok: false, records: 2, tampering: { record: 3, field: 'form' } })
      expect(code(() => openRecord({ directory }))).toBe('RECORD_TAMPERED')
    }
  })

  test.each(Object.keys(other) as DigestedField[])('%s', (field) => {
    recorded(3)
    change(2, (entry) => (entry[field] = other[field]))
    expect(verify()).toMatchObject({ ok: false, records: 1, tampering: { record: 2, field } })
    expect(code(() => openRecord({ directory }))).toBe('RECORD_TAMPERED')
  })

  test.each(['seq', 'prev', 'hash'] as const)('%s', (field) => {
    recorded(3)
    change(2, (entry) => (entry[field] = field === 'seq' ? 7 : '2'.repeat(64)))
    expect(verify().tampering).toMatchObject({ record: 2, field })
  })

  it('digests, with and without the field they stand for', () => {
    recorded(3)
    change(2, (entry) => ((entry['digests'] as Record<string, string>)['at'] = '3'.repeat(64)))
    expect(verify().tampering).toMatchObject({ record: 2, field: 'digests' })
    rmSync(directory, { recursive: true })
    mkdirSync(directory)
    recorded(3)
    change(2, (entry) => {
      const { at: _, ...rest } = chained({ ...(entry as unknown as Entry), at: '2020-01-01T00:00:00.000Z' }, '')
      Object.assign(entry, { at: '2020-01-01T00:00:00.000Z', digests: rest.digests })
    })
    expect(verify().tampering).toMatchObject({ record: 2, field: 'hash' })
  })

  it('a record that was rewritten with a good hash: the next one does not follow it', () => {
    recorded(3)
    change(2, (entry) => {
      const { prev, digests: _, hash: __, ...bare } = entry as unknown as ChainedEntry
      Object.assign(entry, chained({ ...bare, at: '2020-01-01T00:00:00.000Z' }, prev))
    })
    // The personal part is bound to its place too, so that even the last record is not rewritten unseen.
    expect(verify().tampering).toMatchObject({ record: 2, field: 'sealed' })
    rmSync(join(directory, 'keys'), { recursive: true })
    expect(verify().tampering).toMatchObject({ record: 3, field: 'prev' })
  })

  it('records that are missing, doubled, swapped, or no records', () => {
    recorded(4)
    const [header, ...all] = lines()
    const found = (...order: readonly (string | undefined)[]): unknown => {
      put(order as string[])
      const { tampering } = verify()
      return tampering === null ? null : [tampering.record, tampering.field]
    }
    expect(found(header, all[0], all[2], all[3])).toEqual([2, 'seq'])
    expect(found(header, all[0], all[0], all[1])).toEqual([2, 'seq'])
    expect(found(header, all[1], all[0])).toEqual([1, 'seq'])
    expect(found(header, all[0], '{}')).toEqual([2, 'form'])
    expect(found(header, all[0], '')).toEqual([2, 'form'])
    expect(found(header, all[0]!.replace('{', '{"seq":1,'))).toEqual([1, 'form'])
    expect(found(header, 'x'.repeat(400_000), all[0])).toEqual([1, 'form'])
    expect(found(all[0])).toEqual([0, 'header'])
    expect(found(header!.replace(/"id":"./, '"id":"x'), all[0])).toEqual([0, 'header'])
    const id = /"id":"(.)/.exec(header!)![1] === 'a' ? 'b' : 'a'
    expect(found(header!.replace(/"id":"./, `"id":"${id}`), all[0])).toEqual([1, 'prev'])
    expect(found(header, ...all)).toBeNull()
  })

  it('an end that was cut, or a whole that was written anew, by a head that was kept', () => {
    recorded(2)
    const { head } = verify()
    recorded(1)
    expect(verify(head)).toMatchObject({ ok: true, records: 3 })
    put(lines().slice(0, 2))
    expect(verify().ok).toBe(true)
    expect(verify(head).tampering).toMatchObject({ record: 1, field: 'head' })
    rmSync(directory, { recursive: true })
    mkdirSync(directory)
    recorded(5)
    expect(verify(head).tampering).toMatchObject({ record: 5, field: 'head' })
  })

  it('a personal part that another key or place would open, or whose profile has another hash', () => {
    const keys = fileKeys(join(directory, 'keys'))
    const [a, b] = [newSubject(), newSubject()]
    const sealed = seal(keys.create(a), 'here', { x: 1 })
    expect(unseal(keys.get(a)!, 'here', sealed)).toEqual({ value: { x: 1 } })
    expect(unseal(keys.get(a)!, 'there', sealed)).toEqual({ field: 'sealed' })
    expect(unseal(keys.create(b), 'here', sealed)).toEqual({ field: 'sealed' })
    expect(unseal(keys.get(a)!, 'here', { ...sealed, commitment: 'x' })).toEqual({ field: 'commitment' })
    expect(unseal(keys.get(a)!, 'here', { ...sealed, sealed: 'AAAA' })).toEqual({ field: 'sealed' })
    {
      using record = openRecord({ directory })
      record.append({ subject: a, intake, profile: { ...profile, override: true } })
    }
    expect(verify().tampering).toMatchObject({ record: 1, field: 'content' })
  })
})

describe('erasing', () => {
  it('makes the personal part unreadable and leaves the chain whole', () => {
    const [first, second] = recorded(2)
    const before = lines()
    {
      using record = openRecord({ directory })
      record.append({ subject: first!, intake, profile })
      record.erase(first!)
      expect(code(() => record.read(1))).toBe('RECORD_ERASED')
      expect(code(() => record.read(3))).toBe('RECORD_ERASED')
      expect(record.read(2).case).toEqual(intake)
      expect(code(() => record.append({ subject: first!, intake, profile }))).toBe('RECORD_ERASED')
      expect(code(() => record.read(4))).toBe('ARGUMENT_INVALID')
    }
    expect(lines().slice(0, 3)).toEqual(before)
    expect(verify()).toMatchObject({ ok: true, records: 4, readable: 1, erased: 2, lost: 0 })
    expect(readdirSync(join(directory, 'keys'))).toEqual([`${second}.key`])
    using again = openRecord({ directory })
    expect(code(() => again.append({ subject: first!, intake, profile }))).toBe('RECORD_ERASED')
  })

  it('is finished by the next opening, where a process ended between record and key', () => {
    const [subject] = recorded(1)
    const key = readFileSync(join(directory, 'keys', `${subject}.key`))
    {
      using record = openRecord({ directory })
      record.erase(subject!)
    }
    writeFileSync(join(directory, 'keys', `${subject}.key`), key)
    openRecord({ directory }).close()
    expect(readdirSync(join(directory, 'keys'))).toEqual([])
    // Or while the key was being written over.
    writeFileSync(join(directory, 'keys', `${subject}.key`), '0'.repeat(64))
    expect(verify()).toMatchObject({ ok: true, erased: 1 })
  })

  it('of a key that went without a recorded erasure is told apart', () => {
    const [subject] = recorded(2)
    rmSync(join(directory, 'keys', `${subject}.key`))
    expect(verify()).toMatchObject({ ok: true, readable: 1, erased: 0, lost: 1 })
  })
})

describe('crashes', () => {
  it('leave at worst an unfinished last line, which is named and cut, at every byte', () => {
    recorded(2)
    const whole = readFileSync(file())
    const ends = [...whole.keys()].filter((at) => whole[at] === 10).map((at) => at + 1)
    const last = ends.at(-2)!
    for (const at of [last + 1, last + 9, whole.length - 1]) {
      writeFileSync(file(), whole.subarray(0, at))
      expect(verify()).toMatchObject({ ok: true, records: 1, tornBytes: at - last })
      using record = openRecord({ directory })
      expect([record.records, record.tornBytes]).toEqual([1, at - last])
      // The next record is shorter than what was left of the last: nothing of that may stay behind it.
      record.erase(newSubject())
      expect(record.verify()).toMatchObject({ ok: true, records: 2, tornBytes: 0 })
    }
    // In the header: nothing was recorded yet.
    truncateSync(file(), 5)
    using record = openRecord({ directory })
    expect([record.records, record.tornBytes]).toEqual([0, 5])
    record.append({ subject: newSubject(), intake, profile })
    expect(record.verify().ok).toBe(true)
  })

  it('do not hide a change: an unfinished line in the middle is one', () => {
    recorded(2)
    const whole = readFileSync(file(), 'utf8')
    writeFileSync(file(), whole.slice(0, -20))
    appendFileSync(file(), '\n')
    expect(verify().tampering).toMatchObject({ record: 2, field: 'form' })
  })

  it('leave a lock that the next process takes; one that runs keeps it', () => {
    using record = openRecord({ directory })
    expect(code(() => openRecord({ directory }))).toBe('STATE_IN_USE')
    record.close()
    expect(existsSync(join(directory, 'lock'))).toBe(false)
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    for (const owner of [String(pid), 'nonsense', '']) {
      writeFileSync(join(directory, 'lock'), owner)
      openRecord({ directory }).close()
    }
    expect(code(() => record.append({ subject: newSubject(), intake, profile }))).toBe('RECORD_FAILED')
  })

  it('or a folder that cannot be written is an error with its path', () => {
    writeFileSync(join(directory, 'file'), '')
    expect(code(() => openRecord({ directory: join(directory, 'file') }))).toBe('RECORD_FAILED')
    expect(code(() => verifyRecord({ directory: join(directory, 'none') }))).toBe('FILE_MISSING')
  })
})
