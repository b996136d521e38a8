// Room card: cli/demo
// In:    a market to play, parameters of the maker, how long and how fast.
// Out:   exchange and engine as two processes over loopback; the summary and report of a backtest.
// Holds: venue and engine must agree to the last lot; everything of the run lies in one folder, the venue's ledger too.
// Costs: the run's; with a recording the backtest of the same market once more, to compare with.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { backtest } from '../backtest/backtest.js'
import type { BacktestSummary, Percentiles } from '../backtest/summary.js'
import type { BacktestConfig, EngineConfig, ExchangeConfig } from '../generated/config.js'
import { count, decimal, nanos } from '../report/format.js'
import type { AnyStrategy } from '../strategy/define.js'
import { makeRunDirectory, requireParent, type RunDirectory } from './directory.js'
import { startExchange, type ExchangeProcess } from './exchange-process.js'
import { runLive } from './live.js'
import { printError, type Output } from './output.js'
import type { QuoterOverrides } from './presets.js'
import { linked, played, seedsOf, type ExchangeFlags } from './presets-live.js'
import { localLink } from './venues.js'

/** What the demo is to do. */
export interface DemoRequest {
  readonly flags: ExchangeFlags
  readonly overrides: QuoterOverrides
  readonly strategy: AnyStrategy | undefined
  readonly out: string | undefined
  readonly dumpEffects: string | undefined
  readonly output: Output
  readonly signal: AbortSignal
  /** The file of this command, to run the exchange with. */
  readonly command: string
}

const DEFAULT_SECONDS = 30
const HOUR_SECONDS = 3_600
/** A looped throughput run ends by its passes; this only bounds it. */
const THROUGHPUT_SECONDS_MAX = 3_600

/** Runs exchange and engine, then compares. */
export async function runDemo(request: DemoRequest): Promise<number> {
  const { flags, overrides, strategy, signal } = request
  requireParent(request.dumpEffects)
  const seconds = flags.seconds ?? (flags.recording === undefined ? DEFAULT_SECONDS : undefined)
  const market = await played({ ...flags, seconds } as ExchangeFlags, overrides, strategy !== undefined)
  const directory = await makeRunDirectory(request.out)
  const stateDir = join(directory.path, 'venue')
  await mkdir(stateDir, { recursive: true })
  let exchange: ExchangeProcess
  try {
    exchange = await startExchange(request.command, { ...market.exchange, stateDir })
  } catch (error) {
    if (directory.created !== undefined) await rm(directory.created, { recursive: true, force: true })
    throw error
  }
  try {
    return await trade(request, market, directory, exchange, AbortSignal.any([signal, exchange.over]))
  } finally {
    await exchange.close()
  }
}

async function trade(
  request: DemoRequest,
  market: { readonly exchange: ExchangeConfig; readonly backtest: BacktestConfig },
  directory: RunDirectory,
  exchange: ExchangeProcess,
  over: AbortSignal,
): Promise<number> {
  const { flags, output, strategy, dumpEffects } = request
  const [instrument] = market.exchange.instruments
  const speed = market.exchange.speed ?? 1
  const sender = market.backtest.engine.venues[0]!.senderCompId ?? 'FAFNIR'
  const engine = linked(hurried(market.backtest.engine, speed), {
    market: localLink(exchange.ports.market, instrument!.symbol),
    orders: { kind: 'fix', address: `127.0.0.1:${exchange.ports.orders}`, heartbeatSeconds: heartbeat(speed) },
  })
  const exit = await runLive({
    title: titleOf(flags, market.exchange),
    engine,
    strategy,
    directory,
    dumpEffects,
    output,
    over,
    seconds: speed === 0 ? THROUGHPUT_SECONDS_MAX : undefined,
    seeds: seedsOf(market.backtest.sources),
    accounts: async () => {
      const stats = await exchange.close()
      // One that has neither traded nor had an order there has an empty account, and so has none.
      return market.exchange.instruments.map(({ symbol }) => {
        const account = stats?.accounts.find((known) => known.session === sender && known.symbol === symbol)
        const { positionLots = 0, fees = '0', openOrders = 0 } = account ?? {}
        return { symbol, positionLots, fees, openOrders }
      })
    },
    finished: async (summary) => [
      ...throughput(summary, speed),
      ...(flags.recording !== undefined && speed > 0 && strategy === undefined && !request.signal.aborted
        ? await comparison(market.backtest, summary, speed)
        : []),
    ],
  })
  const fault = exchange.fault()
  return fault === undefined ? exit : printError(output, fault)
}

// Deadlines are market time: where the market runs at several hundred times the wall clock, milliseconds of the wall
// are seconds of them.
function heartbeat(speed: number): number {
  return speed === 0 ? HOUR_SECONDS : Math.min(HOUR_SECONDS, 10 * speed)
}

function hurried(engine: EngineConfig, speed: number): EngineConfig {
  if (speed === 1) return engine
  const ackTimeoutMillis = speed === 0 ? HOUR_SECONDS * 1_000 : Math.min(HOUR_SECONDS, speed) * 1_000
  return { ...engine, orders: { ...engine.orders, ackTimeoutMillis } }
}

function titleOf(flags: ExchangeFlags, exchange: ExchangeConfig): string {
  const speed = exchange.speed === 0 ? 'as fast as it is read' : `speed ${exchange.speed}`
  const passes = (exchange.passes ?? 1) > 1 ? `, ${exchange.passes} passes` : ''
  const what = flags.recording ?? `a generated market, seed ${flags.seed ?? 1}`
  return `demo: ${what} over loopback, ${speed}${passes}`
}

function throughput(summary: BacktestSummary, speed: number): readonly string[] {
  if (speed !== 0) return []
  const { depth, bookTicker, trade, snapshot } = summary.counts
  const messages = depth + bookTicker + trade + snapshot
  return [
    'throughput run: the clock follows the recording, not the wall; fills are those of a market in a hurry',
    `${count(messages)} messages in ${summary.wallSeconds.toFixed(2)} s through the sockets: ` +
      `${count(messages / summary.wallSeconds)} a second`,
  ]
}

/** The backtest of the same market with the latency this run had, side by side. */
async function comparison(config: BacktestConfig, live: BacktestSummary, speed: number): Promise<readonly string[]> {
  const latency = latencyOf(live.orderToAckNanos)
  const { summary } = await backtest({ ...config, latency, output: { samples: 2_000 } })
  const lines = [
    `against the backtest of the same market with this run's latency: ${nanos(latency.orderNanos)} of market time ` +
      'each way, half of the median from order to acknowledgement ' +
      `(${nanos(latency.orderNanos / speed)} of ours at speed ${speed})`,
  ]
  for (const [i, item] of live.instruments.entries()) {
    const other = summary.instruments[i]
    if (other === undefined) continue
    const rows: readonly (readonly [string, string, string])[] = [
      ['fills', count(item.fills.buy + item.fills.sell), count(other.fills.buy + other.fills.sell)],
      ['bought', decimal(item.quantity.buy), decimal(other.quantity.buy)],
      ['sold', decimal(item.quantity.sell), decimal(other.quantity.sell)],
      ['inventory', decimal(item.position), decimal(other.position)],
      ['mean |inventory|', meanInventory(live, i), meanInventory(summary, i)],
      ['P&L', decimal(item.pnl?.total ?? '–'), decimal(other.pnl?.total ?? '–')],
    ]
    for (const [label, here, there] of rows) {
      lines.push(`  ${item.symbol} ${label.padEnd(17)} live ${here.padStart(16)}   backtest ${there.padStart(16)}`)
    }
  }
  return lines
}

function latencyOf(measured: Percentiles): { feedNanos: number; orderNanos: number; reportNanos: number } {
  const each = Math.round(Math.max(2, measured.p50) / 2)
  return { feedNanos: each, orderNanos: each, reportNanos: each }
}

function meanInventory(summary: BacktestSummary, instrument: number): string {
  const curve = summary.series.instruments[instrument]?.inventory ?? []
  const known = curve.filter((value) => value !== null)
  if (known.length === 0) return '–'
  return (known.reduce((sum, value) => sum + Math.abs(value), 0) / known.length).toFixed(4)
}
