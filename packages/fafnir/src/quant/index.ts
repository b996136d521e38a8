// Room card: fafnir/quant
// In:    nothing.
// Out:   the public surface of `fafnir/quant`.
// Holds: column-major matrices in and out; long work on the thread pool; errors are `FafnirError` of the room quant.
// Costs: loading; the native module is opened on first use.
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
export * from './sizing.js'
export * from './validation.js'
export * from './volatility.js'
