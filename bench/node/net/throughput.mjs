// Room card: bench/node/net/throughput
// In:    a recording, played in a loop by `fafnir demo --speed max`: exchange and engine, two processes, real sockets.
// Out:   messages a second; as the part of room `net` that net.mjs merges.
// Holds: every message played was parsed: the counts are those of a backtest of the recording times the passes.
// Costs: the run (10 s or more), and the replay of its journal.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { command, recording, run } from '../place.mjs'

const SECONDS_MIN = 10
const KINDS = ['depth', 'bookTicker', 'trade', 'snapshot']
const played = recording()

async function fafnir(verb, args) {
  const out = mkdtempSync(join(tmpdir(), 'fafnir-bench-'))
  try {
    const asked = [verb, '--recording', played.path, '--json', '--out', out, ...args]
    const text = await run(process.execPath, [command, ...asked])
    return JSON.parse(text).summary
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

const sum = (counts) => KINDS.reduce((all, kind) => all + counts[kind], 0)
const { counts: once } = await fafnir('backtest', [])
// Two and a half times the goal, for a machine that is faster than it.
let passes = Math.ceil((SECONDS_MIN * 375_000) / sum(once))
let live = await fafnir('demo', ['--speed', 'max', '--loop', String(passes)])
if (live.wallSeconds < SECONDS_MIN) {
  passes = Math.ceil((passes * SECONDS_MIN * 1.3) / live.wallSeconds)
  live = await fafnir('demo', ['--speed', 'max', '--loop', String(passes)])
}
const wrong = KINDS.filter((kind) => live.counts[kind] !== once[kind] * passes)
const messages = sum(live.counts)
const rate = messages / live.wallSeconds
const off = wrong.map((kind) => `${kind} ${live.counts[kind]}, not ${once[kind] * passes}`).join('; ')
console.log(JSON.stringify({
  rows: [{
    id: 'net/throughput-messages-per-second', ours: wrong.length === 0 ? rate : null, unit: '/s',
    what: `messages a second from exchange to engine, ${live.wallSeconds.toFixed(1)} s, ${passes} passes`,
  }],
  notes: [
    `throughput: ${messages} messages, ${rate.toFixed(0)}/s; ` +
      (wrong.length === 0 ? 'every message was parsed: counts are those of the backtest times the passes'
        : `NOT every message was parsed: ${off}`),
    played.said,
  ],
}))
