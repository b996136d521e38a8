// Room card: engine/latest
// In:    the registers the engine's thread writes.
// Out:   the newest touch, trade, volatility and position of an instrument, at any time, in any thread.
// Holds: what is returned stood together at the end of one turn of the engine; nothing is consumed.
// Costs: one object a call.
import { codeName } from '../errors.js'
import type { Code } from '../generated/codes.js'
import { LatestLayout } from '../generated/layout.js'
import type { RegistersReader } from '../ring/registers.js'
import { readBigU64, readI64, readU64, sideOf, type Side } from '../strategy/decode.js'
import type { PriceTicks, QuantityLots } from '../units.js'

/** The last public trade of an instrument. */
export interface LatestTrade {
  readonly price: PriceTicks
  readonly quantity: QuantityLots
  /** Side that took liquidity. */
  readonly aggressor: Side | undefined
  readonly tradeId: number
  /** Engine time, Unix ns. */
  readonly timeNs: bigint
}

/** The newest state of an instrument, as the engine's thread knows it. A missing side has quantity 0. */
export interface Latest {
  /** Id of the instrument. */
  readonly instrument: number
  readonly bid: PriceTicks
  readonly bidLots: QuantityLots
  readonly ask: PriceTicks
  readonly askLots: QuantityLots
  /** Twice the mid in ticks. Meaningless unless `twoSided`. */
  readonly mid2: number
  /** The L2 is joined and without a gap. */
  readonly valid: boolean
  /** Why it is valid or not; undefined before the first change. */
  readonly code: Code | undefined
  /** Both sides are there and do not cross or lock. */
  readonly twoSided: boolean
  /** undefined before the first. */
  readonly trade: LatestTrade | undefined
  /** σ in price units per √second; not to be traded on unless `full`. */
  readonly sigma: number
  readonly full: boolean
  /** Our signed position, lots. */
  readonly position: number
  /** Sequence of the last event in it; 0 before the first. */
  readonly sequence: number
  /** Engine time of that event, Unix ns. */
  readonly timeNs: bigint
}

const word = Object.fromEntries(Object.entries(LatestLayout).map(([name, byte]) => [name, byte / 4])) as {
  readonly [Name in keyof typeof LatestLayout]: number
}
/** closed, zero: a byte each; code u16. */
const CLOSED_CODE = word.closed
/** valid, full, side of the last trade, trading: a byte each. */
const VALID_FULL = word.valid
const TRADING_HALTED = 1

/** The newest state of an instrument; undefined when a writer died in the middle of it. */
export function readLatest(registers: RegistersReader, instrument: number): Latest | undefined {
  if (!registers.read(instrument + 1)) return undefined
  const { words } = registers
  const bid = readI64(words, word.bid) as PriceTicks
  const ask = readI64(words, word.ask) as PriceTicks
  const bidLots = readI64(words, word.bidLots) as QuantityLots
  const askLots = readI64(words, word.askLots) as QuantityLots
  const flags = words[VALID_FULL]!
  const floats = new Float64Array(1)
  new Int32Array(floats.buffer).set(words.subarray(word.sigmaBits, word.sigmaBits + 2))
  return {
    instrument,
    bid,
    bidLots,
    ask,
    askLots,
    mid2: bid + ask,
    valid: (flags & 0xff) === 1,
    code: codeName(words[CLOSED_CODE]! >>> 16),
    twoSided: bidLots > 0 && askLots > 0 && bid < ask,
    trade: tradeOf(words),
    sigma: floats[0]!,
    full: ((flags >>> 8) & 0xff) === 1,
    position: readI64(words, word.position),
    sequence: readU64(words, word.sequence),
    timeNs: readBigU64(words, word.time),
  }
}

function tradeOf(words: Int32Array): LatestTrade | undefined {
  const quantity = readI64(words, word.tradeLots) as QuantityLots
  if (quantity === 0) return undefined
  return {
    price: readI64(words, word.tradePrice) as PriceTicks,
    quantity,
    aggressor: sideOf((words[VALID_FULL]! >>> 16) & 0xff),
    tradeId: readU64(words, word.tradeId),
    timeNs: readBigU64(words, word.tradeTime),
  }
}

/** Has the engine ended? */
export function hasEnded(registers: RegistersReader): boolean {
  return registers.read(0) && (registers.words[CLOSED_CODE]! & 0xff) === 1
}

/** May new orders pass, as far as the engine as a whole goes? With the code when not. */
export function tradingState(registers: RegistersReader): { readonly open: boolean; readonly code: Code | undefined } {
  if (!registers.read(0)) return { open: false, code: undefined }
  const open = registers.words[VALID_FULL]! >>> 24 !== TRADING_HALTED
  return { open, code: open ? undefined : codeName(registers.words[CLOSED_CODE]! >>> 16) }
}
