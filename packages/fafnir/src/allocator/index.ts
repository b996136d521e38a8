// Room card: fafnir/allocator
// In:    nothing.
// Out:   the Dragon portfolio: variants, sleeves, quadrants; the arithmetic of an allocation; rebalancing to orders.
// Holds: usable alone; the native module is opened only by what names it.
// Costs: loading.
export type { AllocationInstrument, BookInput, Holdings, TargetLine } from './book.js'
export {
  rebalance,
  type OrderReason,
  type Portfolio,
  type PortfolioLine,
  type Rebalance,
  type RebalanceInput,
  type RebalanceOrder,
} from './rebalance.js'
export {
  simulate,
  simulatedRules,
  type Bands,
  type PathFigures,
  type SimulateOptions,
  type SimulatedRebalance,
  type SimulatedRule,
  type Simulation,
} from './simulate.js'
export type { Skip } from './solve.js'
export type { Realised } from './tax-ledger.js'
export type { LossSale, TaxLot } from './tax-lots.js'
export type { RebalanceRules, Triggers } from './triggers.js'
export {
  quadrants,
  sleeveNames,
  sleeves,
  sleevesFor,
  variantNames,
  variants,
  type Quadrant,
  type QuadrantCard,
  type Sleeve,
  type SleeveCard,
  type SleevePercents,
  type Variant,
  type VariantName,
} from './variants.js'
