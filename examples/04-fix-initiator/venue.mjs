// A venue to run the desk against: it takes orders in one symbol and fills those it was told to fill.
import { fixAcceptor } from 'fafnir/fix'

const NEW = '0'
const CANCELLED = '4'
const REJECTED = '8'
const TRADE = 'F'
const STATUS = 'I'

/** Starts it on a free port. `fills` are quantity and price by ClOrdID, carried out as the order comes. */
export async function startVenue(symbol, fills) {
  const venue = new Venue(symbol, fills)
  const host = await fixAcceptor({
    sessions: [{ beginString: 'FIX.4.4', senderCompId: 'VENUE', targetCompId: 'DESK' }],
    accepts: ['D', 'F', 'H'],
    onBatch: (batch) => {
      for (const event of batch) if (event.kind === 'message') venue.onMessage(event.session, event)
    },
  })
  return {
    port: host.port,
    /** Fills an order now, whether its owner is connected or not. */
    fill: (clOrdId, quantity, price) => venue.fill(host.sessions[0], venue.orders.get(clOrdId), quantity, price),
    close: () => host.close(),
  }
}

class Venue {
  orders = new Map()
  #symbol
  #fills
  #executions = 0

  constructor(symbol, fills) {
    this.#symbol = symbol
    this.#fills = fills
  }

  onMessage(session, message) {
    if (message.msgType === 'D') this.#onOrder(session, message)
    else if (message.msgType === 'F') this.#onCancel(session, message)
    else if (message.msgType === 'H') this.#report(session, this.orders.get(message.string('ClOrdID')), STATUS)
  }

  fill(session, order, quantity, price) {
    order.filled += quantity
    order.leaves -= quantity
    order.paid += quantity * Math.round(Number(price) * 1_000)
    order.status = order.leaves === 0 ? '2' : '1'
    this.#report(session, order, TRADE, { LastQty: quantity, LastPx: price })
  }

  #report(session, order, execType, more = {}) {
    this.#executions += 1
    session.send('ExecutionReport', {
      OrderID: order.orderId,
      ClOrdID: order.clOrdId,
      ExecID: `E${this.#executions}`,
      ExecType: execType,
      OrdStatus: order.status,
      Symbol: order.symbol,
      Side: order.side,
      OrderQty: order.quantity,
      LeavesQty: order.leaves,
      CumQty: order.filled,
      // Thousandths times lots: whole numbers until the division.
      AvgPx: order.filled === 0 ? '0' : String(order.paid / order.filled / 1_000),
      TransactTime: new Date(),
      ...more,
    })
  }

  #onOrder(session, message) {
    const order = {
      orderId: `V${this.orders.size + 1}`,
      clOrdId: message.string('ClOrdID'),
      symbol: message.string('Symbol'),
      side: message.char('Side'),
      quantity: message.number('OrderQty'),
      leaves: message.number('OrderQty'),
      filled: 0,
      paid: 0,
      status: NEW,
    }
    this.orders.set(order.clOrdId, order)
    if (order.symbol !== this.#symbol) {
      Object.assign(order, { status: REJECTED, leaves: 0 })
      const Text = `unknown symbol ${order.symbol}`
      return this.#report(session, order, REJECTED, { OrdRejReason: 1, Text })
    }
    this.#report(session, order, NEW)
    for (const [quantity, price] of this.#fills[order.clOrdId] ?? []) this.fill(session, order, quantity, price)
  }

  #onCancel(session, message) {
    const order = this.orders.get(message.string('OrigClOrdID'))
    const cancelId = message.string('ClOrdID')
    if (order !== undefined && order.leaves > 0) {
      Object.assign(order, { status: CANCELLED, leaves: 0 })
      return this.#report(session, order, CANCELLED, { ClOrdID: cancelId, OrigClOrdID: order.clOrdId })
    }
    session.send('OrderCancelReject', {
      OrderID: order?.orderId ?? 'NONE',
      ClOrdID: cancelId,
      OrigClOrdID: message.string('OrigClOrdID'),
      OrdStatus: order?.status ?? REJECTED,
      CxlRejResponseTo: '1',
      CxlRejReason: order === undefined ? 1 : 0,
      Text: order === undefined ? 'unknown order' : 'too late to cancel',
    })
  }
}
