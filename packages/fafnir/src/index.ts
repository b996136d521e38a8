// Room card: fafnir
// In:    nothing.
// Out:   the public surface of the library: engine, backtest, replay, strategies, units, errors.
// Holds: what is exported here is documented and kept; everything else is an implementation.
// Costs: loading; the native module is opened on first use.
export { backtest, checkConfig, type BacktestOptions, type BacktestResult } from './backtest/backtest.js'
export { explain, type ExplainOptions, type Explanation } from './backtest/explain.js'
export { replay, type ReplayOptions, type ReplayResult } from './backtest/replay.js'
export type * from './backtest/summary.js'
export { EventBatch, type BatchHandler, type EventCopy, type EventView } from './engine/batch.js'
export {
  Engine,
  createEngine,
  type EngineOptions,
  type EngineSummary,
  type KillSignal,
  type PortOptions,
} from './engine/engine.js'
export type {
  MarketFeed,
  MarketSink,
  MarketUpdate,
  PriceInput,
  QuantityInput,
  StaleUpdate,
  TouchUpdate,
  TradeUpdate,
} from './engine/feed.js'
export type {
  CancelRequest,
  ExecutionReport,
  NewRequest,
  OrderGateway,
  OrderRequest,
  ReplaceRequest,
  ReportSink,
  VenueOrder,
} from './engine/gateway.js'
export type { Latest, LatestTrade } from './engine/latest.js'
export { AttachedEngine, attach, type AttachOptions, type BatchesOptions, type EnginePort } from './engine/port.js'
export type { ConnectionStats, EngineStats, InstrumentStats, LatencyStats } from './engine/stats.js'
export { FafnirError, codeDoc, isCode, type ErrorField, type ErrorFields } from './errors.js'
export type { Code, CodeRoom } from './generated/codes.js'
export type * from './generated/config.js'
export type { LogTarget } from './observe/log.js'
export {
  createMetricsServer,
  metricsText,
  type MetricsOptions,
  type MetricsServer,
  type MetricsSource,
} from './observe/metrics.js'
export type { EngineCounts } from './observe/observer.js'
export { reportHtml } from './report/html.js'
export { tradesCsv, writeReport, type ReportInput, type ReportPaths } from './report/write.js'
export { avellanedaStoikov, type AvellanedaStoikovParams } from './strategy/avellaneda-stoikov.js'
export type {
  CoreMath,
  PlaceOrder,
  PublishedValues,
  QuoterSet,
  RefusedParameters,
  ReplaceOrder,
  StrategyContext,
  WantedQuotes,
} from './strategy/context.js'
export type { OrderKind, OrderState, Side } from './strategy/decode.js'
export { defineStrategy, type AnyStrategy, type StrategyDefinition, type StrategyHandlers } from './strategy/define.js'
export type { ParameterRefusal } from './strategy/parameter-refusal.js'
export { MarketEventView, type MarketEventCopy, type MarketKind } from './strategy/event-view.js'
export type { StrategyOutcome } from './strategy/host.js'
export type {
  BookCopy,
  BookView,
  OrderCopy,
  OrderEventCopy,
  OrderEventView,
  OrderView,
  OwnOrders,
  TradeCopy,
  TradeView,
  VolatilityCopy,
  VolatilityView,
} from './strategy/views.js'
export {
  priceFloat,
  priceText,
  priceTicks,
  quantityLots,
  quantityText,
  type Instrument,
  type PriceIncrement,
  type PriceTicks,
  type QuantityLots,
} from './units.js'
