// Room card: strategy/define
// In:    an object of handlers.
// Out:   a frozen, checked `StrategyDefinition`: the same object for backtest, paper and live.
// Holds: unknown keys, missing handlers of a wrong type and async handlers are STRATEGY_INVALID before anything runs.
// Costs: once, at definition.
import { fail } from '../errors.js'
import type { StrategyContext } from './context.js'
import type { ParameterRefusal } from './parameter-refusal.js'
import type { BookView, OrderEventView, TradeView } from './views.js'

/** The version of the handlers' contract. */
export const STRATEGY_API_VERSION = 1

/**
 * What a strategy is. Handlers are synchronous and run in the order of the engine's one event sequence; what they are
 * given is valid until they return (`copy()` keeps). A handler that throws is not called again; its quotes are pulled.
 */
export interface StrategyHandlers<Params = unknown> {
  /** Version of this contract: 1. */
  readonly apiVersion: 1
  /** What the strategy is tuned with; handed back as `ctx.params`. */
  readonly params?: Params
  /** Before the first event. */
  readonly onStart?: (ctx: StrategyContext<Params>) => void
  /** Once per packet that changed the touch, the L2, its validity or the volatility of an instrument. */
  readonly onBook?: (book: BookView, ctx: StrategyContext<Params>) => void
  /** Every public trade. */
  readonly onTrade?: (trade: TradeView, ctx: StrategyContext<Params>) => void
  /** Every fill of an order of this engine; position and `ctx.orders` already include it. */
  readonly onFill?: (fill: OrderEventView, ctx: StrategyContext<Params>) => void
  /** Every other order event: requests that left, acknowledgements, rejects, refusals of our own gate. */
  readonly onOrder?: (event: OrderEventView, ctx: StrategyContext<Params>) => void
  /** A timer of `ctx.setTimer` fired. */
  readonly onTimer?: (id: number, ctx: StrategyContext<Params>) => void
  /** The engine refused a set of quoter parameters, a published value or asked quotes, of whatever thread. */
  readonly onQuoterRefused?: (refusal: ParameterRefusal, instrument: number, ctx: StrategyContext<Params>) => void
  /**
   * Order events were lost because this thread was behind (`lost` of them). Orders and positions of `ctx` are whole
   * again; timers that were lost must be set anew. Without this handler a strategy that has `onFill` or `onOrder` is
   * halted (MISSED_REPORT), because it may count by itself.
   */
  readonly onGap?: (lost: number, ctx: StrategyContext<Params>) => void
  /** After the last event; commands are no longer taken. Not called after a handler threw. */
  readonly onStop?: (ctx: StrategyContext<Params>) => void
}

declare const defined: unique symbol

/** A checked strategy, whatever its parameters. */
export interface AnyStrategy {
  readonly [defined]: true
}

/** A checked strategy. Made by `defineStrategy` only. */
export type StrategyDefinition<Params = unknown> = Readonly<StrategyHandlers<Params>> & AnyStrategy

const HANDLERS = [
  'onStart',
  'onBook',
  'onTrade',
  'onFill',
  'onOrder',
  'onTimer',
  'onQuoterRefused',
  'onGap',
  'onStop',
] as const
const KEYS: ReadonlySet<string> = new Set(['apiVersion', 'params', ...HANDLERS])
// A strategy file may load its own copy of this package (another module format): the mark must be the same in both.
const MARK = Symbol.for('fafnir.strategy')

/**
 * Checks and freezes a strategy.
 * @throws FafnirError STRATEGY_INVALID with `key` when something is not as `StrategyHandlers` says.
 *
 * @example
 * export default defineStrategy({
 *   apiVersion: 1,
 *   onBook(book, ctx) {
 *     if (ctx.orders.size === 0 && book.valid && book.twoSided) {
 *       ctx.place({ instrument: book.instrument, side: 'buy', price: book.bid, quantity: 10, postOnly: true })
 *     }
 *   },
 * })
 */
export function defineStrategy<Params = undefined>(handlers: StrategyHandlers<Params>): StrategyDefinition<Params> {
  if (typeof handlers !== 'object' || handlers === null) throw invalid('.', 'a strategy is an object of handlers')
  if (handlers.apiVersion !== STRATEGY_API_VERSION) {
    throw invalid('apiVersion', `apiVersion must be ${STRATEGY_API_VERSION}`)
  }
  for (const key of Object.keys(handlers)) {
    if (!KEYS.has(key)) throw invalid(key, `no handler is called "${key}"`)
  }
  for (const key of HANDLERS) {
    const handler: unknown = handlers[key]
    if (handler === undefined) continue
    if (typeof handler !== 'function') throw invalid(key, `${key} must be a function`)
    if (handler.constructor.name === 'AsyncFunction') {
      throw invalid(key, `${key} must not be async: the views it is given are valid until it returns`)
    }
  }
  const definition = Object.defineProperty({ ...handlers }, MARK, { value: true })
  return Object.freeze(definition) as unknown as StrategyDefinition<Params>
}

/** Was it made by `defineStrategy` (of any copy of this package)? */
export function isStrategy(value: unknown): value is AnyStrategy {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[MARK] === true
}

function invalid(key: string, message: string): Error {
  return fail('STRATEGY_INVALID', message, { key, allowed: [...KEYS].join(' ') })
}
