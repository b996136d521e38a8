// The part to start from: a dealer whose clients trade against its quote. Limit orders fill at the quote or rest until
// it comes to them; the better price first, of one price the older. Prices are whole numbers of the finest decimal.
import { fixAcceptor } from 'fafnir/fix'

/** Orders of one client that may rest. */
const RESTING_MAX = 1_000
/** ClOrdIDs of one client: none comes twice as long as this process lives. */
const IDS_MAX = 1_000_000
/** An order that took longer on its way is not taken: a session brings what was sent while it was down. */
const AGE_MILLIS_MAX = 30_000

const status = { new: '0', partial: '1', filled: '2', cancelled: '4', rejected: '8' }
const exec = { new: '0', cancelled: '4', replaced: '5', rejected: '8', trade: 'F', status: 'I' }
/** OrdRejReason (103). */
const why = {
  unknownSymbol: 1,
  closed: 2,
  exceedsLimit: 3,
  duplicate: 6,
  stale: 8,
  unsupported: 11,
  quantity: 13,
  other: 99,
}
/** CxlRejReason (102). */
const tooLate = 0
const unknownOrder = 1

/**
 * Takes orders on a port. Its clients are the CompIDs of `clients`; numbers and what they have not got are kept in
 * `storeDir`. `say` is told what a person should know.
 */
export async function startDealer({ port = 0, clients, instruments, storeDir, say }) {
  const host = await fixAcceptor({
    port,
    sessions: clients.map((targetCompId) => ({ beginString: 'FIX.4.4', senderCompId: 'DEALER', targetCompId })),
    shared: { storeDir },
    // Everything else is answered "Unsupported Message Type" before it comes here.
    accepts: ['D', 'F', 'G', 'H'],
  })
  return new Dealer(host, instruments, say)
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
    const better = (a, b) => (a.side === '1' ? b.price - a.price : a.price - b.price) || a.arrived - b.arrived
    const all = this.#books.flatMap(({ resting }) => [...resting.values()]).filter((order) => order.symbol === symbol)
    for (const side of ['1', '2']) {
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
      case 'D':
        return this.#onOrder(session, message)
      case 'F':
        return this.#onCancel(session, message)
      case 'G':
        return this.#onReplace(session, message)
      case 'H':
        return this.#onStatus(session, message)
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
    this.#send(order.session, 'ExecutionReport', {
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

  #onOrder(session, message) {
    const book = this.#books[session.number]
    this.#arrivals += 1
    const order = {
      session,
      clOrdId: message.string('ClOrdID'),
      orderId: `${this.#started}-${this.#arrivals}`,
      symbol: message.string('Symbol'),
      side: message.char('Side'),
      quantity: message.number('OrderQty') ?? 0,
      leaves: 0,
      filled: 0,
      paid: 0,
      arrived: this.#arrivals,
      status: status.new,
    }
    const wrong = this.#fault(book, message, order.clOrdId)
    if (wrong !== undefined) {
      order.status = status.rejected
      return this.#report(order, exec.rejected, { OrdRejReason: wrong[0], Text: wrong[1] })
    }
    order.price = priceOf(message, this.#instruments[order.symbol])
    order.leaves = order.quantity
    book.ids.add(order.clOrdId)
    book.resting.set(order.clOrdId, order)
    this.#report(order, exec.new)
    this.#match(order)
  }

  /** Why an order is not taken: reason and text. */
  #fault({ ids, resting }, message, clOrdId) {
    const instrument = this.#instruments[message.string('Symbol')]
    const quantity = message.number('OrderQty')
    if (ids.has(clOrdId)) return [why.duplicate, 'duplicate ClOrdID']
    if (this.#halted) return [why.closed, 'closed']
    const age = message.receivedMillis - (message.time('TransactTime') ?? 0)
    if (age > AGE_MILLIS_MAX) return [why.stale, 'too old']
    if (instrument === undefined) return [why.unknownSymbol, 'unknown symbol']
    if (message.char('OrdType') !== '2') return [why.unsupported, 'limit orders only']
    if (!['1', '2'].includes(message.char('Side'))) return [why.unsupported, 'buy or sell']
    if (priceOf(message, instrument) === undefined) return [why.other, 'the price is not on the tick']
    if (!Number.isSafeInteger(quantity) || quantity < 1) return [why.quantity, 'the quantity is no whole number']
    if (quantity > instrument.quantityMax) return [why.exceedsLimit, `more than ${instrument.quantityMax}`]
    if (resting.size >= RESTING_MAX || ids.size >= IDS_MAX) return [why.exceedsLimit, 'too many orders']
    return undefined
  }

  /** Fills an order against the quote, as far as price and size go. */
  #match(order) {
    const quote = this.#quotes.get(order.symbol)
    if (quote === undefined) return
    const [side, size] = order.side === '1' ? ['ask', 'askSize'] : ['bid', 'bidSize']
    const reaches = order.side === '1' ? order.price >= quote.ask : order.price <= quote.bid
    const quantity = reaches ? Math.min(order.leaves, quote[size]) : 0
    if (quantity === 0) return
    quote[size] -= quantity
    order.leaves -= quantity
    order.filled += quantity
    order.paid += quantity * quote[side]
    order.status = order.leaves === 0 ? status.filled : status.partial
    if (order.leaves === 0) this.#books[order.session.number].resting.delete(order.clOrdId)
    const price = { mantissa: quote[side], exponent: -this.#instruments[order.symbol].decimals }
    this.#report(order, exec.trade, { LastQty: quantity, LastPx: price })
  }

  /** An order to be cancelled or replaced; answers by itself when there is none that can be. */
  #asked(session, message, responseTo) {
    const { resting, ids } = this.#books[session.number]
    const [id, origId] = [message.string('ClOrdID'), message.string('OrigClOrdID')]
    const order = resting.get(origId)
    const refuse = (reason, text) => {
      this.#send(session, 'OrderCancelReject', {
        OrderID: order?.orderId ?? 'NONE',
        ClOrdID: id,
        OrigClOrdID: origId,
        OrdStatus: order?.status ?? status.rejected,
        CxlRejResponseTo: responseTo,
        CxlRejReason: reason,
        Text: text,
      })
    }
    if (order === undefined) refuse(ids.has(origId) ? tooLate : unknownOrder, ids.has(origId) ? 'too late' : 'unknown')
    else if (ids.has(id)) refuse(why.duplicate, 'duplicate ClOrdID')
    else return { order, id, origId, refuse }
    return {}
  }

  #onCancel(session, message) {
    const { order, id, origId } = this.#asked(session, message, '1')
    if (order === undefined) return
    this.#books[session.number].ids.add(id)
    this.#withdraw(order, { ClOrdID: id, OrigClOrdID: origId })
  }

  #withdraw(order, more) {
    this.#books[order.session.number].resting.delete(order.clOrdId)
    Object.assign(order, { leaves: 0, status: status.cancelled })
    this.#report(order, exec.cancelled, more)
  }

  #onReplace(session, message) {
    const { order, id, origId, refuse } = this.#asked(session, message, '2')
    if (order === undefined) return
    const instrument = this.#instruments[order.symbol]
    const [price, quantity] = [priceOf(message, instrument), message.number('OrderQty')]
    const fits = price !== undefined && Number.isSafeInteger(quantity) && quantity > order.filled
    if (!fits || quantity > instrument.quantityMax || this.#halted) return refuse(why.other, 'price or quantity')
    const { resting, ids } = this.#books[session.number]
    resting.delete(origId)
    ids.add(id)
    this.#arrivals += 1
    // A replaced order stands behind those that were there.
    const leaves = quantity - order.filled
    Object.assign(order, { clOrdId: id, price, quantity, leaves, arrived: this.#arrivals })
    resting.set(id, order)
    this.#report(order, exec.replaced, { OrigClOrdID: origId })
    this.#match(order)
  }

  #onStatus(session, message) {
    const clOrdId = message.string('ClOrdID')
    const order = this.#books[session.number].resting.get(clOrdId)
    if (order !== undefined) return this.#report(order, exec.status)
    const what = { symbol: message.string('Symbol'), side: message.char('Side'), quantity: 0, leaves: 0, filled: 0 }
    const gone = { session, clOrdId, orderId: 'NONE', status: status.rejected, ...what }
    this.#report(gone, exec.status, { Text: 'not resting here' })
  }
}

/** Price (44) in units of the finest decimal; undefined when it is not on the tick. */
function priceOf(message, { decimals, tick }) {
  const price = message.decimal('Price')
  if (price === undefined) return undefined
  const shift = decimals + price.exponent
  const units = shift >= 0 ? price.mantissa * 10 ** shift : price.mantissa / 10 ** -shift
  return Number.isSafeInteger(units) && units > 0 && units % tick === 0 ? units : undefined
}
