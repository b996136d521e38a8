// Room card: strategy/avellaneda-stoikov
// In:    the parameters of the native quoter, as the same configuration object.
// Out:   a strategy in TypeScript that sends the same orders as the native quoter, byte for byte.
// Holds: the rules of crates/quote/src/quoter.rs by number up to 11, in its order of evaluation; calibration, other
//        models and the rules around the model are native only.
// Costs: well below a microsecond a decision; nothing is allocated unless an order is sent.
import { fail } from '../errors.js'
import type { QuoterConfig } from '../generated/config.js'
import { quantityLots, type Instrument } from '../units.js'
import type { StrategyContext } from './context.js'
import type { Side } from './decode.js'
import { defineStrategy, type StrategyDefinition } from './define.js'
import { snapOutward } from './snap.js'

// What only the native quoter does; a strategy reaches it with `ctx.setQuoter`, `ctx.publish` and `ctx.quote`.
const NATIVE_ONLY = [
  'calibration',
  'marketCalibration',
  'model',
  'fairValue',
  'drift',
  'minSpreadTicks',
  'maxSpreadTicks',
  'coverFees',
  'sizing',
  'ladder',
  'toxicity',
  'volatilityPause',
  'initialVolatilityPricePerSqrtSecond',
  'staleFeedMillis',
  'unwind',
] as const

/** Parameters of the maker: those of the native quoter that are about the model itself; its horizon has an end. */
export type AvellanedaStoikovParams = Omit<QuoterConfig, (typeof NATIVE_ONLY)[number]>

/**
 * An Avellaneda-Stoikov maker in TypeScript (source: Avellaneda and Stoikov 2008, section 3.2): r = s - q·γ·σ²·(T-t),
 * δ = (2/γ)·ln(1 + γ/κ), bid = r - δ/2, ask = r + δ/2; outward rounding, never crossing the touch, inventory gated.
 * Pass one set of parameters per instrument. A `countdown` horizon starts at the first event the strategy sees.
 *
 * @example
 * await backtest(config, { strategy: avellanedaStoikov({
 *   instrument: 'BTCUSDT', riskAversionPerMoney: 0.01, intensityDecayPerPrice: 0.5,
 *   orderQuantity: '0.010', maxInventory: '0.100',
 * }) })
 */
export function avellanedaStoikov(
  ...params: readonly AvellanedaStoikovParams[]
): StrategyDefinition<readonly AvellanedaStoikovParams[]> {
  for (const item of params) {
    const given: Partial<QuoterConfig> = item
    const key = given.horizon?.kind === 'infinite' ? 'horizon' : NATIVE_ONLY.find((name) => given[name] !== undefined)
    if (key !== undefined) throw fail('STRATEGY_INVALID', `${key} is done by the native quoter only`, { key })
  }
  // One definition may run in several backtests at once: each has its own makers, by its own context.
  type Context = StrategyContext<readonly AvellanedaStoikovParams[]>
  const runs = new WeakMap<Context, (Maker | undefined)[]>()
  let current: Context | undefined
  let makers: (Maker | undefined)[] = []
  const decide = (instrument: number, ctx: Context): void => {
    if (ctx !== current) {
      current = ctx
      makers = runs.get(ctx) ?? []
    }
    makers[instrument]?.decide(ctx)
  }
  return defineStrategy<readonly AvellanedaStoikovParams[]>({
    apiVersion: 1,
    params,
    onStart(ctx) {
      const own: (Maker | undefined)[] = ctx.instruments.map(() => undefined)
      for (const item of ctx.params) {
        const instrument = ctx.instrument(item.instrument)
        own[instrument.id] = new Maker(item, instrument, ctx)
      }
      runs.set(ctx, own)
    },
    onBook: (book, ctx) => decide(book.instrument, ctx),
    onFill: (fill, ctx) => decide(fill.instrument, ctx),
    onOrder(event, ctx) {
      switch (event.kind) {
        case 'new':
        case 'cancel':
        case 'replace':
        case 'refused':
        case 'ackTimeout':
          return
        default:
          decide(event.instrument, ctx)
      }
    },
  })
}

const BID = 0
const ASK = 1

/** What is known of the maker's own order on one side. */
interface Working {
  exists: boolean
  clientId: number
  price: number
  openLots: number
  filled: number
  inFlight: boolean
  cancelling: boolean
}

class Maker {
  private readonly instrument: Instrument
  private readonly params: AvellanedaStoikovParams
  private readonly halfTickPrice: number
  private readonly lotWorth: number
  private readonly orderLots: number
  private readonly maxInventoryLots: number
  private readonly requoteTicks: number
  private readonly intensitySpread: number
  private readonly horizonSeconds: number
  private readonly countdown: boolean
  private readonly working: readonly [Working, Working] = [noQuote(), noQuote()]
  private readonly sideOpen: Float64Array = new Float64Array(2)
  private readonly price: Float64Array = new Float64Array(2)
  private readonly lots: Float64Array = new Float64Array(2)

  constructor(
    params: AvellanedaStoikovParams,
    instrument: Instrument,
    ctx: { readonly math: StrategyContext['math'] },
  ) {
    this.params = params
    this.instrument = instrument
    this.halfTickPrice = instrument.tick * 0.5
    this.lotWorth = instrument.lot * instrument.multiplier
    this.orderLots = quantityLots(instrument, params.orderQuantity)
    this.maxInventoryLots = quantityLots(instrument, params.maxInventory)
    this.requoteTicks = Math.max(params.requoteTicks ?? 1, 1)
    const gamma = params.riskAversionPerMoney
    this.intensitySpread = (2 / gamma) * ctx.math.log1p(gamma / params.intensityDecayPerPrice)
    const { horizon } = params
    this.horizonSeconds = horizon === undefined || horizon.kind === 'infinite' ? 1 : horizon.seconds
    this.countdown = horizon?.kind === 'countdown'
  }

  decide(ctx: StrategyContext<readonly AvellanedaStoikovParams[]>): void {
    this.observe(ctx)
    // Rules 2 to 5.
    const wanted = this.wantedPrices(ctx)
    // Rule 6.
    const position = ctx.position(this.instrument.id)
    for (let side = BID; side <= ASK; side += 1) {
      const working = this.working[side as 0 | 1]
      const others = this.sideOpen[side]! - (working.exists ? working.openLots : 0)
      this.lots[side] = wanted ? this.allowedLots(side, position, others) : 0
    }
    // Actions are decided on what stood before any of them: rules 7 to 11. Cancels go first.
    const bid = this.action(BID)
    const ask = this.action(ASK)
    if (bid === CANCEL) ctx.cancel(this.working[BID].clientId)
    if (ask === CANCEL) ctx.cancel(this.working[ASK].clientId)
    if (bid > CANCEL) this.quote(ctx, BID, bid)
    if (ask > CANCEL) this.quote(ctx, ASK, ask)
  }

  private observe(ctx: StrategyContext<readonly AvellanedaStoikovParams[]>): void {
    this.sideOpen.fill(0)
    const { orders } = ctx
    for (let i = 0; i < orders.size; i += 1) {
      const order = orders.at(i)!
      if (order.instrument === this.instrument.id) {
        const side = order.side === 'buy' ? BID : ASK
        this.sideOpen[side] = this.sideOpen[side]! + order.openLots
      }
    }
    for (let side = BID; side <= ASK; side += 1) {
      const working = this.working[side as 0 | 1]
      const order = orders.get(working.clientId)
      working.exists = order !== undefined
      if (order === undefined) continue
      const { state } = order
      // While a replace is on its way: the nearer of old and new to the other side.
      const { price, askedPrice } = order
      working.price = side === BID ? Math.max(price, askedPrice) : Math.min(price, askedPrice)
      working.openLots = order.openLots
      working.filled = order.filled
      working.cancelling = state === 'pendingCancel'
      working.inFlight = working.cancelling || state === 'new' || state === 'pendingNew' || state === 'pendingReplace'
    }
  }

  private wantedPrices(ctx: StrategyContext<readonly AvellanedaStoikovParams[]>): boolean {
    const { params, instrument } = this
    const book = ctx.book(instrument.id)
    const volatility = ctx.volatility(instrument.id)
    if (params.enabled === false || !ctx.trading || !book.valid || !book.twoSided || !volatility.full) return false
    const { sigma } = volatility
    const gamma = params.riskAversionPerMoney
    let horizon = this.horizonSeconds
    if (this.countdown) horizon = Math.max(horizon - ctx.now / 1e9, 0)
    const mid = book.mid2 * this.halfTickPrice
    const worth = ctx.position(instrument.id) * this.lotWorth
    const inventory = instrument.contract === 'linear' ? worth : worth / mid
    const reservation = mid - inventory * gamma * (sigma * sigma) * horizon
    let spread = this.intensitySpread
    if (params.inventorySpreadTerm === true) spread += gamma * (sigma * sigma) * horizon
    const bid = (reservation - spread * 0.5) / instrument.tick
    const ask = (reservation + spread * 0.5) / instrument.tick
    return snapOutward(bid, ask, instrument.increments, book, this.price)
  }

  // The inventory gate (crates/quote/src/gate.rs): at or beyond the limit only the reducing side, up to flat.
  private allowedLots(side: number, position: number, sideOpen: number): number {
    const directed = side === BID ? position : -position
    const max = this.maxInventoryLots
    const room = directed <= -max ? -directed : max - directed
    return Math.min(Math.max(room - sideOpen, 0), this.orderLots)
  }

  private action(side: 0 | 1): number {
    const working = this.working[side]
    const lots = this.lots[side]!
    const price = this.price[side]!
    if (lots <= 0) return working.exists && !working.cancelling ? CANCEL : NONE
    if (working.exists) {
      if (working.inFlight) return NONE
      const off = Math.abs(working.price - price) >= this.requoteTicks
      if (!off && working.openLots <= lots) return NONE
    }
    if (this.meetsOwnQuote(side, price)) return NONE
    return working.exists ? REPLACE : PLACE
  }

  // Rule 11.
  private meetsOwnQuote(side: 0 | 1, price: number): boolean {
    const other = this.working[side === BID ? ASK : BID]
    if (!other.exists) return false
    const own = this.working[side]
    const sign = side === BID ? 1 : -1
    return (price - other.price) * sign >= 0 && !(own.exists && (own.price - other.price) * sign >= 0)
  }

  private quote(ctx: StrategyContext<readonly AvellanedaStoikovParams[]>, side: 0 | 1, action: number): void {
    const working = this.working[side]
    const price = this.price[side]!
    const quantity = this.lots[side]!
    if (action === REPLACE) {
      ctx.replace(working.clientId, { price, quantity: quantity + working.filled })
      return
    }
    const { algoId, traderId } = this.params
    const name: Side = side === BID ? 'buy' : 'sell'
    const { id: instrument } = this.instrument
    working.clientId = ctx.place({ instrument, side: name, price, quantity, postOnly: true, algoId, traderId })
  }
}

const NONE = 0
const CANCEL = 1
const PLACE = 2
const REPLACE = 3

function noQuote(): Working {
  return { exists: false, clientId: 0, price: 0, openLots: 0, filled: 0, inFlight: false, cancelling: false }
}
