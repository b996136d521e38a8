// Room card: engine/options
// In:    what a user gives an engine, what an engine gives at its end.
// Out:   their types, and the parts of the options by whom they are for.
// Holds: what the core checks goes to the core as it is; nothing is checked twice.
// Costs: cold path.
import type { SessionAccount } from '../backtest/session.js'
import { fail, type FafnirError } from '../errors.js'
import type { EngineConfig, HostConfig } from '../generated/config.js'
import type { LogTarget } from '../observe/log.js'
import type { StrategyOutcome } from '../strategy/host.js'
import type { RingSizes } from '../strategy/rings.js'
import type { EngineStats, LatencyStats } from './stats.js'

/** How an engine is made: its configuration, and what belongs to this process. */
export interface EngineOptions extends EngineConfig, RingSizes {
  /** What belongs to the process: state folder, waiting, core, kill file, dead-man timer. */
  readonly host?: HostConfig | undefined
  /** Short for `host.stateDir`: the folder of the session's state. Default: nothing is written. */
  readonly stateDir?: string | undefined
  /** A view used after its step throws. Allocates at every event. Default: false. */
  readonly checkViews?: boolean | undefined
  /** Told of every fault that no call of yours can throw: gateway calls, snapshots, a halted strategy. */
  readonly onFault?: ((error: FafnirError) => void) | undefined
  /** A structured log: a pino instance, or `true` for one that writes to stdout. Default: none. */
  readonly log?: LogTarget | true | undefined
  /** How long `close` waits for cancels to be answered by gateways, milliseconds. Default: 5000. */
  readonly closeTimeoutMillis?: number | undefined
}

/** What an engine did, at its end. */
export interface EngineSummary {
  /** XXH3-128 of all effects, 32 lower-case hex digits. */
  readonly effectsHash: string
  readonly turns: number
  /** Inputs the engine could not understand. */
  readonly malformed: number
  /** Order records that found no room in the orders ring. */
  readonly dropped: number
  /** Why the engine halted by itself; undefined when it did not. */
  readonly fault: FafnirError | undefined
  /** How the strategy ended; undefined when there was none. */
  readonly strategy: StrategyOutcome | undefined
  /** Orders still open at the venues: their cancels were not answered in time. */
  readonly openOrders: number
  /** Who pulled the kill switch. */
  readonly killReason: EngineStats['killReason']
  /** From bytes read to order bytes handed to the socket, of native links. */
  readonly tickToOrder: LatencyStats
  /** The newest state at the end. */
  readonly stats: EngineStats
  /** Our accounts at the paper venues. */
  readonly accounts: readonly SessionAccount[]
}

/** What of the options belongs to this side of the border. */
export type OwnOptions = Pick<EngineOptions, 'checkViews' | 'onFault' | 'closeTimeoutMillis'> & {
  readonly host: HostConfig
  readonly log: LogTarget | undefined
}

/** The options by whom they are for. */
export function partsOf(options: EngineOptions): {
  readonly config: EngineConfig
  readonly sizes: RingSizes
  readonly own: Omit<OwnOptions, 'log'>
} {
  const { host, stateDir, checkViews, onFault, log: _log, closeTimeoutMillis, ...rest } = options
  const { marketRingBytes, ordersRingBytes, commandRingBytes, ...config } = rest
  const own = {
    host: stateDir === undefined ? (host ?? {}) : { ...host, stateDir },
    checkViews,
    onFault,
    closeTimeoutMillis,
  }
  return { config, sizes: { marketRingBytes, ordersRingBytes, commandRingBytes }, own }
}

/** The summary native code gave, with what this thread knows. */
export function summaryOf(
  json: string,
  own: Pick<EngineSummary, 'strategy'> & { readonly failed: FafnirError | undefined },
): EngineSummary {
  const raw = JSON.parse(json) as Record<string, unknown>
  const fault = raw['fault'] as Pick<FafnirError, 'code' | 'message' | 'fields'> | null
  return {
    effectsHash: String(raw['effectsHash']),
    turns: Number(raw['turns']),
    malformed: Number(raw['malformed']),
    dropped: Number(raw['dropped']),
    fault: fault === null ? own.failed : fail(fault.code, fault.message, fault.fields),
    strategy: own.strategy,
    openOrders: Number(raw['openOrders']),
    killReason: raw['killReason'] as EngineStats['killReason'],
    tickToOrder: raw['tickToOrderNanos'] as LatencyStats,
    stats: raw['stats'] as EngineStats,
    accounts: (raw['accounts'] ?? []) as readonly SessionAccount[],
  }
}
