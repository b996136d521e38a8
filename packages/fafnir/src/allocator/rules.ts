// Room card: allocator/rules
// In:    price series of what a rule trades, oldest first; premiums of puts, or a volatility to price them at.
// Out:   the exposure a rule asks for in each period and what it returns, cost apart: trend and long volatility.
// Holds: the exposure of a period is decided by prices before it: nothing looks ahead.
// Costs: O(periods × window); a premium by model is one call of the native module.
import { greeks } from '../quant/options.js'
import { invalid, list, number, object, whole } from './checks.js'

/** Parameters of a trend rule. */
export interface TrendOptions {
  /** Periods whose return gives the sign. Default: 12. */
  readonly lookback?: number | undefined
  /** Periods of returns that the volatility is taken from. Default: 36. */
  readonly volatilityWindow?: number | undefined
  /** Volatility a year that the exposure aims at. Default: 0.10. */
  readonly targetVolatility?: number | undefined
  /** Largest exposure, in parts of the sleeve. Default: 1. */
  readonly exposureMax?: number | undefined
  /** Default: 12. */
  readonly periodsPerYear?: number | undefined
  /** Sells short when the trend is down; else it stays in cash. Default: true. */
  readonly short?: boolean | undefined
}

/** One period of a rule. */
export interface RulePeriod {
  /** Exposure through the period, in parts of the sleeve; below 0 is short. */
  readonly exposure: number
  /** Return of the sleeve, cost included. */
  readonly return: number
  /** Part of the return that is running cost, 0 or above: without it the return were higher by so much. */
  readonly cost: number
}

function checkedPrices(path: string, prices: readonly number[], least: number): void {
  whole(`${path}.length`, prices.length, least, 1_000_000)
  prices.forEach((price, i) => {
    if (!(price > 0 && Number.isFinite(price))) throw invalid(`${path}[${i}]`, price, 'a finite price above 0')
  })
}

/**
 * Exposure that time-series momentum asks for in the next period: the sign of the return over the lookback, scaled so
 * that the position has the target volatility (Moskowitz, Ooi and Pedersen 2012, with one lookback and a cap).
 * @param prices up to now, at least `max(lookback, volatilityWindow) + 1` of them.
 * @throws FafnirError ALLOCATION_INVALID
 */
export function trendExposure(prices: readonly number[], options: TrendOptions = {}): number {
  const { lookback, volatilityWindow, targetVolatility, exposureMax, periodsPerYear, short } = trendParameters(options)
  checkedPrices('prices', prices, Math.max(lookback, volatilityWindow) + 1)
  const last = prices.length - 1
  const direction = Math.sign(prices[last]! / prices[last - lookback]! - 1)
  const returns = prices.slice(-volatilityWindow - 1).map((price, i, all) => (i === 0 ? 0 : price / all[i - 1]! - 1))
  const volatility = deviation(returns.slice(1)) * Math.sqrt(periodsPerYear)
  const size = volatility === 0 ? exposureMax : Math.min(exposureMax, targetVolatility / volatility)
  return direction < 0 && !short ? 0 : direction * size
}

/**
 * A trend sleeve over a price series: period t runs from price t - 1 to price t at the exposure of the prices before.
 * @returns one period for each price from number `max(lookback, volatilityWindow) + 1` (from 0) on.
 * @throws FafnirError ALLOCATION_INVALID
 */
export function trendSleeve(prices: readonly number[], options: TrendOptions = {}): readonly RulePeriod[] {
  const { lookback, volatilityWindow } = trendParameters(options)
  const first = Math.max(lookback, volatilityWindow) + 1
  checkedPrices('prices', prices, first + 1)
  const window = first
  return prices.slice(first).map((price, i) => {
    const exposure = trendExposure(prices.slice(first + i - window, first + i), options)
    return { exposure, return: exposure * (price / prices[first + i - 1]! - 1), cost: 0 }
  })
}

function trendParameters(options: TrendOptions): Required<{ [K in keyof TrendOptions]: NonNullable<TrendOptions[K]> }> {
  return {
    lookback: whole('lookback', options.lookback ?? 12, 1, 10_000),
    volatilityWindow: whole('volatilityWindow', options.volatilityWindow ?? 36, 2, 10_000),
    targetVolatility: number('targetVolatility', options.targetVolatility ?? 0.1, 1e-6, 10),
    exposureMax: number('exposureMax', options.exposureMax ?? 1, 0, 10),
    periodsPerYear: number('periodsPerYear', options.periodsPerYear ?? 12, 1, 1e6),
    short: options.short ?? true,
  }
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

/** Parameters of a long-volatility overlay on an index of implied volatility. */
export interface VolatilityOverlayOptions {
  /** Part of the index's relative change that the sleeve gains. Default: 0.15. */
  readonly beta?: number | undefined
  /** Running cost of a period (roll and premium), in parts of the sleeve. Default: 0.01. */
  readonly carry?: number | undefined
}

/**
 * A long-volatility sleeve as an overlay on an index such as VIX: beta times its change, less the cost of holding it.
 * The index itself cannot be held; this is a model of what futures and options on it bring, its cost apart.
 * @param levels the index at the end of each period; a period for each level after the first.
 * @throws FafnirError ALLOCATION_INVALID (a return below -1 included: the parameters then lose more than all)
 */
export function volatilityOverlay(
  levels: readonly number[],
  options: VolatilityOverlayOptions = {},
): readonly RulePeriod[] {
  const beta = number('beta', options.beta ?? 0.15, 0, 10)
  const carry = number('carry', options.carry ?? 0.01, 0, 1)
  checkedPrices('levels', levels, 2)
  return levels.slice(1).map((level, i) => {
    const result = beta * (level / levels[i]! - 1) - carry
    if (result <= -1) throw invalid(`levels[${i + 1}]`, result, 'a beta and a carry that lose less than all')
    return { exposure: beta, return: result, cost: carry }
  })
}

/** Parameters of a sleeve of puts that are bought anew each period and held to their end. */
export interface PutOverlayOptions {
  /** Strike over the price at purchase. Default: 0.95. */
  readonly moneyness?: number | undefined
  /** Part of the sleeve spent on premiums each period. Default: 0.02. */
  readonly premiumBudget?: number | undefined
}

/** One period of a put overlay. */
export interface PutPeriod extends RulePeriod {
  /** Premium paid for one unit of the underlying, in parts of its price. */
  readonly premium: number
  /** What it paid at its end, in parts of the underlying's price at purchase. */
  readonly payoff: number
}

/** What premiums are priced from where none are quoted (Black, Scholes 1973; `greeks` of `fafnir/quant`). */
export interface PutModel {
  /** Implied volatility per √year at the start of each period, or one for all: 0.2 is 20 %. */
  readonly volatility: number | readonly number[]
  /** Default: 12. */
  readonly periodsPerYear?: number | undefined
  /** Continuous, per year. Default: 0. */
  readonly rate?: number | undefined
  /** Continuous, per year. Default: 0. */
  readonly dividendYield?: number | undefined
}

/**
 * A long-volatility sleeve of puts: each period so many are bought that their premium is the budget, and held to the
 * end.
 * @param prices of the underlying; a period for each after the first.
 * @param premiums for one unit at the start of each period, in parts of the price then, one less than prices; or the
 * model they are priced by, with what a quote would add (skew, spread) in its volatility.
 * @throws FafnirError ALLOCATION_INVALID (also for a premium that comes to nothing), NATIVE_MISSING with a model
 * @example
 * putOverlay(prices, { volatility: 0.22 }, { moneyness: 0.9, premiumBudget: 0.01 })
 */
export function putOverlay(
  prices: readonly number[],
  premiums: readonly number[] | PutModel,
  options: PutOverlayOptions = {},
): readonly PutPeriod[] {
  const moneyness = number('moneyness', options.moneyness ?? 0.95, 0.01, 2)
  const budget = number('premiumBudget', options.premiumBudget ?? 0.02, 0, 0.999)
  checkedPrices('prices', prices, 2)
  const quoted = isQuotes(premiums) ? premiums : modelPremiums(premiums, prices.length - 1, moneyness)
  whole('premiums.length', quoted.length, prices.length - 1, prices.length - 1)
  return quoted.map((premium, i) => {
    number(`premiums[${i}]`, premium, PREMIUM_MIN, 2)
    const payoff = Math.max(moneyness - prices[i + 1]! / prices[i]!, 0)
    const units = budget / premium
    return { exposure: units, return: units * payoff - budget, cost: budget, premium, payoff }
  })
}

/** A premium below this part of the price buys no number of puts that means anything. */
const PREMIUM_MIN = 1e-9

function isQuotes(premiums: readonly number[] | PutModel): premiums is readonly number[] {
  return Array.isArray(premiums)
}

function modelPremiums(model: PutModel, periods: number, moneyness: number): readonly number[] {
  object('premiums', model, ['volatility', 'periodsPerYear', 'rate', 'dividendYield'], ['volatility'])
  const years = 1 / number('premiums.periodsPerYear', model.periodsPerYear ?? 12, 1, 1e6)
  const rate = number('premiums.rate', model.rate ?? 0, -1, 1)
  const dividendYield = number('premiums.dividendYield', model.dividendYield ?? 0, -1, 1)
  const { volatility } = model
  const given = typeof volatility === 'number' ? Array.from({ length: periods }, () => volatility) : volatility
  whole('premiums.volatility.length', list('premiums.volatility', given, 1_000_000).length, periods, periods)
  return given.map((value, i) => {
    number(`premiums.volatility[${i}]`, value, 1e-6, 10)
    return greeks({ kind: 'put', spot: 1, strike: moneyness, years, rate, dividendYield, volatility: value }).price
  })
}
