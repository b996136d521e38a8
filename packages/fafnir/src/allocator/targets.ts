// Room card: allocator/targets
// In:    percent by sleeve (a variant's, a profile's), what fills each sleeve, the exposure a rule asks for.
// Out:   targets of a rebalance.
// Holds: weights add up to one: what a rule does not use of its sleeve, or sells short, is cash; a sleeve without an
//        instrument is refused, never left out.
// Costs: cold path.
import { fail } from '../errors.js'
import type { TargetLine } from './book.js'
import * as check from './checks.js'
import { sleeveNames, variantNames, variants, type Sleeve, type SleevePercents, type VariantName } from './variants.js'

/** What is held for a sleeve. */
export interface SleeveFill {
  /** Symbol. */
  readonly instrument: string
  /** Symbol that is bought while the first may not be. */
  readonly substitute?: string | undefined
  /** Part of the sleeve that is invested, as a rule asks for it (`trendExposure`); below 0 is short. Default: 1. */
  readonly exposure?: number | undefined
}

/** What is held for each sleeve; `cash` needs nothing. */
export type SleeveFills = Readonly<Partial<Record<Sleeve, SleeveFill>>>

/** The percents of a variant by its name. @throws FafnirError ALLOCATION_INVALID */
export function percentsOf(name: VariantName): SleevePercents {
  return variants[check.word('variant', name, variantNames)].percents
}

/**
 * Targets from percents. Sleeves that are filled and have no percent get weight 0, so that what is held is sold.
 * @throws FafnirError WEIGHTS_SUM, SLEEVE_UNFILLED with `sleeve`, ALLOCATION_INVALID
 * @example
 * targetsOf(variants.standard.percents, { equity: { instrument: 'VT' }, gold: { instrument: 'GLD' }, … })
 */
export function targetsOf(percents: SleevePercents, fills: SleeveFills): readonly TargetLine[] {
  check.object('percents', percents, sleeveNames)
  check.object(
    'fills',
    fills,
    sleeveNames.filter((sleeve) => sleeve !== 'cash'),
  )
  const given = sleeveNames.map((sleeve) => check.number(`percents.${sleeve}`, percents[sleeve] ?? 0, 0, 100))
  check.sumsToOne(
    'percents',
    given.map((percent) => percent / 100),
  )
  const lines: TargetLine[] = []
  let cash = (percents.cash ?? 0) / 100
  for (const [i, sleeve] of sleeveNames.entries()) {
    const weight = given[i]! / 100
    const fill = fills[sleeve]
    if (sleeve === 'cash') continue
    if (fill === undefined) {
      if (weight === 0) continue
      throw fail('SLEEVE_UNFILLED', `nothing fills the sleeve ${sleeve}`, { path: `fills.${sleeve}`, sleeve })
    }
    check.object(`fills.${sleeve}`, fill, ['instrument', 'substitute', 'exposure'], ['instrument'])
    const exposure = check.number(`fills.${sleeve}.exposure`, fill.exposure ?? 1, -1, 1)
    cash += weight * (1 - exposure)
    const { instrument, substitute } = fill
    lines.push({ sleeve, weight: weight * exposure, instrument, ...(substitute === undefined ? {} : { substitute }) })
  }
  return [...lines, { sleeve: 'cash', weight: cash }]
}
