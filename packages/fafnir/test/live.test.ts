// The command over sockets: exchange and engine as processes of their own. FAFNIR_LONG=1 makes 50 sessions, otherwise a
// few.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const long = process.env['FAFNIR_LONG'] !== undefined
const sessions = long ? 50 : 3

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fafnir-live-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const children = new Set<ChildProcess>()
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

function start(...args: string[]): Running {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['pipe', 'pipe', 'pipe'], cwd: folder })
  children.add(child)
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => (out += String(text)))
  child.stderr.on('data', (text) => (err += String(text)))
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      children.delete(child)
      resolve({ code, signal, out, err })
    })
  })
  return { child, ended }
}

const run = (...args: string[]): Promise<Ended> => start(...args).ended

interface Shown {
  readonly effectsHash: string
  readonly summary: {
    readonly turns: number
    readonly orders: Readonly<Record<string, number>>
    readonly counts: { readonly errors: Readonly<Record<string, number>> }
    readonly instruments: readonly {
      readonly position: string
      readonly ledger: { readonly agrees: boolean; readonly position: string; readonly openOrders: number }
    }[]
  }
}

interface LedgerLine {
  readonly kind: string
  readonly wall: string
  readonly asked?: string
  readonly reported?: string
  readonly order?: number
}

function ledgerOf(directory: string): LedgerLine[] {
  const lines = readFileSync(join(directory, 'ledger.jsonl'), 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as LedgerLine)
}

const millis = (line: LedgerLine): number => Number(BigInt(line.wall) / 1_000n) / 1_000

async function until(what: string, happens: () => boolean): Promise<void> {
  for (const begun = performance.now(); !happens();) {
    if (performance.now() - begun > 20_000) throw new Error(`${what} does not happen`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('sessions over loopback', () => {
  test(
    `${sessions} of ${sessions} replay to the hash they had, and agree with the venue`,
    { timeout: 600_000 },
    async () => {
      for (let n = 0; n < sessions; n += 1) {
        const out = join(folder, `session-${n}`)
        const args = ['--seconds', '3', '--volatility-window', '10', '--seed', String(n + 1)]
        const demo = await run('demo', ...args, '--out', out, '--json')
        expect(demo.code, demo.err + demo.out).toBe(0)
        const { effectsHash, summary } = JSON.parse(demo.out) as Shown
        const replay = await run('replay', join(out, 'journal'))
        expect(replay.out.split('\n')).toContain(`effects ${effectsHash}`)
        expect(summary.instruments[0]!.ledger).toMatchObject({ agrees: true, openOrders: 0 })
        expect(ledgerOf(join(out, 'venue')).some(({ asked }) => asked === 'new')).toBe(true)
        for (const part of ['report.html', 'report.json', 'trades.csv']) expect(existsSync(join(out, part))).toBe(true)
      }
    },
  )
})

interface Venue extends Running {
  readonly market: number
  readonly orders: number
  readonly state: string
}

async function startVenue(name: string, faults: object = {}, speed: number = 1): Promise<Venue> {
  const state = join(folder, `${name}-venue`)
  const venue = start('venue', '--config', '-', '--attached')
  const config = {
    instruments: [instrument],
    sources: [{ kind: 'generated', instrument: 'BTCUSDT', market: { seed: 7, seconds: 100_000 } }],
    speed,
    waitForClients: false,
    stateDir: state,
    faults,
  }
  venue.child.stdin!.write(`${JSON.stringify(config)}\n`)
  const ports = await new Promise<{ market: number; orders: number }>((resolve) => {
    createInterface({ input: venue.child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as { listening?: { market: number; orders: number } }
      if (said.listening !== undefined) resolve(said.listening)
    })
  })
  return { ...venue, ...ports, state }
}

const instrument = {
  symbol: 'BTCUSDT',
  venue: 'SIMULATED',
  tickSize: '0.1',
  lotSize: '0.001',
  risk: { maxMessages: 1_000_000 },
}

function engineConfig(venue: Venue, name: string, host: object = {}, orders: object = {}): string {
  const engine = {
    venues: [
      {
        name: 'SIMULATED',
        market: {
          url: `ws://127.0.0.1:${venue.market}/stream?streams=btcusdt@depth@0ms/btcusdt@bookTicker/btcusdt@trade`,
          snapshotUrl: `http://127.0.0.1:${venue.market}/fapi/v1/depth?symbol={symbol}&limit=1000`,
        },
        orders: { kind: 'fix', address: `127.0.0.1:${venue.orders}`, ...orders },
      },
    ],
    instruments: [instrument],
    volatility: { window: 20 },
    quoters: [
      {
        instrument: 'BTCUSDT',
        riskAversionPerMoney: 0.5,
        intensityDecayPerPrice: 8,
        orderQuantity: '0.010',
        maxInventory: '0.100',
      },
    ],
  }
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify({ engine, host }))
  return path
}

describe('a fill report that never comes', () => {
  test('is found and named', { timeout: 60_000 }, async () => {
    const venue = await startVenue('dropped', { dropFill: 3 })
    const state = join(folder, 'dropped-engine')
    const engine = await run(
      'run',
      '--config',
      engineConfig(venue, 'dropped'),
      '--state',
      state,
      '--seconds',
      '10',
      '--json',
    )
    const { summary } = JSON.parse(engine.out) as Shown
    const named = Object.keys(summary.counts.errors).filter((code) =>
      ['MISSED_REPORT', 'FILL_RECOVERED', 'POSITION_MISMATCH'].includes(code),
    )
    expect(named).not.toEqual([])
    const fills = ledgerOf(venue.state).filter(({ reported }) => reported === 'fill')
    expect(fills.length).toBeGreaterThan(3)
  })
})

// The strategy has nothing to do but to keep the event loop from turning: five seconds, from three seconds on.
const BLOCKER = `import { defineStrategy } from 'fafnir'
export default defineStrategy({
  apiVersion: 1,
  onStart(ctx) { ctx.setTimer(1, ctx.now + 3_000_000_000) },
  onTimer() {
    process.stderr.write('blocked\\n')
    for (const until = performance.now() + 5_000; performance.now() < until; );
    process.stderr.write('free\\n')
  },
})
`

describe('an event loop that is blocked for five seconds', () => {
  test('slows no order down and holds no kill up', { timeout: 60_000 }, async () => {
    const venue = await startVenue('blocked', {}, 3)
    const strategy = join(folder, 'blocker.ts')
    writeFileSync(strategy, BLOCKER)
    const config = engineConfig(venue, 'blocked')
    const engine = start('run', '--config', config, '--state', join(folder, 'blocked-engine'), '--strategy', strategy)
    let said = ''
    engine.child.stderr!.on('data', (text) => (said += String(text)))
    mkdirSync(venue.state, { recursive: true })
    await until('blocking', () => said.includes('blocked'))
    const blocked = Date.now()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const killed = Date.now()
    engine.child.kill('SIGUSR2')
    await until('turning again', () => said.includes('free'))
    const free = Date.now()
    engine.child.kill('SIGINT')
    await engine.ended
    const lines = ledgerOf(venue.state)
    const orders = lines.filter(({ asked }) => asked === 'new' || asked === 'replace' || asked === 'cancel').map(millis)
    const rate = (from: number, to: number): number =>
      orders.filter((at) => at >= from && at < to).length / ((to - from) / 1_000)
    // From the first order on, so that logging on does not count as a slow start.
    const before = rate(Math.min(...orders), blocked)
    const during = rate(blocked, killed)
    console.log(`orders a second: ${before.toFixed(1)} before, ${during.toFixed(1)} while the event loop is blocked`)
    // Every order that was open is gone soon after the signal; nothing new comes.
    const ends = lines.filter(({ reported }) => reported === 'cancelled').map(millis)
    const last = Math.max(...ends.filter((at) => at < free))
    console.log(`last cancel ${(last - killed).toFixed(1)} ms after the signal`)
    expect(last).toBeLessThan(free)
    expect(orders.filter((at) => at > last + 1 && at < free)).toEqual([])
    const open = openAt(lines, free)
    expect(open).toEqual([])
    // A market is no clockwork: half of the rate is far from what a blocked engine would have, which is none.
    expect(during).toBeGreaterThan(before / 2)
  })
})

/** Orders that are open at a moment, by the ledger. */
function openAt(lines: readonly LedgerLine[], moment: number): number[] {
  const open = new Set<number>()
  for (const line of lines) {
    if (line.order === undefined || millis(line) > moment) continue
    if (line.reported === 'accepted') open.add(line.order)
    if (['cancelled', 'expired', 'rejected'].includes(line.reported ?? '')) open.delete(line.order)
    const { filled, lots } = line as unknown as { filled: number; lots: number }
    if (line.reported === 'fill' && filled >= lots) open.delete(line.order)
  }
  return [...open]
}

// A program of a user's: trades for two seconds, then ends without closing anything.
const PROGRAM = `import { readFileSync } from 'node:fs'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { createEngine } from '${new URL('../dist/index.js', import.meta.url).href}'
const [how, path] = isMainThread ? process.argv.slice(2) : workerData
const trade = async () => {
  const { engine } = JSON.parse(readFileSync(path, 'utf8'))
  const live = await createEngine(engine)
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  return live
}
if (!isMainThread) {
  await trade()
  setInterval(() => {}, 1_000)
} else if (how === 'terminate') {
  const worker = new Worker(new URL(import.meta.url), { workerData: [how, path] })
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  await worker.terminate()
} else {
  await trade()
  if (how === 'exit') process.exit(0)
  setTimeout(() => { throw new Error('nobody catches this') }, 1)
}
`

describe('a program that ends without closing its engine', () => {
  test.each(['exit', 'throw', 'terminate'])('by %s cancels first', { timeout: 60_000 }, async (how) => {
    const venue = await startVenue(`program-${how}`, {}, 3)
    const program = join(folder, 'program.mjs')
    writeFileSync(program, PROGRAM)
    // The venue is not asked to cancel by itself.
    const config = engineConfig(venue, `program-${how}`, {}, { cancelOnDisconnect: false })
    const child = spawn(process.execPath, [program, how, config], { stdio: ['ignore', 'ignore', 'pipe'] })
    let err = ''
    child.stderr.on('data', (text) => (err += String(text)))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    expect(code, err).toBe(how === 'throw' ? 1 : 0)
    const ended = Date.now()
    const lines = ledgerOf(venue.state)
    expect(lines.filter(({ reported }) => reported === 'accepted').length).toBeGreaterThan(0)
    expect(openAt(lines, ended)).toEqual([])
    expect(lines.filter(({ asked }) => asked === 'cancel').length).toBeGreaterThan(0)
  })
})
