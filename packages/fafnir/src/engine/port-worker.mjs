// Room card: engine/port-worker
// In:    a port and what to do with it.
// Out:   the worker of the port tests: it uses the built package, as a user's worker would.
// Holds: shares no module instance with the thread that owns the engine.
// Costs: tests only.
import { parentPort, workerData } from 'node:worker_threads'

import { MarketEventView, attach, defineStrategy } from '../../dist/index.js'

const { port, role } = workerData
const say = (message) => parentPort.postMessage(message)
const engine = attach(port, { onFault: (error) => say({ fault: error.code, cause: error.fields.cause }) })

/** Quotes once, says what it hears. */
const quoting = {
  apiVersion: 1,
  onStart: (ctx) => say({ start: [...engine.instruments.keys()], position: ctx.position(0) }),
  onBook: (book, ctx) => {
    if (!book.twoSided || ctx.orders.size > 0 || ctx.position(0) !== 0) return
    const clientId = ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 10, algoId: 9 })
    ctx.setTimer(7, ctx.now + 1_000_000)
    say({ placed: clientId, bid: book.bid })
  },
  onOrder: (event) => say({ order: event.kind, clientId: event.clientId, reason: event.reason }),
  onFill: (fill, ctx) => say({ fill: fill.lastQuantity, position: ctx.position(0), producer: port.producer }),
  onTimer: (id) => say({ timer: id }),
  onStop: () => say({ stop: true }),
}

const roles = {
  quote: () => engine.use(defineStrategy(quoting)),
  throw: () =>
    engine.use(
      defineStrategy({
        ...quoting,
        onOrder(event, ctx) {
          quoting.onOrder(event)
          if (event.kind === 'accepted') throw new Error(`boom at ${ctx.orders.size}`)
        },
      }),
    ),
  // Reads whole batches, and is too slow on purpose after each.
  async slow() {
    let [seen, missed, last] = [0, 0, 0]
    for await (const batch of engine.batches({ maxRecords: 256 })) {
      // The first is the image of the port.
      if (last === 0 && seen === 0) say({ reading: true })
      missed += batch.missed
      for (const event of batch) {
        if (event instanceof MarketEventView) seen += 1
        if (event.sequence > 0 && event.sequence <= last) throw new Error(`${event.sequence} after ${last}`)
        if (event.sequence > 0) last = event.sequence
      }
      if (workerData.millis > 0) await new Promise((resolve) => setTimeout(resolve, workerData.millis))
    }
    say({ seen, missed, total: engine.missed, latest: engine.latest('BTCUSDT') })
  },
  // Places orders that are refused, one after the other; writes how many it heard of into shared memory.
  spam() {
    const heard = new Int32Array(workerData.heard)
    const place = (ctx) => ctx.place({ instrument: 0, side: 'buy', price: 1, quantity: 1_000_000_000 })
    engine.use(
      defineStrategy({
        apiVersion: 1,
        onStart: place,
        onOrder(event, ctx) {
          if (event.kind !== 'refused') return
          heard[0] += 1
          if (heard[0] < workerData.orders) return place(ctx)
          Atomics.store(heard, 1, 1)
          Atomics.notify(heard, 1)
        },
      }),
    )
  },
  idle() {
    let batches = 0
    engine.onBatch((batch) => {
      batches += 1
      say({ batch: batch.length, batches, utilization: performance.eventLoopUtilization().active })
    })
  },
}

parentPort.on('message', async (message) => {
  if (message === 'close') {
    await engine.close()
    say({ closed: true })
    parentPort.close()
  } else if (message === 'busy') {
    const { active } = performance.eventLoopUtilization()
    say({ active, cpu: process.cpuUsage() })
  }
})
void engine.closed.then(() => say({ over: true }))
await roles[role]?.()
