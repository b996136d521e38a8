// The part to start from: a dealer whose clients trade against its quote. Limit orders fill at the quote or rest until
// it comes to them; the better price first, of one price the older. Prices are whole numbers of the finest decimal.
import { createHash, timingSafeEqual } from 'node:crypto'

import { fixAcceptor, fixNumber } from 'fafnir/fix'
import {
  ExecutionReport,
  NewOrderSingle,
  OrderCancelReject,
  OrderCancelReplaceRequest,
  OrderCancelRequest,
  OrderStatusRequest,
  values,
} from 'fafnir/fix/fix44'

/** Orders of one client that may rest. */
const RESTING_MAX = 1_000
/** ClOrdIDs of one client: none comes twice as long as this process lives. */
const IDS_MAX = 1_000_000
/** An order that took longer on its way is not taken: a session brings what was sent while it was down. */
const AGE_MILLIS_MAX = 30_000

const { CxlRejReason, CxlRejResponseTo, ExecType, OrdRejReason, OrdStatus, OrdType, Side } = values

/**
 * Takes orders on a port. `clients` are CompIDs and passwords; numbers and what a client has not got are kept in
 * `storeDir`. `say` is told what a person should know.
 */
export async function startDealer({ port = 0, clients, instruments, storeDir, say }) {
  const host = await fixAcceptor({
    port,
    sessions: Object.keys(clients).map((targetCompId) => ({
      beginString: 'FIX.4.4',
      senderCompId: 'DEALER',
      targetCompId,
    })),
    shared: { storeDir },
    checkLogon: ({ session, logon }) => {
      const { targetCompId } = session.name
      if (isSame(logon.string('Password'), clients[targetCompId])) return 'accept'
      say(`${targetCompId} is refused`)
      return { refuse: 'wrong password' }
    },
    // Everything else is answered "Unsupported Message Type" before it comes here.
    accepts: [NewOrderSingle, OrderCancelRequest, OrderCancelReplaceRequest, OrderStatusRequest].map(
      ({ type }) => type,
    ),
  })
  return new Dealer(host, instruments, say)
}

/** Takes as long whatever they are. */
function isSame(given, password) {
  const [one, other] = [given ?? '', password].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(one, other)
}

class Dealer {
  /** By session: orders that rest, by ClOrdID, and every id there was. */
  #books
  #quotes = new Map()
  /** Reports the thread of the sessions has no room for yet, in their order. */
  #outbox = []
  #started = Date.now().toString(36)
  #executions = 0
  #arrivals = 0
  #halted = false
  #host
  #instruments
  #say
  #reading

  constructor(host, instruments, say) {
    this.#host = host
    this.#instruments = instruments
    this.#say = say
    this.#books = host.sessions.map(() => ({ resting: new Map(), ids: new Set() }))
    this.#reading = this.#read()
  }

  get port() {
    return this.#host.port
  }

  /** A new quote, in the place of the one before; orders it reaches are filled. */
  quote({ symbol, ...prices }) {
    this.#quotes.set(symbol, prices)
    const better = (a, b) => (a.side === Side.BUY ? b.price - a.price : a.price - b.price) || a.arrived - b.arrived
    const all = this.#books.flatMap(({ resting }) => [...resting.values()]).filter((order) => order.symbol === symbol)
    for (const side of [Side.BUY, Side.SELL]) {
      const ofSide = all.filter((order) => order.side === side)
      for (const order of ofSide.sort(better)) this.#match(order)
    }
  }

  /** No order is taken any more; cancels still are. */
  halt() {
    this.#halted = true
    this.#quotes.clear()
  }

  /** Cancels what rests, logs every client out, and ends. */
  async close() {
    this.halt()
    for (const { resting } of this.#books) {
      for (const order of resting.values()) this.#withdraw(order, { Text: 'closing' })
    }
    await this.#flushed()
    await this.#host.close()
    await this.#reading
  }

  async #read() {
    for await (const batch of this.#host.batches()) {
      for (const event of batch) this.#onEvent(event)
      // Clients are read no faster than they can be answered.
      await this.#flushed()
    }
  }

  async #flushed() {
    while (!this.#flush()) await new Promise((resolve) => setImmediate(resolve))
  }

  /** True when everything is on its way. */
  #flush() {
    while (this.#outbox.length > 0) {
      const [session, message, fields] = this.#outbox[0]
      if (session.send(message, fields) === 'FIX_QUEUE_FULL') return false
      this.#outbox.shift()
    }
    return true
  }

  #send(session, message, fields) {
    this.#outbox.push([session, message, fields])
    this.#flush()
  }

  #onEvent(event) {
    const { kind, session } = event
    if (kind === 'message') this.#onMessage(session, event)
    else if (kind === 'logon') this.#say(`${session.name.targetCompId} is here`)
    else if (kind === 'logout') this.#onLogout(session)
    else if (kind === 'fault') this.#say(event.error.message)
    else if (kind === 'result') this.#say(`not sent: ${event.code}`)
  }

  #onMessage(session, message) {
    switch (message.msgType) {
      case NewOrderSingle.type:
        return this.#onOrder(session, NewOrderSingle.read(message), message.receivedMillis)
      case OrderCancelRequest.type:
        return this.#onCancel(session, OrderCancelRequest.read(message))
      case OrderCancelReplaceRequest.type:
        return this.#onReplace(session, OrderCancelReplaceRequest.read(message))
      case OrderStatusRequest.type:
        return this.#onStatus(session, OrderStatusRequest.read(message))
      default:
        // A refusal (3, j) is for people: it says that one of our reports was wrong.
        return this.#say(`${session.name.targetCompId} rejects: ${message.string('Text')}`)
    }
  }

  /** Nobody is watching these orders any more. The reports wait for the client's return. */
  #onLogout(session) {
    const { resting } = this.#books[session.number]
    this.#say(`${session.name.targetCompId} is gone, ${resting.size} orders cancelled`)
    for (const order of resting.values()) this.#withdraw(order, { Text: 'disconnected' })
  }

  #report(order, execType, more = {}) {
    this.#executions += 1
    const { decimals } = this.#instruments[order.symbol] ?? { decimals: 0 }
    this.#send(order.session, ExecutionReport, {
      OrderID: order.orderId,
      ClOrdID: order.clOrdId,
      ExecID: `${this.#started}-${this.#executions}`,
      ExecType: execType,
      OrdStatus: order.status,
      Symbol: order.symbol,
      Side: order.side,
      OrderQty: order.quantity,
      LeavesQty: order.leaves,
      CumQty: order.filled,
      // Exact until the division; then rounded to two places more than prices have.
      AvgPx: order.filled === 0 ? 0 : (order.paid / order.filled / 10 ** decimals).toFixed(decimals + 2),
      TransactTime: new Date(),
      ...more,
    })
  }

  #onOrder(session, asked, receivedMillis) {
    const book = this.#books[session.number]
    this.#arrivals += 1
    const order = {
      session,
      clOrdId: asked.ClOrdID,
      orderId: `${this.#started}-${this.#arrivals}`,
      symbol: asked.Symbol,
      side: asked.Side,
      quantity: quantityOf(asked),
      leaves: 0,
      filled: 0,
      paid: 0,
      arrived: this.#arrivals,
      status: OrdStatus.NEW,
    }
    const wrong = this.#fault(book, asked, receivedMillis - asked.TransactTime)
    if (wrong !== undefined) {
      order.status = OrdStatus.REJECTED
      return this.#report(order, ExecType.REJECTED, { OrdRejReason: wrong[0], Text: wrong[1] })
    }
    order.price = priceOf(asked, this.#instruments[order.symbol])
    order.leaves = order.quantity
    book.ids.add(order.clOrdId)
    book.resting.set(order.clOrdId, order)
    this.#report(order, ExecType.NEW)
    this.#match(order)
  }

  /** Why an order is not taken: reason and text. */
  #fault({ ids, resting }, asked, ageMillis) {
    const instrument = this.#instruments[asked.Symbol]
    const quantity = quantityOf(asked)
    if (ids.has(asked.ClOrdID)) return [OrdRejReason.DUPLICATE_ORDER, 'duplicate ClOrdID']
    if (this.#halted) return [OrdRejReason.EXCHANGE_CLOSED, 'closed']
    if (ageMillis > AGE_MILLIS_MAX) return [OrdRejReason.STALE_ORDER, 'too old']
    if (instrument === undefined) return [OrdRejReason.UNKNOWN_SYMBOL, 'unknown symbol']
    const plain = asked.OrdType === OrdType.LIMIT && (asked.Side === Side.BUY || asked.Side === Side.SELL)
    if (!plain) return [OrdRejReason.UNSUPPORTED_ORDER_CHARACTERISTIC, 'limit orders only, to buy or to sell']
    if (priceOf(asked, instrument) === undefined) return [OrdRejReason.OTHER, 'the price is not on the tick']
    if (!isWhole(quantity)) return [OrdRejReason.INCORRECT_QUANTITY, 'the quantity is no whole number']
    const { quantityMax } = instrument
    if (quantity > quantityMax) return [OrdRejReason.ORDER_EXCEEDS_LIMIT, `more than ${quantityMax}`]
    if (resting.size >= RESTING_MAX || ids.size >= IDS_MAX) return [OrdRejReason.ORDER_EXCEEDS_LIMIT, 'too many orders']
    return undefined
  }

  /** Fills an order against the quote, as far as price and size go. */
  #match(order) {
    const quote = this.#quotes.get(order.symbol)
    if (quote === undefined) return
    const [side, size] = order.side === Side.BUY ? ['ask', 'askSize'] : ['bid', 'bidSize']
    const reaches = order.side === Side.BUY ? order.price >= quote.ask : order.price <= quote.bid
    const quantity = reaches ? Math.min(order.leaves, quote[size]) : 0
    if (quantity === 0) return
    quote[size] -= quantity
    order.leaves -= quantity
    order.filled += quantity
    order.paid += quantity * quote[side]
    order.status = order.leaves === 0 ? OrdStatus.FILLED : OrdStatus.PARTIALLY_FILLED
    if (order.leaves === 0) this.#books[order.session.number].resting.delete(order.clOrdId)
    const price = { mantissa: quote[side], exponent: -this.#instruments[order.symbol].decimals }
    this.#report(order, ExecType.TRADE, { LastQty: quantity, LastPx: price })
  }

  /** An order to be cancelled or replaced; answers by itself when there is none that can be. */
  #found(session, request, responseTo) {
    const { resting, ids } = this.#books[session.number]
    const [id, origId] = [request.ClOrdID, request.OrigClOrdID]
    const order = resting.get(origId)
    const refuse = (reason, text) => {
      this.#send(session, OrderCancelReject, {
        OrderID: order?.orderId ?? 'NONE',
        ClOrdID: id,
        OrigClOrdID: origId,
        OrdStatus: order?.status ?? OrdStatus.REJECTED,
        CxlRejResponseTo: responseTo,
        CxlRejReason: reason,
        Text: text,
      })
    }
    if (order === undefined && ids.has(origId)) refuse(CxlRejReason.TOO_LATE_TO_CANCEL, 'too late')
    else if (order === undefined) refuse(CxlRejReason.UNKNOWN_ORDER, 'unknown')
    else if (ids.has(id)) refuse(CxlRejReason.DUPLICATE_CL_ORD_ID, 'duplicate ClOrdID')
    else return { order, id, origId, refuse }
    return {}
  }

  #onCancel(session, request) {
    const { order, id, origId } = this.#found(session, request, CxlRejResponseTo.ORDER_CANCEL_REQUEST)
    if (order === undefined) return
    this.#books[session.number].ids.add(id)
    this.#withdraw(order, { ClOrdID: id, OrigClOrdID: origId })
  }

  #withdraw(order, more) {
    this.#books[order.session.number].resting.delete(order.clOrdId)
    Object.assign(order, { leaves: 0, status: OrdStatus.CANCELED })
    this.#report(order, ExecType.CANCELED, more)
  }

  #onReplace(session, request) {
    // "Order cancel/replace request" is what 2 stands for.
    const { order, id, origId, refuse } = this.#found(session, request, CxlRejResponseTo.ORDER_CANCEL)
    if (order === undefined) return
    const instrument = this.#instruments[order.symbol]
    const [price, quantity] = [priceOf(request, instrument), quantityOf(request)]
    const fits = price !== undefined && isWhole(quantity) && quantity > order.filled
    if (!fits || quantity > instrument.quantityMax || this.#halted)
      return refuse(CxlRejReason.OTHER, 'price or quantity')
    const { resting, ids } = this.#books[session.number]
    resting.delete(origId)
    ids.add(id)
    this.#arrivals += 1
    // A replaced order stands behind those that were there.
    const leaves = quantity - order.filled
    Object.assign(order, { clOrdId: id, price, quantity, leaves, arrived: this.#arrivals })
    resting.set(id, order)
    this.#report(order, ExecType.REPLACED, { OrigClOrdID: origId })
    this.#match(order)
  }

  #onStatus(session, { ClOrdID, Symbol, Side }) {
    const order = this.#books[session.number].resting.get(ClOrdID)
    if (order !== undefined) return this.#report(order, ExecType.ORDER_STATUS)
    const none = { orderId: 'NONE', status: OrdStatus.REJECTED, quantity: 0, leaves: 0, filled: 0 }
    const gone = { session, clOrdId: ClOrdID, symbol: Symbol, side: Side, ...none }
    this.#report(gone, ExecType.ORDER_STATUS, { Text: 'not resting here' })
  }
}

/** OrderQty (38), which may be no whole number; 0 where it is not there. */
function quantityOf({ OrderQty }) {
  return OrderQty === undefined ? 0 : fixNumber(OrderQty)
}

function isWhole(quantity) {
  return Number.isSafeInteger(quantity) && quantity > 0
}

/** Price (44) in units of the finest decimal; undefined when it is not on the tick. */
function priceOf({ Price }, { decimals, tick }) {
  if (Price === undefined) return undefined
  const shift = decimals + Price.exponent
  const units = shift >= 0 ? Price.mantissa * 10 ** shift : Price.mantissa / 10 ** -shift
  return isWhole(units) && units % tick === 0 ? units : undefined
}
