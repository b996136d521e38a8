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

  const text = JSON.stringify(intake)
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const hostile: readonly (readonly [what: string, content: string | Uint8Array, path: string])[] = [
    ['nothing', '', ''],
    ['a number', '5', ''],
    ['a list in a list', `[[${text}]]`, '0'],
    ['a null in a list', `[${text},null]`, '1'],
    ['two cases without a list', `${text}\n${text}`, ''],
    ['text behind the case', `${text}x`, ''],
    ['a key twice', text.replace('{', '{"horizonYears":3,'), 'horizonYears'],
    ['a key twice, written otherwise', text.replace('{', '{"horizon\\u0059ears":3,'), 'horizonYears'],
    ['an answer twice', `[{"case":${text.replace('"1":"b"', '"1":"b","1":"a"')}}]`, '0.case.answers.1'],
    ['an unknown field', text.replace('{', '{"income":3,'), 'income'],
    ['a prototype', text.replace('{', '{"__proto__":{"horizonYears":3},'), '__proto__'],
    ['an unknown answer', text.replace('"13":"b"', '"13":"z"'), 'answers.13'],
    ['an answer to nothing', text.replace('"13":"b"', '"13":"b","14":"a"'), 'answers.14'],
    ['an answer left out', text.replace(',"13":"b"', ''), 'answers.13'],
    ['a number as text', text.replace('"horizonYears":10', '"horizonYears":"10"'), 'horizonYears'],
    ['a number beyond all', text.replace('"horizonYears":10', '"horizonYears":1e400'), 'horizonYears'],
    ['far below zero', text.replace('"debtServiceRatio":0.2', '"debtServiceRatio":-1e308'), 'debtServiceRatio'],
    ['no number', text.replace('"netWorthYears":5', '"netWorthYears":null'), 'netWorthYears'],
    ['lists without end', deep, ''],
    ['objects without end', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, ''],
    ['a field without end', text.replace('{', `{"review":${deep},`), ''],
    ['another encoding', Buffer.from(text, 'utf16le'), ''],
  ]
  it.each(hostile)('%s is one typed error on the terminal, and nothing is issued', async (_, content, path) => {
    const name = join(directory, 'hostile.json')
    writeFileSync(name, content)
    expect(await run(['--json', name])).toBe(1)
    expect(err).toMatch(/^fafnir: INTAKE_INVALID: [^\n]+\n$/)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'INTAKE_INVALID', fields: { path } } })
    expect(out).not.toMatch(/"(capacity|variant|tolerance)":/)
    expect(out.length).toBeLessThan(1_000)
    expect(await run([name])).toBe(1)
    expect([out, err.split('\n').length]).toEqual(['', 2])
  })

  it('takes a byte order mark, lines that end CRLF, zeros with a sign, the largest numbers', async () => {
    const same = async (content: string, wanted: object): Promise<void> => {
      expect(await run(['--json', file('same.json', content)]), content).toBe(0)
      expect(JSON.parse(out)).toEqual(wanted)
    }
    await same(`\ufeff${text}`, result)
    await same(JSON.stringify(intake, null, 2).replaceAll('\n', '\r\n'), result)
    await same(`\ufeff[\r\n${text}\r\n]\r\n`, [result])
    const debtFree = { ...result, capacity: 74, parts: { ...result.parts, debtServiceRatio: 100 } }
    await same(text.replace('"debtServiceRatio":0.2', '"debtServiceRatio":-0'), debtFree)
    expect(out).not.toContain('-0')
    const rich = { ...result, capacity: 78, parts: { ...result.parts, netWorthYears: 100 } }
    await same(text.replace('"netWorthYears":5', '"netWorthYears":1.7e308'), rich)
    const poor = { ...result, capacity: 19.99, capacityBucket: 1, variant: 'D', override: true }
    const broke = { ...poor, parts: { ...result.parts, netWorthYears: 0 } }
    await same(text.replace('"netWorthYears":5', '"netWorthYears":-1e308'), broke)
    expect(await run(['--json', file('bytes.json', '')])).toBe(1)
    writeFileSync(join(directory, 'bytes.json'), Buffer.concat([Buffer.from(text), Buffer.from([0xff])]))
    expect(await run(['--json', join(directory, 'bytes.json')])).toBe(1)
    expect(err).toContain('FILE_MISSING: the file of cases cannot be read')
    expect(err).toContain('ERR_ENCODING_INVALID_ENCODED_DATA')
  })

  it('refuses a policy with a hole of any kind', async () => {
    const holes: readonly (readonly [change: object, path: string])[] = [
      [{ buckets: [20, 40, 60] }, 'matrix'],
      [{ buckets: [20, 40, 40, 80] }, 'buckets.2'],
      [{ buckets: [20, 60, 40, 80] }, 'buckets.2'],
      [{ matrix: ['DDDDD', 'DDDDD', 'DBSSX', 'BBSAA', 'BBSAA'] }, 'matrix.2.4'],
      [{ matrix: ['DDDDD', 'DDDD', 'DBSSS', 'BBSAA', 'BBSAA'] }, 'matrix.1'],
      [{ acknowledgement: { cells: [[6, 1]], otherwise: 'D' } }, 'acknowledgement.cells.0.0'],
      [
        {
          capacity: {
            ...firstPolicyFile.capacity,
            weights: { ...firstPolicyFile.capacity.weights, horizonYears: 0.349 },
          },
        },
        'capacity.weights',
      ],
      [
        { variants: { ...firstPolicyFile.variants, S: { name: 's', weights: { equity: 99.9 } } } },
        'variants.S.weights',
      ],
      [
        { variants: { ...firstPolicyFile.variants, S: { name: 's', weights: { bitcoin: 100 } } } },
        'variants.S.weights.bitcoin',
      ],
      [
        {
          capacity: {
            ...firstPolicyFile.capacity,
            knots: {
              ...firstPolicyFile.capacity.knots,
              netWorthYears: [
                [-1.7e308, 0],
                [1.7e308, 100],
              ],
            },
          },
        },
        'capacity.knots.netWorthYears.0.0',
      ],
    ]
    const one = file('one.json', intake)
    for (const [change, path] of holes) {
      expect(await run(['--json', one, '--policy', file('hole.json', { ...firstPolicyFile, ...change })]), path).toBe(1)
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'POLICY_INVALID', fields: { path } } })
      expect(err).toMatch(/^fafnir: POLICY_INVALID: [^\n]+\n$/)
    }
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
