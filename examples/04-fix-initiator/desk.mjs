// The part to start from: a table of orders over one FIX session. Orders go out by `place` and `cancel`; whatever the
// venue says of them comes in as reports and refusals, each applied once, also when it is sent again.
import { fixInitiator } from 'fafnir/fix'

/** OrdStatus (39) after which nothing more happens to an order: filled, done for day, cancelled, rejected, expired. */
const ENDED = new Set(['2', '3', '4', '8', 'C'])
/** Messages of ours whose number is remembered, for a Reject names what it refuses by its number alone. */
const SENT_MAX = 10_000

/**
 * Connects, and stays connected: a session that is lost is made again, with a wait that grows. `storeDir` holds its
 * numbers and messages from one process to the next; `say` is told of what happens, in words.
 */
export async function startDesk({ session, storeDir, say }) {
  const orders = new Map()
  /** What the commands that are on their way were for, by ticket; then by the number their message got. */
  const tickets = new Map()
  const sent = new Map()
  let refusedConnects = 0

  const host = await fixInitiator({
    // An order that arrives when the market has moved on is worse than one that is refused here.
    sessions: [{ beginString: 'FIX.4.4', heartbeatSeconds: 30, keepWhenClosed: false, ...session }],
    shared: { storeDir },
    results: true,
    onBatch: (batch) => {
      for (let at = 0; at < batch.length; at += 1) onEvent(batch.at(at))
    },
  })
  const [own] = host.sessions

  /** Sends; what comes of it is told by its ticket. */
  function send(message, clOrdId, fields) {
    const ticket = own.send(message, fields)
    if (ticket === 'FIX_QUEUE_FULL') say(`${clOrdId} not sent: ${ticket}`)
    else tickets.set(ticket, { message, clOrdId })
    return ticket !== 'FIX_QUEUE_FULL'
  }

  function onEvent(event) {
    switch (event.kind) {
      case 'logon':
        refusedConnects = 0
        say('logged on')
        // What was sent while we were away comes again by itself. Whether the venue has all of ours, it must say.
        for (const order of orders.values()) if (!ENDED.has(order.status)) askStatus(order)
        break
      case 'logout':
        say(event.code === undefined ? 'logged out' : 'connection lost')
        break
      case 'fault':
        refusedConnects += 1
        if (refusedConnects === 1) say('cannot connect, and tries again')
        break
      case 'result':
        onResult(event)
        break
      case 'message':
        if (event.msgType === '8') onReport(event)
        else if (event.msgType === '9') onCancelReject(event)
        else if (event.msgType === 'j' || event.msgType === '3') onRefused(event)
        break
    }
  }

  /** A message has its number, or could not be sent. */
  function onResult({ ticket, code, sequence }) {
    const what = tickets.get(ticket)
    tickets.delete(ticket)
    if (what === undefined) return
    if (code === undefined) {
      sent.set(sequence, what)
      if (sent.size > SENT_MAX) sent.delete(sent.keys().next().value)
      return
    }
    say(`${what.clOrdId} not sent: ${code}`)
    if (what.message === 'NewOrderSingle') orders.delete(what.clOrdId)
  }

  function onReport(report) {
    // A report on a cancel names the order as OrigClOrdID (41).
    const order = orders.get(report.string('OrigClOrdID')) ?? orders.get(report.string('ClOrdID'))
    if (order === undefined) return say(`a report on ${report.string('ClOrdID')}, which is no order of ours`)
    const execId = report.string('ExecID')
    // Sent again after a gap (43=Y), or again by the venue itself (97=Y): applied once.
    if (order.execIds.has(execId)) return
    order.execIds.add(execId)
    const wasDone = ENDED.has(order.status)
    order.status = report.char('OrdStatus')
    order.orderId = report.string('OrderID')
    const type = report.char('ExecType')
    const again = report.possDup ? ', sent again' : ''
    if (type === 'F') {
      order.filled += report.number('LastQty')
      const filled = `${report.number('LastQty')} at ${report.string('LastPx')}`
      say(`${order.clOrdId} filled ${filled}, ${report.number('LeavesQty')} left${again}`)
    } else if (type === '8') say(`${order.clOrdId} rejected: ${report.string('Text')}`)
    else say(`${order.clOrdId} ${words[type] ?? `has ExecType ${type}`}${again}`)
    // The position is the sum of the fills; a venue that says otherwise has sent one that never came.
    if (report.number('CumQty') !== order.filled) {
      say(`${order.clOrdId}: ${report.number('CumQty')} filled says the venue, ${order.filled} have come`)
    }
    if (ENDED.has(order.status) && !wasDone)
      say(`${order.clOrdId} is done: ${order.filled} at ${report.string('AvgPx')}`)
  }

  function onCancelReject(reject) {
    say(`${reject.string('OrigClOrdID')} not cancelled: ${reject.string('Text')}`)
  }

  /** The venue's engine or its application did not take a message of ours at all. */
  function onRefused(reject) {
    const { message, clOrdId } = sent.get(reject.number('RefSeqNum')) ?? { message: 'a message', clOrdId: 'long sent' }
    const tag = reject.number('RefTagID')
    const about = tag === undefined ? '' : `, ${own.dictionary.name(tag)} (${tag})`
    say(`${message} ${clOrdId} refused: ${reject.string('Text')}${about}`)
    if (message === 'NewOrderSingle') orders.delete(clOrdId)
  }

  function askStatus({ clOrdId, symbol, side }) {
    send('OrderStatusRequest', clOrdId, { ClOrdID: clOrdId, Symbol: symbol, Side: side })
  }

  return {
    orders,

    /** A limit order. False: it did not leave. `more` are further fields of it. */
    place(clOrdId, { side, symbol, quantity, price }, more = {}) {
      orders.set(clOrdId, { clOrdId, side, symbol, quantity, status: 'A', filled: 0, execIds: new Set() })
      const fields = { ClOrdID: clOrdId, Side: side, Symbol: symbol, OrdType: '2', OrderQty: quantity, Price: price }
      const left = send('NewOrderSingle', clOrdId, { ...fields, TransactTime: new Date(), ...more })
      if (!left) orders.delete(clOrdId)
      return left
    },

    /** Asks for an order to be cancelled; a report or a refusal follows. */
    cancel(clOrdId, cancelId) {
      const { side, symbol, quantity } = orders.get(clOrdId)
      const fields = { ClOrdID: cancelId, OrigClOrdID: clOrdId, Side: side, Symbol: symbol, OrderQty: quantity }
      return send('OrderCancelRequest', clOrdId, { ...fields, TransactTime: new Date() })
    },

    /** Any other message. */
    send,

    /** Logs out, and ends. */
    async close(text) {
      own.logout(text)
      await host.close()
    },
  }
}

/** ExecType (150) in words; fills and rejects have sentences of their own. */
const words = { 0: 'is working', 4: 'is cancelled', 5: 'is replaced', C: 'has expired', I: 'is as it was' }
