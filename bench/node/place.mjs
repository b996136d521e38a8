// Room card: bench/node/place
// In:    nothing.
// Out:   where things are (root, command, recordings), and programs run to their end.
// Holds: a missing development recording is replaced by the project's own fixture, and that is said.
// Costs: what the programs cost.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
/** The file of the `fafnir` command. */
export const command = `${root}packages/fafnir/dist/cli/main.js`

/** The recording to play, its symbol, its messages a second, and what to say of it. */
export function recording() {
  const real = `${root}../shared/data/binance/usdm-btcusdt-20240808.gz`
  if (existsSync(real)) return { path: real, symbol: 'BTCUSDT', said: 'recording: usdm-btcusdt-20240808' }
  const said = 'recording: the synthetic fixture, because ../shared/data/binance/usdm-btcusdt-20240808.gz is not there'
  return { path: `${root}crates/testkit/fixtures/usdm-small.gz`, symbol: 'FAFUSDT', said }
}

const cores = availableParallelism()

/** The two-core plan: the engine has the last core, all else the first; nothing is pinned where there is one. */
export const plan = cores > 1 && process.platform === 'linux' ? { core: cores - 1 } : {}

/** Runs a program; what it printed. Its errors go through. @throws Error when it does not end with 0 */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], ...options })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
    child.on('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)))
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}\n${output}`))
    })
  })
}

/** Runs a script of Node off the engine's core; its first argument says which that is, if any. */
export function runNode(script) {
  return plan.core === undefined ? run(process.execPath, [script])
    : run('taskset', ['-c', '0', process.execPath, script, String(plan.core)])
}

/** The value at a quantile of numbers. */
export function quantile(values, at) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))]
}
