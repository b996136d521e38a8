import { Worker } from 'node:worker_threads'

import { afterEach, describe, expect, it } from 'vitest'

import type { FafnirError } from '../errors.js'
import { defineStrategy } from '../strategy/define.js'
import { MarketEventView } from '../strategy/event-view.js'
import { createEngine, type Engine, type EngineOptions } from './engine.js'
import type { CancelRequest, NewRequest, OrderGateway, OrderRequest, ReplaceRequest, ReportSink } from './gateway.js'
import { attach } from './port.js'

const config: EngineOptions = {
  venues: [{ name: 'rest', feed: 'normalised' }],
  instruments: [
    { symbol: 'BTCUSDT', venue: 'rest', tickSize: '0.1', lotSize: '0.001', risk: { maxMessages: 1_000_000 } },
  ],
  orders: { ackTimeoutMillis: 60_000, maxOrders: 64 },
  closeTimeoutMillis: 300,
}

/** Accepts, cancels and remembers. */
class Venue implements OrderGateway {
  readonly venue = 'rest'
  readonly asked: OrderRequest[] = []
  sink: ReportSink | undefined
  start(sink: ReportSink): void {
    this.sink = sink
  }
  submit(request: NewRequest): void {
    this.asked.push(request)
    this.sink!.report(request.orderId, { kind: 'accepted' })
  }
  cancel(request: CancelRequest): void {
    this.asked.push(request)
    this.sink!.report(request.orderId, { kind: 'cancelled' })
  }
  replace(request: ReplaceRequest): void {
    this.asked.push(request)
  }
}

type Said = Readonly<Record<string, unknown>>

const touch = (bid: string, ask = '100.9') =>
  ({ kind: 'touch', instrument: 'BTCUSDT', bid, bidQuantity: '1', ask, askQuantity: '1' }) as const

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('ports', () => {
  let engine: Engine
  let venue: Venue
  const workers: Worker[] = []
  const faults: FafnirError[] = []

  async function start(more: Partial<EngineOptions> = {}): Promise<void> {
    faults.length = 0
    engine = await createEngine({ ...config, ...more, onFault: (error) => void faults.push(error) })
    venue = new Venue()
    await engine.attachGateway(venue)
  }

  function worker(role: string, more: object = {}): { worker: Worker; said: Said[] } {
    const made = new Worker(new URL('./port-worker.mjs', import.meta.url), {
      workerData: { port: engine.port(), role, ...more },
    })
    const said: Said[] = []
    made.on('message', (message: Said) => void said.push(message))
    made.on('error', (error) => void said.push({ error: String(error) }))
    workers.push(made)
    return { worker: made, said }
  }

  async function until(done: () => boolean, what: string, seen: () => unknown = () => ''): Promise<void> {
    for (let i = 0; i < 2_000; i += 1) {
      if (done()) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`never: ${what} ${JSON.stringify(seen())}`)
  }

  afterEach(async () => {
    await engine.close()
    await Promise.all(workers.splice(0).map((each) => each.terminate()))
  })

  it('runs a strategy in a worker: market, own orders, commands, timers', async () => {
    await start()
    const { worker: thread, said } = worker('quote')
    const has = (key: string, value: unknown) => said.some((message) => message[key] === value)
    engine.pushEvent(touch('100.0'))
    await until(
      () => has('order', 'accepted'),
      'accepted',
      () => said,
    )
    await until(
      () => has('timer', 7),
      'its timer',
      () => said,
    )
    const first = 2 ** 40 + 1
    expect(said).toContainEqual({ placed: first, bid: 1000 })
    expect(venue.asked).toMatchObject([{ kind: 'new', clientId: first, algoId: 9, price: '100.0', quantity: '0.010' }])
    venue.sink!.report(venue.asked[0]!.orderId, { kind: 'fill', price: '100.0', quantity: '0.010' })
    await until(
      () => has('fill', 10),
      'the fill',
      () => said,
    )
    expect(said).toContainEqual({ fill: 10, position: 10, producer: 1 })
    expect(engine.latest('BTCUSDT')).toMatchObject({ position: 10, bid: 1000, ask: 1009, twoSided: true })
    // A second worker begins whole: it sees the position at its start.
    const later = worker('quote')
    await until(
      () => later.said.some((message) => message['start'] !== undefined),
      'its start',
      () => later.said,
    )
    expect(later.said[0]).toMatchObject({ start: [0], position: 10 })
    thread.postMessage('close')
    await until(
      () => has('closed', true),
      'closed',
      () => said,
    )
    expect(has('stop', true) && has('over', true)).toBe(true)
    await engine.close()
    await until(() => later.said.some((message) => message['over'] === true), 'the end of the engine is seen')
  })

  it('cancels what a worker has open, however it ends, and nobody else', async () => {
    await start()
    engine.use(
      defineStrategy({
        apiVersion: 1,
        onBook(book, ctx) {
          if (ctx.orders.size === 0) ctx.place({ instrument: 0, side: 'sell', price: book.ask, quantity: 1 })
        },
      }),
    )
    const ways = [
      ['throw', undefined],
      ['quote', (each: Worker) => each.postMessage('close')],
      ['quote', (each: Worker) => void each.terminate()],
    ] as const
    let producer = 0
    for (const [role, end] of ways) {
      producer += 1
      const { worker: thread, said } = worker(role)
      await until(
        () => said.some((message) => message['start'] !== undefined),
        'a start',
        () => said,
      )
      engine.pushEvent(touch(`99.${producer}`))
      await until(
        () => said.some((message) => message['order'] === 'accepted'),
        'accepted',
        () => said,
      )
      end?.(thread)
      const mine = (request: OrderRequest) => Math.floor(request.clientId / 2 ** 40) === producer
      const kinds = () => venue.asked.filter(mine).map(({ kind }) => kind)
      await until(
        () => kinds().includes('cancel'),
        `the cancel of ${role} ${producer}`,
        () => said,
      )
      expect(kinds()).toEqual(['new', 'cancel'])
      if (role === 'throw') {
        await until(
          () => said.some((message) => message['fault'] === 'STRATEGY_THREW'),
          'the fault',
          () => said,
        )
      }
    }
    expect(venue.asked.filter(({ clientId }) => clientId === 1).map(({ kind }) => kind)).toEqual(['new'])
    expect([engine.ctx.trading, faults]).toEqual([true, []])
  })

  it('counts what a slow worker misses, exactly, and disturbs nobody', async () => {
    await start({ marketRingBytes: 65_536, commandRingBytes: 4_194_304 })
    const slow = worker('slow', { millis: 20 })
    const quick = worker('slow', { millis: 0 })
    let own = 0
    engine.onBatch((batch) => {
      for (const event of batch) if (event instanceof MarketEventView) own += 1
      own += batch.missed
    })
    // Both are there before the first event, or what they skip would count as neither.
    await until(() => [slow, quick].every(({ said }) => said.some((message) => message['reading'] === true)), 'readers')
    own = 0
    const updates = 20_000
    for (let i = 0; i < updates;) {
      if (engine.pushEvent(touch('100.0', `${101 + (i % 50)}.0`))) i += 1
      else await turn()
      if (i % 500 === 0) await turn()
    }
    await until(
      () => own >= 2 * updates,
      'all events here',
      () => own,
    )
    await engine.close()
    const result = (said: readonly Said[]) => said.find((message) => message['seen'] !== undefined)
    await until(
      () => [slow, quick].every(({ said }) => result(said) !== undefined),
      'both ends',
      () => slow.said,
    )
    for (const { said } of [slow, quick]) {
      const { seen, missed, total } = result(said) as { seen: number; missed: number; total: number }
      expect(missed).toBe(total)
      expect(seen + missed).toBe(own)
    }
    expect(result(slow.said)!['missed']).toBeGreaterThan(1_000)
    expect(result(slow.said)!['latest']).toMatchObject({ bid: 1000, ask: 1500 })
    expect(faults).toEqual([])
  })

  it.each([true, false])(
    'is whole again after order events were lost; with a gateway here (%s) it also kills',
    async (gateway) => {
      faults.length = 0
      engine = await createEngine({ ...config, ordersRingBytes: 32_768, onFault: (error) => void faults.push(error) })
      venue = new Venue()
      if (gateway) await engine.attachGateway(venue)
      const gaps: unknown[] = []
      engine.use(
        defineStrategy({
          apiVersion: 1,
          onBook(book, ctx) {
            if (ctx.orders.size === 0) ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 10 })
          },
          onFill: () => undefined,
          onGap: (lost, ctx) => void gaps.push([lost, ctx.position(0), ctx.orders.size]),
        }),
      )
      let refused = 0
      engine.onBatch((batch) => {
        for (const event of batch) if (event.kind === 'refused' && event.clientId > 1) refused += 1
      })
      if (gateway) {
        engine.pushEvent(touch('100.0'))
        await until(() => venue.asked.length > 0, 'an order')
        venue.sink!.report(venue.asked[0]!.orderId, { kind: 'fill', price: '100.0', quantity: '0.004' })
        await until(() => engine.position('BTCUSDT') === 4, 'a fill')
      }
      const heard = new Int32Array(new SharedArrayBuffer(8))
      const orders = 2_000
      const port = engine.port({ ordersRingBytes: 1_048_576 })
      const spam = new Worker(new URL('./port-worker.mjs', import.meta.url), {
        workerData: { port, role: 'spam', heard: heard.buffer, orders },
      })
      workers.push(spam)
      // The event loop of this thread stands still meanwhile. The worker needs none of it.
      expect(Atomics.wait(heard, 1, 0, 20_000)).not.toBe('timed-out')
      await until(
        () => engine.lost > 0 && gaps.length > 0,
        'the gap',
        () => [engine.lost, faults],
      )
      expect(gaps).toEqual([[engine.lost, gateway ? 4 : 0, gateway ? 1 : 0]])
      expect(refused + engine.lost).toBe(orders)
      expect(faults.map(({ code, fields }) => [code, fields['lost']])).toEqual([['MISSED_REPORT', engine.lost]])
      if (gateway) await until(() => venue.asked.some(({ kind }) => kind === 'cancel'), 'the kill')
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(engine.ctx.trading).toBe(!gateway)
      expect((await engine.close()).strategy).toMatchObject({ halted: false })
    },
  )

  it('gives batches to a loop of this thread, with a signal', async () => {
    await start({ checkViews: true })
    const stop = new AbortController()
    const seen: unknown[] = []
    let kept: { readonly length: number } | undefined
    const reading = (async () => {
      for await (const batch of engine.batches({ signal: stop.signal, maxRecords: 16 })) {
        if (kept !== undefined)
          expect(() => kept!.length).toThrow(expect.objectContaining({ code: 'STRATEGY_INVALID' }))
        kept = batch
        for (const event of batch.copy()) seen.push(event)
        if (seen.some((event) => (event as { kind: string }).kind === 'touch')) stop.abort()
      }
    })()
    await turn()
    engine.pushEvent(touch('100.0'))
    await reading
    expect(seen).toContainEqual(expect.objectContaining({ kind: 'position', instrument: 0 }))
    const touches = seen.filter((event) => (event as { kind: string }).kind === 'touch')
    expect(touches).toMatchObject([
      { side: 'buy', price: 1000, quantity: 1000 },
      { side: 'sell', price: 1009, quantity: 1000 },
    ])
    await expect(async () => {
      for await (const _ of engine.batches({ maxRecords: 0 })) break
    }).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })

  it('takes a batch handler off that throws, and says so', async () => {
    await start()
    let [broken, sound] = [0, 0]
    engine.onBatch(() => {
      broken += 1
      throw new Error('mine')
    })
    const off = engine.onBatch((batch) => void (sound += batch.length), { maxRecords: 1 })
    engine.pushEvent(touch('100.0'))
    await until(() => sound >= 2, 'the touch')
    engine.pushEvent(touch('100.1'))
    await until(() => sound >= 4, 'the next touch')
    expect([broken, faults.map(({ code, fields }) => [code, fields['error']])]).toEqual([
      1,
      [['STRATEGY_THREW', 'mine']],
    ])
    off()
    const before = sound
    engine.pushEvent(touch('100.2'))
    await until(() => engine.book('BTCUSDT').bid === 1002, 'the last touch')
    expect(sound).toBe(before)
  })

  it('sleeps in a worker while there is nothing, and wakes for what comes', async () => {
    await start()
    const { worker: thread, said } = worker('idle')
    engine.pushEvent(touch('100.0'))
    await until(
      () => said.some((message) => message['batch'] !== undefined),
      'a batch',
      () => said,
    )
    const active = async (): Promise<number> => {
      const before = said.length
      thread.postMessage('busy')
      await until(() => said.slice(before).some((message) => 'active' in message), 'an answer')
      return Number(said.find((message, i) => i >= before && 'active' in message)!['active'])
    }
    const before = await active()
    await new Promise((resolve) => setTimeout(resolve, 500))
    // Milliseconds of work in half a second of nothing.
    expect((await active()) - before).toBeLessThan(50)
    const batches = said.filter((message) => 'batch' in message).length
    engine.pushEvent(touch('100.1'))
    await until(
      () => said.filter((message) => 'batch' in message).length > batches,
      'woken',
      () => said,
    )
  })

  it('attaches a port once, and only a port', async () => {
    await start()
    const port = engine.port({ commands: false })
    const reader = attach(port)
    expect(() => attach(port)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => attach({ ...port, bell: 1.5 })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => attach({} as never)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => reader.latest('X')).toThrow(expect.objectContaining({ code: 'UNKNOWN_SYMBOL' }))
    expect(() => reader.ctx.cancelAll()).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    reader.onBatch(() => undefined)
    await expect(reader.batches().next()).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    expect(() => engine.port({ ordersRingBytes: 1_024 })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(await reader.close()).toBeUndefined()
    expect(() => reader.use(defineStrategy({ apiVersion: 1 }))).toThrow(
      expect.objectContaining({ code: 'ENGINE_CLOSED' }),
    )
    const ports = Array.from({ length: 31 }, () => engine.port())
    expect(ports.at(-1)!.producer).toBe(32)
    expect(() => engine.port()).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    await engine.close()
    expect(() => attach(ports[0]!)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => engine.port()).toThrow(expect.objectContaining({ code: 'ENGINE_CLOSED' }))
  })
})
