// Room card: cli/live
// In:    an engine's configuration with native links, where to write, when to end.
// Out:   a finished live session with the report a backtest ends in; its exit code.
// Holds: ending cancels first; the report is made from the journal, so it exists only of a session that replays to the
//        hash it had; a session that ran leaves its journal behind, whatever happens after.
// Costs: the session's, and its turns once more.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { replay } from '../backtest/replay.js'
import { summarizeSession, type SessionAccount } from '../backtest/session.js'
import type { BacktestSummary } from '../backtest/summary.js'
import { createEngine, type Engine, type EngineSummary } from '../engine/engine.js'
import { describeError, fail, type FafnirError } from '../errors.js'
import type { EngineConfig, HostConfig } from '../generated/config.js'
import { writeReport } from '../report/write.js'
import type { AnyStrategy } from '../strategy/define.js'
import { REDRAW_MILLIS, showDashboard } from './dashboard.js'
import type { RunDirectory } from './directory.js'
import { viewOf } from './live-view.js'
import { EXIT, printError, printRun, type Output } from './output.js'

/** What a live session is. */
export interface LiveRequest {
  readonly title: string
  readonly engine: EngineConfig
  readonly host?: HostConfig | undefined
  readonly strategy: AnyStrategy | undefined
  readonly directory: RunDirectory
  readonly dumpEffects: string | undefined
  readonly output: Output
  /** Ends the session in good order. */
  readonly over: AbortSignal
  /** Ends it after so long, seconds. Default: only `over` does. */
  readonly seconds?: number | undefined
  /** Asks a venue beside us for our accounts, after the end. Default: those of the engine's own paper venue. */
  readonly accounts?: (() => Promise<readonly SessionAccount[]>) | undefined
  readonly seeds?: readonly number[] | undefined
  /** Told of the finished session before anything is printed; more lines for the end of the summary. */
  readonly finished?: ((summary: BacktestSummary, engine: EngineSummary) => Promise<readonly string[]>) | undefined
}

/** Points of the report's curves. */
const SAMPLES = 2_000
// Signals that pull the kill switch natively, also while the event loop is blocked.
const KILL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const

/** Runs a session, writes the report, prints the summary. */
export async function runLive(request: LiveRequest): Promise<number> {
  const { directory, output } = request
  const faults: FafnirError[] = []
  const engine = await startEngine(request, faults)
  const begun = performance.now()
  const ended = await untilOver(request, engine, begun)
  const wallSeconds = (performance.now() - begun) / 1_000
  const accounts = request.accounts === undefined ? ended.accounts : await request.accounts()
  const journal = join(directory.path, 'journal')
  const { tickToOrder } = ended
  const facts = { samples: SAMPLES, wallSeconds, tickToOrder, seeds: request.seeds, accounts }
  const summary = await summarizeSession(journal, facts)
  if (summary.effectsHash !== ended.effectsHash) {
    const fields = { live: ended.effectsHash, replayed: summary.effectsHash }
    throw fail('REPLAY_MISMATCH', 'the journal of this session replays to other effects', fields)
  }
  if (request.dumpEffects !== undefined) await replay(journal, { dumpEffects: request.dumpEffects })
  const extra = await request.finished?.(summary, ended)
  const { title } = request
  const { strategy } = ended
  const paths = await writeReport(directory.path, { title, summary, strategy, config: engine.config })
  printRun(output, { title, summary, strategy, paths, directory: directory.path, extra })
  const fault = ended.fault ?? faults.find((error) => error.code === 'POSITION_MISMATCH') ?? strategy?.error
  if (fault !== undefined) return output.json ? EXIT.failed : printError(output, fault)
  return summary.instruments.every((item) => item.ledger?.agrees !== false) ? EXIT.ok : disagreement(output, summary)
}

async function startEngine(request: LiveRequest, faults: FafnirError[]): Promise<Engine> {
  const { directory, output, strategy } = request
  const onFault = (error: FafnirError): void => {
    faults.push(error)
    if (!output.json) output.err(`fafnir: ${describeError(error)}\n`)
  }
  try {
    const host = { ...request.host, stateDir: directory.path }
    const engine = await createEngine({ ...request.engine, host, onFault })
    engine.killOnSignals(KILL_SIGNALS)
    if (strategy !== undefined) engine.use(strategy)
    return engine
  } catch (error) {
    // Nothing has run, so nothing is to be kept.
    if (directory.created !== undefined) await rm(directory.created, { recursive: true, force: true })
    throw error
  }
}

async function untilOver(request: LiveRequest, engine: Engine, begun: number): Promise<EngineSummary> {
  const { title, output, over, seconds } = request
  const dashboard = showDashboard(title, process.stderr, output.json)
  const draw = (): void => dashboard.update(viewOf(engine, (performance.now() - begun) / 1_000))
  const timer = setInterval(draw, REDRAW_MILLIS)
  try {
    await Promise.race([aborted(over), ...(seconds === undefined ? [] : [pause(seconds * 1_000, over)])])
  } finally {
    clearInterval(timer)
    dashboard.done()
  }
  return await engine.close()
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
}

function disagreement(output: Output, summary: BacktestSummary): number {
  const bad = summary.instruments.filter((item) => item.ledger?.agrees === false)
  const both = bad.map(({ symbol, position, ledger }) => [symbol, `${position}/${ledger?.position ?? ''}`] as const)
  const fields = Object.fromEntries(both)
  const error = fail('LEDGER_MISMATCH', "the venue's ledger and the engine's position disagree (ours/theirs)", fields)
  return output.json ? EXIT.failed : printError(output, error)
}
