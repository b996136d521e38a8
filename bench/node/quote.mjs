// Room card: bench/node/quote
// In:    the Rust part's rows (σ update, quote, rounding).
// Out:   the same, beside the same mathematics in plain JavaScript and in decimal.js, as notes; as the one JSON object
//        that run.mjs reads.
// Holds: medians over blocks; nothing is claimed against plain JavaScript beyond the numbers printed.
// Costs: some seconds.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { Decimal } = createRequire(`${root}packages/fafnir/package.json`)('decimal.js')
const cargo = ['run', '--release', '-q', '-p', 'fafnir-bench', '--', 'quote', '--json']
const ran = spawnSync('cargo', cargo, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (ran.status !== 0) process.exit(1)
const native = JSON.parse(ran.stdout.trim().split('\n').at(-1))

const BLOCK = 4_096
const WINDOW = 1_000
const GAMMA = 0.5
const HALF = Math.log1p(GAMMA / 2) / GAMMA
const TICK = 0.1

// A seeded walk; xorshift, so that both sides get the same kind of flow.
let state = 88_172_645
const below = (n) => {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % n
}
let bid = 600_000
let time = 0
function block() {
  return Array.from({ length: BLOCK }, () => {
    bid += below(9) - 4
    time += 0.0001 + below(20_000) / 1e6
    const ask = bid + 1 + below(3)
    return { time, bid, ask, mid: bid + ask, position: (below(200) - 100) * 0.001 }
  })
}

// Plain numbers: a ring of mids and their sum of squares.
const mids = new Float64Array(WINDOW)
const times = new Float64Array(WINDOW)
let next = 0
let count = 0
let sum = 0
function quote(tick) {
  const last = (next + WINDOW - 1) % WINDOW
  if (count === 0 || tick.mid !== mids[last]) {
    if (count === WINDOW) {
      const second = next + 1 === WINDOW ? 0 : next + 1
      sum -= (mids[second] - mids[next]) ** 2
    } else count += 1
    if (count > 1) sum += (tick.mid - mids[last]) ** 2
    mids[next] = tick.mid
    times[next] = tick.time
    next = next + 1 === WINDOW ? 0 : next + 1
  }
  const seconds = count === WINDOW ? times[(next + WINDOW - 1) % WINDOW] - times[next] : 1
  const sigma = 0.05 * Math.sqrt(sum / seconds)
  const reservation = tick.mid * 0.05 - tick.position * GAMMA * (sigma * sigma)
  const down = Math.min(Math.floor((reservation - HALF) / TICK + 1e-9), tick.ask - 1)
  const up = Math.max(Math.ceil((reservation + HALF) / TICK - 1e-9), tick.bid + 1)
  return down * 3 + up
}

const [gammaD, halfD, tickD] = [new Decimal(GAMMA), new Decimal(HALF), new Decimal('0.1')]
function quoteDecimal(tick) {
  const variance = new Decimal(sum).div(1_000).mul('0.0025')
  const sigma = variance.sqrt()
  const reservation = new Decimal(tick.mid)
    .mul('0.05')
    .sub(new Decimal(tick.position).mul(gammaD).mul(sigma.mul(sigma)))
  const down = Decimal.min(reservation.sub(halfD).div(tickD).floor(), tick.ask - 1)
  const up = Decimal.max(reservation.add(halfD).div(tickD).ceil(), tick.bid + 1)
  return down.mul(3).add(up).toNumber()
}

function median(work, rounds) {
  const found = []
  let kept = 0
  for (let i = 0; i < rounds; i += 1) {
    const ticks = block()
    const begun = process.hrtime.bigint()
    for (const tick of ticks) kept += work(tick)
    found.push(Number(process.hrtime.bigint() - begun) / BLOCK)
  }
  if (kept === 0) throw new Error('nothing was computed')
  return found.sort((a, b) => a - b)[found.length >> 1]
}

median(quote, 100)
const plain = median(quote, 300)
median(quoteDecimal, 3)
const decimals = median(quoteDecimal, 15)
native.notes.push(
  `the same in plain JavaScript: ${plain.toFixed(1)} ns, without a claim`,
  `the same in decimal.js, σ from a sum kept in numbers: ${decimals.toFixed(0)} ns, without a claim`,
)
console.log(JSON.stringify(native))
