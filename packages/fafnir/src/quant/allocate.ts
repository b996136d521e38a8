// Room card: quant/allocate
// In:    a risk, expected returns, constraints, an objective.
// Out:   optimal weights with their objective, the residual of the optimality conditions, and measures.
// Holds: bounds hold exactly; the unit of the covariance does not matter; conflicts are named; never NaN.
// Costs: one quadratic program, or some ten, on the thread pool (bench: quant/min-variance).
import {
  constraintsJson,
  Arrays,
  riskJson,
  type AllocationOptions,
  type Constraints,
  type RiskInput,
} from './allocate-input.js'
import { roundToLots } from './allocate-simple.js'
import { call, first, needed, taken, type JobOptions, type Series } from './call.js'

/** Weights of an optimiser, per period of the covariance. */
export interface Allocation {
  /** One for each asset, in the order of the covariance. */
  readonly weights: Float64Array
  /** What was made smallest or largest; the function says which. */
  readonly objective: number
  /** Largest violation of the Karush-Kuhn-Tucker conditions, relative to the gradient's terms: at most 1e-10. */
  readonly residual: number
  /** Steps of the solver. */
  readonly steps: number
  /** √(wᵀΣw). */
  readonly volatility: number
  /** wᵀΣw. */
  readonly variance: number
  /** μᵀw; null where no expected returns were given. */
  readonly expectedReturn: number | null
  /** Sum of the weights. */
  readonly net: number
  /** Sum of their sizes. */
  readonly gross: number
  /** Sum of |weight - previous weight|; null without previous weights. */
  readonly turnover: number | null
  /** What the trades cost, by `buyCost` and `sellCost`. */
  readonly cost: number
  /** Largest over smallest eigenvalue of the covariance; Infinity where singular; null where not asked for. */
  readonly conditionNumber: number | null
  /** With `constraints.lot`: lots of each asset; weights are those of the lots, all else is of the optimum. */
  readonly lots?: Float64Array
  /** With `constraints.lot`: what whole lots left of the sum of the weights. */
  readonly cash?: number
}

type Numbers = Omit<Allocation, 'weights' | 'lots' | 'cash'>

interface Problem extends AllocationOptions {
  readonly expected?: Series
}

/**
 * Numbers of a problem that is solved at once, on this thread, unless progress is asked for: a covariance of 32 assets
 * takes a tenth of a millisecond, the way to the thread pool and back as much or more (bench: quant/min-variance-20).
 */
const NUMBERS_AT_ONCE_MAX = 1_152

/** With rows or costs the search for a start, for an optimum or for a conflict may take milliseconds. */
function isSmall({ groups = [], linear = [], turnoverMax, buyCost, sellCost }: Constraints): boolean {
  return [turnoverMax, buyCost, sellCost].every((given) => given === undefined) && groups.length + linear.length === 0
}

async function allocate(name: string, options: Problem, goal: object): Promise<Allocation> {
  const {
    covariance,
    returns,
    ddof,
    constraints = {},
    conditionNumber = true,
    expected,
    signal,
    onProgress,
    ...rest
  } = options
  const arrays = new Arrays()
  const risk = riskJson({ covariance, returns, ddof } as RiskInput, arrays)
  const problem = {
    ...rest,
    risk,
    expected: expected === undefined ? undefined : arrays.add(expected),
    constraints: constraintsJson(constraints, arrays),
    conditionNumber,
    goal,
  }
  const few = isSmall(constraints) ? NUMBERS_AT_ONCE_MAX : 0
  const answer = await call<Numbers>(name, { ...problem, signal, onProgress }, arrays.sheets, few)
  const { numbers } = answer
  const weights = first(answer.arrays)
  // JSON has no word for an infinite condition number.
  const known = { ...numbers, weights, conditionNumber: conditionNumber ? (numbers.conditionNumber ?? Infinity) : null }
  if (constraints.lot === undefined) return known
  const { lot, lower = 0, upper = 1 } = constraints
  return { ...known, ...roundToLots({ weights, lot, lower, upper }) }
}

/** Options of `minimumVariance`. */
export interface MinimumVarianceOptions extends AllocationOptions {
  /** Expected returns a period, only to be measured. */
  readonly expected?: Series
}

/**
 * The weights with the least variance; with costs the least ½ wᵀΣw + costs, which is the `objective`.
 *
 * Desk: the portfolio for someone who trusts risks and no forecast. Cost: one quadratic program.
 * @throws FafnirError QUANT_INFEASIBLE (`constraints` names those in conflict), QUANT_UNBOUNDED, QUANT_NOT_SYMMETRIC,
 * QUANT_NOT_POSITIVE_DEFINITE, QUANT_NOT_CONVERGED, QUANT_CANCELLED; those of the arguments
 * @example const { weights } = await minimumVariance({ returns, constraints: { upper: 0.1 } })
 */
export async function minimumVariance(options: MinimumVarianceOptions): Promise<Allocation> {
  return allocate('minimumVariance', taken(options), {})
}

/** What `meanVariance` looks for: one of these, per period of the covariance. */
export type MeanVarianceGoal =
  /** The highest μᵀw - γ/2 wᵀΣw - costs, γ at least 0. */
  | { readonly riskAversion: number }
  /** The least ½ wᵀΣw + costs that earns at least this. */
  | { readonly targetReturn: number }
  /** The least ½ wᵀΣw + costs that earns this. */
  | { readonly exactReturn: number }
  /** The highest μᵀw - costs with at most this volatility. */
  | { readonly targetVolatility: number }

/** Options of `meanVariance`. */
export interface MeanVarianceOptions extends AllocationOptions {
  /** Expected return of each asset, a period. */
  readonly expected: Series
  /** Risk aversion or a target. */
  readonly goal: MeanVarianceGoal
}

/**
 * The efficient portfolio of a risk aversion, a target return or a target volatility (Markowitz 1952); the `objective`
 * is the goal's.
 * @throws FafnirError those of `minimumVariance`; QUANT_INFEASIBLE names "target return" or "target volatility" where
 * that is what cannot be met
 */
export async function meanVariance(options: MeanVarianceOptions): Promise<Allocation> {
  const { goal, ...problem } = taken(options)
  needed(problem.expected, 'expected')
  return allocate('meanVariance', problem, needed(goal, 'goal'))
}

/** Options of `maximumSharpe`. */
export interface MaximumSharpeOptions extends AllocationOptions {
  /** Expected return of each asset, a period. */
  readonly expected: Series
  /** Risk-free rate, a period (default 0). */
  readonly riskFree?: number
}

/**
 * The weights with the highest Sharpe ratio (μᵀw - riskFree × Σw - costs)/√(wᵀΣw), which is the `objective`, a period.
 * @throws FafnirError QUANT_UNDEFINED where no portfolio earns more than the risk-free rate, or none is best; those of
 * `minimumVariance`
 */
export async function maximumSharpe(options: MaximumSharpeOptions): Promise<Allocation> {
  const { riskFree = 0, ...problem } = taken(options)
  needed(problem.expected, 'expected')
  return allocate('maximumSharpe', problem, { riskFree })
}

/**
 * The weights with the highest diversification ratio σᵀw/√(wᵀΣw) (Choueifaty and Coignard 2008), the `objective`.
 * @throws FafnirError QUANT_CONSTANT for an asset without variance; those of `minimumVariance`
 */
export async function maximumDiversification(options: MinimumVarianceOptions): Promise<Allocation> {
  return allocate('maximumDiversification', taken(options), {})
}

/** Options of `kellyWeights`. */
export interface KellyWeightsOptions extends AllocationOptions {
  /** Expected return of each asset, a period. */
  readonly expected: Series
  /** Risk-free rate, a period (default 0). */
  readonly riskFree?: number
  /** Part of the full portfolio, 0 to 1 (default 1); 0.5 and 0.25 are usual. */
  readonly fraction?: number
  /** Highest |weight| after the fraction; none by default. */
  readonly cap?: number
  /** Highest sum of |weights|; above it all shrink in proportion; none by default. */
  readonly grossMax?: number
}

/**
 * The weights of highest growth to second order, (μ - rf)ᵀw - ½ wᵀΣw, times the fraction, under the caps. They need not
 * sum to 1: the rest is cash or borrowed. Without `constraints` there are none: Σ⁻¹(μ - rf). The `objective` is the
 * growth of these weights; `residual` is that of the full portfolio.
 *
 * Source: Thorp (2006), section 7.
 * @throws FafnirError QUANT_UNBOUNDED where a portfolio without risk earns more than the risk-free rate;
 * QUANT_OUT_OF_RANGE; those of `minimumVariance`
 */
export async function kellyWeights(options: KellyWeightsOptions): Promise<Allocation> {
  const { riskFree = 0, fraction = 1, cap, grossMax, ...problem } = taken(options)
  needed(problem.expected, 'expected')
  const constrained = problem.constraints !== undefined
  const open = { budget: null, lower: -Infinity, upper: Infinity }
  const none = (value: number | undefined): number | undefined => (value === Infinity ? undefined : value)
  const goal = { riskFree, fraction, cap: none(cap), grossMax: none(grossMax), constrained }
  return allocate('kellyWeights', { ...problem, constraints: problem.constraints ?? open }, goal)
}

/** Options of `minimumCvar`. */
export interface MinimumCvarOptions extends JobOptions {
  /** Scenarios of returns, all equally probable: rows are scenarios, columns are assets. */
  readonly returns: AllocationOptions['returns'] & object
  /** Confidence level, 0 up to but not 1: 0.95 (default) is the mean of the worst 5 %. */
  readonly beta?: number
  /** With `expected`: the least return of the portfolio, a period. */
  readonly targetReturn?: number
  /** Expected return of each asset, a period. */
  readonly expected?: Series
  /** Long-only and fully invested by default. */
  readonly constraints?: AllocationOptions['constraints']
}

/** The portfolio of least expected shortfall. */
export interface MinimumCvar {
  /** One for each asset. */
  readonly weights: Float64Array
  /** Expected shortfall as a loss, costs of trading not among it. */
  readonly cvar: number
  /** The program's α: a value at risk, as a loss. */
  readonly var: number
  /** As in `Allocation`. */
  readonly lots?: Float64Array
  /** As in `Allocation`. */
  readonly cash?: number
}

/**
 * The weights with the least CVaR of losses -rᵀw: α + Σ (loss - α)⁺ / ((1 - β) T), costs of trading added; an exact
 * vertex of the linear program.
 *
 * Source: Rockafellar and Uryasev (2000). Cost: O(scenarios × assets) a step of the simplex method (bench:
 * quant/min-cvar).
 * @throws FafnirError QUANT_INFEASIBLE, QUANT_UNBOUNDED, QUANT_OUT_OF_RANGE (beta), QUANT_NOT_CONVERGED,
 * QUANT_CANCELLED; those of the arguments
 */
export async function minimumCvar(options: MinimumCvarOptions): Promise<MinimumCvar> {
  const { returns, beta = 0.95, expected, constraints = {}, signal, onProgress, ...rest } = taken(options)
  if (rest.targetReturn !== undefined) needed(expected, 'expected')
  const arrays = new Arrays()
  const problem = {
    ...rest,
    returns: arrays.add(needed(returns, 'returns')),
    beta,
    expected: expected === undefined ? undefined : arrays.add(expected),
    constraints: constraintsJson(constraints, arrays),
  }
  const answer = await call<Omit<MinimumCvar, 'weights'>>(
    'minimumCvar',
    { ...problem, signal, onProgress },
    arrays.sheets,
  )
  const weights = first(answer.arrays)
  if (constraints.lot === undefined) return { ...answer.numbers, weights }
  const { lot, lower = 0, upper = 1 } = constraints
  return { ...answer.numbers, ...roundToLots({ weights, lot, lower, upper }) }
}
