// Room card: bench/node/venue
// In:    this machine; parts by name to measure only some (`npm run bench -- venue ours rust node`).
// Out:   the parts of room `venue`, one after the other, as the one JSON object that run.mjs reads.
// Holds: every part runs the same seeded flow, each in a process of its own; a rival with other trades is an error; a
//        part that fails is a row that is not met and a note that says why.
// Costs: under a minute once the rivals are built.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { root, run } from './place.mjs'
import { lastJson } from './run.mjs'

/** Commands of the flow, in every part. */
const COMMANDS = 200_000
const shell = process.platform === 'win32'
const cargo = (...args) => run('cargo', ['run', '--release', '-q', '-p', 'fafnir-bench', '--', ...args], { shell })
const peers = fileURLToPath(new URL('../peers/', import.meta.url))

async function rust() {
  const manifest = ['--manifest-path', join(peers, 'rust/Cargo.toml'), '--target-dir', join(root, 'target/peers')]
  return lastJson(await run('cargo', ['run', '--release', '-q', ...manifest, '--bin', 'matching'], { shell }))
}

async function node() {
  const cwd = join(peers, 'node')
  if (!existsSync(join(cwd, 'node_modules/nodejs-order-book'))) {
    await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, shell })
  }
  const folder = mkdtempSync(join(tmpdir(), 'fafnir-venue-'))
  try {
    const flow = join(folder, 'flow')
    await cargo('venue-flow', flow, String(COMMANDS))
    return lastJson(await run(process.execPath, [fileURLToPath(new URL('venue/matching.mjs', import.meta.url)), flow]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const parts = { ours: async () => lastJson(await cargo('venue')), rust, node }
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(parts, name))
if (unknown.length > 0) throw new Error(`no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)
const { floors } = JSON.parse((await cargo('floors')).trim().split('\n').at(-1))
const [rows, notes] = [[], []]
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) {
  try {
    const said = await parts[name]()
    rows.push(...said.rows)
    notes.push(...said.notes)
  } catch (error) {
    notes.push(`${name}: not measured: ${error.message.split('\n')[0]}`)
    console.error(error.message)
  }
}
// The npm package beside the core itself: what the flow costs in Rust, of this very run.
const [core, rival] = ['venue/match-ns', 'venue/nodejs-order-book'].map((id) => rows.find((row) => row.id === id))
if (rival !== undefined) rival.ours = core?.ours ?? null
notes.push('not run beside: exchange-core (Java), listed 95 ns a command, and CppTrader (C++), listed 67 ns')
console.log(JSON.stringify({ floors, rows, notes }))
