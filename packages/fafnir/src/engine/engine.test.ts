import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { replay } from '../backtest/replay.js'
import { FafnirError, fail } from '../errors.js'
import { native } from '../native.js'
import { defineStrategy, type StrategyHandlers } from '../strategy/define.js'
import { createEngine, type Engine, type EngineOptions } from './engine.js'
import type {
  CancelRequest,
  NewRequest,
  OrderGateway,
  OrderRequest,
  ReplaceRequest,
  ReportSink,
  VenueOrder,
} from './gateway.js'

const available = (() => {
  try {
    native()
    return true
  } catch {
    return false
  }
})()

const config: EngineOptions = {
  venues: [{ name: 'rest', feed: 'normalised' }],
  instruments: [
    { symbol: 'BTCUSDT', venue: 'rest', tickSize: '0.1', lotSize: '0.001', makerFee: '0.0002', takerFee: '0.0005' },
  ],
  orders: { ackTimeoutMillis: 60_000 },
  closeTimeoutMillis: 300,
}

/** A venue that remembers what it was asked and answers at once, unless told otherwise. */
class FakeVenue implements OrderGateway {
  readonly venue = 'rest'
  readonly asked: OrderRequest[] = []
  sink: ReportSink | undefined
  closed = false
  onSubmit: (request: NewRequest) => void | Promise<void> = ({ orderId }) =>
    this.sink!.report(orderId, { kind: 'accepted' })
  found: VenueOrder = { state: 'absent' }

  start(sink: ReportSink): void {
    this.sink = sink
  }
  submit(request: NewRequest): void | Promise<void> {
    this.asked.push(request)
    return this.onSubmit(request)
  }
  async cancel(request: CancelRequest): Promise<void> {
    this.asked.push(request)
    this.sink!.report(request.orderId, { kind: 'cancelled' })
  }
  async replace(request: ReplaceRequest): Promise<void> {
    this.asked.push(request)
    this.sink!.report(request.orderId, { kind: 'replaced' })
  }
  async reconcile(): Promise<VenueOrder> {
    return this.found
  }
  close(): void {
    this.closed = true
  }
}

const TOUCH = {
  kind: 'touch',
  instrument: 'BTCUSDT',
  bid: '100.0',
  bidQuantity: '1',
  ask: '100.2',
  askQuantity: '1',
} as const

async function until(done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i += 1) {
    if (done()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`never: ${what}`)
}

describe.skipIf(!available)('engine (native)', () => {
  let engine: Engine | undefined
  const faults: FafnirError[] = []
  const folders: string[] = []

  async function start(
    venue: OrderGateway,
    handlers: Omit<StrategyHandlers<never>, 'apiVersion'>,
    more: object = {},
  ): Promise<Engine> {
    faults.length = 0
    engine = await createEngine({ ...config, ...more, onFault: (error) => void faults.push(error) })
    await engine.attachGateway(venue)
    engine.use(defineStrategy({ apiVersion: 1, ...handlers }))
    return engine
  }

  afterEach(async () => {
    await engine?.close()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  it('carries an order from a touch to a fill, journals it, and replays it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fafnir-engine-'))
    folders.push(folder)
    const venue = new FakeVenue()
    const seen: string[] = []
    const live = await start(
      venue,
      {
        onBook(book, ctx) {
          if (ctx.orders.size === 0 && ctx.position(0) === 0 && book.twoSided) {
            ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 10, postOnly: true, algoId: 7 })
          }
        },
        onOrder: (event) => void seen.push(event.kind),
        onFill: (fill) => void seen.push(`fill ${fill.lastQuantity}`),
      },
      { stateDir: join(folder, 'state') },
    )
    expect(live.pushEvent(TOUCH)).toBe(true)
    await until(() => seen.includes('accepted'), 'accepted')
    const [order] = venue.asked as NewRequest[]
    expect(order).toMatchObject({
      kind: 'new',
      clOrdId: '1-1',
      side: 'buy',
      price: '100.0',
      quantity: '0.010',
      postOnly: true,
      ioc: false,
      algoId: 7,
      clientId: 1,
    })
    venue.sink!.report(order!.orderId, { kind: 'fill', price: '100.0', quantity: '0.004', cumulative: '0.004' })
    venue.sink!.report(order!.orderId, { kind: 'fill', price: '100.0', quantity: '0.004', cumulative: '0.004' })
    venue.sink!.report(order!.orderId, {
      kind: 'fill',
      price: '100.0',
      quantity: '0.006',
      cumulative: '0.010',
      fee: '0.01',
    })
    await until(() => live.position('BTCUSDT') === 10, 'the whole fill')
    expect(seen).toEqual(['new', 'accepted', 'fill 4', 'fill 6'])
    expect(live.book('BTCUSDT')).toMatchObject({ bid: 1000, ask: 1002, mid2: 2002 })
    const summary = await live.close()
    expect(summary).toMatchObject({ malformed: 0, dropped: 0, fault: undefined, openOrders: 0 })
    expect(summary.strategy).toMatchObject({ halted: false })
    expect(venue.closed).toBe(true)
    const found = await replay(join(folder, 'state', 'journal'))
    expect(found).toMatchObject({ hash: summary.effectsHash, turns: summary.turns, matches: true })
  })

  it('takes over the positions that a gateway states, and shuts the gate where it knows another', async () => {
    const venue = new FakeVenue()
    const refused: (string | undefined)[] = []
    const live = await start(venue, {
      onBook: (book, ctx) => void ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 5 }),
      onOrder: (event) => void (event.kind === 'refused' && refused.push(event.reason)),
    })
    venue.sink!.position('BTCUSDT', -7)
    await until(() => live.position('BTCUSDT') === -7, 'the position')
    live.pushEvent(TOUCH)
    await until(() => venue.asked.length === 1, 'an order')
    venue.sink!.report((venue.asked[0] as NewRequest).orderId, { kind: 'fill', price: '100.0', quantity: '0.005' })
    await until(() => live.position('BTCUSDT') === -2, 'the fill')
    venue.sink!.position('BTCUSDT', 3)
    live.pushEvent(TOUCH)
    await until(() => refused.length === 1, 'a refusal')
    expect([live.position('BTCUSDT'), venue.asked.length]).toEqual([-2, 1])
    for (const [symbol, lots, code] of [
      ['DOGEUSDT', 1, 'UNKNOWN_INSTRUMENT'],
      ['BTCUSDT', 0.5, 'ARGUMENT_INVALID'],
    ] as const) {
      expect(() => venue.sink!.position(symbol, lots)).toThrow(expect.objectContaining({ code }))
    }
  })

  it('cancels what is open when it closes', async () => {
    const venue = new FakeVenue()
    const live = await start(venue, {
      onBook: (book, ctx) => void ctx.place({ instrument: 0, side: 'sell', price: book.ask, quantity: 1 }),
    })
    live.pushEvent(TOUCH)
    await until(() => venue.asked.length === 1, 'an order')
    const summary = await live.close()
    expect(venue.asked.map(({ kind }) => kind)).toEqual(['new', 'cancel'])
    expect(venue.asked[1]).toMatchObject({ origClOrdId: '1-1', clOrdId: '1-2' })
    expect(summary.openOrders).toBe(0)
    expect(() => live.pushEvent(TOUCH)).toThrow(expect.objectContaining({ code: 'ENGINE_CLOSED' }))
    expect(await live.close()).toBe(summary)
  })

  it('turns an answer of the venue into a reject, and keeps an unknown outcome open until it is known', async () => {
    const venue = new FakeVenue()
    const seen: string[] = []
    const live = await start(venue, {
      onBook: (_, ctx) => {
        ctx.place({ instrument: 0, side: 'buy', price: 999, quantity: 1 })
        ctx.place({ instrument: 0, side: 'buy', price: 998, quantity: 1 })
      },
      onOrder: (event) => void seen.push(`${event.clientId} ${event.kind} ${event.reason ?? ''}`.trim()),
    })
    venue.onSubmit = async ({ clientId }) => {
      if (clientId === 1) throw fail('VENUE_POST_ONLY', 'would take')
      throw new Error('socket hang up')
    }
    venue.found = { state: 'live', price: '99.8', quantity: '0.001' }
    live.pushEvent(TOUCH)
    await until(() => seen.length === 4, 'both answers')
    expect(seen.sort()).toEqual(['1 new', '1 rejected VENUE_POST_ONLY', '2 accepted', '2 new'])
    expect(faults.map(({ fields }) => fields['error'])).toEqual(['socket hang up'])
  })

  it('calls a cancel only after the order before it has settled', async () => {
    const venue = new FakeVenue()
    const order: string[] = []
    const live = await start(venue, {
      onBook: (book, ctx) => {
        if (ctx.orders.size === 0) ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 1 })
        else ctx.cancelAll()
      },
    })
    venue.onSubmit = async ({ orderId }) => {
      await new Promise((resolve) => setTimeout(resolve, 60))
      order.push('submitted')
      venue.sink!.report(orderId, { kind: 'accepted' })
    }
    const { cancel } = venue
    venue.cancel = async (request) => {
      order.push('cancel')
      await cancel.call(venue, request)
    }
    live.pushEvent(TOUCH)
    await until(() => venue.asked.length === 1, 'an order')
    live.pushEvent(TOUCH)
    await until(() => order.length === 2, 'both calls')
    expect(order).toEqual(['submitted', 'cancel'])
  })

  it('pulls the quotes of a strategy that throws and says so', async () => {
    const venue = new FakeVenue()
    let books = 0
    const live = await start(venue, {
      onBook: (book, ctx) => {
        books += 1
        if (books === 2) throw new Error('boom')
        ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 1 })
      },
    })
    live.pushEvent(TOUCH)
    await until(() => venue.asked.length === 1, 'an order')
    live.pushEvent(TOUCH)
    await until(() => venue.asked.length === 2, 'its cancel')
    expect(venue.asked[1]?.kind).toBe('cancel')
    expect(faults.map(({ code }) => code)).toEqual(['STRATEGY_THREW'])
    live.pushEvent(TOUCH)
    const summary = await live.close()
    expect(books).toBe(2)
    expect(summary.strategy?.error?.code).toBe('STRATEGY_THREW')
  })

  it('closes although a call of the gateway never settles', async () => {
    const venue = new FakeVenue()
    venue.onSubmit = () => new Promise<void>(() => undefined)
    const live = await start(venue, {
      onBook: (book, ctx) => void ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 1 }),
    })
    live.pushEvent(TOUCH)
    await until(() => venue.asked.length === 1, 'an order')
    const summary = await live.close()
    expect(summary.openOrders).toBe(1)
    expect(venue.closed).toBe(true)
    expect(faults.map(({ code }) => code)).toContain('ACK_TIMEOUT')
  })

  it('kill cancels and refuses', async () => {
    const venue = new FakeVenue()
    const seen: string[] = []
    const live = await start(venue, {
      onBook: (book, ctx) => void ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 1 }),
      onOrder: (event) => void seen.push(`${event.kind} ${event.reason ?? ''}`.trim()),
    })
    live.pushEvent(TOUCH)
    await until(() => seen.includes('accepted'), 'accepted')
    live.kill()
    await until(() => seen.includes('cancelled'), 'cancelled')
    live.pushEvent(TOUCH)
    await until(() => seen.includes('refused KILLED'), 'refused')
  })

  it('refuses bad input at the door', async () => {
    const live = await start(new FakeVenue(), {})
    expect(() => live.pushEvent({ ...TOUCH, bid: '100.05' })).toThrow(expect.objectContaining({ code: 'OFF_GRID' }))
    expect(() => live.pushEvent({ ...TOUCH, instrument: 'X' })).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_SYMBOL' }),
    )
    expect(() => live.pushFrame('nobody', 'x')).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => live.pushFrame('rest', new Uint8Array(1 << 20))).toThrow(
      expect.objectContaining({ code: 'INPUT_TOO_LARGE' }),
    )
    expect(() => live.report(5, { kind: 'accepted' })).toThrow(expect.objectContaining({ code: 'UNKNOWN_ORDER' }))
    expect(() => live.use(defineStrategy({ apiVersion: 1 }))).toThrow(
      expect.objectContaining({ code: 'STRATEGY_INVALID' }),
    )
    await expect(live.attachGateway(new FakeVenue())).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(createEngine({ ...config, venus: [] } as never)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('gives signs of life while its event loop turns, and is killed when it does not', async () => {
    const live = await start(new FakeVenue(), {}, { host: { deadManMillis: 200 } })
    live.pushEvent(TOUCH)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect([live.ctx.trading, live.stats().killReason]).toEqual([true, null])
    // The event loop stands still for longer than the engine waits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    await until(() => !live.ctx.trading, 'the kill')
    expect(live.latest('BTCUSDT').bid).toBe(1000)
    expect((await live.close()).killReason).toBe('deadMan')
  })

  it('takes no feed and no gateway where the engine itself has the link', async () => {
    const market = { url: 'ws://127.0.0.1:9/ws' }
    const orders = { kind: 'fix' as const, address: '127.0.0.1:9' }
    engine = await createEngine({ ...config, venues: [{ name: 'rest', market, orders }], host: { closeMillis: 0 } })
    await expect(engine.attachGateway(new FakeVenue())).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      fields: { link: 'orders' },
    })
    await expect(engine.attachFeed({ venue: 'rest', start: () => undefined })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      fields: { link: 'market' },
    })
  })

  it('leaves the event loop free while it closes', async () => {
    const live = await start(new FakeVenue(), {})
    let turns = 0
    const timer = setInterval(() => (turns += 1), 1)
    await live.close()
    clearInterval(timer)
    expect(turns).toBeGreaterThan(0)
    expect(() => live.stats()).toThrow(expect.objectContaining({ code: 'ENGINE_CLOSED' }))
  })

  it('fetches the snapshot a feed is asked for, again when it fails', async () => {
    const frames = { venues: [{ name: 'rest', feed: 'binanceUsdm' as const }] }
    const live = await start(new FakeVenue(), {}, frames)
    let asked = 0
    await live.attachFeed({
      venue: 'rest',
      start(sink) {
        sink.up()
        sink.frame(
          '{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":11,"u":12,"pu":10,"b":[["100.0","1"]],"a":[["100.2","2"]]}',
        )
      },
      async snapshot(symbol) {
        asked += 1
        if (asked === 1) throw new Error('503')
        expect(symbol).toBe('BTCUSDT')
        return '{"lastUpdateId":11,"E":1,"T":1,"bids":[["99.9","3"]],"asks":[["100.3","4"]]}'
      },
    })
    await until(() => live.book('BTCUSDT').valid, 'a joined book')
    expect(asked).toBe(2)
    expect(live.book('BTCUSDT')).toMatchObject({ bid: 1000, ask: 1002, bidLots: 1000, askLots: 2000 })
  })
})
