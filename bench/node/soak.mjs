// Room card: bench/node/soak
// In:    minutes and messages a second (`npm run soak -- --minutes 10 --rate 100000`); minutes before them that are not
//        judged (`--warm`, by default 0.4 of them and at most 4).
// Out:   a line now and then, at the end the rates, misses and the memory of both processes; exit code 1 when memory
//        grew, a rate was missed or a fault was told.
// Holds: memory of the exchange's and of the engine's process is read once a second. It is judged once what has a bound
//        has reached it: ids and reports that the exchange remembers take minutes. Flat is: private memory (RssAnon)
//        on a least-squares line that rises by less than 1 MiB a minute, or by less than 4 MiB in all over a run too
//        short for that, and within 64 MiB; the whole resident set (VmRSS), which goes up and down with the journal's
//        mapped segments, within 256 MiB, and over runs of two minutes or more on such a line too. The journal keeps
//        two segments, so disk is bounded as well.
// Costs: two cores for as long as it is told.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import { configs, startExchange } from './exchange.mjs'
import { recording } from './place.mjs'

/** Messages of a second of market time, and of a pass, of the recordings that may be looped. */
const KNOWN = { BTCUSDT: { seconds: 344.8, messages: 93_954 }, FAFUSDT: { seconds: 120, messages: 1_800 } }
const PASSES_MAX = 1_000_000
const WARM_SHARE = 0.4
const WARM_MINUTES_MAX = 4
export const SLOPE_MIB_PER_MINUTE_MAX = 1
export const RISE_MIB_MAX = 4
export const SPREAD_MIB_MAX = { private: 64, resident: 256 }
const RESIDENT_SLOPE_SECONDS_MIN = 120

/** Least-squares slope of samples a second apart, per minute; and the difference of the largest and the smallest. */
export function trend(samples) {
  const n = samples.length
  const [meanX, meanY] = [(n - 1) / 2, samples.reduce((sum, y) => sum + y, 0) / n]
  let [above, below] = [0, 0]
  samples.forEach((y, x) => {
    above += (x - meanX) * (y - meanY)
    below += (x - meanX) ** 2
  })
  return { slopePerMinute: below === 0 ? 0 : (above / below) * 60, spread: Math.max(...samples) - Math.min(...samples) }
}

/** Is it flat by the rule above? `kind` is "private" or "resident". */
export function isFlat(kind, samples) {
  const { slopePerMinute, spread } = trend(samples)
  if (spread >= SPREAD_MIB_MAX[kind]) return false
  if (kind === 'resident' && samples.length < RESIDENT_SLOPE_SECONDS_MIN) return true
  return slopePerMinute < SLOPE_MIB_PER_MINUTE_MAX || slopePerMinute * (samples.length / 60) < RISE_MIB_MAX
}

/** Memory of a process, MiB. */
function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? NaN) / 1_024
  return { private: mib('RssAnon'), resident: mib('VmRSS') }
}

function options() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '100000' },
      warm: { type: 'string' },
    },
  })
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)]
  const warm = values.warm === undefined ? Math.min(WARM_MINUTES_MAX, minutes * WARM_SHARE) : Number(values.warm)
  if (!(minutes > 0 && minutes <= 1_440)) throw new Error('--minutes is above 0 and at most 1440')
  if (!(rate >= 1 && rate <= 1e7)) throw new Error('--rate is 1 to 10000000 messages a second')
  if (!(warm >= 0 && warm <= 1_440)) throw new Error('--warm is 0 to 1440 minutes')
  return { minutes, rate, warm }
}

/** The engine's process. */
function startEngine(args) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('soak-engine.mjs', import.meta.url)), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const seen = { first: undefined, last: undefined, faults: [], closed: undefined, ended: false }
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line)
    if (said.fault !== undefined) seen.faults.push(said.fault)
    else if (said.closed !== undefined) seen.closed = said.closed
    else {
      seen.last = said
      if (said.messages > 0) seen.first ??= said
    }
  })
  const ended = new Promise((resolve) => child.once('close', () => { seen.ended = true; resolve() }))
  return { pid: child.pid, seen, close: async () => { child.stdin.end(); await ended } }
}

function report(samples, seen, rate) {
  const bad = []
  for (const [name, both] of Object.entries(samples)) {
    for (const kind of ['private', 'resident']) {
      const values = both.map((sample) => sample[kind])
      const { slopePerMinute, spread } = trend(values)
      const flat = isFlat(kind, values)
      console.log(`${name}, ${kind} memory: ${Math.max(...values).toFixed(1)} MiB at most, slope ` +
        `${slopePerMinute.toFixed(3)} MiB a minute, spread ${spread.toFixed(1)} MiB over ${values.length} s: ` +
        (flat ? 'flat' : 'NOT FLAT'))
      if (!flat) bad.push(`${kind} memory of the ${name} is not flat`)
    }
  }
  if (seen.first === undefined) return [...bad, 'the engine read no message']
  const { messages, events, missed, lost } = seen.last
  // From one of its lines to another, so that its start is not counted in.
  const seconds = seen.last.seconds - seen.first.seconds
  const reached = (messages - seen.first.messages) / seconds
  console.log(`${messages} messages; over ${seconds.toFixed(0)} s ${reached.toFixed(0)} a second, ` +
    `asked for ${rate}; ${events} events delivered to TypeScript, ${missed} missed, ${lost} order records lost`)
  if (reached < rate * 0.99) bad.push(`${reached.toFixed(0)} messages a second are less than asked for`)
  if (seen.closed === undefined) bad.push('the engine did not close')
  else {
    const { turns, effectsHash, dropped } = seen.closed
    console.log(`engine: ${turns} turns, effects ${effectsHash}, ${dropped} dropped`)
  }
  if (seen.closed?.fault) bad.push(`the engine halted: ${seen.closed.fault}`)
  for (const fault of new Set(seen.faults)) console.log(`told: ${fault}`)
  return bad
}

async function main() {
  if (!existsSync('/proc/self/status')) {
    console.log('skipped: memory of processes is read from /proc, which this platform does not have')
    return 0
  }
  const { minutes, rate, warm } = options()
  const played = recording()
  const { seconds, messages } = KNOWN[played.symbol]
  // A hundredth more: between two passes nothing is sent.
  const speed = Math.ceil((1.01 * rate * seconds) / messages)
  // A venue plays at most a thousand times as fast; beyond that it plays as fast as it is read.
  const config = { speed: speed <= 1_000 ? speed : 0, passes: PASSES_MAX }
  const dir = mkdtempSync(join(tmpdir(), 'fafnir-soak-'))
  console.log(`soak: ${minutes} minutes after ${warm} at ${rate} messages a second; ${played.said}, looped at ` +
    `${config.speed === 0 ? 'as fast as it is read' : `speed ${config.speed}`}; load ${loadavg()[0].toFixed(1)}`)
  const exchange = await startExchange(configs(played, { ...config, stateDir: join(dir, 'venue') }).exchange)
  const engine = startEngine(
    [exchange.ports.market, exchange.ports.orders, join(dir, 'engine'), played.path, played.symbol].map(String),
  )
  const all = { exchange: [], engine: [] }
  const [total, unjudged] = [Math.max(4, Math.round((warm + minutes) * 60)), Math.round(warm * 60)]
  let interrupted = false
  process.once('SIGINT', () => { interrupted = true })
  const begun = performance.now()
  for (let second = 1; second <= total && !interrupted && !engine.seen.ended; second += 1) {
    await new Promise((resolve) => setTimeout(resolve, begun + second * 1_000 - performance.now()))
    all.exchange.push(memory(exchange.pid))
    all.engine.push(memory(engine.pid))
    if (second % 15 === 0 && engine.seen.last !== undefined) {
      const [venue, own] = [all.exchange.at(-1), all.engine.at(-1)].map(({ resident }) => resident.toFixed(0))
      console.log(`${second} s: ${engine.seen.last.messages} messages, exchange ${venue} MiB, engine ${own} MiB`)
    }
  }
  await engine.close()
  await exchange.close()
  rmSync(dir, { recursive: true, force: true })
  const samples = Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.slice(unjudged)]))
  const bad = report(samples, engine.seen, rate)
  for (const sentence of bad) console.error(sentence)
  return bad.length === 0 ? 0 : 1
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main()
}
