// The part to start from: a table of orders over one FIX session. Orders go out by `place` and `cancel`; whatever the
// venue says of them comes in as reports and refusals, each applied once, also when it is sent again.
import { fixInitiator, fixNumber } from 'fafnir/fix'
import {
  ExecutionReport,
  NewOrderSingle,
  OrderCancelReject,
  OrderCancelRequest,
  OrderStatusRequest,
  values,
} from 'fafnir/fix/fix44'

const { ExecType, OrdStatus, OrdType } = values
const { CANCELED, DONE_FOR_DAY, EXPIRED, FILLED, REJECTED } = OrdStatus

/** After these nothing more happens to an order. */
const ENDED = new Set([FILLED, DONE_FOR_DAY, CANCELED, REJECTED, EXPIRED])
/** Messages of ours whose number is remembered, for a Reject names what it refuses by its number alone. */
const SENT_MAX = 10_000
/** ExecType (150) in words; fills and rejects have sentences of their own. */
const words = {
  [ExecType.NEW]: 'is working',
  [ExecType.CANCELED]: 'is cancelled',
  [ExecType.REPLACED]: 'is replaced',
  [ExecType.EXPIRED]: 'has expired',
  [ExecType.ORDER_STATUS]: 'is as it was',
}

/**
 * Connects, and stays connected: a session that is lost is made again, with a wait that grows. `storeDir` holds its
 * numbers and messages from one process to the next; `say` is told of what happens, in words.
 */
export async function startDesk({ session, storeDir, say }) {
  const desk = new Desk(say)
  const host = await fixInitiator({
    // An order that arrives when the market has moved on is worse than one that is refused here.
    sessions: [{ beginString: 'FIX.4.4', heartbeatSeconds: 30, keepWhenClosed: false, ...session }],
    shared: { storeDir },
    results: true,
    onBatch: (batch) => {
      for (let at = 0; at < batch.length; at += 1) desk.onEvent(batch.at(at))
    },
  })
  return desk.over(host)
}

class Desk {
  /** Orders by ClOrdID. */
  orders = new Map()
  /** What the commands that are on their way were for, by ticket; then by the number their message got. */
  #tickets = new Map()
  #sent = new Map()
  #failures = 0
  #say
  #host
  #session

  constructor(say) {
    this.#say = say
  }

  /** Uses this host's one session. */
  over(host) {
    this.#host = host
    this.#session = host.sessions[0]
    return this
  }

  /** A limit order. False: it did not leave. `more` are further fields of it. */
  place(clOrdId, { side, symbol, quantity, price }, more = {}) {
    this.orders.set(clOrdId, {
      clOrdId,
      side,
      symbol,
      quantity,
      status: OrdStatus.PENDING_NEW,
      filled: 0,
      execIds: new Set(),
    })
    const fields = {
      ClOrdID: clOrdId,
      Side: side,
      Symbol: symbol,
      OrdType: OrdType.LIMIT,
      OrderQty: quantity,
      Price: price,
    }
    const left = this.send(NewOrderSingle, clOrdId, { ...fields, TransactTime: new Date(), ...more })
    if (!left) this.orders.delete(clOrdId)
    return left
  }

  /** Asks for an order to be cancelled; a report or a refusal follows. */
  cancel(clOrdId, cancelId) {
    const { side, symbol, quantity } = this.orders.get(clOrdId)
    const fields = { ClOrdID: cancelId, OrigClOrdID: clOrdId, Side: side, Symbol: symbol, OrderQty: quantity }
    return this.send(OrderCancelRequest, clOrdId, { ...fields, TransactTime: new Date() })
  }

  /** Any other message, about an order; what comes of it is told by its ticket. */
  send(message, clOrdId, fields) {
    const ticket = this.#session.send(message, fields)
    if (ticket === 'FIX_QUEUE_FULL') this.#say(`${clOrdId} not sent: ${ticket}`)
    else this.#tickets.set(ticket, { message: message.name, clOrdId })
    return ticket !== 'FIX_QUEUE_FULL'
  }

  /** Logs out, and ends. */
  async close(text) {
    this.#session.logout(text)
    await this.#host.close()
  }

  onEvent(event) {
    if (event.kind === 'message') this.#onMessage(event)
    else if (event.kind === 'result') this.#onResult(event)
    else if (event.kind === 'logon') this.#onLogon()
    else if (event.kind === 'logout') this.#say(event.code === undefined ? 'logged out' : 'connection lost')
    else if (event.kind === 'fault') this.#onFault(event.error)
  }

  #onMessage(message) {
    const report = ExecutionReport.read(message)
    if (report !== undefined) return this.#onReport(report, message.possDup)
    const reject = OrderCancelReject.read(message)
    if (reject !== undefined) this.#say(`${reject.OrigClOrdID} not cancelled: ${reject.Text}`)
    else if (message.msgType === 'j' || message.msgType === '3') this.#onRefused(message)
  }

  #onLogon() {
    this.#failures = 0
    this.#say('logged on')
    // What was sent while we were away comes again by itself. Whether the venue has all of ours, it must say.
    for (const { clOrdId, symbol, side, status } of this.orders.values()) {
      const fields = { ClOrdID: clOrdId, Symbol: symbol, Side: side }
      if (!ENDED.has(status)) this.send(OrderStatusRequest, clOrdId, fields)
    }
  }

  #onFault(error) {
    if (error.code.startsWith('FIX_STORE')) return this.#say(error.message)
    this.#failures += 1
    if (this.#failures === 1) this.#say('cannot connect, and tries again')
  }

  /** A message has its number, or could not be sent. */
  #onResult({ ticket, code, sequence }) {
    const what = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (what === undefined) return
    if (code === undefined) {
      this.#sent.set(sequence, what)
      if (this.#sent.size > SENT_MAX) this.#sent.delete(this.#sent.keys().next().value)
      return
    }
    this.#say(`${what.clOrdId} not sent: ${code}`)
    if (what.message === NewOrderSingle.name) this.orders.delete(what.clOrdId)
  }

  #onReport(report, possDup) {
    // A report on a cancel names the order as OrigClOrdID (41).
    const order = this.orders.get(report.OrigClOrdID) ?? this.orders.get(report.ClOrdID)
    if (order === undefined) return this.#say(`a report on ${report.ClOrdID}, which is no order of ours`)
    // Sent again after a gap (43=Y), or again by the venue itself (97=Y): applied once.
    const execId = report.ExecID
    if (order.execIds.has(execId)) return
    order.execIds.add(execId)
    const wasDone = ENDED.has(order.status)
    order.status = report.OrdStatus
    order.orderId = report.OrderID
    this.#tell(order, report, possDup ? ', sent again' : '')
    // The position is the sum of the fills; a venue that says otherwise has sent one that never came.
    const filled = fixNumber(report.CumQty)
    if (filled !== order.filled) {
      this.#say(`${order.clOrdId}: ${filled} filled says the venue, ${order.filled} have come`)
    }
    if (ENDED.has(order.status) && !wasDone) {
      this.#say(`${order.clOrdId} is done: ${order.filled} at ${report.view.string('AvgPx')}`)
    }
  }

  #tell(order, report, again) {
    const type = report.ExecType
    if (type === ExecType.TRADE) {
      const quantity = fixNumber(report.LastQty)
      order.filled += quantity
      const left = fixNumber(report.LeavesQty)
      // The price as the venue wrote it; `LastPx` has it as mantissa and exponent.
      this.#say(`${order.clOrdId} filled ${quantity} at ${report.view.string('LastPx')}, ${left} left${again}`)
    } else if (type === ExecType.REJECTED) this.#say(`${order.clOrdId} rejected: ${report.Text}`)
    else this.#say(`${order.clOrdId} ${words[type] ?? `has ExecType ${type}`}${again}`)
  }

  /** The venue's engine or its application did not take a message of ours at all. */
  #onRefused(reject) {
    const known = this.#sent.get(reject.number('RefSeqNum'))
    const { message, clOrdId } = known ?? { message: 'a message', clOrdId: 'long sent' }
    const tag = reject.number('RefTagID')
    const about = tag === undefined ? '' : `, ${this.#session.dictionary.name(tag)} (${tag})`
    this.#say(`${message} ${clOrdId} refused: ${reject.string('Text')}${about}`)
    if (message === NewOrderSingle.name) this.orders.delete(clOrdId)
  }
}
