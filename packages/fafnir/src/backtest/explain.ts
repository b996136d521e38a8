// Room card: backtest/explain
// In:    a journal: its folder or one segment; which of its native quotes is meant.
// Out:   how that quote came to be, term by term; how many quotes of the run add up.
// Holds: the terms are those the decision wrote down itself while the journal was run again.
// Costs: native, off this thread.
import { guarded, native } from '../native.js'
import { abortable } from './backtest.js'

/** Which quote, and how the replay runs. Without turn, time and order: the last quote of the run. */
export interface ExplainOptions {
  /** The decision of this turn, whether it sent something or not. */
  readonly turn?: number | undefined
  /** The last quote sent at or before this moment, Unix nanoseconds as decimal text. */
  readonly atNs?: string | undefined
  /** The last quote sent under this order or request id, such as "1-7". */
  readonly order?: string | undefined
  /** Only quotes of this symbol. */
  readonly symbol?: string | undefined
  /** Stops the replay; it then fails with ABORTED. */
  readonly signal?: AbortSignal | undefined
  /** Called some ten times a second with 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/** Terms of one side. The model's price is the sum of the first ones, the price in ticks that of the others. */
export interface ExplainedSide {
  readonly side: 'bid' | 'ask'
  /** The model or the strategy wants the side. */
  readonly wanted: boolean
  /** What inventory adds to the fair value; with `asked` the price asked for. Price units, as the next four. */
  readonly inventoryPrice: number
  readonly intensityHalfPrice: number
  readonly inventoryHalfPrice: number
  readonly toxicityHalfPrice: number
  readonly modelPrice: number
  readonly modelTicks: number
  /** Rounding outward. */
  readonly roundingTicks: number
  /** Largest and smallest spread. */
  readonly spreadTicks: number
  readonly feeTicks: number
  /** Off the other side of the touch: post-only. */
  readonly touchTicks: number
  readonly incrementTicks: number
  readonly priceTicks: number
  /** Quantity before the gate, other open lots of the side, quantity after the gate. */
  readonly wantedLots: number
  readonly otherLots: number
  readonly lots: number
  readonly addsUp: boolean
}

/** One order sent by a decision. */
export interface ExplainedOrder {
  readonly order: string
  readonly request: string
  readonly kind: 'place' | 'replace' | 'take'
  readonly side: 'bid' | 'ask'
  /** 0 for the first. */
  readonly level: number
  readonly priceTicks: number
  readonly lots: number
  /** What the level adds to the side's price. */
  readonly levelTicks: number
  readonly addsUp: boolean
}

/** How one decision of a native quoter came to be. */
export interface ExplainedQuote {
  readonly turn: number
  /** Unix nanoseconds as text. */
  readonly timeNs: string
  readonly symbol: string
  readonly model: 'avellanedaStoikov' | 'glft' | 'strategy'
  /** "quoting", or why there are no quotes. */
  readonly standing: string
  readonly touchTicks: readonly [number | null, number | null]
  readonly tickPrice: number
  readonly fairPrice: number
  readonly riskAversionPerMoney: number
  /** κ in force of bid and ask. */
  readonly decayPerPrice: readonly [number, number]
  /** A in force of bid and ask; null where nothing says one. */
  readonly arrivalsPerSecond: readonly [number | null, number | null]
  /** Where A and κ come from: the parameters, our own fills, the market's trades. */
  readonly intensitySource: 'given' | 'ownFills' | 'market'
  /** Refits from the market's trades so far, bid and ask: accepted, and refused by a guard. */
  readonly refitsAccepted: readonly [number, number]
  readonly refitsRefused: readonly [number, number]
  readonly volatilityPricePerSqrtSecond: number
  /** Standard error of σ; null where σ is the one that was given. */
  readonly volatilityStandardError: number | null
  /** Mids σ is of. */
  readonly volatilityMids: number
  /** T-t; null without an end. */
  readonly horizonSeconds: number | null
  readonly positionLots: number
  readonly inventoryBase: number
  readonly limitLots: number
  readonly driftPrice: number
  readonly toxicity: number
  /** The prices are a strategy's. */
  readonly asked: boolean
  readonly sides: readonly [ExplainedSide, ExplainedSide]
  readonly orders: readonly ExplainedOrder[]
}

/** What `explain` found. */
export interface Explanation {
  /** The quote asked about; null when the run has no such quote. */
  readonly quote: ExplainedQuote | null
  /** Quotes that native quoters sent in the whole run. */
  readonly quotes: number
  /** Of these, those whose terms add up to the price sent. */
  readonly addingUp: number
  /** The replay agrees with the recorded hashes. */
  readonly matches: boolean
}

/**
 * Runs a journal again and explains one quote of its native quoters.
 * @throws FafnirError ARGUMENT_INVALID (no time, no order id), UNKNOWN_INSTRUMENT; those of `replay`.
 */
export async function explain(path: string, options: ExplainOptions = {}): Promise<Explanation> {
  const { turn, atNs, order, symbol } = options
  const abort = guarded(() => new (native().AbortHandle)())
  const which = JSON.stringify({ turn, atNs, order, symbol })
  const text = await abortable(options.signal, abort, () =>
    guarded(() => native().explainQuote(path, which, options.onProgress ?? null, abort)),
  )
  return JSON.parse(text) as Explanation
}
