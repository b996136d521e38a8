// Room card: allocator/dividends
// In:    what a bar pays for each unit held, instruments, holdings.
// Out:   money by the holdings before the bar's trades, in the currency's smallest unit.
// Holds: exact; what is received is rounded down for each symbol, what a short position owes is rounded up.
// Costs: cold path; O(symbols that pay).
import { fail } from '../errors.js'
import type { AllocationInstrument, Holdings } from './book.js'
import * as check from './checks.js'

/** Dividends, coupons and other payments: money for one unit of quantity by symbol, decimal text. */
export type Dividends = Readonly<Record<string, string>>

/** Checks payments of a bar. @throws FafnirError ALLOCATION_INVALID, UNKNOWN_INSTRUMENT */
export function checkDividends(path: string, dividends: unknown, symbols: ReadonlySet<unknown>): void {
  if (dividends === undefined) return
  for (const [symbol, each] of Object.entries(check.object(path, dividends, Object.keys(dividends ?? {})))) {
    const at = `${path}.${symbol}`
    if (!symbols.has(symbol)) {
      throw fail('UNKNOWN_INSTRUMENT', `${at} pays for what is not among the instruments`, { path: at, symbol })
    }
    check.decimalText(at, each, 'notNegative')
  }
}

/** Money that the holdings receive, or owe when negative, in units of 10^-`moneyDecimals`. */
export function dividendsOf(
  dividends: Dividends,
  instruments: readonly AllocationInstrument[],
  { positions }: Holdings,
  moneyDecimals: number,
): bigint {
  let sum = 0n
  for (const [symbol, each] of Object.entries(dividends)) {
    const held = Object.hasOwn(positions, symbol) ? positions[symbol] : undefined
    if (held === undefined) continue
    const factors = [held, each, instruments.find((item) => item.symbol === symbol)?.multiplier ?? '1']
    const scales = factors.map(check.decimalsOf)
    const amount = factors.reduce((product, factor, i) => product * check.units(factor, scales[i]!), 1n)
    const scale = scales.reduce((all, one) => all + one, 0)
    sum += floored(amount * 10n ** BigInt(moneyDecimals), 10n ** BigInt(scale))
  }
  return sum
}

// BigInt division rounds towards zero.
function floored(amount: bigint, unit: bigint): bigint {
  const whole = amount / unit
  return amount < 0n && whole * unit !== amount ? whole - 1n : whole
}
