// Room card: bench/node/net/crossings
// In:    an exchange over loopback that plays a recording as fast as it is read; an engine in this process.
// Out:   calls from JavaScript into native code per event delivered, counted one by one; as the part of room `net` that
//        net.mjs merges.
// Holds: every function and method the native module exports is counted, and every ring of the doorbell, whoever calls.
// Costs: a few seconds.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

import { configs, startExchange } from '../exchange.mjs'
import { recording, root } from '../place.mjs'

// The product's own way to its module, so that both get one object.
const product = createRequire(pathToFileURL(`${root}packages/fafnir/package.json`))
const native = product(nativeName())
const counts = { calls: 0, bells: 0, by: new Map() }

function nativeName() {
  const { optionalDependencies } = JSON.parse(readFileSync(`${root}packages/fafnir/package.json`, 'utf8'))
  const names = Object.keys(optionalDependencies)
  const found = names.find((name) => {
    try {
      return product.resolve(name) !== undefined
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error(`none of ${names.join(', ')} is installed`)
  return found
}

function counted(name, call) {
  return function count(...args) {
    counts.calls += 1
    counts.by.set(name, (counts.by.get(name) ?? 0) + 1)
    return call.apply(this, args)
  }
}

let wrapped = 0
for (const [name, value] of Object.entries(native)) {
  if (typeof value !== 'function') continue
  const methods = Object.getOwnPropertyNames(value.prototype ?? {}).filter((key) => key !== 'constructor')
  if (methods.length === 0) native[name] = counted(name, value)
  for (const method of methods) {
    const was = Object.getOwnPropertyDescriptor(value.prototype, method)
    if (typeof was.value !== 'function') continue
    Object.defineProperty(value.prototype, method, { ...was, value: counted(`${name}.${method}`, was.value) })
    wrapped += 1
  }
}
// The doorbell is a function of ours that native code calls.
const { EngineHost } = native
native.EngineHost = new Proxy(EngineHost, {
  construct(target, args) {
    const bell = args.at(-1)
    const ringing = () => { counts.bells += 1; bell() }
    return new target(...args.slice(0, -1), ringing)
  },
})
if (wrapped === 0) throw new Error('the native module has no methods that could be counted')

const { createEngine } = await import('fafnir')
const played = recording()
const config = configs(played, { speed: 0, passes: played.symbol === 'BTCUSDT' ? 3 : 60 })
const exchange = await startExchange(config.exchange)
const engine = await createEngine(config.engine(exchange.ports))
// A count that never moves would also be 0.
engine.stats()
if (counts.by.get('EngineHost.stats') !== 1) throw new Error('calls are not counted')
let [events, batches, missed] = [0, 0, 0]
engine.onBatch((batch) => {
  events += batch.length
  missed += batch.missed
  batches += 1
})
counts.calls = 0
counts.bells = 0
counts.by.clear()
const begun = performance.now()
await exchange.over
const seconds = (performance.now() - begun) / 1_000
const { calls, bells } = counts
const by = [...counts.by].map(([name, count]) => `${name} ${count}`).join(', ')
const { messages } = engine.stats()
await engine.close()
await exchange.close()
if (events === 0) throw new Error('no event was delivered')
console.log(JSON.stringify({
  rows: [{
    id: 'net/crossings-per-event', ours: calls / events, unit: 'calls',
    what: `N-API calls per event delivered to TypeScript (${events} events in ${batches} batches)`,
  }],
  notes: [
    `crossings: ${calls} calls${by === '' ? '' : ` (${by})`} and ${bells} rings of the doorbell for ${events} ` +
      `events in ${seconds.toFixed(1)} s; ${missed} market events missed here; ${messages} messages read`,
  ],
}))
