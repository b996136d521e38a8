import { describe, expect, it } from 'vitest'

import { FafnirError } from '../errors.js'
import { codeNumber } from '../generated/codes.js'
import { CommandKind, EventKind, OrderEventKind, OrderState, flag } from '../generated/layout.js'
import { instrumentsOf } from '../units.js'
import type { CoreMath, StrategyContext } from './context.js'
import { defineStrategy, type StrategyHandlers } from './define.js'
import { StrategyHost, type HostTap } from './host.js'
import { ListSink, ListSource, eventRecord, floatBits, gapRecord, orderRecord } from './test-records.js'
import type { BookView, TradeView } from './views.js'

const math: CoreMath = { log1p: Math.log1p, log: Math.log, exp: Math.exp, sqrt: Math.sqrt }
const instruments = instrumentsOf([
  { symbol: 'BTCUSDT', venue: 'v', tickSize: '0.1', lotSize: '0.001' },
  { symbol: 'ETHUSDT', venue: 'v', tickSize: '0.01', lotSize: '0.001' },
])
// A start whose low half is close to its end, so that session time crosses it.
const START = (401_000_000n << 32n) + 4_294_967_290n

function setup(handlers: Omit<StrategyHandlers<never>, 'apiVersion'> | undefined, more: object = {}) {
  const [market, orders, sink] = [new ListSource(), new ListSource(), new ListSink()]
  const strategy = handlers === undefined ? undefined : defineStrategy({ apiVersion: 1, ...handlers })
  const host = new StrategyHost({
    instruments,
    market,
    orders,
    commands: sink,
    math,
    strategy: strategy as never,
    ...more,
  })
  return { market, orders, sink, host }
}

const touch = (sequence: number, side: 1 | 2, price: number, more: object = {}) =>
  eventRecord({ sequence, time: START, kind: EventKind.Touch, side, price, quantity: 5, id: sequence, ...more })
const trade = (sequence: number, more: object = {}) =>
  eventRecord({
    sequence,
    time: START,
    kind: EventKind.Trade,
    side: 1,
    price: 7,
    quantity: 2,
    id: 9,
    flags: flag.LAST,
    ...more,
  })
const order = (sequence: number, kind: number, state: number, more: object = {}) =>
  orderRecord({
    sequence,
    time: START,
    kind,
    state,
    side: 1,
    price: 100,
    quantity: 10,
    orderId: 77,
    clientId: 1,
    ...more,
  })

describe('delivery', () => {
  it('merges both rings by sequence, whatever arrives first', () => {
    const seen: string[] = []
    const { market, orders, host } = setup({
      onTrade: (view: TradeView) => void seen.push(`trade ${view.tradeId}`),
      onOrder: (view: { kind: string }) => void seen.push(view.kind),
      onFill: () => void seen.push('fill'),
    })
    orders.push(order(2, OrderEventKind.New, OrderState.PendingNew))
    orders.push(order(4, OrderEventKind.Fill, OrderState.Filled, { lastLots: 10, filled: 10 }))
    market.push(trade(1, { id: 1 }))
    market.push(trade(3, { id: 3 }))
    market.push(trade(7, { id: 7 }))
    orders.push(order(6, OrderEventKind.Refused, 0, { clientId: 5 }))
    expect(host.poll(Infinity)).toBe(6)
    expect(seen).toEqual(['trade 1', 'new', 'trade 3', 'fill', 'refused', 'trade 7'])
    expect(host.sequence).toBe(7)
  })

  it('calls onBook once a packet, after the whole packet is in the state', () => {
    const seen: unknown[] = []
    const { market, host } = setup({
      onBook: (book: BookView, ctx: StrategyContext<never>) => void seen.push([book.copy(), ctx.volatility(0).copy()]),
    })
    market.push(eventRecord({ sequence: 1, time: START, kind: EventKind.BookState, detail: 1 }))
    market.push(touch(2, 1, 1000))
    market.push(touch(3, 2, 1001))
    const sigma = floatBits(3.25)
    market.push(
      eventRecord({
        sequence: 4,
        time: START,
        kind: EventKind.Volatility,
        detail: 1,
        price: sigma,
        quantity: 9,
        flags: flag.LAST,
      }),
    )
    market.push(trade(5))
    host.poll(Infinity)
    expect(seen).toEqual([
      [
        { instrument: 0, bid: 1000, ask: 1001, bidLots: 5, askLots: 5, mid2: 2001, valid: true, twoSided: true },
        { instrument: 0, sigma: 3.25, samples: 9, full: true },
      ],
    ])
  })

  it('calls onBook for every instrument of a packet', () => {
    const seen: number[] = []
    const { market, host } = setup({ onBook: (book: BookView) => void seen.push(book.instrument) })
    market.push(eventRecord({ sequence: 1, time: START, kind: EventKind.BookState, instrument: 1 }))
    market.push(eventRecord({ sequence: 2, time: START, kind: EventKind.BookState, instrument: 0 }))
    market.push(eventRecord({ sequence: 3, time: START, kind: EventKind.Conn, flags: flag.LAST }))
    host.poll(Infinity)
    expect(seen).toEqual([1, 0])
  })

  it('counts session time across a carry of the low half', () => {
    const seen: unknown[] = []
    const { market, host } = setup({
      onTrade: (_: TradeView, ctx: StrategyContext<never>) => void seen.push([ctx.now, ctx.timeNs()]),
    })
    for (const [i, offset] of [0n, 5n, 6n, 10n, 5_000_000_000n].entries())
      market.push(trade(i + 1, { time: START + offset }))
    host.poll(Infinity)
    expect(seen).toEqual([0n, 5n, 6n, 10n, 5_000_000_000n].map((offset) => [Number(offset), START + offset]))
  })

  it('skips records of instruments it does not know', () => {
    const { market, host } = setup({
      onTrade: () => {
        throw new Error('called')
      },
    })
    market.push(trade(1, { instrument: 2 }))
    host.poll(Infinity)
    expect(host.outcome().halted).toBe(false)
  })

  it('hands requests to the tap, and gaps', () => {
    const seen: unknown[] = []
    const tap: HostTap = {
      onOrder: (_words, _at, kind) => void seen.push(kind),
      onImage: () => void seen.push('image'),
      onEvent: (_words, _at, kind) => void seen.push(-kind),
      onGap: (lost) => void seen.push(['gap', lost]),
    }
    const { market, orders, host } = setup(undefined, { tap })
    orders.push(order(1, OrderEventKind.New, OrderState.PendingNew))
    market.push(eventRecord({ sequence: 2, time: START, kind: EventKind.SnapshotWanted }))
    orders.push(gapRecord(12))
    host.poll(Infinity)
    expect(seen).toEqual([OrderEventKind.New, ['gap', 12], -EventKind.SnapshotWanted])
    expect(host.table.size).toBe(0)
  })
})

describe('orders and position', () => {
  it('follows an order from place to its end', () => {
    const { market, orders, sink, host } = setup({
      onStart: (ctx: StrategyContext<never>) => {
        const id = ctx.place({
          instrument: 1,
          side: 'sell',
          price: 100,
          quantity: 10,
          postOnly: true,
          algoId: 3,
          traderId: 65_535,
        })
        expect(ctx.orders.get(id)?.copy()).toMatchObject({
          state: 'new',
          side: 'sell',
          instrument: 1,
          price: 100,
          quantity: 10,
        })
      },
    })
    market.push(trade(1))
    host.poll(Infinity)
    expect(sink.seen).toEqual([
      expect.objectContaining({
        cause: 1,
        kind: CommandKind.Place,
        flags: flag.POST_ONLY,
        instrument: 1,
        side: 2,
        clientId: 1,
        price: 100,
        quantity: 10,
        algoId: 3,
        traderId: 65_535,
      }),
    ])
    const sell = { instrument: 1, side: 2 }
    const { ctx } = host
    orders.push(order(2, OrderEventKind.New, OrderState.PendingNew, sell))
    orders.push(order(3, OrderEventKind.Accepted, OrderState.Live, sell))
    host.poll(Infinity)
    expect(ctx.orders.at(0)?.state).toBe('live')
    orders.push(order(4, OrderEventKind.Replace, OrderState.PendingReplace, { ...sell, price: 101, quantity: 12 }))
    host.poll(Infinity)
    expect(ctx.orders.at(0)).toMatchObject({ price: 100, askedPrice: 101, quantity: 10, openLots: 12 })
    orders.push(order(5, OrderEventKind.Fill, OrderState.PendingReplace, { ...sell, lastLots: 4, filled: 4 }))
    orders.push(
      order(6, OrderEventKind.Replaced, OrderState.PartiallyFilled, { ...sell, price: 101, quantity: 12, filled: 4 }),
    )
    host.poll(Infinity)
    expect(ctx.position(1)).toBe(-4)
    expect(ctx.orders.at(0)).toMatchObject({
      price: 101,
      quantity: 12,
      filled: 4,
      openLots: 8,
      state: 'partiallyFilled',
    })
    orders.push(order(7, OrderEventKind.Refused, OrderState.PartiallyFilled, sell))
    host.poll(Infinity)
    expect(ctx.orders.size).toBe(1)
    orders.push(order(8, OrderEventKind.Cancelled, OrderState.Cancelled, sell))
    orders.push(order(9, OrderEventKind.Fill, OrderState.Cancelled, { ...sell, lastLots: 1, filled: 5 }))
    host.poll(Infinity)
    expect(ctx.orders.size).toBe(0)
    expect(ctx.position(1)).toBe(-5)
    expect(ctx.position(0)).toBe(0)
  })

  it('forgets a placement that our gate refused', () => {
    const { market, orders, host } = setup({
      onStart: (ctx: StrategyContext<never>) => void ctx.place({ instrument: 0, side: 'buy', price: 1, quantity: 1 }),
    })
    market.push(trade(1))
    host.poll(Infinity)
    expect(host.ctx.orders.size).toBe(1)
    orders.push(order(2, OrderEventKind.Refused, 0))
    host.poll(Infinity)
    expect(host.ctx.orders.size).toBe(0)
  })

  it('halts the strategy after a gap and restores open orders from the image', () => {
    const seen: string[] = []
    const { orders, host } = setup({ onOrder: (event: { kind: string }) => void seen.push(event.kind) })
    orders.push(order(1, OrderEventKind.New, OrderState.PendingNew))
    orders.push(gapRecord(3))
    orders.push(order(0, OrderEventKind.Accepted, OrderState.Live, { clientId: 2, filled: 3 }))
    orders.push(order(5, OrderEventKind.CancelRejected, OrderState.Live, { clientId: 2, filled: 3 }))
    host.poll(Infinity)
    expect(seen).toEqual(['new'])
    expect(host.sequence).toBe(5)
    expect(host.outcome().error).toMatchObject({ code: 'STRATEGY_THREW', fields: { cause: 'MISSED_REPORT' } })
    expect(host.ctx.orders.size).toBe(1)
    expect(host.ctx.orders.at(0)).toMatchObject({ clientId: 2, filled: 3 })
  })

  it('is whole again at the end of an image, tells the strategy, and calls it only then', () => {
    const seen: unknown[] = []
    const { market, orders, sink, host } = setup({
      onOrder: (event: { kind: string }) => void seen.push(event.kind),
      onTrade: (_: TradeView, ctx: StrategyContext<never>) => void seen.push(['trade', ctx.position(0)]),
      onGap: (lost: number, ctx: StrategyContext<never>) =>
        void seen.push(['gap', lost, ctx.position(0), ctx.position(1), ctx.orders.size]),
    })
    const position = (instrument: number, lots: number, flags: number, more: object = {}) =>
      orderRecord({ time: START, kind: OrderEventKind.Position, instrument, lastLots: lots, flags, ...more })
    orders.push(order(1, OrderEventKind.Fill, OrderState.Filled, { lastLots: 2, filled: 2 }))
    market.push(trade(2))
    host.poll(Infinity)
    orders.push(gapRecord(3))
    orders.push(gapRecord(4))
    orders.push(order(0, OrderEventKind.Accepted, OrderState.Live, { clientId: 2, filled: 3, flags: flag.SNAPSHOT }))
    orders.push(order(0, OrderEventKind.Accepted, OrderState.Live, { clientId: 2 ** 40 + 1, flags: flag.SNAPSHOT }))
    orders.push(position(0, -7, flag.SNAPSHOT))
    market.push(trade(10))
    host.poll(Infinity)
    expect(seen).toEqual([['trade', 2]])
    orders.push(position(1, 5, flag.SNAPSHOT | flag.LAST))
    host.poll(Infinity)
    market.push(trade(11))
    host.poll(Infinity)
    expect(seen).toEqual([
      ['trade', 2],
      ['gap', 7, -7, 5, 1],
      ['trade', -7],
    ])
    // The venue's statement: adopted, or not ours and said so.
    orders.push(position(0, 9, 0, { sequence: 12 }))
    orders.push(position(1, 8, 0, { sequence: 13, reason: codeNumber.POSITION_MISMATCH }))
    host.poll(Infinity)
    expect([host.ctx.position(0), host.ctx.position(1), host.lost]).toEqual([9, 5, 7])
    expect(sink.seen).toEqual([])
  })

  it('begins with an image where it joins, as a producer of its own', () => {
    const seen: unknown[] = []
    const { market, orders, sink, host } = setup(
      {
        onStart: (ctx: StrategyContext<never>) => {
          seen.push(['start', ctx.position(0), ctx.place({ instrument: 0, side: 'buy', price: 1, quantity: 1 })])
          ctx.setTimer(5, 0)
        },
        onTrade: () => void seen.push('trade'),
        onTimer: (id: number) => void seen.push(['timer', id]),
      },
      { joining: true, producer: 3 },
    )
    market.push(trade(41))
    host.poll(Infinity)
    expect(seen).toEqual([])
    orders.push(
      orderRecord({ time: START, kind: OrderEventKind.Position, lastLots: 6, flags: flag.SNAPSHOT | flag.LAST }),
    )
    host.poll(Infinity)
    const first = 3 * 2 ** 40 + 1
    expect(seen).toEqual([['start', 6, first]])
    expect(sink.seen.map(({ clientId, id }) => [clientId, id])).toEqual([
      [first, 0],
      [0, 4 * 2 ** 32 + 5],
    ])
    // Timers come through the orders ring; those of others are not ours.
    orders.push(eventRecord({ sequence: 42, time: START, kind: EventKind.Timer, id: 4 * 2 ** 32 + 5 }))
    orders.push(eventRecord({ sequence: 43, time: START, kind: EventKind.Timer, id: 2 ** 32 + 5 }))
    orders.push(eventRecord({ sequence: 44, time: START, kind: EventKind.Timer, id: 5 * 2 ** 32 }))
    const halted = { kind: EventKind.Trading, detail: 1, code: codeNumber.STRATEGY_HALTED, time: START }
    market.push(eventRecord({ ...halted, sequence: 45, id: 0 }))
    host.poll(Infinity)
    expect(seen.slice(1)).toEqual([['timer', 5]])
    expect(host.ctx.trading).toBe(true)
    market.push(eventRecord({ ...halted, sequence: 46, id: 3 }))
    host.poll(Infinity)
    expect(host.ctx.trading).toBe(false)
  })

  it.each([
    ['price', { price: NaN }],
    ['price', { price: 1.5 }],
    ['price', { price: 2 ** 53 }],
    ['quantity', { quantity: 0 }],
    ['quantity', { quantity: Infinity }],
    ['instrument', { instrument: 2 }],
    ['instrument', { instrument: 0.5 }],
    ['instrument', { instrument: NaN }],
    ['side', { side: 'long' as never }],
    ['algoId', { algoId: 65_536 }],
    ['traderId', { traderId: -1 }],
  ])('refuses an order with a bad %s', (name, bad) => {
    const { market, sink, host } = setup({})
    market.push(trade(1))
    host.poll(Infinity)
    const place = () => host.ctx.place({ instrument: 0, side: 'buy', price: 1, quantity: 1, ...bad })
    expect(place).toThrow(FafnirError)
    try {
      place()
    } catch (error) {
      expect(error).toMatchObject({ code: 'STRATEGY_INVALID', room: 'strategy' })
      expect((error as FafnirError).fields).toHaveProperty(name)
    }
    expect(host.outcome().invalidOrders).toBe(2)
    expect(sink.seen).toEqual([])
    expect(host.ctx.orders.size).toBe(0)
  })

  it('says that the ring is full and keeps no order then', () => {
    const { market, sink, host } = setup({})
    market.push(trade(1))
    host.poll(Infinity)
    sink.full = true
    expect(() => host.ctx.place({ instrument: 0, side: 'buy', price: 1, quantity: 1 })).toThrow(
      expect.objectContaining({ code: 'COMMAND_RING_FULL' }),
    )
    expect(host.ctx.orders.size).toBe(0)
  })

  it('sets timers in absolute time, across the carry, and hears them', () => {
    const fired: number[] = []
    const { market, sink, host } = setup({ onTimer: (id: number) => void fired.push(id) })
    market.push(trade(1))
    host.poll(Infinity)
    host.ctx.setTimer(0, 6)
    host.ctx.setTimer(4_294_967_295, 5_000_000_000)
    expect(sink.seen.map(({ at, id }) => [at, id])).toEqual([
      [START + 6n, 2 ** 32],
      [START + 5_000_000_000n, 2 ** 33 - 1],
    ])
    expect(() => host.ctx.setTimer(-1, 0)).toThrow(FafnirError)
    market.push(eventRecord({ sequence: 2, time: START, kind: EventKind.Timer, id: 2 ** 32 + 5, flags: flag.LAST }))
    market.push(eventRecord({ sequence: 3, time: START, kind: EventKind.Timer, id: 1, flags: flag.LAST }))
    host.poll(Infinity)
    expect(fired).toEqual([5])
  })

  it('sends quoter parameters as text', () => {
    const { market, sink, host } = setup({})
    market.push(trade(1))
    host.poll(Infinity)
    const params = {
      instrument: 'ETHUSDT',
      riskAversionPerMoney: 1,
      intensityDecayPerPrice: 2,
      orderQuantity: '0.1',
      maxInventory: '1',
    }
    host.ctx.setQuoter(params)
    expect(sink.seen[0]).toMatchObject({ kind: CommandKind.SetQuoter, instrument: 1, text: JSON.stringify(params) })
    expect(() => host.ctx.setQuoter({ ...params, instrument: 'DOGE' })).toThrow(FafnirError)
  })
})

describe('a handler that throws', () => {
  it('has its quotes pulled, is not called again, and the records go on', () => {
    let calls = 0
    const { market, orders, sink, host } = setup({
      onTrade: () => {
        calls += 1
        if (calls === 2) throw new TypeError('boom')
      },
      onStop: () => void (calls += 100),
    })
    for (let i = 1; i <= 4; i += 1) market.push(trade(i))
    orders.push(order(5, OrderEventKind.Fill, OrderState.Live, { lastLots: 3 }))
    expect(host.poll(Infinity)).toBe(5)
    expect(calls).toBe(2)
    expect(sink.seen).toEqual([expect.objectContaining({ kind: CommandKind.StrategyFault, cause: 5 })])
    expect(host.ctx.position(0)).toBe(3)
    const outcome = host.stop()
    expect(calls).toBe(2)
    expect(outcome).toMatchObject({ halted: true, events: 5 })
    expect(outcome.error).toMatchObject({ code: 'STRATEGY_THREW', fields: { handler: 'onTrade', sequence: 2 } })
    expect((outcome.error?.cause as Error).message).toBe('boom')
  })

  it('says so later when the ring is full now', () => {
    const { market, sink, host } = setup({
      onTrade: () => {
        throw new Error('boom')
      },
    })
    sink.full = true
    market.push(trade(1))
    host.poll(Infinity)
    expect(sink.seen).toEqual([])
    sink.full = false
    host.poll(Infinity)
    host.poll(Infinity)
    expect(sink.seen.map(({ kind }) => kind)).toEqual([CommandKind.StrategyFault])
  })
})

describe('checkViews', () => {
  it('lets a view be used in its step only', () => {
    let kept: TradeView | undefined
    let book: BookView | undefined
    const errors: unknown[] = []
    const { market, host } = setup(
      {
        onTrade: (view: TradeView, ctx: StrategyContext<never>) => {
          if (kept === undefined) {
            kept = view
            book = ctx.book(0)
            expect(view.price).toBe(7)
            expect(book.copy()).toMatchObject({ bid: 0 })
            expect(ctx.orders.size).toBe(0)
            return
          }
          for (const late of [() => kept!.price, () => book!.bid, () => book!.copy()]) {
            try {
              late()
            } catch (error) {
              errors.push((error as FafnirError).code)
            }
          }
        },
      },
      { checkViews: true },
    )
    market.push(trade(1))
    market.push(trade(2))
    host.poll(Infinity)
    expect(errors).toEqual(['STRATEGY_INVALID', 'STRATEGY_INVALID', 'STRATEGY_INVALID'])
    expect(host.outcome().halted).toBe(false)
  })
})
