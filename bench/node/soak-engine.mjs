// Room card: bench/node/soak-engine
// In:    ports of an exchange, a state folder, a recording (as arguments); its end (stdin closes).
// Out:   the engine of a soak in a process of its own, read by `onBatch`; once a second a line of JSON about itself.
// Holds: nothing is kept from one second to the next but sums.
// Costs: a core and a half.
import { createEngine } from 'fafnir'

import { configs } from './exchange.mjs'
import { plan } from './place.mjs'

const [market, orders, stateDir, path, symbol] = process.argv.slice(2)
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
const { engine: config } = configs({ path, symbol }, { speed: 0, passes: 1 })
const engine = await createEngine({
  ...config({ market: Number(market), orders: Number(orders) }),
  host: { ...plan, stateDir, keepSegments: 2 },
  onFault: (error) => { say({ fault: `${error.code}: ${error.message}` }) },
})
let [events, missed] = [0, 0]
engine.onBatch((batch) => {
  events += batch.length
  missed += batch.missed
})
const timer = setInterval(() => {
  const { messages, sends } = engine.stats()
  say({ seconds: performance.now() / 1_000, messages, sends, events, missed, lost: engine.lost })
}, 1_000)
process.stdin.resume()
process.stdin.once('end', async () => {
  clearInterval(timer)
  const { turns, dropped, fault, effectsHash } = await engine.close()
  say({ closed: { turns, dropped, fault: fault?.code ?? null, effectsHash } })
  process.exit(0)
})
