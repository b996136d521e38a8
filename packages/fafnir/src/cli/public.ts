// Room card: cli/public
// In:    a public venue and a symbol.
// Out:   `record`: its feed as a recording; `paper`: a session on it against the local queue model.
// Holds: nothing is sent to the venue but subscriptions and snapshot requests; stopping keeps what there is.
// Costs: as the feed comes.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { exportRecording } from '../backtest/session.js'
import { createEngine } from '../engine/engine.js'
import { describeError, fail, type FafnirError } from '../errors.js'
import type { EngineConfig } from '../generated/config.js'
import { count } from '../report/format.js'
import type { AnyStrategy } from '../strategy/define.js'
import { REDRAW_MILLIS, showDashboard } from './dashboard.js'
import { makeRunDirectory, requireParent } from './directory.js'
import { runLive } from './live.js'
import { viewOf } from './live-view.js'
import { EXIT, type Output } from './output.js'
import { recordingConfig, type QuoterOverrides } from './presets.js'
import { linked } from './presets-live.js'
import { feedOf, publicLink, type LinkFlags, type PublicVenue } from './venues.js'

/** Options both commands have. */
export interface PublicFlags extends LinkFlags {
  readonly venue: PublicVenue
  readonly symbol: string
  readonly out?: string
  readonly seconds?: number
  readonly tickSize?: string
  readonly lotSize?: string
  readonly makerFee?: string
  readonly takerFee?: string
}

/** Options of `paper`. */
export interface PaperFlags extends PublicFlags {
  readonly latencyMicros?: number
  readonly dumpEffects?: string
}

function engineOf(flags: PublicFlags, overrides: QuoterOverrides, strategy: boolean): EngineConfig {
  const { symbol, tickSize, lotSize, makerFee, takerFee } = flags
  const feed = feedOf(flags.venue)
  return recordingConfig({ path: '', symbol, feed, tickSize, lotSize, makerFee, takerFee, overrides, strategy }).engine
}

/** Trades on paper: the engine, the journal and the report of a live session, and a venue of our own behind it. */
export async function runPaper(
  flags: PaperFlags,
  overrides: QuoterOverrides,
  strategy: AnyStrategy | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  requireParent(flags.dumpEffects)
  const market = publicLink(flags.venue, flags.symbol, flags)
  const micros = flags.latencyMicros
  const orders = { kind: 'paper', latencyNanos: micros === undefined ? undefined : micros * 1_000 } as const
  const directory = await makeRunDirectory(flags.out)
  return await runLive({
    title: `paper: ${flags.symbol} on ${flags.venue}`,
    engine: linked(engineOf(flags, overrides, strategy !== undefined), { market, orders }),
    strategy,
    directory,
    dumpEffects: flags.dumpEffects,
    output,
    over: signal,
    seconds: flags.seconds,
  })
}

/** Records a public feed. The journal of the recording engine stands beside the file until it is written. */
export async function runRecord(flags: PublicFlags, output: Output, signal: AbortSignal): Promise<number> {
  const path = resolve(flags.out ?? `${flags.venue}-${flags.symbol.toLowerCase()}-${stamp()}.gz`)
  requireParent(path)
  if (existsSync(path)) throw fail('OUTPUT_FAILED', 'the file exists', { path, error: 'EEXIST' })
  const stateDir = `${path}.session`
  // Left by a recording that was killed: nothing of it is lost, and this run must not write over it.
  if (existsSync(join(stateDir, 'journal'))) return await finish(stateDir, path, output)
  const { quoters: _none, ...engineConfig } = engineOf(flags, {}, true)
  const faults: FafnirError[] = []
  const onFault = (error: FafnirError): void => {
    faults.push(error)
    output.err(`fafnir: ${describeError(error)}\n`)
  }
  const market = publicLink(flags.venue, flags.symbol, flags)
  const engine = await createEngine({ ...linked(engineConfig, { market }), host: { stateDir }, onFault })
  const begun = performance.now()
  const dashboard = showDashboard(`record: ${flags.symbol} on ${flags.venue}`, process.stderr, output.json)
  const timer = setInterval(() => dashboard.update(viewOf(engine, (performance.now() - begun) / 1_000)), REDRAW_MILLIS)
  try {
    await over(signal, flags.seconds)
  } finally {
    clearInterval(timer)
    dashboard.done()
  }
  const { stats } = await engine.close()
  if (stats.messages === 0) {
    await rm(stateDir, { recursive: true, force: true })
    const lastFault = stats.connections.find(({ lastFault }) => lastFault !== null)?.lastFault
    throw fail(lastFault ?? 'FEED_STALE', 'no message came, so nothing was recorded', { url: market.url })
  }
  return await finish(stateDir, path, output)
}

async function finish(stateDir: string, path: string, output: Output): Promise<number> {
  const { lines, skipped } = await exportRecording(join(stateDir, 'journal'), path)
  await rm(stateDir, { recursive: true, force: true })
  if (output.json) output.out(`${JSON.stringify({ path, lines, skipped }, null, 2)}\n`)
  else output.out(`${count(lines)} messages${skipped > 0 ? `, ${count(skipped)} left out` : ''}\nwrote ${path}\n`)
  return EXIT.ok
}

function over(signal: AbortSignal, seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = seconds === undefined ? undefined : setTimeout(resolve, seconds * 1_000)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}

function stamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
}
