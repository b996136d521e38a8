// Room card: strategy/parameter-refusal
// In:    the words of a fault.
// Out:   which parameter of a native quoter was refused, and the limit it did not keep.
// Holds: names and numbers are the core's own (`types::parameter`); a number this build does not know has no name.
// Costs: one object, on a cold path.
import { BREACH_NAMES, codeNumber, PARAMETER_NAMES } from '../generated/codes.js'
import { PRICE, QUANTITY, SIDE_DETAIL_CODE, readI64 } from './decode.js'

/** A quoter's parameter, a published value or an asked quote that was refused. */
export interface ParameterRefusal {
  /** Where in the set, such as `ladder.levels`; `set`: the whole of it; `publish.…` and `quote.…` of those calls. */
  readonly parameter: string
  /** Below or above the limit, off the grid, or unsound: a wrong type, a key unknown or missing, no native quoter. */
  readonly breach: (typeof BREACH_NAMES)[number]
  /** The limit, in the parameter's unit, lots for quantities; `undefined` for the last two. */
  readonly limit: number | undefined
}

const bits = new Int32Array(2)
const float = new Float64Array(bits.buffer)

/** What a fault says of a parameter; `undefined` for a fault of another code. */
export function parameterRefusal(words: Int32Array, at: number): ParameterRefusal | undefined {
  const detailCode = words[at + SIDE_DETAIL_CODE]!
  if (detailCode >>> 16 !== codeNumber.PARAMETER_OUT_OF_RANGE) return undefined
  const breach = BREACH_NAMES[((detailCode >>> 8) & 0xff) - 1] ?? 'unsound'
  const number = readI64(words, at + QUANTITY)
  bits[0] = words[at + PRICE]!
  bits[1] = words[at + PRICE + 1]!
  const limit = breach === 'below' || breach === 'above' ? float[0] : undefined
  return { parameter: PARAMETER_NAMES[number] ?? `parameter ${number}`, breach, limit }
}
