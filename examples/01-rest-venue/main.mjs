// Joins an exchange with nothing but a REST API: buys at the bid, moves the bid with the market, sells what it bought.
// Risk, order states, position and journal are the engine's; the exchange is 60 lines in venue.mjs.
import { readFileSync } from 'node:fs'

import { createEngine, defineStrategy, priceText, quantityText } from 'fafnir'

import { restFeed, restGateway } from './rest.mjs'
import { startVenue } from './venue.mjs'

const script = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))
const { symbol } = script
const server = await startVenue(script)
const flat = Promise.withResolvers?.() ?? withResolvers()

const strategy = defineStrategy({
  apiVersion: 1,

  onBook(book, ctx) {
    const instrument = ctx.instruments[book.instrument]
    console.log(`touch ${priceText(instrument, book.bid)} / ${priceText(instrument, book.ask)}`)
    const order = ctx.orders.at(0)
    if (order === undefined) trade(book, ctx)
    else if (order.state === 'live' && order.side === 'buy' && order.price < book.bid) {
      ctx.replace(order.clientId, { price: book.bid, quantity: order.quantity })
    }
  },

  onOrder(event, ctx) {
    const { symbol: name } = ctx.instruments[event.instrument]
    const price = priceText(ctx.instruments[event.instrument], event.price)
    const reason = event.reason === undefined ? '' : `: ${event.reason}`
    console.log(`${event.kind} ${event.side} ${name} at ${price}${reason}`)
    if (event.kind === 'rejected') trade(ctx.book(event.instrument), ctx)
  },

  onFill(fill, ctx) {
    const instrument = ctx.instruments[fill.instrument]
    const position = ctx.position(fill.instrument)
    const filled = `${quantityText(instrument, fill.lastQuantity)} at ${priceText(instrument, fill.lastPrice)}`
    console.log(`filled ${fill.side} ${filled}, position ${quantityText(instrument, position)}`)
    if (position === 0) flat.resolve()
    else trade(ctx.book(fill.instrument), ctx)
  },
})

function trade(book, ctx) {
  const { instrument } = book
  const position = ctx.position(instrument)
  if (position > 0) ctx.place({ instrument, side: 'sell', price: book.ask, quantity: position, postOnly: true })
  else ctx.place({ instrument, side: 'buy', price: book.bid, quantity: 10, postOnly: true })
}

const engine = await createEngine({
  venues: [{ name: 'rest', feed: 'normalised' }],
  instruments: [{ symbol, venue: 'rest', tickSize: '0.1', lotSize: '0.001', risk: { maxPosition: '0.010' } }],
  onFault: (error) => console.log(`fault: ${error.message} (${error.fields.error})`),
})
try {
  engine.use(strategy)
  await engine.attachGateway(restGateway('rest', server.url))
  await engine.attachFeed(restFeed('rest', symbol, server.url))
  await flat.promise
} finally {
  const { openOrders } = await engine.close()
  await server.close()
  console.log(`closed, ${openOrders} open orders`)
}

// Promise.withResolvers came with Node 22.
function withResolvers() {
  let resolve
  const promise = new Promise((done) => (resolve = done))
  return { promise, resolve }
}
