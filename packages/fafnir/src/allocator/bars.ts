// Room card: allocator/bars
// In:    bars of prices and dividends, targets (fixed, or asked for at each bar), rules, money paid in and out, costs.
// Out:   what the allocation comes to in whole lots: value by bar, figures, rebalances, cost; beside it 60/40,
//        crises, the correlation of stocks and bonds.
// Holds: every trade is a rebalance's own orders at the bar's prices, cost included; money paid in or out is no return,
//        a dividend is one; a bar's targets see that bar and those before it only.
// Costs: a rebalance a bar, tenths of a millisecond; the input bars are bounded by BARS_MAX.
import { FafnirError, fail } from '../errors.js'
import { INSTRUMENTS_MAX, MONEY_DECIMALS, type Holdings, type TargetLine } from './book.js'
import * as check from './checks.js'
import { correlationMonitor, type CorrelationMonitor, type CorrelationOptions } from './correlation.js'
import { crises as knownCrises, type Crisis } from './crises.js'
import { checkDividends, dividendsOf, type Dividends } from './dividends.js'
import { rebalance, type Rebalance, type RebalanceInput, type RebalanceOrder } from './rebalance.js'
import { figuresOf, type PathFigures } from './simulate.js'
import type { RebalanceRules, Triggers } from './triggers.js'

/** Prices at one moment. */
export interface PriceBar {
  /** YYYY-MM-DD. */
  readonly date: string
  /** By symbol, decimal text on the tick. */
  readonly prices: Readonly<Record<string, string>>
  /** Money paid in, or out when negative, at this bar. */
  readonly flow?: string | undefined
  /**
   * Dividends and coupons for one unit by symbol, paid to what was held before this bar's trades; cash from then on.
   * For prices that fall by what is paid: prices of total return have it in them already. Default: none.
   */
  readonly dividends?: Dividends | undefined
}

/** What is run. */
export interface AllocationBacktestInput {
  readonly instruments: RebalanceInput['instruments']
  /** Targets; a function gets the bars up to and with this one. */
  readonly targets: readonly TargetLine[] | ((bars: readonly PriceBar[]) => readonly TargetLine[])
  /** Ascending by date. */
  readonly bars: readonly PriceBar[]
  /** Money at the start, decimal text. */
  readonly startCash: string
  /** After the first bar, which is always invested. Default: every bar to its target. */
  readonly rules?: RebalanceRules | undefined
  /** Symbols of the 60/40 benchmark, bought at the same costs and brought back each month, and of the correlation. */
  readonly benchmark: { readonly stocks: string; readonly bonds: string }
  /** Default: `crises`. */
  readonly crises?: readonly Crisis[] | undefined
  /** Bars a year. Default: 12. */
  readonly periodsPerYear?: number | undefined
  readonly correlation?: CorrelationOptions | undefined
  readonly moneyDecimals?: number | undefined
}

/** One rebalance of the run. */
export interface BarRebalance {
  readonly date: string
  readonly triggers: Triggers
  readonly orders: readonly RebalanceOrder[]
  readonly turnover: number
  readonly cost: string
}

/** A portfolio through the bars. */
export interface BarPath extends PathFigures {
  /** Value after each bar's trades, money. */
  readonly values: readonly string[]
  /** Growth of one, the cost of the first purchase included, money paid in and out left out. */
  readonly growth: readonly number[]
  readonly rebalances: readonly BarRebalance[]
  /** Sum of the turnovers, the first purchase left out. */
  readonly oneWayTurnover: number
  /** All fees and half spreads, money. */
  readonly cost: string
  /** All dividends received, less those owed for short positions, money. */
  readonly dividends: string
  readonly holdings: Holdings
}

/** What a crisis did. */
export interface CrisisResult extends Crisis {
  /** Return from the last bar before it to its last bar. */
  readonly portfolio: number
  readonly benchmark: number
  /** Deepest fall within it, from the start of it. */
  readonly portfolioDrawdown: number
  readonly benchmarkDrawdown: number
}

/** What a run came to. */
export interface AllocationBacktest {
  readonly dates: readonly string[]
  readonly portfolio: BarPath
  /** 60 % stocks, 40 % bonds, brought back at the first bar of a month, at the same costs. */
  readonly benchmark: BarPath
  /** Those that the bars cover. */
  readonly crises: readonly CrisisResult[]
  /** Null where the bars are fewer than its window. */
  readonly correlation: CorrelationMonitor | null
}

/** Bars at most. */
const BARS_MAX = 100_000
const BENCHMARK_STOCKS = 0.6

/**
 * Runs an allocation over bars, in whole lots and exact money.
 *
 * On a desk: what this allocation, with these rules and costs, would have done, and how it went in the crises.
 *
 * @throws FafnirError those of `rebalance`, with the bar in `path`; ALLOCATION_INVALID for bars out of order
 * @example
 * const { portfolio, crises } = backtestAllocation({ instruments, targets, bars, startCash: '100000', benchmark })
 */
export function backtestAllocation(input: AllocationBacktestInput): AllocationBacktest {
  const { bars, benchmark } = input
  check.whole('bars.length', check.list('bars', bars, BARS_MAX).length, 2, BARS_MAX)
  const listed = check.list('instruments', input.instruments, INSTRUMENTS_MAX)
  const symbols = new Set(listed.map((item) => (item as { readonly symbol?: unknown } | null)?.symbol))
  for (const [i, bar] of bars.entries()) {
    check.object(`bars[${i}]`, bar, ['date', 'prices', 'flow', 'dividends'], ['date', 'prices'])
    check.date(`bars[${i}].date`, bar.date)
    checkDividends(`bars[${i}].dividends`, bar.dividends, symbols)
    if (i > 0 && bar.date <= bars[i - 1]!.date) throw check.invalid(`bars[${i}].date`, bar.date, 'dates that ascend')
  }
  check.object('benchmark', benchmark, ['stocks', 'bonds'], ['stocks', 'bonds'])
  const portfolio = run(input)
  const sixty = run({
    ...input,
    targets: [
      { sleeve: 'stocks', weight: BENCHMARK_STOCKS, instrument: benchmark.stocks },
      { sleeve: 'bonds', weight: 1 - BENCHMARK_STOCKS, instrument: benchmark.bonds },
    ],
    rules: { calendar: 'month' },
  })
  const dates = bars.map(({ date }) => date)
  const found = (input.crises ?? knownCrises).flatMap((crisis) =>
    crisisOf(crisis, dates, portfolio.growth, sixty.growth),
  )
  return { dates, portfolio, benchmark: sixty, crises: found, correlation: monitorOf(input, dates) }
}

function run(input: AllocationBacktestInput): BarPath {
  const { bars, instruments, rules = {} } = input
  const decimals = check.whole('moneyDecimals', input.moneyDecimals ?? MONEY_DECIMALS, 0, 12)
  const periodsPerYear = check.number('periodsPerYear', input.periodsPerYear ?? 12, 1, 1e6)
  let holdings: Holdings = { cash: input.startCash, positions: {} }
  const values: string[] = []
  const growth: number[] = []
  const rebalances: BarRebalance[] = []
  let [total, cost, paid, before] = [1, 0n, 0n, 0]
  for (const [i, bar] of bars.entries()) {
    const targets = typeof input.targets === 'function' ? input.targets(bars.slice(0, i + 1)) : input.targets
    const { date, prices, flow } = bar
    const received = dividendsOf(bar.dividends ?? {}, instruments, holdings, decimals)
    paid += received
    // The first bar is invested whatever the rules say.
    const asked = { instruments, targets, prices, date, moneyDecimals: decimals, rules: i === 0 ? {} : rules }
    const result = inBar(i, () => rebalance({ ...asked, ...withCash(holdings, flow, received, decimals) }))
    const [started, ended] = [Number(result.before.value), Number(result.after.value)]
    if (!(ended > 0)) throw check.invalid(`bars[${i}]`, ended, 'a portfolio above 0')
    // Money paid in is in the value before the trades, and was not there at the bar before.
    if (i > 0) total *= (started - Number(flow ?? '0')) / before
    total *= ended / started
    before = ended
    values.push(result.after.value)
    growth.push(total)
    cost += check.units(result.cost, COST_SCALE)
    if (result.orders.length > 0) rebalances.push(rebalanceOf(date, result))
    holdings = result.holdings
  }
  const path = growth.slice(1)
  const returns = path.map((value, i) => value / (i === 0 ? 1 : path[i - 1]!) - 1)
  const figures = figuresOf(path, returns, periodsPerYear)
  const oneWayTurnover = rebalances.reduce(
    (sum, { date, turnover }) => sum + (date === bars[0]!.date ? 0 : turnover),
    0,
  )
  return {
    ...figures,
    values,
    growth,
    rebalances,
    oneWayTurnover,
    cost: check.unitsText(cost, COST_SCALE, 2),
    dividends: check.unitsText(paid, decimals, Math.min(decimals, 2)),
    holdings,
  }
}

/** Dividends are cash; what they take more than there is has to be raised, as money paid out is. */
function withCash(
  holdings: Holdings,
  flow: string | undefined,
  received: bigint,
  decimals: number,
): Pick<RebalanceInput, 'holdings' | 'flow'> {
  if (received === 0n) return { holdings, flow }
  const scale = Math.max(decimals, ...[holdings.cash, flow ?? '0'].map(check.decimalsOf))
  const cash = check.units(holdings.cash, scale) + received * 10n ** BigInt(scale - decimals)
  if (cash >= 0n) return { holdings: { ...holdings, cash: check.unitsText(cash, scale, 0) }, flow }
  const owed = check.units(flow ?? '0', scale) + cash
  return { holdings: { ...holdings, cash: '0' }, flow: check.unitsText(owed, scale, 0) }
}

/** Decimals in which costs are summed: those of the finest money. */
const COST_SCALE = 36

function rebalanceOf(date: string, { triggers, orders, turnover, cost }: Rebalance): BarRebalance {
  return { date, triggers, orders, turnover, cost }
}

function inBar<T>(index: number, step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw inPath(error, `bars[${index}]`)
  }
}

function inPath(error: unknown, path: string): unknown {
  if (!(error instanceof FafnirError)) return error
  const fields = { ...error.fields, path: `${path}.${String(error.fields['path'] ?? error.fields['symbol'] ?? '')}` }
  return fail(error.code, `${path}: ${error.message}`, fields, error)
}

function crisisOf(
  crisis: Crisis,
  dates: readonly string[],
  portfolio: readonly number[],
  benchmark: readonly number[],
): readonly CrisisResult[] {
  const start = dates.filter((date) => date < crisis.from).length - 1
  const inside = dates.flatMap((date, i) => (date >= crisis.from && date <= crisis.to ? [i] : []))
  const end = inside.at(-1)
  // Half a crisis says nothing: the bars must begin before it and go on after it.
  if (start < 0 || end === undefined || dates.at(-1)! < crisis.to) return []
  const change = (path: readonly number[]): number => path[end]! / path[start]! - 1
  const drawdown = (path: readonly number[]): number => {
    let [high, deepest] = [path[start]!, 0]
    for (const i of inside) {
      high = Math.max(high, path[i]!)
      deepest = Math.min(deepest, path[i]! / high - 1)
    }
    return deepest
  }
  return [
    {
      ...crisis,
      portfolio: change(portfolio),
      benchmark: change(benchmark),
      portfolioDrawdown: drawdown(portfolio),
      benchmarkDrawdown: drawdown(benchmark),
    },
  ]
}

function monitorOf(input: AllocationBacktestInput, dates: readonly string[]): CorrelationMonitor | null {
  const { bars, benchmark, correlation = {} } = input
  if (bars.length - 1 < (correlation.window ?? 36)) return null
  const returnsOf = (symbol: string): number[] =>
    bars.slice(1).map((bar, i) => {
      const end = Number(bar.prices[symbol]) + Number(bar.dividends?.[symbol] ?? '0')
      return end / Number(bars[i]!.prices[symbol]) - 1
    })
  return correlationMonitor(dates.slice(1), returnsOf(benchmark.stocks), returnsOf(benchmark.bonds), correlation)
}
