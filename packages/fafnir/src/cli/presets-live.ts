// Room card: cli/presets-live
// In:    what the command line says about an exchange, a public venue or a demo.
// Out:   whole configurations: an exchange, an engine with native links.
// Holds: instruments, limits and maker parameters are those of the backtest presets: the same code, another driver.
// Costs: cold path.
import { resolve } from 'node:path'

import { fail } from '../errors.js'
import type {
  BacktestConfig,
  EngineConfig,
  ExchangeConfig,
  MarketLinkConfig,
  OrdersLinkConfig,
  SourceConfig,
  VenueConfig,
} from '../generated/config.js'
import { demoConfig, recordingConfig, type QuoterOverrides, type RecordedFeed } from './presets.js'
import { sniffRecording } from './sniff.js'

/** What is played, from the command line. */
export interface ExchangeFlags {
  readonly recording?: string
  readonly symbol?: string
  readonly feed?: RecordedFeed
  readonly tickSize?: string
  readonly lotSize?: string
  readonly makerFee?: string
  readonly takerFee?: string
  readonly seed?: number
  readonly seconds?: number
  /** 1 to 1000; 0 is `max`. */
  readonly speed?: number
  readonly loop?: number
}

/** An exchange, and the backtest of the same market. */
export interface Played {
  readonly exchange: ExchangeConfig
  readonly backtest: BacktestConfig
}

const NAME = 'SIMULATED'
const GENERATED_SECONDS = 3_600

/** What an exchange is to play. @throws FafnirError USAGE_INVALID; those of a recording that cannot be read */
export async function played(flags: ExchangeFlags, overrides: QuoterOverrides, strategy: boolean): Promise<Played> {
  const backtest = await backtestOf(flags, overrides, strategy)
  const { engine, sources } = backtest
  const venue = { ...engine.venues[0]!, name: NAME }
  const instruments = engine.instruments.map((instrument) => ({ ...instrument, venue: NAME }))
  const exchange: ExchangeConfig = {
    name: NAME,
    feed: venue.feed,
    instruments,
    sources,
    speed: flags.speed ?? 1,
    passes: flags.loop ?? 1,
    seconds: flags.recording === undefined ? undefined : flags.seconds,
  }
  return { exchange, backtest: { ...backtest, engine: { ...engine, venues: [venue], instruments } } }
}

/** The exchange alone. */
export async function exchangeConfig(flags: ExchangeFlags): Promise<ExchangeConfig> {
  const { exchange } = await played({ ...flags, seconds: flags.seconds ?? GENERATED_SECONDS }, {}, false)
  // By hand there is nobody to wait for: the market goes on by itself.
  return { ...exchange, waitForClients: false }
}

async function backtestOf(
  flags: ExchangeFlags,
  overrides: QuoterOverrides,
  strategy: boolean,
): Promise<BacktestConfig> {
  if (flags.recording === undefined) {
    if (flags.loop !== undefined && flags.loop > 1) {
      throw fail('USAGE_INVALID', '--loop needs a --recording; a generated market has no end to loop at')
    }
    return demoConfig({ seconds: flags.seconds ?? GENERATED_SECONDS, seed: flags.seed ?? 1, overrides, strategy })
  }
  return recordedConfig({ ...flags, recording: flags.recording }, overrides, strategy)
}

/** The backtest of a recording; what nobody said of it is read off its first messages. @throws USAGE_INVALID */
export async function recordedConfig(
  flags: ExchangeFlags & { readonly recording: string },
  overrides: QuoterOverrides,
  strategy: boolean,
): Promise<BacktestConfig> {
  const path = resolve(flags.recording)
  const sniffed = await sniffRecording(path)
  const symbol = flags.symbol ?? sniffed.symbol
  const feed = flags.feed ?? sniffed.feed
  if (symbol === undefined || feed === undefined) {
    const missing = symbol === undefined ? '--symbol' : '--feed'
    throw fail('USAGE_INVALID', `the first messages do not say it: give ${missing}`, { path })
  }
  const { tickSize, lotSize, makerFee, takerFee, seconds } = flags
  const fees = { makerFee, takerFee }
  const config = recordingConfig({ path, symbol, feed, tickSize, lotSize, ...fees, overrides, strategy })
  return seconds === undefined ? config : { ...config, seconds }
}

/** An engine with native links in place of a backtest's source. */
export function linked(
  engine: EngineConfig,
  link: { readonly market: MarketLinkConfig; readonly orders?: OrdersLinkConfig | undefined },
): EngineConfig {
  const venue: VenueConfig = { ...engine.venues[0]!, market: link.market, orders: link.orders }
  return { ...engine, venues: [venue] }
}

/** Seeds of generated markets. */
export function seedsOf(sources: readonly SourceConfig[]): readonly number[] {
  return sources.flatMap((source) => (source.kind === 'generated' ? [source.market?.seed ?? 1] : []))
}
