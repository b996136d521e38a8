// Room card: advice/typed
// In:    what a person types.
// Out:   numbers; the words of the written acknowledgement.
// Holds: plain decimals only; a text that is no number is no number, never a guess.
// Costs: cold path.

/** What a person writes to take a variant above their stated tolerance. */
export const ACKNOWLEDGEMENT = 'I take more risk than I said I want'

/** A decimal of up to 9 digits and 6 decimals; undefined for anything else. */
export function numberOf(text: string, fromZero: boolean): number | undefined {
  if (!/^-?\d{1,9}(\.\d{1,6})?$/.test(text)) return undefined
  const value = Number(text)
  return fromZero && value < 0 ? undefined : Object.is(value, -0) ? 0 : value
}
