// Room card: backtest
// In:    a configuration; a strategy if it is one in TypeScript; a signal to stop.
// Out:   the summary of a run in virtual time, and how the strategy ended.
// Holds: same configuration and strategy, same effects hash; the run can be stopped and then leaves nothing running.
// Costs: native only: nothing on this thread. With a strategy: one raw call a wake, and the dispatch loop.
import { fail, FafnirError } from '../errors.js'
import type { BacktestConfig } from '../generated/config.js'
import { guarded, guardedAsync, native, type AbortHandle } from '../native.js'
import { allocateRings, type RingSizes } from '../strategy/rings.js'
import type { AnyStrategy, StrategyDefinition } from '../strategy/define.js'
import { StrategyHost, type StrategyOutcome } from '../strategy/host.js'
import { coreMath } from '../strategy/math.js'
import { quoterCheck } from '../strategy/quoter-check.js'
import { instrumentsOf } from '../units.js'
import { readSummary, type BacktestSummary } from './summary.js'

/** How a backtest runs. */
export interface BacktestOptions extends RingSizes {
  /** A strategy in TypeScript. Default: the native quoters of the configuration alone. */
  readonly strategy?: AnyStrategy | undefined
  /** Stops the run; it then fails with ABORTED and leaves no output. */
  readonly signal?: AbortSignal | undefined
  /** Called some ten times a second with 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined
  /** A view used after its step throws. Allocates at every event. Default: false. */
  readonly checkViews?: boolean | undefined
}

/** What a backtest gives. */
export interface BacktestResult {
  readonly summary: BacktestSummary
  /** How the strategy ended; undefined when there was none. */
  readonly strategy: StrategyOutcome | undefined
  /** The configuration that ran, defaults filled in. */
  readonly config: BacktestConfig
}

/**
 * Runs a backtest: an engine, sources of market data merged by time, a venue that fills its orders, latencies.
 *
 * A strategy whose handler throws does not end the run: its quotes are pulled, the market goes on to its end, and the
 * result says so (`result.strategy.halted`, `result.strategy.error`).
 *
 * @throws FafnirError CONFIG_INVALID with path, what and allowed; RECORDING_MISSING, RECORDING_FORMAT,
 * RECORDING_TRUNCATED; OUTPUT_FAILED, JOURNAL_IO; LEDGER_MISMATCH; ABORTED; NATIVE_MISSING.
 */
export async function backtest(config: BacktestConfig, options: BacktestOptions = {}): Promise<BacktestResult> {
  const { strategy, signal } = options
  throwIfAborted(signal)
  const place = strategy === undefined ? (config.strategy ?? 'native') : 'caller'
  const checked = checkConfig({ ...config, strategy: place })
  if (place === 'native') {
    const summary = await runNative(JSON.stringify(checked), options)
    return { summary, strategy: undefined, config: checked }
  }
  const { summary, outcome } = await runHosted(checked, options)
  return { summary, strategy: outcome, config: checked }
}

/** The configuration with its defaults. @throws FafnirError CONFIG_INVALID */
export function checkConfig(config: BacktestConfig): BacktestConfig {
  return JSON.parse(guarded(() => native().checkConfig('backtest', jsonOf(config)))) as BacktestConfig
}

/** JSON turns NaN and infinity into null, which would be refused as a wrong type without saying what it was. */
export function jsonOf(config: unknown): string {
  return JSON.stringify(config, (key: string, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw fail('CONFIG_INVALID', `${key} is ${value}`, { path: key, what: String(value), allowed: 'a finite number' })
    }
    return value
  })
}

async function runNative(json: string, options: BacktestOptions): Promise<BacktestSummary> {
  const abort = guarded(() => new (native().AbortHandle)())
  const text = await abortable(options.signal, abort, () =>
    native().runBacktest(json, options.onProgress ?? null, abort),
  )
  return readSummary(text)
}

/** Runs a native call that an AbortSignal can stop. */
export async function abortable<T>(
  signal: AbortSignal | undefined,
  abort: AbortHandle,
  call: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal)
  const stop = (): void => abort.abort()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await guardedAsync(call)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

const SLICE_MILLIS = 10
// A look at the clock costs as much as several records, so only every so many steps.
const STEPS_PER_LOOK = 64

const STEP_DONE = 0
const EVERYTHING = 0x7fff_ffff

async function runHosted(
  config: BacktestConfig,
  options: BacktestOptions,
): Promise<{ summary: BacktestSummary; outcome: StrategyOutcome }> {
  const rings = allocateRings(options)
  const { market, orders, commands } = rings.memory
  const session = guarded(() => new (native().BacktestSession)(JSON.stringify(config), market, orders, commands))
  try {
    const attached = rings.attachStepped()
    const host = new StrategyHost({
      instruments: instrumentsOf(config.engine.instruments),
      ...attached,
      math: coreMath(),
      checkQuoter: quoterCheck(),
      strategy: options.strategy as StrategyDefinition | undefined,
      maxOrders: config.engine.orders?.maxOrders,
      checkViews: options.checkViews,
    })
    const step = guarded(() => session.stepFunction())
    let code = runSlice(step, host)
    while (code > STEP_DONE) {
      options.onProgress?.(session.progress())
      await new Promise<void>((resolve) => setImmediate(resolve))
      throwIfAborted(options.signal)
      code = runSlice(step, host)
    }
    const outcome = host.stop()
    const summary = readSummary(guarded(() => session.finish()))
    return { summary, outcome }
  } finally {
    session.close()
  }
}

/** Steps until the time of a slice is over or the run is. The last step's code. */
function runSlice(step: () => number, host: StrategyHost): number {
  const end = performance.now() + SLICE_MILLIS
  for (;;) {
    for (let i = 0; i < STEPS_PER_LOOK; i += 1) {
      const code = step()
      // Whatever a step published is consumed before the next one, so the rings never overflow.
      host.poll(EVERYTHING)
      if (code <= STEP_DONE) return code
    }
    if (performance.now() >= end) return 1
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  const { reason } = signal as { reason: unknown }
  throw reason instanceof FafnirError ? reason : fail('ABORTED', 'the run was stopped before its end', {}, reason)
}
