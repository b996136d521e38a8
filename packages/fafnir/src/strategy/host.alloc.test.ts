import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { expect, it } from 'vitest'

import { EventKind, OrderEventKind, OrderState, flag } from '../generated/layout.js'
import { instrumentsOf } from '../units.js'
import { defineStrategy } from './define.js'
import { StrategyHost } from './host.js'
import { ListSink, ListSource, eventRecord, floatBits, orderRecord } from './test-records.js'

const RECORDS = 4_000
const ROUNDS = 50
const ATTEMPTS = 150
// One number object is 16 bytes; the measuring itself allocates a few kilobytes.
const BYTES_PER_EVENT_MAX = 0.5

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

it('allocates nothing per event, with a callback on every one', () => {
  const [market, orders] = [new ListSource(), new ListSource()]
  const time = 1_700_000_000_000_000_000n
  for (let i = 1; i <= RECORDS; i += 1) {
    const common = { sequence: i, time: time + BigInt(i) * 5_000_000_000n }
    if (i % 10 === 0) {
      const kind = i % 20 === 0 ? OrderEventKind.Fill : OrderEventKind.Accepted
      const terms = { side: 1, price: 618_000, quantity: 10, lastLots: 2, filled: 2, clientId: 5 }
      orders.push(orderRecord({ ...common, kind, state: OrderState.Live, ...terms }))
    } else if (i % 3 === 0) {
      market.push(
        eventRecord({ ...common, kind: EventKind.Trade, side: 1, price: 618_000, quantity: 3, flags: flag.LAST }),
      )
    } else {
      const volatility = { kind: EventKind.Volatility, price: floatBits(i / 3), detail: 1, flags: flag.LAST }
      const touch = { kind: EventKind.Touch, side: 2, price: 618_000 + i, quantity: 9, id: i, flags: flag.LAST }
      market.push(eventRecord({ ...common, ...(i % 2 === 0 ? volatility : touch) }))
    }
  }
  const sums = new Float64Array(4)
  let calls = 0
  const strategy = defineStrategy({
    apiVersion: 1,
    onBook(book, ctx) {
      calls += 1
      sums[0] = sums[0]! + book.mid2 + ctx.now + ctx.volatility(0).sigma + ctx.position(0) + ctx.orders.size
    },
    onTrade(trade, ctx) {
      calls += 1
      sums[1] = sums[1]! + trade.price * trade.quantity + ctx.now
    },
    onFill(fill) {
      calls += 1
      sums[2] = sums[2]! + fill.lastQuantity + fill.orderId
    },
    onOrder(event) {
      calls += 1
      sums[3] = sums[3]! + event.filled
    },
  })
  const instruments = instrumentsOf([{ symbol: 'BTCUSDT', venue: 'v', tickSize: '0.1', lotSize: '0.001' }])
  const math = { log1p: Math.log1p, log: Math.log, exp: Math.exp, sqrt: Math.sqrt }
  const host = new StrategyHost({
    instruments,
    market,
    orders,
    commands: new ListSink(),
    math,
    strategy: strategy as never,
  })
  const round = (): void => {
    market.rewind()
    orders.rewind()
    host.sequence = 0
    host.poll(0x7fff_ffff)
  }
  // Handlers that are not yet compiled for good box numbers, and on a busy machine the compiler's thread may come
  // late: it is waited for, a bounded number of times. A handler that allocates allocates in every one of them.
  const growth: number[] = []
  while (growth.length < ATTEMPTS && !(growth.at(-1)! < BYTES_PER_EVENT_MAX)) {
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < ROUNDS; i += 1) round()
    growth.push((process.memoryUsage().heapUsed - before) / (RECORDS * ROUNDS))
  }
  expect(calls).toBe(RECORDS * ROUNDS * growth.length)
  expect(host.outcome().error).toBeUndefined()
  const shown = growth.map((bytes) => bytes.toFixed(3)).join(' ')
  expect(growth.at(-1), `bytes per event: ${shown}`).toBeLessThan(BYTES_PER_EVENT_MAX)
})
