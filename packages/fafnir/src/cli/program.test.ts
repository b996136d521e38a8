import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { fail } from '../errors.js'
import { native } from '../native.js'
import { parseQuota, threadPlan } from './doctor.js'
import { runCli, type CliHost } from './program.js'
import { sniffRecording } from './sniff.js'

let directory = ''
let out = ''
let err = ''
const stop = { controller: new AbortController() }

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fafnir-cli-'))
  out = ''
  err = ''
  stop.controller = new AbortController()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function run(...args: string[]): Promise<number> {
  const host: CliHost = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    signal: stop.controller.signal,
    packageEntry: join(import.meta.dirname, '../index.ts'),
    command: join(import.meta.dirname, '../../dist/cli/main.js'),
    version: '1.2.3',
  }
  return runCli(args, host)
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

const available = (() => {
  try {
    native()
    return true
  } catch {
    return false
  }
})()

const DIFF = '{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","s":"BTCUSDT","U":1,"u":2,"pu":0,"b":[],"a":[]}}'
const SPOT_TICKER = '{"stream":"ethusdt@bookTicker","data":{"u":1,"s":"ETHUSDT","b":"1.0","B":"1","a":"2","A":"1"}}'

describe('usage', () => {
  it('prints help and version', async () => {
    expect(await run('--version')).toBe(0)
    expect(out).toBe('1.2.3\n')
    out = ''
    expect(await run('--help')).toBe(0)
    for (const command of ['demo', 'venue', 'run', 'paper', 'record', 'backtest', 'replay', 'init', 'doctor']) {
      expect(out).toContain(command)
      expect(await run(command, '--help')).toBe(0)
    }
    expect(out.match(/--json/g)).toHaveLength(9)
    expect(err).toBe('')
  })

  it.each([
    [[]],
    [['dance']],
    [['demo', '--no-such']],
    [['demo', '--seconds', '0']],
    [['demo', '--seconds', '1.5']],
    [['demo', '--seed', '-1']],
    [['demo', '--risk-aversion', 'NaN']],
    [['demo', '--order-quantity', '1e5']],
    [['backtest']],
    [['backtest', '--feed', 'comex', '--recording', 'x']],
    [['replay']],
    [['demo', 'more']],
  ])('refuses %j with one line and exit code 2', async (args) => {
    expect(await run(...args)).toBe(2)
    expect(err).toMatch(/^fafnir: USAGE_INVALID: [^\n]+\n$/)
    expect(out).toBe('')
  })

  it('gives errors as JSON with --json', async () => {
    expect(await run('demo', '--seconds', 'x', '--json')).toBe(2)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE_INVALID', room: 'cli' } })
    // The line for a person goes to the terminal, whoever reads the object.
    expect(err).toMatch(/^fafnir: USAGE_INVALID: [^\n]+\n$/)
  })
})

describe('bad input', () => {
  const cases: readonly (readonly [what: string, code: string, args: () => string[]])[] = [
    ['a missing recording', 'RECORDING_MISSING', () => ['backtest', '--recording', join(directory, 'none')]],
    ['a folder as recording', 'RECORDING_MISSING', () => ['backtest', '--recording', directory]],
    ['a recording that is none', 'RECORDING_FORMAT', () => ['backtest', '--recording', file('x', 'hello\nworld\n')]],
    ['an empty recording', 'RECORDING_FORMAT', () => ['backtest', '--recording', file('x', '')]],
    [
      'a damaged gz',
      'RECORDING_TRUNCATED',
      () => ['backtest', '--recording', file('x', new Uint8Array([0x1f, 0x8b, 8, 9]))],
    ],
    [
      'an unknown symbol',
      'USAGE_INVALID',
      () => ['backtest', '--recording', file('x', `1 ${DIFF}\n`), '--symbol', 'DOGEUSDT'],
    ],
    ['a missing strategy', 'FILE_MISSING', () => ['backtest', '--generated', '--strategy', join(directory, 'none.ts')]],
    [
      'a strategy that does not load',
      'STRATEGY_INVALID',
      () => ['backtest', '--generated', '--strategy', file('s.ts', 'export default (')],
    ],
    [
      'a file without a strategy',
      'STRATEGY_INVALID',
      () => ['backtest', '--generated', '--strategy', file('s.ts', 'export default 5')],
    ],
    ['a missing configuration', 'FILE_MISSING', () => ['backtest', '--config', join(directory, 'none.json')]],
    ['a configuration that is no JSON', 'CONFIG_INVALID', () => ['backtest', '--config', file('c.json', '{')]],
    ['a configuration of something else', 'CONFIG_INVALID', () => ['backtest', '--config', file('c.json', '[]')]],
    [
      'an output in no folder',
      'OUTPUT_FAILED',
      () => ['backtest', '--generated', '--dump-effects', join(directory, 'no', 'f')],
    ],
  ]
  it.each(cases)('%s is %s', async (_, code, args) => {
    expect(await run(...args(), '--out', join(directory, 'run'))).toBe(code === 'USAGE_INVALID' ? 2 : 1)
    expect(err).toMatch(new RegExp(`^fafnir: ${code}: [^\\n]+\\n$`))
    expect(existsSync(join(directory, 'run'))).toBe(false)
  })
})

describe('sniff', () => {
  it('tells feed and symbol from plain and gzip files', async () => {
    expect(await sniffRecording(file('a', `1 ${DIFF}\n`))).toEqual({ feed: 'usdm', symbol: 'BTCUSDT' })
    expect(await sniffRecording(file('b', gzipSync(`garbage\n5 ${SPOT_TICKER}\n`)))).toEqual({
      feed: 'spot',
      symbol: 'ETHUSDT',
    })
    expect(await sniffRecording(file('c', '5 {"x":1}\n'))).toEqual({ feed: undefined, symbol: undefined })
  })
})

describe('doctor', () => {
  it('reads container quotas of both versions', () => {
    expect(parseQuota('150000 100000', '536870912')).toEqual({ cpus: 1.5, memoryBytes: 536_870_912 })
    expect(parseQuota('max 100000', 'max')).toEqual({ cpus: undefined, memoryBytes: undefined })
    expect(parseQuota(undefined, '9223372036854771712')).toEqual({ cpus: undefined, memoryBytes: undefined })
    expect(threadPlan(1)).toContain('share')
    expect(threadPlan(2)).toContain('other 1')
  })
})

describe('init', () => {
  it('writes a project into an empty folder only', async () => {
    const project = join(directory, 'My Strategy')
    expect(await run('init', project)).toBe(0)
    expect(readdirSync(project).sort()).toEqual([
      '.gitignore',
      'README.md',
      'package.json',
      'strategy.test.ts',
      'strategy.ts',
      'tsconfig.json',
    ])
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Record<string, unknown>
    expect(manifest).toMatchObject({ name: 'my-strategy', dependencies: { fafnir: '^1.2.3' } })
    expect(await run('init', project)).toBe(1)
    expect(err).toMatch(/^fafnir: OUTPUT_FAILED/)
  })
})

describe.skipIf(!available)('runs (native)', () => {
  const hash = /^effects ([0-9a-f]{32})$/m

  it('runs the demo twice to the same hash, replays its journal, and changes with the seed', async () => {
    const first = join(directory, 'first')
    expect(await run('backtest', '--generated', '--seconds', '5', '--out', first)).toBe(0)
    const effects = hash.exec(out)?.[1]
    expect(effects).toBeDefined()
    expect(readdirSync(first).sort()).toEqual(['journal', 'report.html', 'report.json', 'trades.csv'])
    out = ''
    expect(await run('replay', join(first, 'journal'))).toBe(0)
    expect(hash.exec(out)?.[1]).toBe(effects)
    out = ''
    expect(await run('backtest', '--generated', '--seconds', '5', '--out', join(directory, 'second'), '--json')).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ effectsHash: effects })
    out = ''
    expect(
      await run('backtest', '--generated', '--seconds', '5', '--seed', '2', '--out', join(directory, 'third')),
    ).toBe(0)
    expect(hash.exec(out)?.[1]).not.toBe(effects)
    expect(await run('backtest', '--generated', '--seconds', '5', '--out', first)).toBe(1)
  })

  it('gives one hash for a recording whatever the seed', async () => {
    const recording = fileURLToPath(new URL('../../../../crates/testkit/fixtures/usdm-small.gz', import.meta.url))
    const grid = ['--tick-size', '0.1', '--lot-size', '0.001']
    const hashes = []
    for (const seed of ['1', '2']) {
      out = ''
      const into = join(directory, `seed-${seed}`)
      expect(await run('backtest', '--recording', recording, ...grid, '--seed', seed, '--out', into)).toBe(0)
      hashes.push(hash.exec(out)?.[1])
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(hashes[1]).toBe(hashes[0])
  }, 60_000)

  it('runs a strategy file, and says when it throws', async () => {
    const strategy = file(
      's.ts',
      `import { defineStrategy } from 'fafnir'
       let events: number = 0
       const onBook = (): void => { events += 1; if (events === 50) throw new Error('boom') }
       export default defineStrategy({ apiVersion: 1, onBook })`,
    )
    const run1 = join(directory, 'run')
    expect(await run('backtest', '--generated', '--seconds', '5', '--strategy', strategy, '--out', run1)).toBe(1)
    expect(err).toMatch(/^fafnir: STRATEGY_THREW: onBook threw: boom /)
    expect(out).toMatch(hash)
    expect(existsSync(join(run1, 'report.html'))).toBe(true)
  })

  it('leaves nothing behind when it is stopped', async () => {
    const target = join(directory, 'stopped')
    const dump = join(directory, 'dump.bin')
    setTimeout(() => stop.controller.abort(fail('ABORTED', 'stopped')), 30)
    expect(await run('backtest', '--generated', '--seconds', '36000', '--out', target, '--dump-effects', dump)).toBe(
      130,
    )
    expect(err).toMatch(/^fafnir: ABORTED/)
    expect(existsSync(target)).toBe(false)
    expect(existsSync(dump)).toBe(false)
  })
})

describe('hostile input', () => {
  it.skipIf(!available)('refuses a configuration without the shape with its place, never as a panic', async () => {
    const bodies = ['null', '[]', '{"instruments":5}', '{"instruments":[null]}', '{"instruments":[],"quoters":"x"}']
    for (const engine of bodies) {
      out = ''
      expect(await run('backtest', '--config', file('c.json', `{"engine":${engine},"sources":[]}`), '--json')).toBe(1)
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'CONFIG_INVALID' } })
    }
  })

  it('says that an empty gzip file is no recording, not that it is damaged', async () => {
    const empty = file('empty.gz', gzipSync(''))
    await expect(sniffRecording(empty)).rejects.toMatchObject({ code: 'RECORDING_FORMAT' })
  })
})
