// Room card: backtest/summary
// In:    the summary of a run as the native side writes it (JSON).
// Out:   `BacktestSummary`, complete: a part this build does not find is empty, never undefined.
// Holds: the one place that knows the summary's shape; 64-bit values stay decimal strings.
// Costs: cold path, once a run.
import { fail } from '../errors.js'

/** How often what was read. */
export interface FeedCounts {
  readonly depth: number
  readonly bookTicker: number
  readonly trade: number
  readonly snapshot: number
  readonly other: number
  /** Lines of recordings that are no receive time and message. */
  readonly garbage: number
  /** Lines of recordings whose receive time was before the one before. */
  readonly timeStepsBack: number
  /** Refused messages by code. */
  readonly errors: Readonly<Record<string, number>>
}

/** How the L2 books fared. */
export interface BookSummary {
  /** Diffs older than the snapshot. */
  readonly beforeJoin: number
  /** Diffs applied after it. */
  readonly afterJoin: number
  readonly gaps: number
  readonly crossed: number
  /** Part of the time in which the book was valid, 0 to 1. */
  readonly validFraction: number
}

/** How long quotes stood on both sides while they were allowed to. */
export interface QuoteUptime {
  /** Book valid, σ full and inventory inside the gate, ns. */
  readonly eligibleNanos: number
  readonly bothSidesNanos: number
  /** Their ratio, 0 to 1. */
  readonly fraction: number
}

/** A value for each side. */
export interface BySide<T> {
  readonly buy: T
  readonly sell: T
}

/** Profit and loss in the settlement currency, as decimal text; fees are a cost when positive. */
export interface PnlSummary {
  readonly total: string
  readonly spread: string
  readonly inventory: string
  readonly fees: string
}

/** Intensity decay κ from our own fills: what it began with and what it came to. */
export interface CalibrationSummary {
  /** Market orders a second that reach a side (A), given. */
  readonly arrivalsPerSecond: number
  /** Fills, quoted seconds and distance from the mid that the prior counts for (a0, b0, d0). */
  readonly priorFills: number
  readonly priorSeconds: number
  readonly priorDistancePrice: number
  /** κ of the prior alone, 1/price. */
  readonly priorDecayPerPrice: number
  /** Fills observed. */
  readonly fills: BySide<number>
  readonly quotedSeconds: BySide<number>
  /** κ at the end, 1/price. */
  readonly decayPerPrice: BySide<number>
}

/** What one instrument came to. */
export interface InstrumentSummary {
  readonly symbol: string
  readonly currency: string
  /** Decimals of the currency's smallest unit. */
  readonly scale: number
  /** Final position, decimal text. */
  readonly position: string
  /** Number of fills. */
  readonly fills: BySide<number>
  /** Filled quantity, decimal text. */
  readonly quantity: BySide<string>
  /** Null when the market never had a price to value the position at. */
  readonly pnl: PnlSummary | null
  /** Null where κ is not calibrated. */
  readonly calibration: CalibrationSummary | null
  /** The venue's own account of it; null where the venue was not asked (a live session through a gateway). */
  readonly ledger: LedgerSummary | null
}

/** The account of an instrument at the venue. */
export interface LedgerSummary {
  readonly position: string
  readonly fees: string
  /** Equal to ours to the last lot and unit. */
  readonly agrees: boolean
  /** Our orders still open at the venue at the end. */
  readonly openOrders: number
}

/** Requests sent, and orders our own gate refused. */
export interface OrderCounts {
  readonly new: number
  readonly cancel: number
  readonly replace: number
  readonly refused: number
}

/** A distribution in nanoseconds. */
export interface Percentiles {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** A price (or value) at each moment of the series; null where there was none. */
export type Curve = readonly (number | null)[]

/** Curves of one instrument over the run, in units of price, quantity and currency. */
export interface InstrumentSeries {
  readonly symbol: string
  readonly bid: Curve
  readonly ask: Curve
  readonly quoteBid: Curve
  readonly quoteAsk: Curve
  readonly inventory: Curve
  readonly pnl: Curve
}

/** Curves of the run. */
export interface Series {
  /** Nanoseconds since the start of the market. */
  readonly timeNanos: readonly number[]
  /** By instrument, in the order of the configuration. */
  readonly instruments: readonly InstrumentSeries[]
}

/** One fill. */
export interface FillRow {
  /** Nanoseconds since the start of the market. */
  readonly timeNanos: number
  readonly instrument: string
  readonly side: 'buy' | 'sell'
  /** Decimal text. */
  readonly price: string
  /** Decimal text. */
  readonly quantity: string
  /** Decimal text, a cost when positive. */
  readonly fee: string
  readonly liquidity: 'maker' | 'taker'
  /** Identity of the order; its ClOrdID is session and counter, the halves of this number. */
  readonly orderId: number
}

/** What a run came to. */
export interface BacktestSummary {
  /** XXH3-128 of all effects, 32 lower-case hex digits. */
  readonly effectsHash: string
  readonly turns: number
  /** First and last moment of the market, Unix ns as decimal text. */
  readonly marketStart: string
  readonly marketEnd: string
  readonly counts: FeedCounts
  readonly book: BookSummary
  readonly quoteUptime: QuoteUptime
  readonly instruments: readonly InstrumentSummary[]
  readonly orders: OrderCounts
  /** Refusals of our gate and rejects of the venue, by code. */
  readonly rejects: Readonly<Record<string, number>>
  /** From reading a market event to the encoded order, measured on this machine; not part of any hash. */
  readonly tickToOrderNanos: Percentiles
  /** Engine time from a new order's submission to its acknowledgement. */
  readonly orderToAckNanos: Percentiles
  readonly wallSeconds: number
  readonly eventsPerSecond: number
  readonly seeds: readonly (number | string)[]
  /** Folder of the journal, when one was written. */
  readonly journal: string | null
  readonly series: Series
  readonly fills: readonly FillRow[]
  /** Fills beyond the bound of the list. */
  readonly fillsDropped: number
}

type Loose = Readonly<Record<string, unknown>>

/** Reads the native summary. @throws FafnirError NATIVE_PANICKED when it is no JSON object with an effects hash. */
export function readSummary(json: string): BacktestSummary {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (cause) {
    throw fail('NATIVE_PANICKED', 'the native summary is not JSON', {}, cause)
  }
  const top = object(raw)
  const effectsHash = text(top['effectsHash'])
  if (!/^[0-9a-f]{32}$/.test(effectsHash)) throw fail('NATIVE_PANICKED', 'the native summary has no effects hash')
  return {
    effectsHash,
    turns: number(top['turns']),
    marketStart: text(top['marketStart'], '0'),
    marketEnd: text(top['marketEnd'], '0'),
    counts: readCounts(object(top['counts'])),
    book: readBook(object(top['book'])),
    quoteUptime: readUptime(object(top['quoteUptime'])),
    instruments: list(top['instruments']).map((item) => readInstrument(object(item))),
    orders: readOrders(object(top['orders'])),
    rejects: counters(top['rejects']),
    tickToOrderNanos: readPercentiles(object(top['tickToOrderNanos'])),
    orderToAckNanos: readPercentiles(object(top['orderToAckNanos'])),
    wallSeconds: number(top['wallSeconds']),
    eventsPerSecond: number(top['eventsPerSecond']),
    seeds: list(top['seeds']).filter((seed) => typeof seed === 'number' || typeof seed === 'string'),
    journal: typeof top['journal'] === 'string' ? top['journal'] : null,
    series: readSeries(object(top['series'])),
    fills: fillRows(top['fills']),
    fillsDropped: number(top['fillsDropped']),
  }
}

function readCounts(raw: Loose): FeedCounts {
  return {
    depth: number(raw['depth']),
    bookTicker: number(raw['bookTicker']),
    trade: number(raw['trade']),
    snapshot: number(raw['snapshot']),
    other: number(raw['other']),
    garbage: number(raw['garbage']),
    timeStepsBack: number(raw['timeStepsBack']),
    errors: counters(raw['errors']),
  }
}

function readBook(raw: Loose): BookSummary {
  return {
    beforeJoin: number(raw['beforeJoin']),
    afterJoin: number(raw['afterJoin']),
    gaps: number(raw['gaps']),
    crossed: number(raw['crossed']),
    validFraction: number(raw['validFraction']),
  }
}

function readUptime(raw: Loose): QuoteUptime {
  const { eligibleNanos, bothSidesNanos, fraction } = raw
  return {
    eligibleNanos: number(eligibleNanos),
    bothSidesNanos: number(bothSidesNanos),
    fraction: number(fraction),
  }
}

function readInstrument(raw: Loose): InstrumentSummary {
  return {
    symbol: text(raw['symbol']),
    currency: text(raw['currency']),
    scale: number(raw['scale']),
    position: text(raw['position'], '0'),
    fills: numbers(raw['fills']),
    quantity: { buy: text(object(raw['quantity'])['buy'], '0'), sell: text(object(raw['quantity'])['sell'], '0') },
    pnl: readPnl(raw['pnl']),
    calibration: readCalibration(raw['calibration']),
    ledger: readLedger(raw['ledger']),
  }
}

function readLedger(value: unknown): LedgerSummary | null {
  if (typeof value !== 'object' || value === null) return null
  const ledger = object(value)
  return {
    position: text(ledger['position'], '0'),
    fees: text(ledger['fees'], '0'),
    agrees: ledger['agrees'] === true,
    openOrders: number(ledger['openOrders']),
  }
}

function readCalibration(value: unknown): CalibrationSummary | null {
  if (typeof value !== 'object' || value === null) return null
  const raw = object(value)
  return {
    arrivalsPerSecond: number(raw['arrivalsPerSecond']),
    priorFills: number(raw['priorFills']),
    priorSeconds: number(raw['priorSeconds']),
    priorDistancePrice: number(raw['priorDistancePrice']),
    priorDecayPerPrice: number(raw['priorDecayPerPrice']),
    fills: numbers(raw['fills']),
    quotedSeconds: numbers(raw['quotedSeconds']),
    decayPerPrice: numbers(raw['decayPerPrice']),
  }
}

function numbers(value: unknown): BySide<number> {
  const { buy, sell } = object(value)
  return { buy: number(buy), sell: number(sell) }
}

function readPnl(value: unknown): PnlSummary | null {
  if (typeof value !== 'object' || value === null) return null
  const raw = object(value)
  const { total, spread, inventory, fees } = raw
  return { total: text(total, '0'), spread: text(spread, '0'), inventory: text(inventory, '0'), fees: text(fees, '0') }
}

function readOrders(raw: Loose): OrderCounts {
  const { cancel, replace, refused } = raw
  return { new: number(raw['new']), cancel: number(cancel), replace: number(replace), refused: number(refused) }
}

function readPercentiles(raw: Loose): Percentiles {
  const { count, p50, p90, p99, p999, max } = raw
  return {
    count: number(count),
    p50: number(p50),
    p90: number(p90),
    p99: number(p99),
    p999: number(p999),
    max: number(max),
  }
}

function readSeries(raw: Loose): Series {
  return {
    timeNanos: list(raw['timeNanos']).map(number),
    instruments: list(raw['instruments']).map((item) => {
      const one = object(item)
      const { bid, ask, quoteBid, quoteAsk, inventory, pnl } = one
      return {
        symbol: text(one['symbol']),
        bid: curve(bid),
        ask: curve(ask),
        quoteBid: curve(quoteBid),
        quoteAsk: curve(quoteAsk),
        inventory: curve(inventory),
        pnl: curve(pnl),
      }
    }),
  }
}

function fillRows(raw: unknown): readonly FillRow[] {
  return list(raw).map((item) => {
    const row = object(item)
    return {
      timeNanos: number(row['timeNanos']),
      instrument: text(row['instrument']),
      side: row['side'] === 'sell' ? 'sell' : 'buy',
      price: text(row['price'], '0'),
      quantity: text(row['quantity'], '0'),
      fee: text(row['fee'], '0'),
      liquidity: row['liquidity'] === 'taker' ? 'taker' : 'maker',
      orderId: number(row['orderId']),
    }
  })
}

function object(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function number(value: unknown): number {
  const read = typeof value === 'string' ? Number(value) : value
  return typeof read === 'number' && Number.isFinite(read) ? read : 0
}

function text(value: unknown, otherwise: string = ''): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : otherwise
}

function counters(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(object(value)).map(([code, count]) => [code, number(count)]))
}

function curve(value: unknown): Curve {
  return list(value).map((item) => (typeof item === 'number' && Number.isFinite(item) ? item : null))
}
