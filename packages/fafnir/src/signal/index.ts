// Room card: fafnir/signal
// In:    nothing.
// Out:   the public surface of `fafnir/signal`.
// Holds: units in the names; the same native code as in the engine.
// Costs: loading; the native module is opened on first use.
export * from './fair.js'
export * from './flow.js'
export type { SignalSide } from './stream.js'
export * from './toxicity.js'
export * from './volatility.js'
