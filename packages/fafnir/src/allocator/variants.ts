// Room card: allocator/variants
// In:    nothing; the variants are data.
// Out:   sleeves, the four quadrants and which sleeve answers which, the four variants of the Dragon portfolio.
// Holds: the one place of the variants' weights; whole percent that add up to 100; sleeves in one fixed order.
// Costs: nothing.

/**
 * The four states of an economy that the Dragon portfolio holds something for, after Artemis Capital Management, "The
 * Allegory of the Hawk and Serpent" (2020): years of growth, a bust with falling prices, inflation, and a currency that
 * loses its worth.
 */
export type Quadrant = 'secularGrowth' | 'deflationaryBust' | 'inflation' | 'fiatDevaluation'

/** A part of a portfolio with one task; what is bought for it (an instrument or a rule) is the user's choice. */
export type Sleeve =
  'equity' | 'longTreasuries' | 'tipsShortTerm' | 'gold' | 'commodities' | 'commodityTrend' | 'longVolatility' | 'cash'

/** A variant of the Dragon portfolio. */
export type VariantName = 'defensive' | 'balanced' | 'standard' | 'aggressive'

/** Weights of sleeves in whole percent of the portfolio's value; a sleeve that is absent has none. */
export type SleevePercents = Readonly<Partial<Record<Sleeve, number>>>

/** What a sleeve is for. */
export interface SleeveCard {
  readonly sleeve: Sleeve
  /** Its name for people. */
  readonly label: string
  /** The quadrant it is held for. */
  readonly answers: Quadrant
  /** Quadrants in which it tends to help as well. */
  readonly alsoAnswers: readonly Quadrant[]
  /** Why, in a sentence. */
  readonly why: string
}

/** A state of the economy in plain words. */
export interface QuadrantCard {
  readonly quadrant: Quadrant
  readonly label: string
  readonly means: string
}

/** A variant with its weights. */
export interface Variant {
  readonly name: VariantName
  readonly label: string
  /** Whole percent by sleeve; they add up to 100. */
  readonly percents: SleevePercents
  /** Who set these weights. */
  readonly source: string
}

/** The quadrants, in the order in which they are told. */
export const quadrants: readonly QuadrantCard[] = Object.freeze([
  {
    quadrant: 'secularGrowth',
    label: 'secular growth',
    means: 'output and profits grow for years, prices are steady',
  },
  {
    quadrant: 'deflationaryBust',
    label: 'deflationary bust',
    means: 'credit shrinks, prices and rates fall, markets break',
  },
  { quadrant: 'inflation', label: 'inflation', means: 'prices of goods rise faster than rates make up for' },
  {
    quadrant: 'fiatDevaluation',
    label: 'fiat devaluation',
    means: 'debts are paid by printing; the currency loses its worth',
  },
])

/** The sleeves, in the order in which weights are listed. */
export const sleeves: readonly SleeveCard[] = Object.freeze([
  {
    sleeve: 'equity',
    label: 'secular equities',
    answers: 'secularGrowth',
    alsoAnswers: [],
    why: 'a share of what companies earn grows with the economy',
  },
  {
    sleeve: 'longTreasuries',
    label: 'long-duration treasuries',
    answers: 'deflationaryBust',
    alsoAnswers: ['secularGrowth'],
    why: 'fixed payments far in the future gain the most when rates fall',
  },
  {
    sleeve: 'tipsShortTerm',
    label: 'inflation-linked and short-term bonds',
    answers: 'inflation',
    alsoAnswers: ['deflationaryBust'],
    why: 'payments follow the price index, or mature before inflation has eaten them',
  },
  {
    sleeve: 'gold',
    label: 'gold',
    answers: 'fiatDevaluation',
    alsoAnswers: ['inflation'],
    why: 'nobody can print it and it is nobody’s debt',
  },
  {
    sleeve: 'commodities',
    label: 'commodities',
    answers: 'inflation',
    alsoAnswers: [],
    why: 'it is the prices of goods that rise',
  },
  {
    sleeve: 'commodityTrend',
    label: 'commodity trend',
    answers: 'inflation',
    alsoAnswers: ['deflationaryBust'],
    why: 'shortages and gluts move for months; a trend rule is long in the one and short in the other',
  },
  {
    sleeve: 'longVolatility',
    label: 'long volatility',
    answers: 'deflationaryBust',
    alsoAnswers: ['fiatDevaluation'],
    why: 'pays when markets move far, at a running cost while they do not',
  },
  {
    sleeve: 'cash',
    label: 'cash',
    answers: 'deflationaryBust',
    alsoAnswers: [],
    why: 'keeps its worth while prices fall, and is there when it is needed',
  },
] as const)

/**
 * The variants. `standard` is equal capital in five sleeves; `standardErc` gives the same sleeves equal risk.
 *
 * @example
 * import { variants } from 'fafnir/allocator'
 * variants.standard.percents.gold // 20
 */
export const variants: Readonly<Record<VariantName, Variant>> = Object.freeze({
  defensive: {
    name: 'defensive',
    label: 'Defensive',
    percents: { equity: 10, tipsShortTerm: 40, gold: 20, commodities: 10, cash: 20 },
    source: 'policy of this product',
  },
  balanced: {
    name: 'balanced',
    label: 'Balanced',
    percents: {
      equity: 15,
      longTreasuries: 10,
      tipsShortTerm: 20,
      gold: 20,
      commodityTrend: 15,
      longVolatility: 10,
      cash: 10,
    },
    source: 'policy of this product, between Defensive and Standard',
  },
  standard: {
    name: 'standard',
    label: 'Standard',
    percents: { equity: 20, longTreasuries: 20, gold: 20, commodityTrend: 20, longVolatility: 20 },
    source: 'equal capital in the five sleeves of Artemis (2020)',
  },
  aggressive: {
    name: 'aggressive',
    label: 'Aggressive',
    percents: { equity: 30, longTreasuries: 10, gold: 20, commodityTrend: 25, longVolatility: 15 },
    source: 'policy of this product',
  },
})

/** The names of the variants, from the least risk to the most. */
export const variantNames: readonly VariantName[] = Object.freeze(['defensive', 'balanced', 'standard', 'aggressive'])

/** Sleeves in their listed order, for checks and tables. */
export const sleeveNames: readonly Sleeve[] = Object.freeze(sleeves.map((card) => card.sleeve))

/** The sleeves of a portfolio that answer a quadrant, those held for it first. */
export function sleevesFor(quadrant: Quadrant, percents: SleevePercents): readonly Sleeve[] {
  const held = sleeves.filter((card) => (percents[card.sleeve] ?? 0) > 0)
  const first = held.filter((card) => card.answers === quadrant)
  const also = held.filter((card) => card.alsoAnswers.includes(quadrant))
  return [...first, ...also].map((card) => card.sleeve)
}
