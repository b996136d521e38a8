// Room card: book/answers
// In:    the native book's answers in arrays.
// Out:   objects with names; checks of what goes in.
// Holds: what the native side cannot know about JavaScript (shared memory, brands) is checked here.
// Costs: an object an answer; for the hot path there are the calls that write into your own array.
import { fail } from '../errors.js'
import { guarded, type NativeBook } from '../native.js'
import { sideByte, type Side } from '../strategy/decode.js'
import type { PriceTicks, QuantityLots } from '../units.js'

/** Best bid and ask; a missing side has zero lots, and its price is then zero too. */
export interface BookTouch {
  readonly bid: PriceTicks
  readonly bidLots: number
  readonly ask: PriceTicks
  readonly askLots: number
}

/** What stands on a side up to some level, or what a market order would trade. */
export interface BookDepth {
  /** Levels counted. */
  readonly levels: number
  /** Their lots; of a trade those it would get, fewer than asked when the side holds fewer. */
  readonly lots: number
  /** Sum of ticks x lots: times tick size, lot size and multiplier it is money. Exact up to 2^53. */
  readonly ticksLots: number
  /** The worst price counted; 0 when no level was. */
  readonly worst: PriceTicks
  /** Average price in ticks; NaN of nothing. */
  readonly averageTicks: number
}

const noCodes = new Uint16Array(0)

/** One batch into a native book. */
export function applyBatch(book: NativeBook, batch: Float64Array, codes: Uint16Array = noCodes): number {
  if (!(batch instanceof Float64Array) || !(codes instanceof Uint16Array)) {
    throw fail('ARGUMENT_INVALID', 'a batch is a Float64Array, its codes a Uint16Array')
  }
  if (batch.buffer === codes.buffer) {
    throw fail('ARGUMENT_INVALID', 'a batch and its codes cannot share one buffer')
  }
  return guarded(() => book.apply(batch, codes))
}

/** The touch as an object. */
export function touchOf(book: NativeBook): BookTouch {
  const into = new Float64Array(4)
  guarded(() => book.touch(into))
  return { bid: into[0]! as PriceTicks, bidLots: into[1]!, ask: into[2]! as PriceTicks, askLots: into[3]! }
}

/** Which depth is asked for. */
export const depthKind: { readonly price: 0; readonly quantity: 1; readonly trade: 2 } = {
  price: 0,
  quantity: 1,
  trade: 2,
}

/** A depth as an object. */
export function depthOf(book: NativeBook, kind: 0 | 1 | 2, side: Side, value: PriceTicks | QuantityLots): BookDepth {
  const into = new Float64Array(5)
  guarded(() => book.depth(kind, sideByte(side), value, into))
  return {
    levels: into[0]!,
    lots: into[1]!,
    ticksLots: into[2]!,
    worst: into[3]! as PriceTicks,
    averageTicks: into[4]!,
  }
}

/** A number of levels, checked: the border would wrap a wrong one silently. */
export function levelCount(levels: number): number {
  if (!Number.isInteger(levels) || levels < 1 || levels > 32_768) {
    throw fail('ARGUMENT_INVALID', 'a number of levels is 1 to 32768', { levels })
  }
  return levels
}
