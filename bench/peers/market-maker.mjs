// Room card: bench/peers/market-maker
// In:    the ports of a WebSocket and of a FIX 4.4 acceptor on this machine.
// Out:   the quotes of an Avellaneda-Stoikov maker, moved with every bookTicker, as FIX messages.
// Holds: what a maker in plain JavaScript does with `ws` and `net` and nothing else: parse, compute, write. No journal,
//        no risk gate, no order states beyond the two ids: it does less than ours, never more.
// Costs: a process.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect } from 'node:net'

const WebSocket = createRequire(new URL('../../packages/fafnir/package.json', import.meta.url))('ws')
const [marketPort, ordersPort] = process.argv.slice(2).map(Number)

const GAMMA = 1e-9
const KAPPA = 4
const TICK = 0.1
const WINDOW = 50
const INVENTORY = 0
const SPREAD = (2 / GAMMA) * Math.log1p(GAMMA / KAPPA)

let sequence = 1
let requests = 0
/** ClOrdID of the working bid and ask. */
const working = ['', '']

function stamp() {
  const text = new Date().toISOString()
  return `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 10)}-${text.slice(11, 23)}`
}

/** One FIX message: header, body length, checksum. */
function fix(type, time, body) {
  const inner = `35=${type}\x0149=FAFNIR\x0156=PEER\x0134=${sequence++}\x0152=${time}\x01${body}`
  const message = `8=FIX.4.4\x019=${inner.length}\x01${inner}`
  let sum = 0
  for (let at = 0; at < message.length; at += 1) sum += message.charCodeAt(at)
  return `${message}10=${String(sum & 255).padStart(3, '0')}\x01`
}

function quote(side, price, time) {
  requests += 1
  const [id, before] = [`2-${requests}`, working[side]]
  working[side] = id
  const about = `18=6\x0155=FAFUSDT\x0154=${side + 1}\x0160=${time}`
  const terms = `11=${id}\x01${about}\x0138=0.010\x0140=2\x0144=${price.toFixed(2)}\x0159=1\x01`
  return before === '' ? fix('D', time, terms) : fix('G', time, `41=${before}\x01${terms}`)
}

/** Volatility over the last changed mids. */
const changes = new Float64Array(WINDOW)
const times = new Float64Array(WINDOW)
let samples = 0
let squares = 0
let lastMid = NaN

function sigma(mid) {
  if (mid !== lastMid) {
    const [at, change] = [samples % WINDOW, samples === 0 ? 0 : mid - lastMid]
    squares += change * change - changes[at] * changes[at]
    changes[at] = change
    times[at] = performance.now()
    samples += 1
    lastMid = mid
  }
  if (samples <= WINDOW) return undefined
  const seconds = (times[(samples - 1) % WINDOW] - times[samples % WINDOW]) / 1_000
  return Math.sqrt(squares / seconds)
}

const orders = connect({ host: '127.0.0.1', port: ordersPort, noDelay: true })
await once(orders, 'connect')
orders.write(fix('A', stamp(), '98=0\x01108=10\x01'))
// Reports are read and split, as a maker must to know its fills.
let rest = ''
orders.on('data', (bytes) => {
  const messages = (rest + bytes.toString('latin1')).split(/\x0110=\d{3}\x01/)
  rest = messages.pop()
  for (const message of messages) {
    const type = /\x0135=([^\x01]+)/.exec(message)?.[1]
    if (type === '1') orders.write(fix('0', stamp(), `112=${/\x01112=([^\x01]+)/.exec(message)?.[1]}\x01`))
    if (type === '9' || type === '3') throw new Error(message)
  }
})
orders.on('close', () => process.exit(0))

const market = new WebSocket(`ws://127.0.0.1:${marketPort}/stream`, { perMessageDeflate: false })
market.on('open', () => market._socket.setNoDelay(true))
market.on('message', (bytes) => {
  const { data } = JSON.parse(bytes)
  if (data.e !== 'bookTicker') return
  const [bid, ask] = [Number(data.b), Number(data.a)]
  const mid = (bid + ask) / 2
  const vol = sigma(mid)
  if (vol === undefined) return
  const reservation = mid - INVENTORY * GAMMA * vol * vol
  const ourBid = Math.min(Math.floor((reservation - SPREAD / 2) / TICK) * TICK, ask - TICK)
  const ourAsk = Math.max(Math.ceil((reservation + SPREAD / 2) / TICK) * TICK, bid + TICK)
  const time = stamp()
  orders.write(quote(0, ourBid, time) + quote(1, ourAsk, time), 'latin1')
})
market.on('close', () => process.exit(0))
setInterval(() => orders.write(fix('0', stamp(), '')), 9_000).unref()
