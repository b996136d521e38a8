// Room card: allocator/simulate
// In:    returns of sleeves by period, target weights, a rule of rebalancing, a rate of cost.
// Out:   the growth of one, its figures, and what was rebalanced when.
// Holds: fractional amounts, no lots: the arithmetic of an allocation by itself; weights sum to one, cost is paid from
//        the portfolio so that what remains stands exactly at the targets; never rebalanced in the last period.
// Costs: periods × sleeves, and some ten rounds of the cost a rebalance.
import { fail } from '../errors.js'
import { invalid, list, number, object, sumsToOne, whole } from './checks.js'

/** Bands around targets: a sleeve leaves its band when it is off by more than the lower of the two. */
export interface Bands {
  /** In parts of the portfolio: 0.05 is five percentage points. Default: 0.05. */
  readonly absolute?: number | undefined
  /** In parts of the target: 0.25 is a quarter of it. A target of 0 has only the absolute band. Default: 0.25. */
  readonly relative?: number | undefined
}

/** When the sleeves are brought back, at the end of a period, after its return. */
export type SimulatedRule =
  | { readonly kind: 'none' }
  /** Every `everyPeriods` periods, the first after so many. */
  | { readonly kind: 'periods'; readonly everyPeriods: number }
  /** At the end of these calendar months (1 to 12); the labels begin with YYYY-MM. */
  | { readonly kind: 'months'; readonly months: readonly number[] }
  /** When any sleeve is outside its band: all to their targets, or each only to the nearest edge of its band. */
  | { readonly kind: 'bands'; readonly bands?: Bands | undefined; readonly to?: 'centre' | 'edge' | undefined }

/** The usual rules by the names they have in tables. */
export const simulatedRules = Object.freeze({
  none: { kind: 'none' },
  monthly: { kind: 'periods', everyPeriods: 1 },
  annual: { kind: 'months', months: [12] },
  '5/25': { kind: 'bands', bands: { absolute: 0.05, relative: 0.25 } },
} satisfies Record<string, SimulatedRule>) as Readonly<Record<'none' | 'monthly' | 'annual' | '5/25', SimulatedRule>>

/** What is simulated. */
export interface SimulateOptions {
  /** Names of the sleeves, in the order of `weights`. */
  readonly sleeves: readonly string[]
  /** Target weights; they sum to 1. */
  readonly weights: readonly number[]
  /** A label a period, such as "1990-02" or "1990-02-28". */
  readonly labels: readonly string[]
  /** Simple returns, one row a period, one column a sleeve. */
  readonly returns: readonly (readonly number[])[]
  readonly rule: SimulatedRule
  /** Cost of a traded unit of value, 0 to 0.1. Default: 0. */
  readonly cost?: number | undefined
  /** Periods in a year, for annual figures. Default: 12. */
  readonly periodsPerYear?: number | undefined
}

/** One rebalance of a simulation. */
export interface SimulatedRebalance {
  readonly label: string
  /** Half the traded share of the value before cost. */
  readonly turnover: number
  /** Cost as a share of the value before it. */
  readonly cost: number
}

/** Figures of a path of values that starts at one. */
export interface PathFigures {
  /** Value at the end. */
  readonly final: number
  /** Compound growth a year. */
  readonly cagr: number
  /** Standard deviation of the returns (divisor n - 1) times √(periods in a year). */
  readonly volatility: number
  /** Mean return times periods in a year over the volatility; no risk-free rate. 0 without volatility. */
  readonly sharpe: number
  /** Largest fall from a high, the start included; 0 or below. */
  readonly maxDrawdown: number
}

/** What a simulation came to. */
export interface Simulation extends PathFigures {
  /** Value after each period, after cost. */
  readonly path: readonly number[]
  /** Return of each period, after cost. */
  readonly periodReturns: readonly number[]
  readonly rebalances: readonly SimulatedRebalance[]
  /** Sum of the turnovers. */
  readonly oneWayTurnover: number
  /** Weights at the end. */
  readonly endWeights: readonly number[]
}

/** Rounds of the cost at most; each is nearer by the rate of cost, so ten make 1e-10 of the dearest. */
const COST_ROUNDS_MAX = 100

/**
 * Simulates an allocation without lots.
 *
 * On a desk: what a rule of rebalancing does to growth, risk and turnover, before details of execution.
 *
 * @throws FafnirError ALLOCATION_INVALID (a NaN or a return of -1 or less, a ragged row, an unknown rule), WEIGHTS_SUM
 * @example
 * simulate({ sleeves, weights: [0.2, 0.2, 0.2, 0.2, 0.2], labels, returns, rule: simulatedRules['5/25'], cost: 0.001 })
 */
export function simulate(options: SimulateOptions): Simulation {
  const { labels, returns, weights, rule } = options
  const { cost, periodsPerYear } = checked(options)
  const due = schedule(rule, labels)
  let parts = [...weights]
  let value = 1
  const path: number[] = []
  const rebalances: SimulatedRebalance[] = []
  for (const [period, row] of returns.entries()) {
    const grown = parts.map((part, i) => part * (1 + row[i]!))
    value = grown.reduce((sum, part) => sum + part, 0)
    if (!(value > 0)) throw invalid(`returns[${period}]`, value, 'returns that leave a value above 0')
    parts = grown
    const goals = period === returns.length - 1 ? undefined : due(period, grown, value)
    if (goals !== undefined) {
      const { after, left, traded } = afterCost(grown, value, goals, cost)
      rebalances.push({ label: labels[period]!, turnover: traded / value / 2, cost: 1 - left / value })
      parts = after
      value = left
    }
    path.push(value)
  }
  const periodReturns = path.map((end, i) => end / (i === 0 ? 1 : path[i - 1]!) - 1)
  return {
    ...figuresOf(path, periodReturns, periodsPerYear),
    path,
    periodReturns,
    rebalances,
    oneWayTurnover: rebalances.reduce((sum, { turnover }) => sum + turnover, 0),
    endWeights: parts.map((part) => part / value),
  }

  // Weights wanted after this period; undefined: none. Closed over the targets.
  function schedule(
    given: SimulatedRule,
    names: readonly string[],
  ): (period: number, grown: readonly number[], value: number) => readonly number[] | undefined {
    if (given.kind === 'none') return () => undefined
    if (given.kind === 'periods') return (period) => ((period + 1) % given.everyPeriods === 0 ? weights : undefined)
    if (given.kind === 'months') {
      return (period) => (given.months.includes(Number(names[period]!.slice(5, 7))) ? weights : undefined)
    }
    const widths = bandWidths(weights, given.bands)
    return (_, grown, total) => {
      const shares = grown.map((part) => part / total)
      const outside = shares.some((share, i) => Math.abs(share - weights[i]!) > widths[i]!)
      if (!outside) return undefined
      return given.to === 'edge' ? toEdges(shares, weights, widths) : weights
    }
  }
}

/** Half-widths of the bands of targets. @throws FafnirError ALLOCATION_INVALID */
export function bandWidths(weights: readonly number[], bands: Bands = {}): readonly number[] {
  const absolute = number('bands.absolute', bands.absolute ?? 0.05, 0, 1)
  const relative = number('bands.relative', bands.relative ?? 0.25, 0, 1)
  return weights.map((weight) => (weight === 0 ? absolute : Math.min(absolute, relative * Math.abs(weight))))
}

/**
 * Weights that stand inside all bands and are reached with little trading: what is outside goes to its edge, and the
 * rest is taken from those above their targets, or given to those below, in proportion to how far they are.
 */
export function toEdges(
  shares: readonly number[],
  weights: readonly number[],
  widths: readonly number[],
): readonly number[] {
  const clamped = shares.map((share, i) =>
    Math.min(Math.max(share, weights[i]! - widths[i]!), weights[i]! + widths[i]!),
  )
  const over = clamped.reduce((sum, share) => sum + share, 0) - 1
  // Those on the side of the surplus are further from their targets, in sum, than the surplus.
  const distances = clamped.map((share, i) => Math.max(over > 0 ? share - weights[i]! : weights[i]! - share, 0))
  const room = distances.reduce((sum, distance) => sum + distance, 0)
  if (over === 0 || room === 0) return clamped
  return clamped.map((share, i) => share - (over * distances[i]!) / room)
}

// What remains after a cost that is paid from the portfolio: left = value - cost × Σ|goal × left - grown|.
function afterCost(
  grown: readonly number[],
  value: number,
  goals: readonly number[],
  cost: number,
): { after: number[]; left: number; traded: number } {
  const tradedAt = (left: number): number => grown.reduce((sum, part, i) => sum + Math.abs(goals[i]! * left - part), 0)
  let left = value
  for (let round = 0; round < COST_ROUNDS_MAX; round += 1) {
    const next = value - cost * tradedAt(left)
    if (next === left) break
    left = next
  }
  return { after: goals.map((goal) => goal * left), left, traded: tradedAt(left) }
}

/** Figures of a path of values that starts at one. */
export function figuresOf(
  path: readonly number[],
  periodReturns: readonly number[],
  periodsPerYear: number,
): PathFigures {
  const count = periodReturns.length
  const final = path[count - 1]!
  const mean = periodReturns.reduce((sum, value) => sum + value, 0) / count
  const squares = periodReturns.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const volatility = count < 2 ? 0 : Math.sqrt(squares / (count - 1)) * Math.sqrt(periodsPerYear)
  let high = 1
  let maxDrawdown = 0
  for (const value of path) {
    high = Math.max(high, value)
    maxDrawdown = Math.min(maxDrawdown, value / high - 1)
  }
  return {
    final,
    cagr: final ** (periodsPerYear / count) - 1,
    volatility,
    sharpe: volatility === 0 ? 0 : (periodsPerYear * mean) / volatility,
    maxDrawdown,
  }
}

const SLEEVES_MAX = 64
const PERIODS_MAX = 1_000_000

function checked(options: SimulateOptions): { cost: number; periodsPerYear: number } {
  const { sleeves, weights, labels, returns, rule } = options
  for (const [path, value] of Object.entries({ sleeves, weights, labels, returns })) list(path, value, PERIODS_MAX)
  whole('sleeves.length', sleeves.length, 1, SLEEVES_MAX)
  whole('weights.length', weights.length, sleeves.length, sleeves.length)
  whole('returns.length', returns.length, 1, PERIODS_MAX)
  whole('labels.length', labels.length, returns.length, returns.length)
  weights.forEach((weight, i) => number(`weights[${i}]`, weight, 0, 1))
  sumsToOne('weights', weights)
  for (const [period, row] of returns.entries()) {
    list(`returns[${period}]`, row, SLEEVES_MAX)
    whole(`returns[${period}].length`, row.length, sleeves.length, sleeves.length)
    row.forEach((value, i) => number(`returns[${period}][${i}]`, value, -1, 1e6))
  }
  checkRule(rule, labels)
  return {
    cost: number('cost', options.cost ?? 0, 0, 0.1),
    periodsPerYear: number('periodsPerYear', options.periodsPerYear ?? 12, 1, 1e6),
  }
}

function checkRule(rule: SimulatedRule, labels: readonly string[]): void {
  object('rule', rule, ['kind', 'everyPeriods', 'months', 'bands', 'to'], ['kind'])
  switch (rule.kind) {
    case 'none':
      return
    case 'periods':
      whole('rule.everyPeriods', rule.everyPeriods, 1, PERIODS_MAX)
      return
    case 'months':
      list('rule.months', rule.months, 12)
      rule.months.forEach((month, i) => whole(`rule.months[${i}]`, month, 1, 12))
      for (const [i, label] of labels.entries()) {
        if (!/^\d{4}-(0[1-9]|1[0-2])/.test(label)) throw invalid(`labels[${i}]`, label, 'a label that begins YYYY-MM')
      }
      return
    case 'bands':
      bandWidths([], rule.bands)
      return
    default:
      throw fail('ALLOCATION_INVALID', 'no such rule', {
        path: 'rule.kind',
        value: String((rule as { kind?: unknown }).kind),
        allowed: 'none periods months bands',
      })
  }
}
