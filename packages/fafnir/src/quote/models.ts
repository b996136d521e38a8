// Room card: quote/models
// In:    prices, inventory, σ, γ, κ, A; the unit of each stands in its key.
// Out:   reservation prices, spreads and quotes of Avellaneda-Stoikov and of GLFT; the paper's experiment.
// Holds: the core's own functions, to the bit; what they cannot take is PARAMETER_OUT_OF_RANGE with name and range.
// Costs: a native call, some 100 ns; where parameters are named, some microseconds.
import { fail } from '../errors.js'
import { guarded, native } from '../native.js'

/** A value for each side of our quotes. */
export interface BySide<T> {
  /** What fills our bid. */
  readonly bid: T
  /** What fills our ask. */
  readonly ask: T
}

/** Inputs of the reservation price. */
export interface ReservationInputs {
  /** Mid or fair value s, price. */
  readonly midPrice: number
  /** Inventory q, base units, positive when long. */
  readonly inventoryBase: number
  /** γ, 1/money. */
  readonly riskAversionPerMoney: number
  /** σ (not σ²), price per √second. */
  readonly volatilityPricePerSqrtSecond: number
  /** T-t, seconds: the unit of time of σ. */
  readonly horizonSeconds: number
  /** μ, price per second: moves the fair value by μ·(T-t). Default 0. */
  readonly driftPricePerSecond?: number
}

/**
 * The price at which a maker is indifferent to one more unit: s + μ(T-t) - q·γ·σ²·(T-t) (Avellaneda & Stoikov 2008,
 * section 3.2).
 *
 * @example
 * reservationPrice({ midPrice: 100, inventoryBase: 1, riskAversionPerMoney: 0.1, volatilityPricePerSqrtSecond: 2,
 *   horizonSeconds: 1 }) // 99.6
 */
export function reservationPrice(inputs: ReservationInputs): number {
  const { midPrice, inventoryBase, riskAversionPerMoney, volatilityPricePerSqrtSecond, horizonSeconds } = inputs
  const fair = midPrice + (inputs.driftPricePerSecond ?? 0) * horizonSeconds
  return guarded(() =>
    native().reservationPrice(fair, inventoryBase, riskAversionPerMoney, volatilityPricePerSqrtSecond, horizonSeconds),
  )
}

/** Inputs of the spread. */
export interface SpreadInputs {
  /** γ, 1/money. */
  readonly riskAversionPerMoney: number
  /** κ, 1/price. */
  readonly intensityDecayPerPrice: number
}

/** The spread's part for the chance of being hit: (2/γ)·ln(1 + γ/κ), price from bid to ask. */
export function intensitySpread(inputs: SpreadInputs): number {
  return guarded(() => native().intensitySpread(inputs.riskAversionPerMoney, inputs.intensityDecayPerPrice))
}

/** The spread's part for holding inventory: γ·σ²·(T-t), price from bid to ask. */
export function inventorySpread(
  inputs: Pick<ReservationInputs, 'riskAversionPerMoney' | 'volatilityPricePerSqrtSecond' | 'horizonSeconds'>,
): number {
  const { riskAversionPerMoney, volatilityPricePerSqrtSecond, horizonSeconds } = inputs
  return guarded(() => native().inventorySpread(riskAversionPerMoney, volatilityPricePerSqrtSecond, horizonSeconds))
}

/**
 * The whole spread from bid to ask (not half of it): `intensitySpread`, plus `inventorySpread` unless
 * `inventoryTerm` is false.
 */
export function fullSpread(
  inputs: SpreadInputs &
    Pick<ReservationInputs, 'volatilityPricePerSqrtSecond' | 'horizonSeconds'> & { readonly inventoryTerm?: boolean },
): number {
  const intensity = intensitySpread(inputs)
  return inputs.inventoryTerm === false ? intensity : intensity + inventorySpread(inputs)
}

/** Inputs of the infinite horizon. */
export interface StationaryInputs {
  /** Mid or fair value s, price. */
  readonly midPrice: number
  /** Inventory q, base units. */
  readonly inventoryBase: number
  /** Size of one order, base units. Default 1, as in the paper. */
  readonly orderBase?: number
  /** γ, 1/money. */
  readonly riskAversionPerMoney: number
  /** What bounds the horizon: the paper's choice for an inventory within ±`maxInventoryBase` (σ then cancels), or ω. */
  readonly bound:
    | { readonly maxInventoryBase: number }
    | { readonly discountPerSecond: number; readonly volatilityPricePerSqrtSecond: number }
  /**
   * `indifference` (default): the ask that the paper's definition gives, the mirror image of its bid. `printed`: the
   * ask as section 2.3 prints it, which agrees with the other to first order.
   */
  readonly form?: 'indifference' | 'printed'
}

/**
 * Reservation prices of the infinite horizon (section 2.3). A side is null at its inventory bound, where no price makes
 * up for one more order. Quotes stand half an `intensitySpread` outside of them.
 * @throws FafnirError PARAMETER_OUT_OF_RANGE: `name`, `value`, `low`, `high`; or `inventory` and `bound`
 */
export function stationaryPrices(inputs: StationaryInputs): BySide<number | null> {
  const { bound, form, orderBase, ...rest } = inputs
  return call('stationaryPrices', { ...rest, ...bound, orderBase: orderBase ?? 1, printed: form === 'printed' })
}

/** Inputs of the GLFT model. One number stands for both sides. */
export interface GlftInputs {
  /** γ, 1/money: aversion to the risk of inventory. */
  readonly riskAversionPerMoney: number
  /** ξ, 1/money: aversion to the risk of not being filled. Default: γ. */
  readonly fillAversionPerMoney?: number
  /** Δ, base units: size of one order. Default 1. */
  readonly orderBase?: number
  /** A, 1/second. */
  readonly arrivalsPerSecond: number | BySide<number>
  /** k, 1/price. */
  readonly intensityDecayPerPrice: number | BySide<number>
  /** σ, price per √second. */
  readonly volatilityPricePerSqrtSecond: number
  /** μ, price per second. Default 0. */
  readonly driftPricePerSecond?: number
  /** Fair value the quotes stand around. Default 0: `bidPrice` and `askPrice` are then distances. */
  readonly fairPrice?: number
  /** Inventory q, base units. Default 0. */
  readonly inventoryBase?: number
}

/** What the GLFT model says. */
export interface GlftResult {
  /** c1 of each side, price. */
  readonly c1Price: BySide<number>
  /** c2, √second per base unit. */
  readonly c2: number
  /** c1 + ½·Δ·σ·c2 of each side, price. */
  readonly halfSpreadPrice: BySide<number>
  /** σ·c2: how far both quotes move for one base unit of inventory, price. */
  readonly skewPricePerBase: number
  /** How far both quotes move down for the sides' difference and the drift, price. */
  readonly shiftPrice: number
  readonly bidPrice: number
  readonly askPrice: number
}

/**
 * Quotes of Guéant, Lehalle and Fernandez-Tapia's asymptotic solution, with ξ, Δ, sides that differ and drift.
 * @throws FafnirError PARAMETER_OUT_OF_RANGE: `name`, `value`, `low`, `high`
 */
export function glft(inputs: GlftInputs): GlftResult {
  const { intensityDecayPerPrice, arrivalsPerSecond, ...rest } = inputs
  const found = call<Record<string, number> & { c1Price: Pair; halfSpreadPrice: Pair }>('glftQuote', {
    fillAversionPerMoney: inputs.riskAversionPerMoney,
    orderBase: 1,
    driftPricePerSecond: 0,
    fairPrice: 0,
    inventoryBase: 0,
    ...rest,
    arrivalsPerSecond: bothSides(arrivalsPerSecond),
    decayPerPrice: bothSides(intensityDecayPerPrice),
  })
  const [bid, ask] = found.c1Price
  const [bidHalf, askHalf] = found.halfSpreadPrice
  return {
    ...(found as unknown as GlftResult),
    c1Price: { bid, ask },
    halfSpreadPrice: { bid: bidHalf, ask: askHalf },
  }
}

type Pair = readonly [number, number]

function bothSides(value: number | BySide<number>): Pair {
  // What is neither goes on as it is, to be refused by the one check.
  return typeof value === 'object' && value !== null ? [value.bid, value.ask] : [value, value]
}

/** Parameters of the paper's experiment; the defaults are the paper's with γ = 0.1. */
export interface ExperimentOptions {
  /** Paths, 2 to a million. Default 1000. */
  readonly paths?: number
  /** Seed of prices and fills, a whole number from 0. Default 1. */
  readonly seed?: number
  /** Default 100. */
  readonly startPrice?: number
  /** T. Default 1. */
  readonly horizonSeconds?: number
  /** dt. Default 0.005. */
  readonly stepSeconds?: number
  /** σ. Default 2. */
  readonly volatilityPricePerSqrtSecond?: number
  /** γ. Default 0.1. */
  readonly riskAversionPerMoney?: number
  /** A. Default 140. */
  readonly arrivalsPerSecond?: number
  /** κ. Default 1.5. */
  readonly decayPerPrice?: number
}

/** One strategy of the experiment. */
export interface ExperimentStrategy {
  readonly meanSpreadPrice: number
  readonly pnlMean: number
  readonly pnlSd: number
  readonly inventoryMean: number
  readonly inventorySd: number
  /** P&L of every path. */
  readonly pnl: readonly number[]
  /** Inventory at T of every path. */
  readonly finalInventory: readonly number[]
}

/** What the experiment found. */
export interface ExperimentResult {
  /** Quotes r ± δ/2. */
  readonly inventory: ExperimentStrategy
  /** Quotes s ± half the other's mean spread. */
  readonly symmetric: ExperimentStrategy
  /** The first path of the inventory strategy. */
  readonly path: readonly {
    readonly seconds: number
    readonly midPrice: number
    readonly reservationPrice: number
    readonly bidPrice: number
    readonly askPrice: number
    readonly inventory: number
  }[]
}

/**
 * The simulation of section 3.3 of Avellaneda & Stoikov: inventory strategy against symmetric quotes of the same mean
 * spread, on the same prices. Same seed, same numbers.
 * @throws FafnirError PARAMETER_OUT_OF_RANGE; ARGUMENT_INVALID for a seed or paths that are no whole number
 */
export function paperExperiment(options: ExperimentOptions = {}): ExperimentResult {
  return call('paperExperiment', {
    paths: 1_000,
    seed: 1,
    startPrice: 100,
    horizonSeconds: 1,
    stepSeconds: 0.005,
    volatilityPricePerSqrtSecond: 2,
    riskAversionPerMoney: 0.1,
    arrivalsPerSecond: 140,
    decayPerPrice: 1.5,
    ...options,
  })
}

function call<T>(name: 'stationaryPrices' | 'glftQuote' | 'paperExperiment', parameters: object): T {
  const json = numbersJson(parameters)
  return JSON.parse(guarded(() => native()[name](json))) as T
}

/** JSON of named numbers. JSON has no NaN and no infinity: they are refused here, by name. */
export function numbersJson(parameters: object): string {
  return JSON.stringify(parameters, (name, value: unknown) => {
    if (typeof value !== 'number' || Number.isFinite(value)) return value
    throw fail('PARAMETER_OUT_OF_RANGE', `${name} is ${value}, which is no finite number`, {
      name,
      value: String(value),
    })
  })
}
