// Room card: quant/monte-carlo-book
// In:    units of assets and options on them.
// Out:   `Book` as the three arrays that native functions read.
// Holds: what a typed array would turn into a number without a word is refused here.
// Costs: nine numbers an option.
import type { Series } from './call.js'
import { callFlag, checkedNumber, checkedObject } from './risk-arguments.js'

/** Options held in one asset of a book. */
export interface OptionPosition {
  /** Index of the underlying. */
  readonly asset: number
  readonly kind: 'call' | 'put'
  /** Above 0. */
  readonly strike: number
  /** To expiry, 0 or more. */
  readonly years: number
  /** Continuous, per year (default 0). */
  readonly rate?: number
  /** Continuous, per year (default 0). */
  readonly dividendYield?: number
  /** Per √year, 0 or more: 0.2 is 20 %. */
  readonly volatility: number
  /** Contracts times multiplier; negative for a short position. */
  readonly quantity: number
  /** Index of an asset whose return moves the volatility, such as a volatility index; kept without one. */
  readonly volatilityAsset?: number
}

/** What is held. */
export interface Book {
  /** Price of each asset, above 0. */
  readonly spots: Series
  /** Units of each asset; negative for a short position. */
  readonly quantities: Series
  /** Default none. */
  readonly options?: readonly OptionPosition[]
}

const OPTION_NUMBERS = 9

/** A book as the three arrays that native functions read. */
export function bookSheets(book: Book): Series[] {
  const { spots, quantities, options = [] } = checkedObject('book', book)
  const packed = new Float64Array(options.length * OPTION_NUMBERS)
  const put = (at: number, what: string, value: unknown): void => {
    packed[at] = checkedNumber(what, value)
  }
  for (let index = 0; index < options.length; index++) {
    const option = checkedObject(`options[${index}]`, options[index]!)
    const at = index * OPTION_NUMBERS
    put(at, 'asset', option.asset)
    packed[at + 1] = callFlag(`options[${index}].kind`, option.kind)
    put(at + 2, 'strike', option.strike)
    put(at + 3, 'years', option.years)
    put(at + 4, 'rate', option.rate ?? 0)
    put(at + 5, 'dividendYield', option.dividendYield ?? 0)
    put(at + 6, 'volatility', option.volatility)
    put(at + 7, 'quantity', option.quantity)
    put(at + 8, 'volatilityAsset', option.volatilityAsset ?? -1)
  }
  return [spots, quantities, packed]
}
