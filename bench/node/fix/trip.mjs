// Room card: bench/node/fix/trip
// In:    `ours` or `jspurefix`; `acceptor`, or `initiator`, the acceptor's port and how many orders are under way.
// Out:   the acceptor's port as a line; the initiator's JSON object: µs from an order to its ExecutionReport (median,
//        99 %), and µs of the clock a trip.
// Holds: the same order and report on both sides; reports come in the order of their orders.
// Costs: a process a side, some seconds.
import { createServer } from 'node:net'

import { product, rival } from './messages.mjs'

const WARMUP_MILLIS = 2_000
const MEASURED_MILLIS = 4_000
const TRIPS_MAX = 1_000_000
const order = (id) => ({
  ClOrdID: id, HandlInst: '1', Symbol: 'BTCUSDT', Side: '1', OrderQty: 3, OrdType: '2', Price: 60_123.45,
  TimeInForce: '1',
})
const report = (id, n) => ({
  OrderID: `O${n}`, ExecID: `E${n}`, ExecType: '0', OrdStatus: '0', ClOrdID: id, Symbol: 'BTCUSDT', Side: '1',
  OrderQty: 3, LeavesQty: 3, CumQty: 0, AvgPx: 0,
})

/** Counts trips; `next` sends the order of an id; `under` of them are under way. The last one ends the process. */
function trips(next, under) {
  const times = new Float64Array(TRIPS_MAX)
  const start = performance.now() + WARMUP_MILLIS
  const asked = new Float64Array(under)
  let [at, due, count] = [0, 0, 0]
  const ask = () => {
    asked[at % under] = performance.now()
    at += 1
    next(`ORD-${at}`)
  }
  const begin = () => {
    for (let first = 0; first < under; first += 1) ask()
  }
  const answered = (id) => {
    const [now, begun] = [performance.now(), asked[due % under]]
    due += 1
    if (id !== `ORD-${due}`) throw new Error(`the report of ${id} came for ORD-${due}`)
    if (begun >= start) {
      times[count] = now - begun
      count += 1
    }
    if (now < start + MEASURED_MILLIS && count < TRIPS_MAX) return ask()
    const sorted = times.subarray(0, count).sort()
    const quantile = (share) => sorted[Math.floor(count * share)] * 1_000
    console.log(JSON.stringify({ us: quantile(0.5), us99: quantile(0.99), each: ((now - start) * 1_000) / count }))
    process.exit(0)
  }
  return { begin, answered }
}

async function ours(role, port, under) {
  const { fixAcceptor, fixInitiator } = product('fafnir/fix')
  const { ExecutionReport, NewOrderSingle } = product('fafnir/fix/fix44')
  if (role === 'acceptor') {
    let n = 0
    const acceptor = await fixAcceptor({
      sessions: [{ beginString: 'FIX.4.4', senderCompId: 'VENUE', targetCompId: 'CLIENT' }],
      onBatch: (batch) => {
        for (let at = 0; at < batch.length; at += 1) {
          const event = batch.at(at)
          if (event.kind !== 'message') continue
          const asked = NewOrderSingle.read(event)
          if (asked === undefined) continue
          n += 1
          event.session.send(ExecutionReport, { ...report(asked.ClOrdID, n), TransactTime: new Date() })
        }
      },
    })
    console.log(acceptor.port)
    return
  }
  let [session, counted] = [undefined, undefined]
  await fixInitiator({
    sessions: [{
      beginString: 'FIX.4.4', senderCompId: 'CLIENT', targetCompId: 'VENUE', addresses: [`127.0.0.1:${port}`],
    }],
    onBatch: (batch) => {
      for (let at = 0; at < batch.length; at += 1) {
        const event = batch.at(at)
        if (event.kind === 'logon') {
          session = event.session
          counted = trips((id) => session.send(NewOrderSingle, { ...order(id), TransactTime: new Date() }), under)
          counted.begin()
        } else if (event.kind === 'message') {
          const answer = ExecutionReport.read(event)
          if (answer !== undefined) counted.answered(answer.ClOrdID)
        }
      }
    },
  })
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function jspurefix(role, asked, under) {
  rival('reflect-metadata')
  const { AsciiSession, EmptyLogFactory, SessionLauncher } = rival('jspurefix')
  const port = role === 'acceptor' ? await freePort() : Number(asked)
  class App extends AsciiSession {
    n = 0

    onApplicationMsg(type, view) {
      if (role === 'acceptor') {
        this.n += 1
        const { Symbol, OrderQty, ...rest } = report(view.getString(11), this.n)
        this.send('8', { ...rest, Instrument: { Symbol }, OrderQtyData: { OrderQty }, TransactTime: new Date() })
      } else this.counted.answered(view.getString(11))
    }

    onReady() {
      if (role === 'acceptor') return
      this.counted = trips((id) => {
        const { Symbol, OrderQty, ...rest } = order(id)
        this.send('D', { ...rest, Instrument: { Symbol }, OrderQtyData: { OrderQty }, TransactTime: new Date() })
      }, under)
      this.counted.begin()
    }

    onDecoded() {}
    onEncoded() {}
    onStopped() {}
    onLogon() { return true }
  }
  const [own, peer] = role === 'acceptor' ? ['VENUE', 'CLIENT'] : ['CLIENT', 'VENUE']
  const description = {
    application: {
      type: role, name: role, protocol: 'ascii', dictionary: 'qf44', reconnectSeconds: 10,
      tcp: { host: '127.0.0.1', port },
    },
    Username: 'u', Password: 'p', EncryptMethod: 0, ResetSeqNumFlag: true, HeartBtInt: 30, SenderCompId: own,
    TargetCompID: peer, BeginString: 'FIX.4.4',
  }
  class Launcher extends SessionLauncher {
    constructor() {
      super(role === 'initiator' ? description : null, role === 'acceptor' ? description : null, new EmptyLogFactory())
    }

    makeFactory() { return { makeSession: (config) => new App(config) } }
  }
  const running = new Launcher().run()
  if (role === 'acceptor') setTimeout(() => console.log(port), 3_000)
  await running
}

const [, , side, role, port, under = '1'] = process.argv
await (side === 'ours' ? ours : jspurefix)(role, port, Number(under))
