// Room card: bench/node/net/callback
// In:    an engine that spins, timers of a strategy, which are events its thread makes by itself.
// Out:   from the engine's time of such an event to the callback: polled once a turn of the event loop, and from sleep
//        by the doorbell (a thread-safe function); as the part of room `net` that net.mjs merges.
// Holds: only what the library exports is used. One clock: engine time and `performance.now()` both follow the
//        machine's monotonic clock; their distance is bounded by commands, whose answers cannot come before they were
//        given, and the bound that makes the times longer is taken.
// Costs: about ten seconds.
import { createEngine, defineStrategy } from 'fafnir'

import { quantile } from '../place.mjs'

const ROUNDS = 6
const POLLED = 4_000
const ASLEEP = 250
const WARM = 2_000
const POLLED_NANOS = [2_000, 6_000]
const ASLEEP_NANOS = [1_500_000, 500_000]
/** Gives the command that bounds the clocks from below: this often a round. */
const BOUNDS = 400

// Given where this process is kept off the engine's core.
const core = process.argv[2]
const said = core === undefined ? 'nothing is pinned' : `engine on core ${core}, this thread off it`
const engine = await createEngine({
  venues: [{ name: 'REST', feed: 'normalised' }],
  instruments: [{ symbol: 'ABC', venue: 'REST', tickSize: '0.1', lotSize: '0.001' }],
  host: { wait: 'spin', ...(core === undefined ? {} : { core: Number(core) }) },
})

/** One timer after the other: `settings` say how far ahead each is; resolves with engine time and ours, ns. */
let run
engine.use(defineStrategy({
  apiVersion: 1,
  onTimer(_id, ctx) {
    const seen = performance.now() * 1e6
    run?.seen(seen, ctx)
  },
}))

let seed = 1
const random = () => { seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff; return seed / 0x7fffffff }

/** A chain of `count` timers, each set from the callback of the one before. Pairs (engine time, time it was seen). */
function chain(count, [least, more]) {
  const pairs = []
  let asked = 0
  let lower = -Infinity
  return new Promise((resolve) => {
    const ask = (ctx) => {
      asked = performance.now() * 1e6
      ctx.setTimer(1, more < 0 ? 0 : ctx.now + least + Math.round(random() * more))
    }
    run = {
      seen(seen, ctx) {
        pairs.push([ctx.now, seen])
        // It cannot have happened before it was asked for.
        lower = Math.max(lower, asked - ctx.now)
        if (pairs.length < count) ask(ctx)
        else resolve({ pairs, lower })
      },
    }
    ask(engine.ctx)
  })
}

// `ctx.now` is the time of the last event, which may be long ago: the first timers only bring it up to date.
await chain(WARM, [0, -1])
const polled = []
const asleep = []
let lower = -Infinity
let upper = Infinity
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [into, count, ahead] of [[polled, POLLED, POLLED_NANOS], [asleep, ASLEEP, ASLEEP_NANOS]]) {
    // Due at once: bounds the clocks, and brings `ctx.now` to the present.
    const bounds = await chain(BOUNDS, [0, -1])
    lower = Math.max(lower, bounds.lower)
    const { pairs } = await chain(count, ahead)
    into.push(...pairs)
    for (const [at, seen] of [...bounds.pairs, ...pairs]) upper = Math.min(upper, seen - at)
  }
}
await engine.close()

const micros = (pairs) => pairs.map(([at, seen]) => (seen - at - lower) / 1_000)
const [ours, rival] = [micros(polled), micros(asleep)]
const text = (values) => [0.1, 0.5, 0.9, 0.99].map((at) => `p${at * 100} ${quantile(values, at).toFixed(2)}`).join(' ')
console.log(JSON.stringify({
  rows: [{
    id: 'net/event-to-callback', ours: quantile(ours, 0.5), rival: quantile(rival, 0.5), unit: 'us',
    what: 'an event of the engine to its TypeScript callback, rings polled once a turn of the event loop, p50',
    rivalName: 'thread-safe function, from sleep',
  }],
  notes: [
    `event to callback, polled: ${text(ours)} us (${ours.length} events; ${said}); every one of them is overstated ` +
      `by at most ${((upper - lower) / 1_000).toFixed(2)} us, what a command and its event took together at least`,
    `event to callback, from sleep by the doorbell: ${text(rival)} us (${rival.length} events)`,
  ],
}))
