// Room card: bench/node/fix/read
// In:    ExecutionReports of some 240 bytes; `ours`, or `view` or `object` of jspurefix.
// Out:   one JSON object: ns a message of six typed fields, the least and the median; bytes of the heap a message.
// Holds: both read the same six fields of the same messages, and their sum is checked; of rounds over all messages the
//        least counts, of jspurefix's the least of each piece, which takes as long as a round of ours: noise only adds.
// Costs: some seconds. Ours: messages that crossed loopback and lie in the ring, taken and read as one batch; the
//        native thread has split, checked and indexed them. jspurefix does this in the program's thread: its figure
//        has it.
import { check, expected, framed, product, reports, rival } from './messages.mjs'

const MESSAGES = 4_000
const ROUNDS = 150
/** Bytes that a socket gives at once. */
const PIECE = 65_536
const WARMUP = 20
const bodies = reports(MESSAGES)
const wanted = expected(bodies)

function middle(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

/** Prints what came of rounds that returned [milliseconds, heap bytes, sum], and of the least time of all messages. */
function tell(rounds, least) {
  for (const [, , sum] of rounds) if (Math.abs(sum - wanted) > 1e-3) throw new Error(`read ${sum}, not ${wanted}`)
  const kept = rounds.slice(WARMUP)
  const each = (millis) => (millis * 1e6) / MESSAGES
  const [median, bytes] = [0, 1].map((column) => middle(kept.map((round) => round[column])))
  console.log(JSON.stringify({ ns: each(least), median: each(median), heapBytes: bytes / MESSAGES }))
}

async function ours() {
  const { fixAcceptor, fixInitiator, fixNumber } = product('fafnir/fix')
  const { ExecutionReport } = product('fafnir/fix/fix44')
  const desk = await fixAcceptor({
    sessions: [{ beginString: 'FIX.4.4', senderCompId: 'CLIENT', targetCompId: 'VENUE' }],
    eventsRingBytes: 16_777_216,
  })
  const venue = await fixInitiator({
    sessions: [{
      beginString: 'FIX.4.4', senderCompId: 'VENUE', targetCompId: 'CLIENT', addresses: [`127.0.0.1:${desk.port}`],
    }],
    commandBytes: 16_777_216,
    onBatch: () => undefined,
  })
  const [session] = venue.sessions
  while (!session.open) await new Promise((resolve) => setTimeout(resolve, 5))
  const bytes = bodies.map((body) => Buffer.from(body))
  const send = () => {
    for (const body of bytes) if (session.sendRaw('8', body) === 'FIX_QUEUE_FULL') throw new Error('the queue is full')
  }
  const total = { sum: 0, count: 0 }
  // In a function of its own, as a handler is.
  const read = (batch) => {
    for (let at = 0; at < batch.length; at += 1) {
      const event = batch.at(at)
      if (event.kind !== 'message') continue
      const report = ExecutionReport.read(event)
      if (report === undefined) continue
      const { ClOrdID, Symbol, Side, TransactTime } = report
      total.sum += check(ClOrdID, Symbol, Side, fixNumber(report.LastPx), fixNumber(report.LastQty), TransactTime)
      total.count += 1
    }
  }
  const batches = desk.batches()
  const rounds = []
  let others = 0
  while (rounds.length < ROUNDS) {
    send()
    // All of it is in the ring before it is read: nothing is waited for in the measured time.
    await new Promise((resolve) => setTimeout(resolve, 40))
    Object.assign(total, { sum: 0, count: 0 })
    const [heap, begun] = [process.memoryUsage().heapUsed, performance.now()]
    const { value: batch } = await batches.next()
    read(batch)
    const millis = performance.now() - begun
    if (total.count === MESSAGES) rounds.push([millis, process.memoryUsage().heapUsed - heap, total.sum])
    // The first has the logon, too; a machine under load may be late.
    else for (others += 1; total.count < MESSAGES;) read((await batches.next()).value)
    if (others > ROUNDS) throw new Error('the messages are late in more rounds than not')
  }
  await batches.return()
  tell(rounds, Math.min(...rounds.map(([millis]) => millis)))
  await Promise.all([desk.close(), venue.close()])
}

async function jspurefix(depth) {
  rival('reflect-metadata')
  const { AsciiParser, DITokens, DefinitionFactory, SessionContainer } = rival('jspurefix')
  const { AsciiChars } = rival('jspurefix/dist/buffer/ascii/ascii-chars')
  const { makeSessionScope } = rival('jspurefix/dist/runtime/session-scope')
  const system = new SessionContainer()
  system.registerGlobal('error')
  const container = await system.makeSystem({
    application: { type: 'initiator', name: 'reader', protocol: 'ascii', dictionary: 'qf44', tcp: { port: 1 } },
    HeartBtInt: 30, SenderCompId: 'CLIENT', TargetCompID: 'VENUE', BeginString: 'FIX.4.4',
  })
  const config = container.resolve(DITokens.IJsFixConfig)
  config.definitions = await new DefinitionFactory().getDefinitions('qf44')
  config.delimiter = AsciiChars.Soh
  const scope = makeSessionScope(config)
  const buffer = scope.sessionContainer.resolve(DITokens.ParseBuffer)
  const parser = new AsciiParser(scope, null, buffer, scope.sessionContainer.resolve(DITokens.maxMessageLen))
  let sum = 0
  parser.on('msg', (_, view) => {
    if (depth === 'object') {
      const { ClOrdID, Instrument, Side, LastPx, LastQty, TransactTime } = view.toObject()
      sum += check(ClOrdID, Instrument.Symbol, Side, LastPx, LastQty, TransactTime.getTime())
    } else {
      sum += check(view.getString(11), view.getString(55), view.getString(54), view.getTyped(31), view.getTyped(32),
        view.getTyped(60).getTime())
    }
  })
  const all = Buffer.from(framed(bodies).join(''))
  const least = new Array(Math.ceil(all.length / PIECE)).fill(Infinity)
  const rounds = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const [heap, begun] = [process.memoryUsage().heapUsed, performance.now()]
    for (let piece = 0; piece < least.length; piece += 1) {
      const started = performance.now()
      parser.parseBuffer(all.subarray(piece * PIECE, (piece + 1) * PIECE))
      least[piece] = Math.min(least[piece], performance.now() - started)
    }
    rounds.push([performance.now() - begun, process.memoryUsage().heapUsed - heap, sum])
    sum = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
  tell(rounds, least.reduce((sum, millis) => sum + millis))
}

const [, , side] = process.argv
await (side === 'ours' ? ours() : jspurefix(side))
