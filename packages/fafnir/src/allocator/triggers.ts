// Room card: allocator/triggers
// In:    rules of rebalancing, a state, today's date.
// Out:   which rules ask for a rebalance now, and the band of each target in whole parts.
// Holds: shares are compared as whole numbers: a share exactly on the edge of its band is inside.
// Costs: cold path; O(targets).
import { ONE, RATE_ONE, valuesOf, type Book, type State } from './book.js'
import * as check from './checks.js'
import type { Bands } from './simulate.js'

/** When a portfolio is brought back to its targets, and how far. */
export interface RebalanceRules {
  /** At the first look in a new month, quarter or year. Needs `date`. */
  readonly calendar?: 'month' | 'quarter' | 'year' | undefined
  /** When a target is outside its band: 5/25 unless said otherwise. */
  readonly bands?: Bands | undefined
  /** When half the sum of all distances from the targets is above this, 0 to 1. */
  readonly drift?: number | undefined
  /**
   * No trading while it costs more than it is worth: half-width (3/(2γ) · w²(1-w)² · ε)^⅓ around a target w, with ε the
   * cost of a traded unit and γ this relative risk aversion (Janeček and Shreve 2004; Rogers 2004). Goes to the edge.
   */
  readonly noTradeRegion?: { readonly riskAversion: number } | undefined
  /** Back to the targets, or only to the nearest edge of the bands. Default: "centre". */
  readonly to?: 'centre' | 'edge' | undefined
  /** Money paid in buys what is below target, money paid out sells what is above, before all else. Default: true. */
  readonly cashFlowsFirst?: boolean | undefined
  /** Sell purchases at a loss of at least this much, and no purchase for 30 days. Needs tax lots and `date`. */
  readonly harvest?: { readonly minLoss: string } | undefined
}

const RULE_KEYS = ['calendar', 'bands', 'drift', 'noTradeRegion', 'to', 'cashFlowsFirst', 'harvest']

/** Checks rules. @throws FafnirError ALLOCATION_INVALID */
export function checkedRules(given: RebalanceRules | undefined, date: string | undefined): RebalanceRules {
  const rules = given ?? {}
  check.object('rules', rules, RULE_KEYS)
  if (rules.calendar !== undefined) check.word('rules.calendar', rules.calendar, ['month', 'quarter', 'year'])
  if (rules.to !== undefined) check.word('rules.to', rules.to, ['centre', 'edge'])
  if (rules.drift !== undefined) check.number('rules.drift', rules.drift, 0, 1)
  if (rules.cashFlowsFirst !== undefined && typeof rules.cashFlowsFirst !== 'boolean') {
    throw check.invalid('rules.cashFlowsFirst', rules.cashFlowsFirst, 'true or false')
  }
  if (rules.bands !== undefined) {
    check.object('rules.bands', rules.bands, ['absolute', 'relative'])
    for (const key of ['absolute', 'relative'] as const) {
      if (rules.bands[key] !== undefined) check.number(`rules.bands.${key}`, rules.bands[key], 0, 1)
    }
  }
  if (rules.noTradeRegion !== undefined) {
    check.object('rules.noTradeRegion', rules.noTradeRegion, ['riskAversion'], ['riskAversion'])
    check.number('rules.noTradeRegion.riskAversion', rules.noTradeRegion.riskAversion, 1e-6, 1e6)
    if (rules.bands !== undefined) throw check.invalid('rules.bands', 'both', 'bands or a no-trade region, not both')
    if (rules.to === 'centre') throw check.invalid('rules.to', 'centre', '"edge" with a no-trade region')
  }
  if (rules.to === 'edge' && rules.bands === undefined && rules.noTradeRegion === undefined) {
    throw check.invalid('rules.to', 'edge', '"edge" only with bands or a no-trade region')
  }
  if (rules.harvest !== undefined) {
    check.object('rules.harvest', rules.harvest, ['minLoss'], ['minLoss'])
    check.decimalText('rules.harvest.minLoss', rules.harvest.minLoss, 'notNegative')
  }
  if (date !== undefined) check.date('date', date)
  else if (rules.calendar !== undefined || rules.harvest !== undefined) {
    throw check.invalid('date', undefined, 'a date: the calendar and the harvest need one')
  }
  return rules
}

/** Half-widths of the bands in parts of `ONE`: the lines in order, then cash. */
export function widthsOf(book: Book, rules: RebalanceRules): readonly bigint[] {
  if (rules.noTradeRegion !== undefined) {
    const { riskAversion } = rules.noTradeRegion
    const lines = book.lines.map((line) => regionWidth(book, line.members[0]!, Number(line.part) / 1e12, riskAversion))
    return [...lines, ONE]
  }
  const absolute = BigInt(Math.round((rules.bands?.absolute ?? 0.05) * 1e12))
  const relative = BigInt(Math.round((rules.bands?.relative ?? 0.25) * 1e12))
  const width = (part: bigint): bigint => {
    const own = ((part < 0n ? -part : part) * relative) / ONE
    return own < absolute ? own : absolute
  }
  // Cash without a target is what lots leave over: it has the absolute band. A sleeve without one is to be sold.
  return [...book.lines.map((line) => width(line.part)), book.cashPart === 0n ? absolute : width(book.cashPart)]
}

function regionWidth(book: Book, member: number, weight: number, riskAversion: number): bigint {
  const asset = book.assets[member]!
  const cost = Number(asset.feeRate) / Number(RATE_ONE) + Number(asset.spreadTicks) / Number(asset.ticks)
  const curve = (1.5 / riskAversion) * weight ** 2 * (1 - weight) ** 2 * cost
  return BigInt(Math.min(Math.round(Math.cbrt(curve) * 1e12), 1e12))
}

/** Which rules ask for a rebalance. */
export interface Triggers {
  readonly calendar: boolean
  /** Sleeves outside their bands, `cash` included. */
  readonly bands: readonly string[]
  /** Half the sum of the distances from the targets, and whether it is above its threshold. */
  readonly drift: { readonly value: number; readonly fired: boolean }
  /** No rule was given: every look is a rebalance. */
  readonly always: boolean
}

/** Looks at a state. */
export function triggersOf(
  book: Book,
  state: State,
  rules: RebalanceRules,
  widths: readonly bigint[],
  date: string | undefined,
  rebalancedOn: string | undefined,
): Triggers {
  const { lines, total } = valuesOf(book, state)
  const parts = [...book.lines.map((line) => line.part), book.cashPart]
  const off = [...lines, state.cash].map((value, i) => {
    const distance = value * ONE - parts[i]! * total
    return distance < 0n ? -distance : distance
  })
  const banded = rules.bands !== undefined || rules.noTradeRegion !== undefined
  const names = [...book.lines.map((line) => line.sleeve), 'cash']
  const outside = banded ? names.filter((_, i) => off[i]! > widths[i]! * total) : []
  const drift = total > 0n ? Number(off.reduce((sum, value) => sum + value, 0n) / total / 2n) / 1e12 : 0
  return {
    calendar: rules.calendar !== undefined && isDue(rules.calendar, date!, rebalancedOn),
    bands: outside,
    drift: { value: drift, fired: rules.drift !== undefined && drift > rules.drift },
    always: rules.calendar === undefined && rules.drift === undefined && !banded,
  }
}

/** Does any rule ask? */
export function fired({ calendar, bands, drift, always }: Triggers): boolean {
  return calendar || bands.length > 0 || drift.fired || always
}

function isDue(every: 'month' | 'quarter' | 'year', today: string, last: string | undefined): boolean {
  if (last === undefined) return true
  const period = (day: string): number => {
    const [year, month] = [Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1]
    if (every === 'year') return year
    return every === 'month' ? year * 12 + month : year * 4 + Math.floor(month / 3)
  }
  return period(today) > period(last)
}
