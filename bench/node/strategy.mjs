// Room card: bench/node/strategy
// In:    a recording (the development one where it is, else the fixture).
// Out:   callbacks a second that a TypeScript strategy with one on every event is given in a backtest; as the one JSON
//        object that run.mjs reads.
// Holds: whole runs are timed, unpacking and parsing of the recording included; the best of the runs is taken, their
//        number and the median are said.
// Costs: a few seconds.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { backtest, defineStrategy } from 'fafnir'

const RUNS = 15
const root = fileURLToPath(new URL('../..', import.meta.url))
const real = `${root}../shared/data/binance/usdm-btcusdt-20240808.gz`
const fixture = `${root}crates/testkit/fixtures/usdm-small.gz`
const [path, symbol] = existsSync(real) ? [real, 'BTCUSDT'] : [fixture, 'FAFUSDT']

const engine = {
  venues: [{ name: 'BINANCE', feed: 'binanceUsdm' }],
  instruments: [{ symbol, venue: 'BINANCE', tickSize: '0.1', lotSize: '0.001' }],
}
const config = { engine, sources: [{ kind: 'recording', instrument: symbol, path }] }

async function run() {
  let calls = 0
  let sum = 0
  const count = () => { calls += 1 }
  const strategy = defineStrategy({
    apiVersion: 1,
    onBook(book, ctx) {
      calls += 1
      sum += book.mid2 + ctx.now
    },
    onTrade(trade) {
      calls += 1
      sum += trade.price * trade.quantity
    },
    onFill: count,
    onOrder: count,
  })
  const begun = performance.now()
  const { strategy: outcome } = await backtest(config, { strategy })
  return { calls, records: outcome.events, seconds: (performance.now() - begun) / 1_000, sum }
}

const runs = []
for (let i = 0; i < RUNS; i += 1) runs.push(await run())
const rates = runs.map(({ calls, seconds }) => calls / seconds).sort((a, b) => a - b)
const [best, median] = [rates.at(-1), rates[RUNS >> 1]]
const { calls, records } = runs[0]
const floors = spawnSync('cargo', ['run', '--release', '-q', '-p', 'fafnir-bench', '--', 'floors'], {
  cwd: root, encoding: 'utf8', shell: process.platform === 'win32',
})
if (floors.status !== 0) throw new Error(floors.stderr)
const size = `${calls} callbacks (${records} records)`
const what = `callbacks a second, best of ${RUNS} whole runs of ${size}; median ${median.toFixed(0)}`
console.log(JSON.stringify({
  ...JSON.parse(floors.stdout.trim().split('\n').at(-1)),
  rows: [{ id: 'strategy/callbacks-per-second', what, ours: best, unit: '/s' }],
  notes: [`recording: ${symbol === 'BTCUSDT' ? 'usdm-btcusdt-20240808' : 'the synthetic fixture'}`],
}))
