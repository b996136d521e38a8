// Room card: fafnir/quant
// In:    nothing.
// Out:   the public surface of `fafnir/quant`.
// Holds: column-major matrices in and out; long work on the thread pool; errors are `FafnirError` of the room quant.
// Costs: loading; the native module is opened on first use.
export * from './allocate.js'
export * from './allocate-hierarchical.js'
export type { AllocationOptions, Constraints, Group, LinearConstraint, RiskInput } from './allocate-input.js'
export {
  equalWeight,
  inverseVolatility,
  kellyBet,
  riskParity,
  roundToLots,
  volatilityTarget,
  type KellyBetOptions,
  type LotOptions,
  type LotWeights,
  type RiskOptions,
  type RiskParity,
  type RiskParityOptions,
  type VolatilityTarget,
  type VolatilityTargetOptions,
} from './allocate-simple.js'
export * from './allocate-views.js'
export type { JobOptions, Series } from './call.js'
export * from './cointegration.js'
export * from './covariance.js'
export * from './execution.js'
export { columnOf, fromColumns, fromRows, simpleReturns, type Matrix, type MatrixInput } from './matrix.js'
export type { Book, OptionPosition } from './monte-carlo-book.js'
export * from './monte-carlo.js'
export * from './options.js'
export * from './performance.js'
export * from './risk-backtest.js'
export * from './risk-factor.js'
export * from './risk-stress.js'
export * from './risk.js'
export type { Rows } from './rows.js'
export * from './sizing.js'
export * from './validation.js'
export * from './volatility.js'
