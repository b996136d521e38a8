import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { firstPolicyFile } from '../advice/first-policy.js'
import { ACKNOWLEDGEMENT, numberOf } from '../advice/typed.js'
import { runCli } from './program.js'

const stop = { controller: new AbortController() }
let directory = ''
let [out, err] = ['', '']
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fafnir-advise-'))
  ;[out, err] = ['', '']
  stop.controller = new AbortController()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function run(args: readonly string[], input: NodeJS.ReadableStream = Readable.from([])): Promise<number> {
  ;[out, err] = ['', '']
  return runCli(['advise', ...args], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    signal: stop.controller.signal,
    packageEntry: join(import.meta.dirname, '../index.ts'),
    command: '',
    version: '1.2.3',
    input,
  })
}

function file(name: string, content: unknown): string {
  const path = join(directory, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const answers = (choices: string): Record<string, string> =>
  Object.fromEntries([...choices].map((choice, n) => [String(n + 1), choice]))
const intake = {
  horizonYears: 10,
  liquidityMonths: 6,
  netWorthYears: 5,
  debtServiceRatio: 0.2,
  answers: answers('bbbbbbbbbbbbb'),
}
const result = {
  capacity: 70,
  parts: { horizonYears: 70, liquidityMonths: 70, netWorthYears: 60, debtServiceRatio: 80 },
  raw: 29,
  quiz: 62.5,
  tolerance: 62.5,
  flags: [],
  capacityBucket: 4,
  toleranceBucket: 4,
  variant: 'A',
  override: false,
}

describe('fafnir advise --json FILE', () => {
  it('prints the fields of the result, in their order, for a case or an array', async () => {
    expect(await run(['--json', file('one.json', intake)])).toBe(0)
    expect(out).toBe(`${JSON.stringify(result, null, 2)}\n`)
    expect(await run(['--json', file('wrapped.json', { case: intake, expected: result })])).toBe(0)
    expect(JSON.parse(out)).toEqual(result)
    expect(await run(['--json', file('list.json', [{ case: intake }, intake])])).toBe(0)
    expect(out).toBe(`${JSON.stringify([result, result], null, 2)}\n`)
    expect(await run(['--json', file('empty.json', [])])).toBe(0)
    expect(JSON.parse(out)).toEqual([])
    expect(err).toBe('')
  })

  it('prints whole profiles with --full', async () => {
    expect(await run(['--json', file('one.json', intake), '--full'])).toBe(0)
    const profile = JSON.parse(out) as Record<string, unknown>
    expect(profile).toMatchObject({ variant: 'A', weights: { equity: 30 }, policy: { version: '2026-11-1' } })
    expect(profile['contentHash']).toMatch(/^[0-9a-f]{64}$/)
  })

  it('refuses the whole file for one bad case, as JSON, without a word of the answers', async () => {
    const bad = { ...intake, horizonYears: -3.25 }
    expect(await run(['--json', file('bad.json', [intake, bad])])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'INTAKE_INVALID', fields: { path: '1.horizonYears' } } })
    expect(out).not.toContain('3.25')
    expect(await run(['--json', file('nan.json', '{"horizonYears": NaN}')])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'INTAKE_INVALID' } })
    expect(await run(['--json', join(directory, 'none.json')])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'FILE_MISSING' } })
  })

  it('follows another policy without a line of code, and says where it departs from the principles', async () => {
    const mine = { ...firstPolicyFile, version: 'mine', matrix: ['DDDDD', 'DDDDD', 'DBSSS', 'BBSSA', 'BBSSA'] }
    const policy = file('policy.json', mine)
    expect(await run(['--json', file('one.json', intake), '--policy', policy])).toBe(0)
    expect(JSON.parse(out)).toEqual({ ...result, variant: 'S' })
    expect(err).toContain('Tolerance above capacity raises the risk at row 4, column 5')
    const { matrix: _, ...hole } = mine
    expect(await run(['--json', file('one.json', intake), '--policy', file('hole.json', hole)])).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'POLICY_INVALID', fields: { path: 'matrix' } } })
  })
})

describe('fafnir advise', () => {
  it('prints a profile of a file as text', async () => {
    expect(await run([file('one.json', intake)])).toBe(0)
    expect(out).toMatch(/^aggressive \(A\)\n {2}equity {10}30 %\n/)
    for (const text of ['how it came to be', 'if only time passes', 'what you must know', 'policy 2026-11-1 ']) {
      expect(out).toContain(text)
    }
  })

  it('prints its policy', async () => {
    expect(await run(['--print-policy'])).toBe(0)
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(firstPolicyFile)))
  })

  it.each([
    [['a', '--json', 'b']],
    [['--full']],
    [['--subject', 'x']],
    [['--erase', 'x']],
    [['--head', 'x']],
    [['--nothing']],
  ])('refuses %j', async (args) => {
    expect(await run(args)).toBe(2)
    expect(out + err).toContain('USAGE_INVALID')
  })

  it('records, verifies and erases', async () => {
    const folder = join(directory, 'record')
    expect(await run(['--json', file('one.json', intake), '--full', '--record', folder])).toBe(0)
    const { recorded } = JSON.parse(out) as { recorded: { record: number; subject: string; hash: string } }
    expect(await run([file('two.json', [intake, intake]), '--record', folder])).toBe(0)
    expect(out).toContain('recorded as 3 for client ')
    expect(await run(['--verify', folder, '--head', recorded.hash])).toBe(0)
    expect(out).toContain('3 records agree: 3 profiles readable, 0 erased, 0 without their key\nhead ')
    expect(await run(['--record', folder, '--erase', recorded.subject])).toBe(0)
    expect(await run(['--verify', folder])).toBe(0)
    expect(out).toContain('4 records agree: 2 profiles readable, 1 erased, 0 without their key\n')
    const path = join(folder, 'advice.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replace('2026-11-1', '2026-11-2'))
    expect(await run(['--verify', folder])).toBe(1)
    expect(err).toMatch(
      /^fafnir: RECORD_TAMPERED: the policy it names was changed \(path: .*, record: 1, field: policy\)/,
    )
    expect(await run([file('one.json', intake), '--record', folder])).toBe(1)
    expect(err).toContain('RECORD_TAMPERED')
    expect(out).toBe('')
    expect(readdirSync(folder)).not.toContain('lock')
  })
})

describe('fafnir advise in the terminal', () => {
  const typed = (...lines: readonly string[]): Readable => Readable.from(lines.map((line) => `${line}\n`))
  const thirteen = [...'bbbbbbbbbbbbb']

  it('asks every question, refuses what is no answer, and guesses nothing', async () => {
    const input = typed('ten', '-1', '10', '', '6', '5', '20', 'x', ...thirteen, 'ab', 'f')
    expect(await run([], input)).toBe(0)
    expect(out.match(/A number, 0 or more/g)).toHaveLength(3)
    expect(out).toContain('A letter from a to d; nothing is guessed.')
    expect(out).toContain('18 of 18. When markets last fell')
    expect(out).toContain('aggressive (A)')
    expect(out).toMatch(/on debts \(20 % of income\) 80/)
  })

  it('asks for the written acknowledgement where the cell needs it', async () => {
    const calm = ['20', '12', '15', '0', ...'daaaaaaaaaaaa', 'f']
    expect(await run([], typed(...calm, ACKNOWLEDGEMENT))).toBe(0)
    expect(out).toContain('balanced (B)')
    expect(await run([], typed(...calm, ''))).toBe(0)
    expect(out).toContain('defensive (D)')
  })

  it('issues nothing when the answers end, or it is stopped', async () => {
    expect(await run([], typed('10', '6'))).toBe(130)
    expect(err).toContain('ABORTED: the answers ended before the last question')
    const waiting = run([], new PassThrough())
    stop.controller.abort(new Error('stopped'))
    expect(await waiting).toBe(1)
    expect(out).not.toContain('policy 2026')
  })

  it('takes plain decimals only', () => {
    expect(['1', '0', '12.5', '-0', '007'].map((text) => numberOf(text, true))).toEqual([1, 0, 12.5, 0, 7])
    expect(numberOf('-2.5', false)).toBe(-2.5)
    for (const text of ['', ' ', '-1', '1,5', '1e3', '.5', '5.', 'NaN', 'Infinity', '0x10', '1.1234567', '1 000']) {
      expect(numberOf(text, true), text).toBeUndefined()
    }
  })
})
