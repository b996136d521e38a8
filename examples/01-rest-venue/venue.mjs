// A small exchange with a REST API on loopback: a ticker, orders, fills. It follows a script of touches (input.json):
// each holds until what it waits for rests in the book. It cannot replace an order, and it loses the first it is sent.
import { createServer } from 'node:http'

const QUANTITY = '1.000'

export async function startVenue(script) {
  const orders = new Map()
  const fills = []
  let step = 0
  let nextId = 1
  let posts = 0

  const touch = () => script.touches[step]

  /** A resting order trades when the other side of the touch reaches its price. */
  function match() {
    for (const order of orders.values()) {
      const reached = order.side === 'buy' ? +touch().ask <= +order.price : +touch().bid >= +order.price
      if (order.state !== 'live' || !reached) continue
      order.state = 'ended'
      const { clientOrderId, price, quantity } = order
      fills.push({ number: fills.length + 1, clientOrderId, price, quantity })
    }
  }

  function advance() {
    const { until } = touch()
    const price = /^order at (.*)$/.exec(until)?.[1]
    const live = [...orders.values()].filter((order) => order.state === 'live')
    const there = live.some((order) => price === undefined || order.price === price)
    if (until === 'end' || !there) return
    step += 1
    match()
  }

  const routes = {
    'GET /ticker': () => {
      advance()
      return [200, { ...touch(), number: step, bidQuantity: QUANTITY, askQuantity: QUANTITY }]
    },
    'POST /orders': (order) => {
      posts += 1
      if (posts === 1) return [503, { error: 'overloaded' }]
      const crosses = order.side === 'buy' ? +order.price >= +touch().ask : +order.price <= +touch().bid
      if (crosses) return [422, { error: 'would take liquidity' }]
      const id = String(nextId++)
      orders.set(id, { ...order, id, state: 'live' })
      return [201, { id }]
    },
    'DELETE /orders': (_, query) => {
      const order = orders.get(query.get('id'))
      if (order?.state !== 'live') return [404, { error: 'no such order' }]
      order.state = 'ended'
      return [200, {}]
    },
    'GET /orders': (_, query) => {
      const found = [...orders.values()].filter((order) => order.clientOrderId === query.get('clientOrderId'))
      return [200, found]
    },
    'GET /fills': (_, query) => [200, fills.filter((fill) => fill.number > +query.get('after'))],
  }

  const server = serve(routes)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

function serve(routes) {
  return createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost')
    let body = ''
    for await (const chunk of request) body += chunk
    const route = routes[`${request.method} ${url.pathname}`]
    const [status, answer] = route ? route(body && JSON.parse(body), url.searchParams) : [404, {}]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
}
