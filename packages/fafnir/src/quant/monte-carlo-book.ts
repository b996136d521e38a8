// Room card: quant/monte-carlo-book
// In:    units of assets and options on them.
// Out:   `Book` as the three arrays that native functions read.
// Holds: what a typed array would turn into a number without a word is refused here.
// Costs: nine numbers an option.
import { fail } from '../errors.js'
import type { Series } from './call.js'
import { callFlag, checkedNumber, checkedObject } from './risk-arguments.js'
import { Source } from './source.js'

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

/** The numbers of one option, as native code reads them. */
function numbersOf(option: OptionPosition, index: number, into: Float64Array): void {
  if (typeof option !== 'object' || option === null) checkedObject(`options[${index}]`, option)
  into[0] = checkedNumber('asset', option.asset)
  into[1] = option.kind === 'call' ? 1 : option.kind === 'put' ? 0 : callFlag(`options[${index}].kind`, option.kind)
  into[2] = checkedNumber('strike', option.strike)
  into[3] = checkedNumber('years', option.years)
  into[4] = checkedNumber('rate', option.rate ?? 0)
  into[5] = checkedNumber('dividendYield', option.dividendYield ?? 0)
  into[6] = checkedNumber('volatility', option.volatility)
  into[7] = checkedNumber('quantity', option.quantity)
  into[8] = checkedNumber('volatilityAsset', option.volatilityAsset ?? -1)
}

/** Options as a column of nine numbers each, read in slices: a book may hold a million. */
function optionsSource(options: readonly OptionPosition[]): Source {
  const length = options.length * OPTION_NUMBERS
  const one = new Float64Array(OPTION_NUMBERS)
  const fill = (into: Float64Array, from: number, to: number): void => {
    for (let at = from; at < to;) {
      const index = Math.floor(at / OPTION_NUMBERS)
      const begin = index * OPTION_NUMBERS
      const end = Math.min(to, begin + OPTION_NUMBERS)
      numbersOf(options[index]!, index, one)
      into.set(one.subarray(at - begin, end - begin), at - from)
      at = end
    }
  }
  return new Source({ rows: length, columns: 1, length }, { fill })
}

/** A book as the three arrays that native functions read. */
export function bookSheets(book: Book): [Series, Series, Source] {
  const { spots, quantities, options = [] } = checkedObject('book', book)
  if (!Array.isArray(options)) throw fail('ARGUMENT_INVALID', 'options are an array', { path: 'options' })
  return [spots, quantities, optionsSource(options)]
}
