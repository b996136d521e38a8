// Room card: units
// In:    decimal text that a person or a file wrote.
// Out:   branded whole ticks and lots, and back to text.
// Holds: nothing is rounded: text off the grid is OFF_GRID; a brand is made only by its checked constructor.
// Costs: decimal.js, so the edge only; nothing here belongs on the path of an event.
import { Decimal } from 'decimal.js'

import { fail } from './errors.js'
import type { InstrumentConfig } from './generated/config.js'

declare const unit: unique symbol

/** A price as a whole number of the instrument's tick. */
export type PriceTicks = number & { readonly [unit]: 'ticks' }
/** A quantity as a whole number of the instrument's lot. Lots of different instruments are never added. */
export type QuantityLots = number & { readonly [unit]: 'lots' }

/** What the units of one instrument are worth. `id` is its place in the configuration, as in every event. */
export interface Instrument {
  readonly id: number
  readonly symbol: string
  readonly venue: string
  /** Price of one tick, exact, such as "0.1". */
  readonly tickSize: string
  /** Quantity of one lot, exact, such as "0.001". */
  readonly lotSize: string
  /** Decimals the venue prints for prices. */
  readonly priceDecimals: number
  /** Decimals the venue prints for quantities. */
  readonly quantityDecimals: number
  /** The nearest float of one tick, for models only. */
  readonly tick: number
  /** The nearest float of one lot, for models only. */
  readonly lot: number
  /** Value = price x quantity x multiplier, or quantity x multiplier / price. */
  readonly contract: 'linear' | 'inverse'
  /** The nearest float of the contract multiplier, for models only. */
  readonly multiplier: number
  /** The contract multiplier, exact. */
  readonly multiplierText: string
  /** Fees as rates of value, exact; a negative one is a rebate. */
  readonly makerFee: string
  readonly takerFee: string
  /** Order price steps: from this price on (ticks) orders keep to multiples of the step (ticks). First from 0. */
  readonly increments: readonly PriceIncrement[]
  /** Settlement currency. */
  readonly currency: string
  /** Decimals of the settlement currency's smallest unit. */
  readonly moneyScale: number
}

/** One step of an instrument's order price increments, in ticks. */
export interface PriceIncrement {
  readonly from: number
  readonly step: number
}

const DECIMAL_TEXT = /^-?\d+(\.\d+)?$/

/** The instruments of a configuration, by id. The configuration must have been checked. */
export function instrumentsOf(configs: readonly InstrumentConfig[]): readonly Instrument[] {
  return Object.freeze(
    configs.map((config, id) =>
      Object.freeze({
        id,
        symbol: config.symbol,
        venue: config.venue,
        tickSize: config.tickSize,
        lotSize: config.lotSize,
        priceDecimals: config.priceDecimals ?? new Decimal(config.tickSize).decimalPlaces(),
        quantityDecimals: config.quantityDecimals ?? new Decimal(config.lotSize).decimalPlaces(),
        tick: Number(config.tickSize),
        lot: Number(config.lotSize),
        contract: config.contract ?? 'linear',
        multiplier: Number(config.multiplier ?? '1'),
        multiplierText: config.multiplier ?? '1',
        makerFee: config.makerFee ?? '0',
        takerFee: config.takerFee ?? '0',
        increments: incrementsOf(config),
        currency: config.settlement?.currency ?? 'USDT',
        moneyScale: config.settlement?.scale ?? 8,
      }),
    ),
  )
}

function incrementsOf(config: InstrumentConfig): readonly PriceIncrement[] {
  const table = config.priceIncrements ?? []
  if (table.length === 0) return Object.freeze([{ from: 0, step: 1 }])
  return Object.freeze(
    table.map((row) => ({ from: priceTicks(config, row.fromPrice), step: priceTicks(config, row.increment) })),
  )
}

/**
 * A price in ticks from decimal text: `priceTicks(btc, '61800.2')`.
 * @throws FafnirError OFF_GRID with `value` and `tick` when the text is no decimal, off the tick or beyond 2^53 ticks.
 */
export function priceTicks(instrument: Pick<Instrument, 'tickSize'>, value: string): PriceTicks {
  return steps(value, instrument.tickSize, 'tick') as PriceTicks
}

/**
 * A quantity in lots from decimal text: `quantityLots(btc, '0.020')`.
 * @throws FafnirError OFF_GRID with `value` and `lot` when the text is no decimal, off the lot or beyond 2^53 lots.
 */
export function quantityLots(instrument: Pick<Instrument, 'lotSize'>, value: string): QuantityLots {
  return steps(value, instrument.lotSize, 'lot') as QuantityLots
}

function steps(value: string, step: string, name: 'tick' | 'lot'): number {
  if (typeof value !== 'string' || !DECIMAL_TEXT.test(value)) {
    throw fail('OFF_GRID', `${JSON.stringify(value)} is no decimal text`, { value: String(value), [name]: step })
  }
  const count = new Decimal(value).div(step)
  if (!count.isInteger() || !Number.isSafeInteger(count.toNumber())) {
    throw fail('OFF_GRID', `"${value}" is not a whole number of ${name}s of ${step}`, { value, [name]: step })
  }
  return count.toNumber()
}

/** A price as the venue prints it: `priceText(btc, 618002)` is "61800.2". */
export function priceText(instrument: Pick<Instrument, 'tickSize' | 'priceDecimals'>, ticks: number): string {
  return new Decimal(instrument.tickSize).mul(ticks).toFixed(instrument.priceDecimals)
}

/** A quantity as the venue prints it. */
export function quantityText(instrument: Pick<Instrument, 'lotSize' | 'quantityDecimals'>, lots: number): string {
  return new Decimal(instrument.lotSize).mul(lots).toFixed(instrument.quantityDecimals)
}

/** A price as a float of price units, for models only. */
export function priceFloat(instrument: Pick<Instrument, 'tick'>, ticks: number): number {
  return ticks * instrument.tick
}
