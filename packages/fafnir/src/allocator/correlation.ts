// Room card: allocator/correlation
// In:    returns of stocks and of bonds, period by period.
// Out:   their rolling correlation, what state it is in, and since when.
// Holds: a window without variation has no correlation and says so; nothing is filled in.
// Costs: O(periods × window).
import { fail } from '../errors.js'
import { number, whole } from './checks.js'

/** Parameters of the monitor. */
export interface CorrelationOptions {
  /** Periods of a window. Default: 36. */
  readonly window?: number | undefined
  /** Correlations beyond this, on either side, are a state of their own. Default: 0.2. */
  readonly threshold?: number | undefined
}

/** `hedging`: bonds rise when stocks fall. `together`: both fall at once, so that bonds do not protect. */
export type CorrelationState = 'hedging' | 'independent' | 'together'

/** One window. */
export interface CorrelationPoint {
  /** Label of its last period. */
  readonly label: string
  /** Pearson correlation; null where one of the two did not vary. */
  readonly correlation: number | null
  readonly state: CorrelationState | null
}

/** What the monitor shows. */
export interface CorrelationMonitor {
  readonly window: number
  readonly points: readonly CorrelationPoint[]
  readonly latest: CorrelationPoint
  /** Label of the first window of the unbroken run of windows in the latest state. */
  readonly since: string
  /** Correlation over all periods. */
  readonly whole: number | null
  /** What it means, in a sentence. */
  readonly meaning: string
}

const MEANING: Readonly<Record<CorrelationState, string>> = {
  hedging: 'bonds have risen when stocks fell: they protect, and a portfolio of both is safer than its parts',
  independent: 'stocks and bonds have moved without each other: bonds spread risk, but do not insure',
  together: 'stocks and bonds have fallen together: bonds have not protected; gold, trend and volatility have to',
}

/**
 * Rolling correlation of stocks and bonds. The case for 60/40 rests on it being below zero; the Dragon portfolio is
 * built for the decades in which it is not.
 * @throws FafnirError ALLOCATION_INVALID (ragged input, fewer periods than a window, NaN)
 */
export function correlationMonitor(
  labels: readonly string[],
  stocks: readonly number[],
  bonds: readonly number[],
  options: CorrelationOptions = {},
): CorrelationMonitor {
  const window = whole('window', options.window ?? 36, 3, 1_000_000)
  const threshold = number('threshold', options.threshold ?? 0.2, 0, 1)
  whole('stocks.length', stocks.length, window, 1_000_000)
  whole('bonds.length', bonds.length, stocks.length, stocks.length)
  whole('labels.length', labels.length, stocks.length, stocks.length)
  for (const [name, series] of [['stocks', stocks] as const, ['bonds', bonds] as const]) {
    series.forEach((value, i) => number(`${name}[${i}]`, value, -1, 1e6))
  }
  const points = labels.slice(window - 1).map((label, i): CorrelationPoint => {
    const correlation = correlationOf(stocks.slice(i, i + window), bonds.slice(i, i + window))
    return { label, correlation, state: correlation === null ? null : stateOf(correlation, threshold) }
  })
  const latest = points.at(-1)
  if (latest === undefined) throw fail('ALLOCATION_INVALID', 'no window', { path: 'stocks', value: '', allowed: '' })
  let first = points.length - 1
  while (first > 0 && points[first - 1]!.state === latest.state) first -= 1
  return {
    window,
    points,
    latest,
    since: points[first]!.label,
    whole: correlationOf(stocks, bonds),
    meaning: latest.state === null ? 'one of the two has not moved: there is no correlation' : MEANING[latest.state],
  }
}

function stateOf(correlation: number, threshold: number): CorrelationState {
  if (correlation < -threshold) return 'hedging'
  return correlation > threshold ? 'together' : 'independent'
}

/** Pearson correlation; null where one of the series does not vary. */
export function correlationOf(a: readonly number[], b: readonly number[]): number | null {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB] = [mean(a), mean(b)]
  let [both, squareA, squareB] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    const [x, y] = [value - meanA, b[i]! - meanB]
    both += x * y
    squareA += x * x
    squareB += y * y
  }
  if (squareA === 0 || squareB === 0) return null
  return Math.min(Math.max(both / Math.sqrt(squareA * squareB), -1), 1)
}
