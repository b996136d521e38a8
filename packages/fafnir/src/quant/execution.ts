// Room card: quant/execution
// In:    a quantity, a horizon, volatility, impact, risk aversion.
// Out:   the Almgren-Chriss schedule with cost and variance; the frontier over risk aversions.
// Holds: discrete form; holdings fall from the whole quantity to 0.
// Costs: a few hyperbolic functions an interval, on the thread pool.
import { call, first, type JobOptions, type Series } from './call.js'
import { Rows } from './rows.js'

/** Parameters, in one currency, one time unit and one quantity unit throughout. */
export interface AlmgrenChrissOptions extends JobOptions {
  /** Quantity to trade (X). */
  readonly quantity: number
  /** Time until it is traded (T). */
  readonly horizon: number
  /** Equal intervals (N). */
  readonly intervals: number
  /** Standard deviation of the price over a time unit (σ), price. */
  readonly volatility: number
  /** Permanent impact (γ), price per quantity. */
  readonly permanentImpact: number
  /** Temporary impact (η), price per quantity per time. */
  readonly temporaryImpact: number
  /** Half the spread and fees (ε), price (default 0). */
  readonly fixedCost?: number
  /** Risk aversion (λ), per currency; 0 trades evenly. */
  readonly riskAversion: number
}

/** A schedule, and what it costs. */
export interface Trajectory {
  /** Urgency (κ) per time unit. */
  readonly kappa: number
  /** Its continuous-time limit (κ̃). */
  readonly kappaTilde: number
  /** Temporary impact less half a permanent interval (η̃). */
  readonly etaTilde: number
  /** Expected shortfall against the arrival price. */
  readonly expectedCost: number
  /** Variance of the shortfall. */
  readonly variance: number
  /** Held at the start and after each trade: N + 1 values. */
  readonly holdings: Float64Array
  /** Traded in each interval: N values. */
  readonly trades: Float64Array
}

/**
 * Optimal execution with linear impact in discrete time (Almgren, Chriss 2000).
 * @throws FafnirError QUANT_OUT_OF_RANGE, QUANT_TOO_FEW, QUANT_TOO_LARGE, QUANT_UNDEFINED (half an interval's γ not
 * below η)
 */
export async function almgrenChriss(options: AlmgrenChrissOptions): Promise<Trajectory> {
  const given = { fixedCost: 0, ...options }
  const { numbers, arrays } = await call<Omit<Trajectory, 'holdings' | 'trades'>>('almgrenChriss', given, [])
  return { ...numbers, holdings: first(arrays), trades: arrays[1] ?? new Float64Array(0) }
}

/** A point of the efficient frontier of execution. */
export interface FrontierPoint {
  readonly riskAversion: number
  readonly expectedCost: number
  readonly variance: number
  /** 1/κ, the paper's half-life of the trade; Infinity at λ = 0. */
  readonly halfLife: number
}

/**
 * Cost against risk for each risk aversion.
 * @throws FafnirError those of `almgrenChriss`; QUANT_EMPTY
 */
export async function almgrenChrissFrontier(
  options: Omit<AlmgrenChrissOptions, 'riskAversion'>,
  riskAversions: Series,
): Promise<Rows<FrontierPoint>> {
  const given = { fixedCost: 0, ...options, riskAversion: 0 }
  const points = first((await call<null>('almgrenChrissFrontier', given, [riskAversions])).arrays)
  return new Rows<FrontierPoint>(points.length / 4, (index) => {
    const at = 4 * index
    return {
      riskAversion: points[at]!,
      expectedCost: points[at + 1]!,
      variance: points[at + 2]!,
      halfLife: points[at + 3]!,
    }
  })
}
