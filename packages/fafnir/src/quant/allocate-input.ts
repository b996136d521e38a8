// Room card: quant/allocate-input
// In:    a risk (covariance or returns) and constraints as a user gives them.
// Out:   the same for native code: names as JSON, every number of a bound in an array.
// Holds: infinite bounds cross as they are; a key that is not known is refused by native code, never ignored.
// Costs: one array a bound.
import { fail } from '../errors.js'
import type { Covariance } from './covariance.js'
import { missing, needed, taken, type JobOptions, type Series, type Sheet } from './call.js'
import type { MatrixInput } from './matrix.js'

/** Where risk is read from: a covariance, or returns whose sample covariance is taken. One of the two. */
export interface RiskInput {
  /** Assets × assets, per period; what `sampleCovariance` and its like return, or a matrix. */
  readonly covariance?: MatrixInput | Covariance
  /** Rows are observations, columns are assets. */
  readonly returns?: MatrixInput
  /** With `returns`: taken from the number of observations in the divisor, 1 (default) or 0. */
  readonly ddof?: 0 | 1
}

/** The sum of the weights of some assets lies within bounds. */
export interface Group {
  /** What a conflict calls it. */
  readonly name: string
  /** Its assets: their places, from 0, or their names where `assets` gives names. */
  readonly members: readonly (number | string)[]
  /** Lowest sum of weights; none by default. */
  readonly lower?: number
  /** Highest sum of weights; none by default. */
  readonly upper?: number
}

/** A weighted sum of the weights lies within bounds. */
export interface LinearConstraint {
  /** What a conflict calls it. */
  readonly name: string
  /** One for each asset: betas, durations, scores. */
  readonly coefficients: Series
  /** Lowest value; none by default. */
  readonly lower?: number
  /** Highest value; none by default. */
  readonly upper?: number
}

/** What a portfolio must meet, and what trading to it costs. By default it is long-only and fully invested. */
export interface Constraints {
  /** Names for conflicts and groups; without them assets are numbered from 0. */
  readonly assets?: readonly string[]
  /** Sum of the weights: 1 (default) is fully invested; null leaves it open. */
  readonly budget?: number | null
  /** Lowest weight, for all or for each; 0 by default; -Infinity allows any short position. */
  readonly lower?: number | Series
  /** Highest weight, for all or for each; 1 by default; Infinity for none. */
  readonly upper?: number | Series
  /** Sums of weights within bounds. */
  readonly groups?: readonly Group[]
  /** Weighted sums within bounds. */
  readonly linear?: readonly LinearConstraint[]
  /** Weights held now; turnover and costs need them. */
  readonly previous?: Series
  /** Highest sum of |weight - previous weight|: buys plus sells. */
  readonly turnoverMax?: number
  /** Cost of buying one unit of weight, in the unit of the objective, for all or for each; 0 by default. */
  readonly buyCost?: number | Series
  /** Cost of selling one unit of weight. */
  readonly sellCost?: number | Series
  /**
   * Weight of the smallest lot (lot size × price / capital), for all or for each: the optimum is then brought to whole
   * lots within its bounds, as `roundToLots` does; groups and linear constraints may be missed by less than a lot.
   */
  readonly lot?: number | Series
}

/** The arrays of a call; JSON names each by its place. */
export class Arrays {
  readonly sheets: Sheet[] = []

  /** The place of one more array. */
  add(sheet: Sheet): number {
    return this.sheets.push(sheet) - 1
  }

  /** The place of a number for all, or of one for each. */
  perAsset(value: number | Series): number {
    return this.add(typeof value === 'number' ? [value] : value)
  }
}

/** A covariance as it is, with the condition number where its maker told it. */
export function covarianceOf(covariance: MatrixInput | Covariance): MatrixInput {
  return typeof covariance === 'object' && covariance !== null && 'matrix' in covariance
    ? covariance.matrix
    : covariance
}

/** The risk for native code. */
export function riskJson({ covariance, returns, ddof }: RiskInput, arrays: Arrays): object {
  if ((covariance === undefined) === (returns === undefined)) {
    throw fail('ARGUMENT_INVALID', 'either covariance or returns is given', { path: 'covariance, returns' })
  }
  if (covariance !== undefined) {
    if (ddof !== undefined) throw fail('ARGUMENT_INVALID', 'ddof is for returns', { path: 'ddof' })
    return { covariance: arrays.add(covarianceOf(covariance)) }
  }
  return { returns: { at: arrays.add(needed(returns, 'returns')), ddof: ddof ?? 1 } }
}

function placesOf(group: Group, at: number, places: ReadonlyMap<string, number>): number[] {
  const path = `constraints.groups[${at}].members`
  if (!Array.isArray(group.members)) throw missing(path)
  return (group.members as readonly (number | string)[]).map((member) => {
    if (typeof member !== 'string') return member
    const place = places.get(member)
    if (place !== undefined) return place
    throw fail('ARGUMENT_INVALID', `group ${group.name}: no asset ${member}`, { path, member })
  })
}

/** An end of a constraint: none where it is not given. */
function end(value: number | undefined, none: number): number {
  return value === undefined ? none : value
}

/** The constraints for native code; `lot` is not among them. */
export function constraintsJson(constraints: Constraints, arrays: Arrays): object {
  const { lower, upper, groups, linear, previous, buyCost, sellCost, lot, ...rest } = taken(constraints)
  void lot
  const budget = rest.budget === undefined ? 1 : rest.budget
  const turnoverMax = rest.turnoverMax === Infinity ? undefined : rest.turnoverMax
  const places = new Map((rest.assets ?? []).map((name, place) => [name, place] as const))
  const bounds = (given: Group | LinearConstraint): number =>
    arrays.add([end(given.lower, -Infinity), end(given.upper, Infinity)])
  return {
    ...rest,
    budget,
    turnoverMax,
    lower: arrays.perAsset(lower ?? 0),
    upper: arrays.perAsset(upper ?? 1),
    groups: groups?.map((group, at) => {
      const { name, members, lower: _low, upper: _high, ...unknown } = group
      void members
      return { ...unknown, name, members: arrays.add(placesOf(group, at, places)), bounds: bounds(group) }
    }),
    linear: linear?.map((row, at) => {
      const { name, coefficients, lower: _low, upper: _high, ...unknown } = row
      const place = arrays.add(needed(coefficients, `constraints.linear[${at}].coefficients`))
      return { ...unknown, name, coefficients: place, bounds: bounds(row) }
    }),
    previous: previous === undefined ? undefined : arrays.add(previous),
    buyCost: buyCost === undefined ? undefined : arrays.perAsset(buyCost),
    sellCost: sellCost === undefined ? undefined : arrays.perAsset(sellCost),
  }
}

/** What every allocator of an optimiser takes. */
export interface AllocationOptions extends JobOptions, RiskInput {
  /** Long-only and fully invested by default. */
  readonly constraints?: Constraints
  /** Tell the condition number of the covariance: its eigenvalues cost assets³ (default true). */
  readonly conditionNumber?: boolean
}
