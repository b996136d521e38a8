// Room card: bench/node/fix
// In:    this machine; parts by name to measure only some (`npm run bench -- fix codec read trip`).
// Out:   the parts of room `fix`, one after the other, as the one JSON object that run.mjs reads.
// Holds: each side in a process of its own, the rival right behind ours; a part that fails is a row that is not met and
//        a note that says why.
// Costs: two minutes once the rivals are built and installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { root, run } from './place.mjs'
import { lastJson } from './run.mjs'

/** Measurements of a trip, ours and the rival's in turn. */
const TURNS = 3
/** Orders under way where a desk is busy. */
const MANY = 64
const shell = process.platform === 'win32'
const cargo = (...args) => run('cargo', ['run', '--release', '-q', ...args], { shell })
const peers = fileURLToPath(new URL('../peers/', import.meta.url))
const script = (name) => fileURLToPath(new URL(`fix/${name}.mjs`, import.meta.url))
const node = async (name, ...args) => JSON.parse((await run(process.execPath, [script(name), ...args])).trim())
const times = (rival, ours) => `${(rival / ours).toFixed(1)} times as fast as`
const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1]

async function install() {
  const cwd = join(peers, 'node')
  if (existsSync(join(cwd, 'node_modules/jspurefix'))) return
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, shell })
}

/** The codec beside the crates of the registry, in one process. */
async function codec() {
  const manifest = ['--manifest-path', join(peers, 'rust/Cargo.toml'), '--target-dir', join(root, 'target/peers')]
  // Linked as the product is; the room `book` links as its rival runs best.
  const linked = ['--config', 'profile.release.lto="thin"']
  return lastJson(await cargo(...manifest, ...linked, '-p', 'fafnir-fix-peers', '--'))
}

async function read() {
  await install()
  const ours = await node('read', 'ours')
  const [view, object] = [await node('read', 'view'), await node('read', 'object')]
  const what = 'six typed fields of an ExecutionReport read from TypeScript, a batch of 4,000, the best round'
  return {
    rows: [{
      id: 'fix/ts-read', what, ours: ours.ns / 1_000, rival: view.ns / 1_000, rivalName: 'jspurefix view', unit: 'µs',
    }],
    notes: [
      `fix/ts-read: medians of rounds: ours ${(ours.median / 1_000).toFixed(2)}, jspurefix's view ` +
        `${(view.median / 1_000).toFixed(1)} µs`,
      `fix/ts-read: ${ours.heapBytes.toFixed(0)} bytes of the heap a message: the two texts, and no object; ` +
        `jspurefix to an object: ${(object.ns / 1_000).toFixed(1)} µs`,
      'fix/ts-read: the native thread has split, validated and indexed the message (rows fix/validate, fix/index); ' +
        "jspurefix splits it in the program's thread, and its figure has that",
      'what jspurefix does not do: it takes a Side of Z, reads a price of abc as 0, takes a field that stands twice; ' +
        'ours refuses all three before the program sees them',
    ],
  }
}

/** One measurement of a side: an acceptor and an initiator, a process each; `under` orders are under way. */
async function trips(side, under) {
  const acceptor = spawn(process.execPath, [script('trip'), side, 'acceptor'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const lines = createInterface({ input: acceptor.stdout })
    const port = await new Promise((resolve, reject) => {
      lines.once('line', resolve)
      acceptor.once('close', () => reject(new Error(`the acceptor of ${side} has ended`)))
    })
    return await node('trip', side, 'initiator', port, String(under))
  } finally {
    acceptor.kill('SIGKILL')
  }
}

async function trip() {
  await install()
  const hosts = lastJson(await cargo('-p', 'fafnir-bench', '--', 'fix'))
  const [ours, rival, ourMany, rivalMany] = [[], [], [], []]
  for (let turn = 0; turn < TURNS; turn += 1) {
    ours.push((await trips('ours', 1)).us)
    rival.push((await trips('jspurefix', 1)).us)
    ourMany.push((await trips('ours', MANY)).each)
    rivalMany.push((await trips('jspurefix', MANY)).each)
  }
  const [typescript, jspurefix, many, theirs] = [ours, rival, ourMany, rivalMany].map(middle)
  const rows = hosts.rows.map((row) => ({ ...row, rival: jspurefix, rivalName: 'jspurefix' }))
  return {
    rows,
    notes: [
      ...hosts.notes,
      `fix/trip: programs in TypeScript on both sides (fafnir/fix, a process each, as jspurefix's), one order at a ` +
        `time: ${typescript.toFixed(1)} µs, ${times(jspurefix, typescript)} jspurefix's ${jspurefix.toFixed(1)} µs`,
      `fix/trip: the same with ${MANY} orders under way: ${many.toFixed(1)} µs a trip, ${times(theirs, many)} ` +
        `jspurefix's ${theirs.toFixed(1)} µs`,
    ],
  }
}

const parts = { codec, read, trip }
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(parts, name))
if (unknown.length > 0) throw new Error(`no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)
const { floors } = JSON.parse((await cargo('-p', 'fafnir-bench', '--', 'floors')).trim().split('\n').at(-1))
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
console.log(JSON.stringify({ floors, rows, notes }))
