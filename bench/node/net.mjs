// Room card: bench/node/net
// In:    this machine; parts by name to measure only some (`npm run bench -- net sockets callback`).
// Out:   the parts of room `net`, one after the other, as the one JSON object that run.mjs reads.
// Holds: each part is a process of its own, so that none measures what another left behind; a part that fails is a row
//        that is not met and a note that says why.
// Costs: about a minute.
import { fileURLToPath } from 'node:url'

import { root, run, runNode } from './place.mjs'
import { lastJson } from './run.mjs'

const script = (name) => fileURLToPath(new URL(`net/${name}.mjs`, import.meta.url))
const cargo = (room) => run('cargo', ['run', '--release', '-q', '-p', 'fafnir-bench', '--', room], {
  cwd: root, shell: process.platform === 'win32',
})
const parts = {
  sockets: () => cargo('net'),
  callback: () => runNode(script('callback')),
  crossings: () => run(process.execPath, [script('crossings')]),
  throughput: () => run(process.execPath, [script('throughput')]),
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(parts, name))
if (unknown.length > 0) throw new Error(`no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)
const { floors } = JSON.parse((await cargo('floors')).trim().split('\n').at(-1))
const [rows, notes] = [[], []]
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) {
  try {
    const said = lastJson(await parts[name]())
    rows.push(...said.rows)
    notes.push(...said.notes)
  } catch (error) {
    notes.push(`${name}: not measured: ${error.message.split('\n')[0]}`)
    console.error(error.message)
  }
}
console.log(JSON.stringify({ floors, rows, notes }))
