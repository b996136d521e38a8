// What joins a REST venue to an engine: a feed that polls its ticker, a gateway that sends orders and polls its fills.
import { FafnirError } from 'fafnir'

const POLL_MILLIS = 5

async function call(url, method, path, body) {
  const response = await fetch(`${url}${path}`, { method, body: body && JSON.stringify(body) })
  const answer = await response.json()
  if (response.ok) return answer
  // An answer that says no is a reject. Anything else leaves open what happened, and is not turned into one.
  if (response.status === 422) throw new FafnirError('VENUE_POST_ONLY', answer.error)
  if (response.status === 404) throw new FafnirError('VENUE_UNKNOWN_ORDER', answer.error)
  throw new Error(`${method} ${path}: ${response.status} ${answer.error}`)
}

function every(millis, signal, work) {
  const loop = async () => {
    while (!signal.aborted) {
      await work().catch(() => {}) // The next poll is the retry.
      await new Promise((resolve) => setTimeout(resolve, millis))
    }
  }
  void loop()
}

/** @returns {import('fafnir').MarketFeed} */
export function restFeed(venue, symbol, url) {
  return {
    venue,
    start(sink, signal) {
      let last
      every(POLL_MILLIS, signal, async () => {
        const { number, bid, bidQuantity, ask, askQuantity } = await call(url, 'GET', '/ticker')
        if (number === last) return
        if (sink.push({ kind: 'touch', instrument: symbol, bid, bidQuantity, ask, askQuantity })) last = number
      })
      sink.up()
    },
  }
}

/** @returns {import('fafnir').OrderGateway} */
export function restGateway(venue, url) {
  // Our order id to what the venue knows: its id, and the names of the requests that made it.
  const orders = new Map()
  let reports

  async function place(request) {
    const { orderId, clOrdId, side, price, quantity } = request
    const order = orders.get(orderId) ?? { names: new Set(), id: undefined }
    orders.set(orderId, order)
    order.names.add(clOrdId)
    order.id = (await call(url, 'POST', '/orders', { clientOrderId: clOrdId, side, price, quantity })).id
  }

  const cancel = ({ orderId }) => call(url, 'DELETE', `/orders?id=${orders.get(orderId).id}`)

  return {
    venue,
    start(sink, signal) {
      reports = sink
      let after = 0
      every(POLL_MILLIS, signal, async () => {
        for (const fill of await call(url, 'GET', `/fills?after=${after}`)) {
          const { price, quantity } = fill
          const [orderId] = [...orders].find(([, { names }]) => names.has(fill.clientOrderId))
          sink.report(orderId, { kind: 'fill', price, quantity })
          after = fill.number // Only now: a fill that could not be reported is asked for again.
        }
      })
    },
    async submit(request) {
      await place(request)
      reports.report(request.orderId, { kind: 'accepted' })
    },
    async cancel(request) {
      await cancel(request)
      reports.report(request.orderId, { kind: 'cancelled' })
    },
    // The venue has no replace: cancel, then place anew. To the engine it stays the same order.
    async replace(request) {
      await cancel(request)
      await place(request)
      reports.report(request.orderId, { kind: 'replaced' })
    },
    async reconcile({ clOrdId }) {
      const [found] = await call(url, 'GET', `/orders?clientOrderId=${clOrdId}`)
      if (found === undefined) return { state: 'absent' }
      const { price, quantity } = found
      return found.state === 'live' ? { state: 'live', price, quantity } : { state: 'ended' }
    },
  }
}
