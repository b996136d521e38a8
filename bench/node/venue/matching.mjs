// Room card: bench/node/venue/matching
// In:    a file of command rows (`fafnir-bench venue-flow`).
// Out:   nanoseconds a command of the npm package nodejs-order-book, and of our book driven in batches, in one process.
// Holds: trades, lots and resting orders of both agree before anything is timed; rounds alternate; of each slice of the
//        flow the best round counts, because noise only adds.
// Costs: some ten seconds, nearly all of them the rival's.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import { MatchingBook } from 'fafnir/venue'

const peers = fileURLToPath(new URL('../../peers/node/package.json', import.meta.url))
const { OrderBook } = createRequire(peers)('nodejs-order-book')

const CELLS = 6
const [MARKET, CANCEL] = [4, 5]
/** Commands between two looks at the clock: of ours a batch, of the rival what takes it a millisecond or two. */
const BATCH = 1_000
const RIVAL_SLICE = 100
const ROUNDS = 4
/** Rounds of ours to one of the rival, which takes hundreds of times as long. */
const OUR_ROUNDS = 8

const bytes = readFileSync(process.argv[2])
const rows = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
const count = rows.length / CELLS
if (count % BATCH !== 0) throw new Error(`the flow has ${count} commands, no whole number of batches`)
// Ids and sides as the rival wants them, made before the clock starts.
const ids = Array.from({ length: count }, (_, at) => String(rows[at * CELLS + 2]))
const sides = Array.from({ length: count }, (_, at) => (rows[at * CELLS + 1] === 1 ? 'buy' : 'sell'))

/** The flow through the rival; `slice(at)` is called after every slice. */
function runRival(slice) {
  const book = new OrderBook()
  let trades = 0
  let lots = 0
  for (let at = 0; at < count; at += 1) {
    const cell = at * CELLS
    const rule = rows[cell]
    const id = ids[at]
    if (rule === CANCEL) {
      book.cancel(id)
    } else {
      const side = sides[at]
      const size = rows[cell + 4]
      const answer =
        rule === MARKET ? book.market({ side, size }) : book.limit({ id, side, size, price: rows[cell + 3] })
      lots += size - answer.quantityLeft
      // `done` ends with the order itself when it was filled whole; `partial` is it when its rest stands in the book.
      const own = rule !== MARKET && answer.done.at(-1)?.id === id ? 1 : 0
      trades += answer.done.length - own + (answer.partial !== null && answer.partial.id !== id ? 1 : 0)
    }
    if ((at + 1) % RIVAL_SLICE === 0) slice((at + 1) / RIVAL_SLICE - 1)
  }
  return { trades, lots, resting: Object.keys(book.orders).length }
}

/** The flow through ours, in batches: rows in, rows out. */
function runOurs(slice) {
  const book = new MatchingBook({ commandsMax: BATCH, reportsMax: 4 * BATCH })
  const { commands, reports } = book
  let trades = 0
  let lots = 0
  for (let at = 0; at < count; at += BATCH) {
    commands.set(rows.subarray(at * CELLS, (at + BATCH) * CELLS))
    book.commit(BATCH)
    do {
      const cells = book.run() * CELLS
      for (let cell = 0; cell < cells; cell += CELLS) {
        if (reports[cell] !== 1) continue
        trades += 1
        lots += reports[cell + 4]
      }
    } while (book.pending > 0)
    slice(at / BATCH)
  }
  return { trades, lots, resting: book.resting }
}

/** Runs the flow and keeps the best time of each slice. */
function timed(flow, best) {
  let before = process.hrtime.bigint()
  flow((at) => {
    const now = process.hrtime.bigint()
    best[at] = Math.min(best[at], Number(now - before))
    before = process.hrtime.bigint()
  })
}

const nothing = () => {}
const [theirs, ours] = [runRival(nothing), runOurs(nothing)]
if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
  throw new Error(`the books disagree: ours ${JSON.stringify(ours)}, nodejs-order-book ${JSON.stringify(theirs)}`)
}
const [rivalBest, ourBest] = [RIVAL_SLICE, BATCH].map((commands) => new Float64Array(count / commands).fill(Infinity))
for (let round = 0; round < ROUNDS; round += 1) {
  timed(runRival, rivalBest)
  for (let again = 0; again < OUR_ROUNDS; again += 1) timed(runOurs, ourBest)
}
const perCommand = (best) => best.reduce((sum, nanos) => sum + nanos, 0) / count
const [rival, batches] = [perCommand(rivalBest), perCommand(ourBest)]
const rivalName = 'nodejs-order-book 10.1.1'
console.log(JSON.stringify({
  rows: [
    { id: 'venue/nodejs-order-book', what: 'the core itself: a command', ours: null, rival, rivalName, unit: 'ns' },
    { id: 'venue/nodejs-order-book-batches', what: `driven from TypeScript, ${BATCH} a batch: a command`, ours: batches,
      rival, rivalName, unit: 'ns' },
  ],
  notes: [`nodejs-order-book: same trades (${ours.trades}), lots (${ours.lots}) and resting orders (${ours.resting})`],
}))
