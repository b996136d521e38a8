// Room card: fafnir/allocator
// In:    nothing.
// Out:   the Dragon portfolio: variants, sleeves, quadrants; the arithmetic of an allocation; rebalancing to orders.
// Holds: usable alone; the native module is opened only by what names it.
// Costs: loading.
export {
  backtestAllocation,
  type AllocationBacktest,
  type AllocationBacktestInput,
  type BarPath,
  type BarRebalance,
  type CrisisResult,
  type PriceBar,
} from './bars.js'
export type { AllocationInstrument, BookInput, Holdings, TargetLine } from './book.js'
export {
  correlationMonitor,
  correlationOf,
  type CorrelationMonitor,
  type CorrelationOptions,
  type CorrelationPoint,
  type CorrelationState,
} from './correlation.js'
export { crises, type Crisis } from './crises.js'
export type { Dividends } from './dividends.js'
export { standardErc, type CovarianceEstimator, type StandardErc, type StandardErcOptions } from './erc.js'
export { rebalanceStrategy, type ExecuteOptions, type ExecutedOrder, type RebalanceExecution } from './execute.js'
export {
  engineInstruments,
  gateOrders,
  requireGate,
  type GateOptions,
  type GateRefusal,
  type GateVerdict,
} from './gate.js'
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
  allocationGroups,
  allocationOrdersCsv,
  allocationPlot,
  allocationReportHtml,
  writeAllocationReport,
  type AllocationReport,
  type AllocationReportPaths,
} from './report.js'
export {
  putOverlay,
  trendExposure,
  trendSleeve,
  volatilityOverlay,
  type PutModel,
  type PutOverlayOptions,
  type PutPeriod,
  type RulePeriod,
  type TrendOptions,
  type VolatilityOverlayOptions,
} from './rules.js'
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
export { percentsOf, targetsOf, type SleeveFill, type SleeveFills } from './targets.js'
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
