// Room card: cli/presets
// In:    a symbol and feed, overrides from the command line.
// Out:   whole configurations for the demo and for a recording.
// Holds: the only place with numbers nobody has configured; every one can be overridden or replaced by a file.
// Costs: cold path.
import { fail } from '../errors.js'
import type { BacktestConfig, EngineConfig, InstrumentConfig, QuoterConfig } from '../generated/config.js'

/** Feeds the command knows recordings of. */
export type RecordedFeed = 'usdm' | 'spot'

/** Grid, fees and minimum of an instrument, as its venue published them (Binance, 2024-08). */
interface KnownInstrument {
  readonly tickSize: string
  readonly lotSize: string
  readonly makerFee: string
  readonly takerFee: string
  readonly minNotional: string
}

const USDM_FEES = { makerFee: '0.0002', takerFee: '0.0005' }
const SPOT_FEES = { makerFee: '0.001', takerFee: '0.001' }

const KNOWN: Readonly<Record<RecordedFeed, Readonly<Record<string, KnownInstrument>>>> = {
  usdm: {
    BTCUSDT: { tickSize: '0.1', lotSize: '0.001', minNotional: '100', ...USDM_FEES },
    ETHUSDT: { tickSize: '0.01', lotSize: '0.001', minNotional: '20', ...USDM_FEES },
  },
  spot: {
    // Spot books print quantities finer than the order step, so the lot is what they print.
    BTCUSDT: { tickSize: '0.01', lotSize: '0.00000001', minNotional: '5', ...SPOT_FEES },
    ETHUSDT: { tickSize: '0.01', lotSize: '0.00000001', minNotional: '5', ...SPOT_FEES },
  },
}

/** What the command line can say about the native quoter. */
export interface QuoterOverrides {
  readonly riskAversion?: number | undefined
  readonly decay?: number | undefined
  readonly horizonSeconds?: number | undefined
  readonly orderQuantity?: string | undefined
  readonly maxInventory?: string | undefined
  readonly requoteTicks?: number | undefined
  readonly volatilityWindow?: number | undefined
}

// γ leans the quotes by about 1.5 USDT at half the inventory limit in a market as lively as that of 2024-08-08; κ puts
// them about 1 USDT apart.
const RECORDING_QUOTER = {
  riskAversionPerMoney: 0.5,
  intensityDecayPerPrice: 1,
  horizon: { kind: 'constant', seconds: 1 },
  orderQuantity: '0.010',
  maxInventory: '0.100',
  requoteTicks: 3,
} as const

// The generated market is calmer, so its maker stands closer to the mid.
const DEMO_QUOTER = {
  riskAversionPerMoney: 0.5,
  intensityDecayPerPrice: 4,
  horizon: { kind: 'constant', seconds: 1 },
  orderQuantity: '0.010',
  maxInventory: '0.100',
  requoteTicks: 2,
} as const

/** Quoter parameters with the command line's overrides. */
export function overridden(quoter: QuoterConfig, overrides: QuoterOverrides): QuoterConfig {
  const { riskAversion, decay, horizonSeconds, orderQuantity, maxInventory, requoteTicks } = overrides
  return {
    ...quoter,
    riskAversionPerMoney: riskAversion ?? quoter.riskAversionPerMoney,
    intensityDecayPerPrice: decay ?? quoter.intensityDecayPerPrice,
    ...(horizonSeconds === undefined ? {} : { horizon: { kind: horizonKind(quoter), seconds: horizonSeconds } }),
    orderQuantity: orderQuantity ?? quoter.orderQuantity,
    maxInventory: maxInventory ?? quoter.maxInventory,
    requoteTicks: requoteTicks ?? quoter.requoteTicks,
  }
}

// A number of seconds takes the place of no end.
function horizonKind(quoter: QuoterConfig): 'constant' | 'countdown' {
  return quoter.horizon?.kind === 'countdown' ? 'countdown' : 'constant'
}

/** Points of the report's curves. */
const SAMPLES = 2_000

/** The demo: one generated market, one maker. */
export function demoConfig(options: {
  readonly seconds: number
  readonly seed: number
  readonly overrides: QuoterOverrides
  /** A strategy runs: the native quoter stands by, switched off, to be tuned from it. */
  readonly strategy: boolean
}): BacktestConfig {
  const symbol = 'BTCUSDT'
  // The simulated venue charges makers nothing, as venues do for those who must quote.
  const instrument = instrumentConfig(symbol, 'simulated', { ...KNOWN.usdm[symbol]!, makerFee: '0' })
  const quoter = overridden({ instrument: symbol, ...DEMO_QUOTER, enabled: !options.strategy }, options.overrides)
  return {
    engine: {
      venues: [{ name: 'simulated', feed: 'binanceUsdm' }],
      instruments: [instrument],
      // A minute of generated market has fewer mids than a recording of a liquid one.
      volatility: { window: options.overrides.volatilityWindow ?? 100 },
      quoters: [quoter],
    },
    sources: [{ kind: 'generated', instrument: symbol, market: { seed: options.seed, seconds: options.seconds } }],
    output: { samples: SAMPLES },
  }
}

/** What is known or said about a recording. */
export interface RecordingOptions {
  readonly path: string
  readonly symbol: string
  readonly feed: RecordedFeed
  readonly tickSize?: string | undefined
  readonly lotSize?: string | undefined
  readonly makerFee?: string | undefined
  readonly takerFee?: string | undefined
  readonly overrides: QuoterOverrides
  readonly strategy: boolean
}

/**
 * The configuration for a recording without one.
 * @throws FafnirError USAGE_INVALID for a symbol whose tick and lot nobody gave.
 */
export function recordingConfig(options: RecordingOptions): BacktestConfig {
  const { symbol, feed } = options
  const known = KNOWN[feed][symbol]
  const tickSize = options.tickSize ?? known?.tickSize
  const lotSize = options.lotSize ?? known?.lotSize
  if (tickSize === undefined || lotSize === undefined) {
    throw fail('USAGE_INVALID', `${symbol} is not known here: give --tick-size and --lot-size, or --config`, { symbol })
  }
  const fees = feed === 'usdm' ? USDM_FEES : SPOT_FEES
  const venue = feed === 'usdm' ? 'BINANCE-USDM' : 'BINANCE-SPOT'
  const instrument = instrumentConfig(symbol, venue, {
    tickSize,
    lotSize,
    makerFee: options.makerFee ?? known?.makerFee ?? fees.makerFee,
    takerFee: options.takerFee ?? known?.takerFee ?? fees.takerFee,
    minNotional: known?.minNotional ?? '0',
  })
  const engine: EngineConfig = {
    venues: [{ name: venue, feed: feed === 'usdm' ? 'binanceUsdm' : 'binanceSpot' }],
    instruments: [instrument],
    volatility: { window: options.overrides.volatilityWindow },
    quoters: [overridden({ instrument: symbol, ...RECORDING_QUOTER, enabled: !options.strategy }, options.overrides)],
  }
  const source = { kind: 'recording', instrument: symbol, path: options.path } as const
  return { engine, sources: [source], output: { samples: SAMPLES } }
}

function instrumentConfig(symbol: string, venue: string, known: KnownInstrument): InstrumentConfig {
  const { tickSize, lotSize, makerFee, takerFee, minNotional } = known
  return {
    symbol,
    venue,
    tickSize,
    lotSize,
    makerFee,
    takerFee,
    minNotional,
    settlement: { currency: 'USDT', scale: 8 },
  }
}
